"""A comment taken apart into the strings that are measured: its text, its author's name and links, and its traits.

Owns what of a comment is looked at. Leaves reading the text to ``text``, naming traits to ``traits``, and turning
strings into numbers to ``ngrams``.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import unquote

from model.characters import INVISIBLE
from model.links import host_of
from model.shape import END, MAX_CHARACTERS
from model.text import plain_of, read
from model.traits import traits_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from model.comment import Comment
    from model.text import Reading

MAX_LINKS = 20
MAX_URL_CHARACTERS = 250
MAX_RAW_URL_CHARACTERS = 4_000
MAX_NAME_CHARACTERS = 150
MAX_RAW_NAME_CHARACTERS = 2_000
MAX_ANCHOR_CHARACTERS = 200
PINGS = ("pingback", "trackback")


class Kind(IntEnum):
    """Where a string comes from; the same word in a text and in a name is not the same evidence.

    ``TEXT`` is the text as people read it, of which the words count; ``WRITTEN`` is how it was written, of which the
    characters count: how bots write (markup, spacing, case of their URLs) is as telling as what they say. ``SHAPE`` is
    a comment's text, name and link, of which only the shape counts, as ``model.shape`` tells it.
    """

    TEXT = 0
    AUTHOR = 1
    URL = 2
    LINK = 3
    ANCHOR = 4
    EMAIL = 5
    WRITTEN = 6
    SHAPE = 7

    __hash__ = int.__hash__  # that of enumerations is written in Python


Segment: TypeAlias = tuple[Kind, str]
"""One string of a comment.

Names and links keep their case, which is how many bots show: ``Www.Cheap-Shoes.example``. Words are read without.
"""


class Parts(NamedTuple):
    """A comment taken apart: its strings, the text first, the names of its traits, and whether it is a ping.

    The author and the link of a ping (pingback, trackback) are the title and the address of a page.
    """

    segments: list[Segment]
    traits: list[str]
    is_ping: bool = False

    @property
    def text(self) -> str:
        """The text as people read it, in lower case, between two blanks; empty where there is none."""
        return self.segments[0][1]


def parts_of(comment: Comment) -> Parts:
    """Take a comment apart. A field that is unknown or empty gives no segment, so its absence is no evidence.

    Links to the site itself, the author's own as well, are innocent and left out. Where the text has no words, no links
    and no tags that show or play anything, its segments are empty, and there are neither traits nor a shape.
    """
    reading = read(comment.text)
    text, written = reading.plain.lower(), _without_url_starts(reading.written.lower())
    has_text = bool(text or reading.links) or _shows(written)
    segments = [(Kind.TEXT, f" {text} "), (Kind.WRITTEN, f" {written} ")] if has_text else list(_NO_TEXT)
    own_host = host_of(comment.permalink) if comment.permalink else ""
    author, links_of_name = _name_and_links(comment.author)
    name = _readable_name(author)
    if name:
        segments.append((Kind.AUTHOR, f" {name} "))
    url = _readable_url(_first_elsewhere((comment.author_url, *links_of_name), own_host))
    if url:
        segments.append((Kind.URL, f" {url} "))
    mail_domain = comment.author_email.rpartition("@")[2].strip().lower() if "@" in comment.author_email else ""
    if mail_domain:
        segments.append((Kind.EMAIL, f" {mail_domain[:MAX_URL_CHARACTERS]} "))
    linked = _link_segments(reading, own_host) if reading.links else []
    segments.extend(linked)
    if not has_text:
        return Parts(segments, [], comment.type in PINGS)
    segments.append((Kind.SHAPE, _shape_of(name, reading.written[:MAX_CHARACTERS], url)))
    traits = traits_of(reading, name, url, len(linked))
    return Parts(segments, traits, comment.type in PINGS)


_NO_TEXT = ((Kind.TEXT, ""), (Kind.WRITTEN, ""))


def _shows(written: str) -> bool:
    """Whether there are tags that show or play something though they hold no words: ``<video src=...>``."""
    return "=" in written and _SHOWING.search(written) is not None


_SHOWING = re.compile(
    r"<(?!!)[^<>]*\b(?:src|srcset|srcdoc|poster|data|style|background|alt|title|value|placeholder)\s{0,9}=\s{0,9}[\"']?[^\s\"'>]"
)


def _without_url_starts(text: str) -> str:
    """Leave out how URLs begin; ``https`` says when a comment was written, and not what for.

    But for those right behind a quote, an equals sign or a bracket, as they stand in markup.
    """
    return _URL_START.sub("", text) if "://" in text or "www." in text else text


# Written so that a search skips ahead to its first letter.
_URL_START = re.compile(r"(?:h(?<![\w=\"'\]>/]h)ttps?://(?:www\.)?|w(?<![\w=\"'\]>/]w)ww\.)(?=\w)")


def _shape_of(name: str, written: str, url: str) -> str:
    """Return what has a comment's shape: the name before the text and the link behind it, as pages show them."""
    parts = [part for part in (name, written, url and f"www.{url}") if part]
    return f"{END.join(parts)}{END}"


def _name_and_links(author: str) -> tuple[str, list[str]]:
    """Return a name, without HTML where it holds links, and those links."""
    if "<" in author:
        reading = read(author[: MAX_NAME_CHARACTERS + MAX_URL_CHARACTERS])
        if reading.links:
            return reading.plain or reading.links[0].url, [link.url for link in reading.links]
    return author, []


def _first_elsewhere(urls: Iterable[str], own_host: str) -> str:
    return next((url for url in urls if url and not (own_host and host_of(url) == own_host)), "")


def folded_name(author: str) -> str:
    """Return an author's name as people read it, in lower case."""
    return _readable_name(author).lower()


def _readable_name(author: str) -> str:
    if not author:
        return ""
    if len(author) > MAX_NAME_CHARACTERS:
        author = _PADDING.sub(" ", author[:MAX_RAW_NAME_CHARACTERS])
    return plain_of(author[:MAX_NAME_CHARACTERS]) or author[:MAX_NAME_CHARACTERS].strip()


def _readable_url(url: str) -> str:
    """Host and path as people read them: without scheme and ``www.``, percent-decoded."""
    url = url.strip()
    if not url:
        return ""
    if len(url) > MAX_URL_CHARACTERS:
        url = _USER.sub(r"\1", url[:MAX_RAW_URL_CHARACTERS])
    url = url[: 2 * MAX_URL_CHARACTERS]
    if "%" in url:
        url = unquote(url, errors="replace")
    return _SCHEME.sub("", url).rstrip("/")[:MAX_URL_CHARACTERS]


_PADDING = re.compile(rf"[\s{INVISIBLE}]{{2,}}")
_USER = re.compile(r"^((?:[A-Za-z]{2,8}:)?/{0,3})[^/?#]*@")
_SCHEME = re.compile(r"^(?:[A-Za-z]{2,8}:)?/{0,3}(?:www\.)?")


def _link_segments(reading: Reading, own_host: str) -> list[Segment]:
    """Return hosts, paths and anchors of the links in the text, but for those to the site itself."""
    segments = []
    for link in reading.links[:MAX_LINKS]:
        if own_host and link.host == own_host:
            continue
        url = _readable_url(link.url)
        if url:
            segments.append((Kind.LINK, f" {url} "))
        anchor = link.anchor[:MAX_ANCHOR_CHARACTERS].strip().lower()
        if anchor and not anchor.startswith(("http", "www.")):
            segments.append((Kind.ANCHOR, f" {anchor} "))
    return segments
