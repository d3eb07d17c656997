"""The text of a comment as people read it: markup, disguises and masks taken away, links and what was hidden kept.

Owns the order of the steps, the bounds, and the names of the signals. Leaves each step to ``links`` (markup),
``lookalikes`` (characters) and ``spelling`` (words). Text that needs no step pays only for the tests that show so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from model.links import (
    Link,
    decode_entities,
    strip_bare_urls,
    strip_bbcode,
    strip_bracket_links,
    strip_html,
)
from model.lookalikes import fold_characters, fold_scripts
from model.spelling import join_spaced_letters, shorten_elongated, undo_leetspeak

__all__ = ["HEAD_CHARACTERS", "SIGNALS", "TAIL_CHARACTERS", "Link", "Reading", "read"]

SIGNALS = (
    "bbcode",
    "bidi",
    "elongated",
    "entities",
    "html",
    "invisible",
    "leet",
    "look-alikes",
    "markdown-link",
    "spaced-letters",
    "spintax",
    "stacked-marks",
    "styled-letters",
    "wiki-link",
)
HEAD_CHARACTERS = 8_000
TAIL_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What ``read`` found.

    ``plain`` is the text as people read it: case kept, URLs removed and their anchors kept, white space folded to
    single blanks and line ends. ``signals`` are the sorted names, out of ``SIGNALS``, of what was found.
    """

    plain: str
    links: tuple[Link, ...]
    signals: tuple[str, ...]


# Every ASCII character by its role, so that a few searches over the translated bytes rule out whole steps.
_ROLES = bytes.maketrans(
    bytes(range(128)),
    "".join(
        "a" if c.isalpha()
        else "0" if c.isdigit()
        else "n" if c in "\n\r\v\f\x1c\x1d\x1e\x85"
        else " " if c.isspace()
        else "$" if c in "@$"
        else "." if c in ".*_~|-"
        else "c" if ord(c) < 32 or ord(c) == 127
        else ","
        for c in map(chr, range(128))
    ).encode(),
)  # fmt: skip


def read(text: str) -> Reading:
    """Read ``text`` as people would, in time linear in its length.

    At most the first ``HEAD_CHARACTERS`` and the last ``TAIL_CHARACTERS`` characters are read.
    """
    if len(text) > HEAD_CHARACTERS + TAIL_CHARACTERS:
        text = text[:HEAD_CHARACTERS] + "\n" + text[-TAIL_CHARACTERS:]
    signals: set[str] = set()
    links: list[Link] = []
    if "&" in text:
        text = decode_entities(text, signals)
    if not text.isascii():
        text = fold_characters(text, signals)
    if "<" in text:
        text = strip_html(text, links, signals)
    if "[" in text:
        text = _MASK.sub(" ", text)
        text = strip_bracket_links(text, links, signals)
        text = strip_bbcode(text, links, signals)
    if "@" in text:
        text = _EMAIL.sub(" ", text)
    if "/" in text or "www." in text or "WWW." in text or "Www." in text:
        text = strip_bare_urls(text, links)
    if "{" in text and _SPINTAX.search(text):
        signals.add("spintax")
    text = _plain_words(text, signals)
    return Reading(text, tuple(links), tuple(sorted(signals)) if signals else ())


_MASK = re.compile(r"\[(?:phone|email|link|username)\]", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])")
_PHONE = re.compile(r"(?<![\w.,:/-])(?:\+\s?)?\(?\d(?:[ ().-]{0,3}\d){6,14}(?![\w])")
_SPINTAX = re.compile(r"\{(?![ {%])[^{}|;=()<>&\"]{1,200}\|[^{};=()<>&\"]{0,2000}\}(?!\})")


def _plain_words(text: str, signals: set[str]) -> str:
    """Run the steps that look at words, as far as a step may have something to do."""
    if text.isascii():
        raw = text.encode()
        roles = raw.translate(_ROLES)
        if roles.count(b"0") >= 7:
            text = _PHONE.sub(" ", text)
        if b" a a " in roles or b".a.a" in roles:
            text = join_spaced_letters(text, signals)
        if b"a0" in roles or b"0a" in roles or b"a$" in roles or b"$a" in roles:
            text = undo_leetspeak(text, signals)
        if _has_run_of_three(raw):
            text = shorten_elongated(text, signals)
        if b"n" not in roles and b"  " not in roles and b"c" not in roles and text == text.strip():
            return text
    else:
        text = fold_scripts(text, signals)
        text = _PHONE.sub(" ", text)
        text = join_spaced_letters(text, signals)
        text = undo_leetspeak(text, signals)
        text = shorten_elongated(text, signals)
    return "\n".join(filter(None, [" ".join(line.split()) for line in text.splitlines()]))


def _has_run_of_three(raw: bytes) -> bool:
    """Whether three equal bytes follow each other: the exclusive or with the bytes one on then has two zeros in a row."""
    number = int.from_bytes(raw, "big")
    return b"\0\0" in (number ^ (number >> 8)).to_bytes(len(raw), "big")
