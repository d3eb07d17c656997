"""Markup and links: entities, HTML, BBCode, Markdown and wiki links are taken off the text and their links kept.

Owns what a link is and how one is written. Every pattern here stops at the next bracket of its own kind or at a fixed
length, so that hostile input (unclosed tags, a hundred thousand brackets) is still read in linear time.
"""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

from model.characters import INVISIBLE


class Link(NamedTuple):
    """A link of a comment.

    ``url`` is as written with entities decoded; ``anchor`` holds the words shown for the link, and is empty for a bare
    URL.
    """

    url: str
    anchor: str

    @property
    def host(self) -> str:
        """The lower-cased host, without user, port and a leading ``www.``; empty where none can be read."""
        return host_of(self.url)


def host_of(url: str) -> str:
    """Return the lower-cased host of ``url`` without user, port and leading ``www.``; empty if none can be read."""
    rest = _SCHEME.sub("", url.strip(), count=1)
    authority = _AUTHORITY_END.split(rest, maxsplit=1)[0].rpartition("@")[2].partition(":")[0]
    host = authority.lower().strip(".").removeprefix("www.")
    return host if "." in host and " " not in host else ""


_SCHEME = re.compile(r"(?:[A-Za-z]{2,8}:/{1,3}|//)*")
_AUTHORITY_END = re.compile(r"[/?#\\]")

# Named references need their semicolon, so that "?a=1&copy=2" stays a URL; numbers have a bounded length because int()
# refuses very long ones.
_ENTITY = re.compile(r"&(?:#0{0,20}[0-9]{1,7};?|#[xX]0{0,20}[0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};)")


def decode_entities(text: str, signals: set[str]) -> str:
    """Decode character references, also when encoded twice or thrice.

    Only a reference that stands for a plain letter or digit is a signal: nobody has to write those.
    """

    def character(match: re.Match[str]) -> str:
        return _letter(match, signals) or unescape(match[0])

    for _ in range(3):
        decoded = _ENTITY.sub(character, text)
        if decoded == text:
            break
        text = decoded
    return text


def decode_letters(text: str, signals: set[str]) -> str:
    """Decode those references alone that stand for plain letters or digits, or for what is not shown."""

    def character(match: re.Match[str]) -> str:
        letter = _letter(match, signals)
        return letter if letter or _UNSHOWN.fullmatch(unescape(match[0])) else match[0]

    return _ENTITY.sub(character, text)


_UNSHOWN = re.compile(f"[{INVISIBLE}]")


def _letter(reference: re.Match[str], signals: set[str]) -> str:
    """Return the plain letter or digit that a numeric reference stands for, nothing if it stands for none."""
    decoded = unescape(reference[0]) if reference[0][1] == "#" else ""
    if not (decoded.isascii() and decoded.isalnum()):
        return ""
    signals.add("entities")
    return decoded


_COMMENT = re.compile(r"<!--[^<>]{0,2000}-->")
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,15})(?![A-Za-z0-9@._-])([^<>]{0,2000})(>?)")
_HREF = re.compile(
    r"""\b(?:href|src)\s{0,9}=\s{0,9}(?:"([^"]{0,2000})"?|'([^']{0,2000})'?|([^\s"'>]{1,2000}))""", re.IGNORECASE
)


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


_BLOCK_TAGS = _names(
    "address article aside blockquote br center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr"
    " li main nav ol p pre section table tbody tfoot thead tr ul"
)
_CELL_TAGS = _names("img input option select td th iframe embed object video audio")
_INLINE_TAGS = _names(
    "a abbr acronym b base basefont bdi bdo big body button caption cite code col colgroup del dfn em font frame"
    " head html i ins kbd label legend link map mark marquee meta noscript param q s samp script small source span"
    " strike strong style sub summary sup svg textarea time title tt u var wbr"
)
_TAGS = _BLOCK_TAGS | _CELL_TAGS | _INLINE_TAGS

MIN_SPLITS = 3
"""So many words split by tags are no accident: of all labelled ham only a comment about acronyms has as many."""
_NAME_WITHIN_LINE = (
    rf"(?!(?:a|sub|sup|{'|'.join(sorted(_BLOCK_TAGS | _CELL_TAGS))})(?![a-z0-9]))(?P<html>[a-z][a-z0-9._:-]{{0,40}})"
)
# Each begins with its bracket, so that a search skips ahead to one.
_WITHIN_LINE = re.compile(
    rf"<(?i:[/!?]?{_NAME_WITHIN_LINE}(?:\s[^<>=]{{0,40}}=[^<>]{{0,200}}|\s{{0,9}}[/?]?)>)|<!--[^<>]{{0,2000}}-->"
    r"|\[(?i:/?(?P<bbcode>b|i|u|s|color|size|font)(?:=[^\]\[\s/]{0,40})?\])"
)
_BBCODE_END = re.compile(r"\[/([A-Za-z][A-Za-z0-9]{0,9})")


def join_split_words(text: str, signals: set[str]) -> str:
    """Take off the tags that split words of Latin, Greek or Cyrillic letters, if three words are split.

    Tags that nobody knows are of these, for browsers don't show them. Those are not that have lines or links to show,
    and BBCode that is closed nowhere: programs index with a[i].
    """
    if text.count("<") + text.count("[") < MIN_SPLITS:
        return text
    closed = frozenset(map(str.lower, _BBCODE_END.findall(text)))
    names: set[str] = set()
    row: set[str] = set()
    splits, end, is_in_word = 0, -1, False
    for tag in _WITHIN_LINE.finditer(text):
        name = _formatting_name(tag, closed)
        if name:
            if tag.start() != end:
                row, is_in_word = set(), _SPLITTABLE.match(text, max(tag.start() - 1, 0)) is not None
            row.add(name)
            end = tag.end()
            if is_in_word and _SPLITTABLE.match(text, end):
                splits += 1
                names |= row
    if splits < MIN_SPLITS:
        return text
    signals.add("split-words")
    return _WITHIN_LINE.sub(lambda tag: "" if _formatting_name(tag, closed) in names else tag[0], text)


_SPLITTABLE = re.compile(r"[^\W_\u0530-\U0010ffff]")


def _formatting_name(tag: re.Match[str], closed: frozenset[str]) -> str:
    """Name a tag that may split words; empty if it may not."""
    if tag["bbcode"]:
        bbcode = tag["bbcode"].lower()
        return f"[{bbcode}" if "=" in tag[0] or bbcode in closed else ""
    if tag["html"]:
        return "" if "://" in tag[0] else tag["html"].lower()
    return "<!--"


class _Unwrapped:
    """Text under construction while its markup is taken off: the pieces kept so far, and the link that is open."""

    __slots__ = ("_start", "_url", "links", "pieces")

    def __init__(self, links: list[Link]) -> None:
        self.links = links
        self.pieces: list[str] = []
        self._url = ""
        self._start = 0

    def open(self, url: str) -> None:
        """Begin a link; one still open ends here."""
        self.close()
        self._url = url.strip()
        self._start = len(self.pieces)

    def close(self) -> None:
        """End the open link, if any: what was kept since it began is its anchor."""
        if self._url:
            anchor = " ".join("".join(self.pieces[self._start :]).split())
            if not _is_platforms_own(self._url, anchor):
                _keep(self.links, self._url, anchor)
            self._url = ""

    def text(self) -> str:
        self.close()
        return "".join(self.pieces)


def _keep(links: list[Link], url: str, anchor: str) -> None:
    if not url[:7].lower().startswith(("mailto:", "tel:", "#", "data:")):
        links.append(Link(url, anchor))


_PLATFORM_URL = re.compile(
    r"https?://(?:(?:www\.)?youtube\.com/(?:watch\?\S{0,200}\bt=|hashtag/)|plus\.google\.com/s/(?:%23|#))"
)
_TIME_OR_TAG = re.compile(r"\d{1,3}(?::\d\d){1,2}|#\w{1,100}")


def _is_platforms_own(url: str, anchor: str) -> bool:
    """Whether YouTube has made that link, of a time in its video or of a hashtag, and nobody has set it."""
    return _TIME_OR_TAG.fullmatch(anchor) is not None and _PLATFORM_URL.match(url) is not None


_AUTOLINK = re.compile(
    r"""<a\s[^<>]{0,200}?\bhref=["']([^"'<>]{1,2000})["'][^<>]{0,200}>([^<>]{1,2000})</a>""", re.IGNORECASE
)


def undo_autolinks(text: str) -> str:
    """Write as people do what platforms make links of: URLs, and on YouTube times and hashtags."""

    def typed(match: re.Match[str]) -> str:
        url, anchor = unescape(match[1]), unescape(match[2])
        is_auto = anchor in (url, url.partition("://")[2]) or _is_platforms_own(url, anchor)
        return match[2] if is_auto else match[0]

    return _AUTOLINK.sub(typed, text)


def strip_html(text: str, links: list[Link], signals: set[str]) -> str:
    """Take HTML tags off ``text``, block tags becoming line ends; ``href`` and ``src`` are added to ``links``.

    Angle brackets that hold no known tag (``List<String>``, ``a < b``) stay. A tag that is never closed is one only if
    it carries a link.
    """
    unwrapped = _Unwrapped(links)
    end = 0
    if "<!--" in text:
        text = _COMMENT.sub("", text)
    for match in _TAG.finditer(text):
        slash, name, attributes, closed = match.group(1, 2, 3, 4)
        name = name.lower()
        if name not in _TAGS or not (closed or "href" in attributes.lower()):
            continue
        signals.add("html")
        unwrapped.pieces.append(text[end : match.start()])
        end = match.end()
        if name == "a" and slash:
            unwrapped.close()
        elif name in ("a", "img", "iframe") and (target := _HREF.search(attributes)):
            url = target[1] or target[2] or target[3] or ""
            if name == "a":
                unwrapped.open(url)
            elif url:
                _keep(links, url, "")
        if name in _BLOCK_TAGS:
            unwrapped.pieces.append("\n")
        elif name in _CELL_TAGS:
            unwrapped.pieces.append(" ")
    unwrapped.pieces.append(text[end:])
    return unwrapped.text()


_URL_START = re.compile(r"(?:https?:|hxxps?:|www\.|//)", re.IGNORECASE)
_BBCODE = re.compile(
    r"\[(?:"
    r"(?:url|link)\s{0,3}=\s{0,3}[\"']?([^\s\]\[\"'<>]{1,2000})[\"']?(?:\s-)?\s?[\]>]?"  # 1: [url=…], also unclosed
    r"|(/(?:url|link)\b)\]?(?:\s-(?=\s|\Z))?"  # 2: [/url], also unclosed
    r"|/?(url|b|i|u|s|img|quote|code|list|color|size|font|center|left|right|email|spoiler|youtube|video|table|tr|td"
    r"|h[1-6]|\*)(=(?:(?!://)[^\]\[]){0,200})?\])",  # 3: the name of any other tag, 4: its value
    re.IGNORECASE,
)


def strip_bbcode(text: str, links: list[Link], signals: set[str]) -> str:
    """Take BBCode tags off ``text``; ``[url=…]`` is added to ``links`` even where the brackets never close.

    Other tags without a value are tags only if they are closed somewhere: programs index with ``a[i]`` and ``b[size]``.
    """
    unwrapped = _Unwrapped(links)
    end = 0
    closed = {"url", "img"}.union(map(str.lower, _BBCODE_END.findall(text)))
    if "list" in closed:
        closed.add("*")
    for match in _BBCODE.finditer(text):
        if match[3] and not match[4] and match[3].lower() not in closed:
            continue
        signals.add("bbcode")
        unwrapped.pieces.append(text[end : match.start()])
        end = match.end()
        if match[1]:
            unwrapped.open(match[1])
        elif match[2]:
            unwrapped.close()
    unwrapped.pieces.append(text[end:])
    return unwrapped.text()


_MARKDOWN = re.compile(
    r"\[([^\[\]]{1,500})\]\(\s?<?((?:[^\s()<>\[\]]|\([^\s()<>\[\]]{0,200}\)){1,2000})>?(?:\s{1,3}[\"'][^\"'\[\]]{0,200}[\"'])?\s?\)"
)
_WIKI = re.compile(
    r"\[\[([^\[\]|]{1,500})\|([^\[\]|]{1,2000})\]\]|\[(https?://[^\s\[\]|]{1,2000})[ |]([^\[\]]{1,500})\]"
)


def strip_bracket_links(text: str, links: list[Link], signals: set[str]) -> str:
    """Replace ``[words](url)``, ``[[words|url]]`` and ``[url words]`` by the words and add the links to ``links``."""

    def markdown(match: re.Match[str]) -> str:
        anchor, url = match.group(1, 2)
        if not _URL_START.match(url) and "/" not in url and "." not in url:
            return match[0]
        signals.add("markdown-link")
        _keep(links, url, anchor.strip())
        return anchor

    def wiki(match: re.Match[str]) -> str:
        anchor, url = match.group(1, 2) if match[1] else match.group(4, 3)
        if _URL_START.match(anchor.lstrip()):
            anchor, url = url, anchor
        if not _URL_START.match(url.lstrip()):
            return match[0]
        signals.add("wiki-link")
        _keep(links, url.strip(), anchor.strip())
        return anchor

    if "](" in text:
        text = _MARKDOWN.sub(markdown, text)
    return _WIKI.sub(wiki, text)


# What shows a URL: a scheme, "www.", or a common top-level domain with a path behind it. Domains without a path stay in
# the text: too many are words (ASP.NET, a blank forgotten after a full stop).
_URL_SIGN = re.compile(
    r"://|www\.|WWW\.|Www\.|\.(?:com|COM|net|org|info|biz|app|bet|cc|club|cn|co|de|eu|fr|gd|gl|id|io|it|link|live|ly|me"
    r"|nl|online|pl|pro|pw|ru|shop|site|su|tk|top|tv|ua|uk|us|vip|win|ws|xyz|be|br)(?=/)"
)
_DOMAIN_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"
_MAX_DOMAIN = 100
_NO_DOMAIN_BEHIND = frozenset("@/\\_~$.-")
_SCHEMES = ("https", "http", "hxxps", "hxxp", "ftp")
# A URL ends at white space, quotes and brackets, and at the first ideograph or CJK punctuation, which follow without a
# blank.
_URL_REST = re.compile(r"[!#-;=?-Z\\^_a-z|~\u00a1-\u1fff]{1,2000}")


def strip_bare_urls(text: str, links: list[Link]) -> str:
    """Replace every bare ``http://…``, ``www.…`` or ``bit.ly/…`` by a blank and add it to ``links``.

    A URL that is shown as the words of an earlier link is that same link.
    """
    shown = {link.anchor for link in links}
    pieces: list[str] = []
    end = 0
    for sign in _URL_SIGN.finditer(text):
        start = _url_start(text, sign) if sign.start() >= end else -1
        rest = _URL_REST.match(text, sign.end()) if start >= end else None
        if rest is None:
            continue
        url = _without_punctuation(text[start : rest.end()])
        if url not in shown:
            links.append(Link(url, ""))
        pieces += (text[end:start], " ")
        end = start + len(url)
    if not pieces:
        return text
    return ("".join(pieces) + text[end:]).replace("< >", " ")


def _url_start(text: str, sign: re.Match[str]) -> int:
    """Return where the URL with that sign begins, -1 if it is none."""
    start = sign.start()
    if sign[0][0] == ".":
        before = text[max(0, start - _MAX_DOMAIN) : start]
        domain = before[len(before.rstrip(_DOMAIN_CHARACTERS)) :].lstrip(".-")
        start -= len(domain)
        return -1 if not domain or text[start - 1 : start] in _NO_DOMAIN_BEHIND else start
    if sign[0] != "://":
        before = text[start - 1 : start]
        return -1 if before.isalnum() and before < "\u2e80" else start  # ideographs stand right before it
    before = text[max(0, start - 5) : start].lower()
    return next((start - len(scheme) for scheme in _SCHEMES if before.endswith(scheme)), -1)


def _without_punctuation(url: str) -> str:
    """Drop the punctuation of the sentence around ``url``; a closing bracket belongs to it if one opens in it."""
    url = url.rstrip(".,;:!?'*_")
    if url.endswith(")") and "(" not in url:
        url = url.rstrip(").,;:!?'")
    return url
