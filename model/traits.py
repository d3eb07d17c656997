"""What strikes one about a comment's make-up, named: its length, links, name, letters, line ends, what hid in its text.

Owns the names, which are counted like words, alone and crossed with each other. Leaves reading the text to ``text`` and
the author's name and link to ``segments``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from model.letters import surprisal
from model.links import host_of
from model.text import HEAD_CHARACTERS, SIGNALS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.text import Reading


def traits_of(reading: Reading, name: str, url: str, linked: int) -> list[str]:
    """Name the traits of a text, with so many links to be counted.

    ``name`` and ``url`` are the author's, as people read them; empty where they are unknown.
    """
    length = len(reading.plain).bit_length()
    is_loud = reading.plain.isupper() and len(reading.plain) > 10
    traits = [*_traits_of_text(length, min(linked, 3) if linked < 6 else 6, reading.signals, is_loud)]
    traits += _traits_of_letters(
        "text", surprisal(reading.plain[:BEGINNING_CHARACTERS].lower(), MIN_BIGRAMS_OF_TEXT), length
    )
    if name:
        names = min(name.count(" ") + 1, 5)
        case = _case_of(name)
        name = name.lower()
        is_address = "." in name and ("http" in name or "www" in name or " " not in name)
        traits += _traits_of_name(names, case, is_address, length)
        if is_address and name.startswith(_LINK_STARTS):
            name = (name.partition("://")[2] or name).removeprefix("www.")
            if url:
                traits.append(f"name_is_link_{_host_in(name) == _host_in(url).lower()}")
        if url:
            traits += _traits_of_both(names, "/" not in url, _overlap(name, url.lower()), length)
    if url:
        host = _host_in(url)
        traits += _traits_of_letters("url", _surprisal_of(host_of(url)), length)
        traits += _traits_of_url(host != host.lower(), min(url.count("/"), 4), min(url.count("-"), 4), length)
    return [*traits, *_traits_of_line_ends(reading.unmasked[:HEAD_CHARACTERS], url)]


_LINK_STARTS = ("http://", "https://", "www.")


def _host_in(url: str) -> str:
    """Return the host of a readable URL."""
    return url.partition("/")[0]


def _traits_of_line_ends(text: str, url: str) -> Sequence[str]:
    """Name how lines end: bots break lines in the middle of sentences, and leave the blank before the break.

    People's phones leave a blank too, behind a word that they complete, but then a sentence begins.
    """
    ends = text.count("\n")
    blanks = text.count(" \n") + text.count(" \r\n") if ends else 0
    if not blanks:
        return ()
    is_wrapped = any(match[1].islower() for match in _BROKEN_LINE.finditer(text))
    return _traits_of_blanks(is_wrapped, min(ends, 3) if blanks == ends else 0, min(url.count("/"), 2) if url else None)


_BROKEN_LINE = re.compile(r"[^\W\d_],? \r?\n([^\W\d_])")

BEGINNING_CHARACTERS = 64
"""So many of a text's characters are looked at for how their letters follow each other."""
MIN_BIGRAMS_OF_TEXT = 8
"""So many different bigrams these must have: chats are full of words in short (``lucubgt``). With five, as for hosts,
73 of the sets' good comments would surprise by four steps or more; with eight 28 do, and 562 spam."""

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


@_named
def _surprisal_of(host: str) -> int | None:
    """Return how surprising the letters of a host are, where they are most; encoded labels have none."""
    labels = [surprisal(label) for label in host.split(".") if not label.startswith("xn--")]
    return max((steps for steps in labels if steps is not None), default=None)


@_named
def _traits_of_letters(whose: str, steps: int | None, length: int) -> tuple[str, ...]:
    return () if steps is None else (f"{whose}_letters_{steps}", f"{whose}_letters_{steps}_{length}")


@_named
def _traits_of_blanks(is_wrapped: bool, ends: int, depth: int | None) -> tuple[str, ...]:
    wrapped = (f"wrapped_{depth is not None}", f"wrapped_url_depth_{depth}") if is_wrapped else ()
    return wrapped + ((f"blank_ends_{ends}", f"blank_ends_{ends}_{depth is not None}") if ends else ())


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
