"""A comment taken apart into the strings that are measured: its text, its author's name and links, and readable traits.

Owns what of a comment is looked at. Leaves reading the text to ``text`` and turning strings into numbers to ``ngrams``.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import unquote

from model.links import host_of
from model.text import SIGNALS, plain_of, read

if TYPE_CHECKING:
    from model.comment import Comment
    from model.text import Reading

MAX_LINKS = 20
MAX_URL_CHARACTERS = 250
MAX_NAME_CHARACTERS = 150
MAX_ANCHOR_CHARACTERS = 200
_PINGS = ("pingback", "trackback")


class Kind(IntEnum):
    """Where a string comes from; the same word in a text and in a name is not the same evidence.

    ``TEXT`` is the text as people read it, of which the words count; ``WRITTEN`` is how it was written, of which the
    characters count: how bots write (markup, spacing, case of their URLs) is as telling as what they say.
    """

    TEXT = 0
    AUTHOR = 1
    URL = 2
    LINK = 3
    ANCHOR = 4
    EMAIL = 5
    WRITTEN = 6

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


def parts_of(comment: Comment) -> Parts:
    """Take a comment apart. A field that is unknown or empty gives no segment, so its absence is no evidence."""
    reading = read(comment.text)
    text = reading.plain.lower()
    segments = [(Kind.TEXT, f" {text} "), (Kind.WRITTEN, f" {reading.written} ")]
    name = _readable_name(comment.author)
    if name:
        segments.append((Kind.AUTHOR, f" {name} "))
    url = _readable_url(comment.author_url)
    if url:
        segments.append((Kind.URL, f" {url} "))
    mail_domain = comment.author_email.rpartition("@")[2].strip().lower() if "@" in comment.author_email else ""
    if mail_domain:
        segments.append((Kind.EMAIL, f" {mail_domain[:MAX_URL_CHARACTERS]} "))
    linked = _link_segments(reading, comment.permalink) if reading.links else []
    segments.extend(linked)
    return Parts(segments, _traits(reading, text, name, url, len(linked)), comment.type in _PINGS)


def folded_name(author: str) -> str:
    """Return an author's name as people read it, in lower case."""
    return _readable_name(author).lower()


def _readable_name(author: str) -> str:
    if not author:
        return ""
    return plain_of(author[:MAX_NAME_CHARACTERS]) or author[:MAX_NAME_CHARACTERS].strip()


def _readable_url(url: str) -> str:
    """Host and path as people read them: without scheme and ``www.``, percent-decoded."""
    url = url.strip()
    if not url:
        return ""
    url = url[: 2 * MAX_URL_CHARACTERS]
    if "%" in url:
        url = unquote(url, errors="replace")
    return _SCHEME.sub("", url).rstrip("/")[:MAX_URL_CHARACTERS]


_SCHEME = re.compile(r"^(?:[A-Za-z]{2,8}:)?/{0,3}(?:www\.)?")


def _link_segments(reading: Reading, permalink: str) -> list[Segment]:
    """Return hosts, paths and anchors of the links in the text; a link to the site itself is innocent and left out."""
    own_host = host_of(permalink) if permalink else ""
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


def _traits(reading: Reading, text: str, name: str, url: str, linked: int) -> list[str]:
    """Name what strikes one about a comment's make-up, alone and crossed with each other."""
    length = len(text).bit_length()
    letters = reading.plain
    is_loud = letters.isupper() and len(letters) > 10
    traits = [*_traits_of_text(length, min(linked, 3) if linked < 6 else 6, reading.signals, is_loud)]
    if name:
        names = min(name.count(" ") + 1, 5)
        case = _case_of(name)
        name = name.lower()
        is_address = "." in name and ("http" in name or "www" in name or " " not in name)
        traits += _traits_of_name(names, case, is_address, length)
        if url:
            traits += _traits_of_both(names, "/" not in url, _overlap(name, url.lower()), length)
    if url:
        host = url.partition("/")[0]
        traits += _traits_of_url(host != host.lower(), min(url.count("/"), 4), min(url.count("-"), 4), length)
    return traits


# Most comments have traits that others have had, and looking names up takes less time than writing them.
_named = lru_cache(maxsize=4096)


@_named
def _traits_of_text(length: int, links: int, signals: tuple[str, ...], is_loud: bool) -> tuple[str, ...]:
    hidden = [_HIDDEN[signal] for signal in signals if signal in _HIDDEN]
    loud = ["all_caps"] if is_loud else []
    return (f"length_{length}", f"links_{links}", f"length_links_{length}_{links}", *hidden, *loud)


@_named
def _traits_of_name(names: int, case: str, is_address: bool, length: int) -> tuple[str, ...]:
    address = ["name_is_address"] if is_address else []
    return (f"name_words_{names}", f"name_length_{names}_{length}", f"name_{case}", f"name_{case}_{names}", *address)


@_named
def _traits_of_both(names: int, is_rooted: bool, overlap: int, length: int) -> tuple[str, ...]:
    return f"name_url_{names}_{is_rooted}", f"name_in_url_{overlap}", f"name_in_url_{overlap}_{names}_{length}"


@_named
def _traits_of_url(has_capitals: bool, depth: int, hyphens: int, length: int) -> tuple[str, ...]:
    capitals = ["url_host_capitals"] if has_capitals else []
    return (*capitals, f"url_depth_{depth}_hyphens_{hyphens}", f"url_length_{length}")


_PLATFORM_SIGNALS = ("html", "markdown-link", "wiki-link")
"""What a platform's own markup leaves behind tells the platform, not spam."""
_HIDDEN = {signal: f"hidden_{signal.replace('-', '_')}" for signal in SIGNALS if signal not in _PLATFORM_SIGNALS}


def _case_of(name: str) -> str:
    """People write ``Jane Doe`` or ``jane``; who sells something, ``cheap nhl Jerseys`` or ``Best seo tools``."""
    if name.islower():
        return "lower"
    if name.isupper():
        return "upper"
    if name.istitle():
        return "title"
    return "first" if name[1:].islower() else "mixed"


def _overlap(name: str, url: str) -> int:
    """How much of a name's letters stand in the URL, in quarters: 0 (none) to 4 (all)."""
    words = _WORD.findall(name)
    total = sum(map(len, words))
    if not total:
        return 0
    found = sum(len(word) for word in words if len(word) > 2 and word in url)
    return 4 * found // total


_WORD = re.compile(r"[^\W_]+")
