"""The text of a comment as people read it: markup, disguises and masks taken away, links and what was hidden kept.

Owns the order of the steps, the bounds, and the names of the signals. Leaves each step to ``links`` (markup),
``characters``, ``lookalikes`` (letters of other scripts) and ``spelling``. Text that needs no step pays only for the
tests that show so.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from model.characters import INVISIBLE, fold_characters, without_hidden
from model.links import (
    Link,
    decode_entities,
    decode_letters,
    join_split_words,
    strip_bare_urls,
    strip_bbcode,
    strip_bracket_links,
    strip_html,
    undo_autolinks,
)
from model.lookalikes import fold_scripts
from model.spelling import join_spaced_letters, shorten_elongated, undo_leetspeak

__all__ = ["HEAD_CHARACTERS", "SIGNALS", "TAIL_CHARACTERS", "Link", "Reading", "plain_of", "read"]

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
    "split-words",
    "stacked-marks",
    "styled-letters",
    "wiki-link",
)
PHONE_SIGN = "☎"
MAIL_SIGN = "✉"
"""What phone numbers and e-mail addresses are read as, so that one that a data set masked looks like one it did not."""
HEAD_CHARACTERS = 8_000
TAIL_CHARACTERS = 2_000
PADDED = 7
"""More than the 65,525 characters that WordPress takes are looked through for padding."""
MIN_PADDING = 100
"""So many blanks, invisible characters, comments or empty tags in a row are padding."""
MAX_PADDING_TAGS = 20
_MOST_CHARACTERS = HEAD_CHARACTERS + TAIL_CHARACTERS


class Reading(NamedTuple):
    """What ``read`` found.

    ``plain`` is the text as people read it: case kept, URLs removed and their anchors kept, white space folded to
    single blanks and line ends. ``written`` is the text as it was written, markup and other alphabets included, with
    phone numbers and e-mail addresses masked; what hid its plain letters is taken away, lest they tell nothing any
    more. ``unmasked`` is the same with nothing masked, for how lines end. ``signals`` are the sorted names, out of
    ``SIGNALS``, of what was found.
    """

    plain: str
    written: str
    unmasked: str
    links: tuple[Link, ...]
    signals: tuple[str, ...]


def _role(character: str) -> str:
    if character.isalpha():
        return "a" if character.isascii() else "x"
    if character.isascii() and character.isdigit():
        return "0"
    if character in "\n\r\v\f\x1c\x1d\x1e\x85":
        return "n"
    if character.isspace():
        return " "
    for characters, role in (("@$", "$"), (".*_~|-·", "."), ("?", "x")):
        if character in characters:
            return role
    return "," if character.isprintable() else "c"


# Every Latin-1 character by its role in a word, so that a few searches over the translated bytes rule out whole steps:
# a letter, x other letter (whatever Latin-1 lacks arrives as a question mark), 0 digit, $ symbol used as a letter,
# . separator, blank, n line end, c control, and a comma for the rest.
_ROLES = "".join(map(_role, map(chr, range(256)))).encode()
# The same for letters set apart, where any letter and any separator will do.
_ANY_LETTER = bytes.maketrans(b"x0$ ,", b"aaa..")
# Digits between letters, and at the start of a word.
_DISGUISED_DIGITS = ("a0a", "a00a", "x0x", " 0a", ",0a", "n0a", " 0x", ",0x", "n0x")


def read(text: str) -> Reading:
    """Read ``text`` as people would, in time linear in its length.

    At most the first ``HEAD_CHARACTERS`` and the last ``TAIL_CHARACTERS`` characters are read. Padding, long runs of
    what browsers show nothing of, doesn't count, as far as it lies within ``PADDED`` times as many.
    """
    return _read(_cut(text, PADDED * HEAD_CHARACTERS, PADDED * TAIL_CHARACTERS))


def _cut(text: str, head: int = HEAD_CHARACTERS, tail: int = TAIL_CHARACTERS) -> str:
    return text if len(text) <= head + tail else f"{text[:head]}\n{text[-tail:]}"


@lru_cache(maxsize=16)
def _read(text: str) -> Reading:
    """Read a text of bounded length; a site's lists ask for the text that the model has just read."""
    if len(text) > _MOST_CHARACTERS:
        text = _cut(_without_padding(text))
    signals: set[str] = set()
    links: list[Link] = []
    text = join_split_words(text, signals)
    plain = _plain(text, links, signals)
    unmasked = _undisguised(text, signals)
    return Reading(plain, _masked(unmasked), unmasked, tuple(links), tuple(sorted(signals)))


def _without_padding(text: str) -> str:
    """Shorten long runs of what browsers show nothing of; the first links and pictures in one stay."""
    text = _BLANKS.sub(lambda run: " " if len(run[0]) >= MIN_PADDING else run[0], text)
    if text.count(">") + text.count("&") < MIN_PADDING:
        return text
    return _UNSEEN.sub(lambda run: _leading_tags(run[0]) if run["padding"] else run[0], text)


def _leading_tags(padding: str) -> str:
    return f" {''.join(islice(filter(_leads_somewhere, _TAG.findall(padding)), MAX_PADDING_TAGS))} "


def _leads_somewhere(tag: str) -> bool:
    squeezed = "".join(tag.split()).lower()
    return "href=" in squeezed or "src=" in squeezed


def plain_of(text: str) -> str:
    """Return what ``read`` calls the plain text, alone and of a short text, no words of which are split."""
    return _plain(text, [], set())


def _plain(text: str, links: list[Link], signals: set[str]) -> str:
    if "&" in text:
        text = decode_entities(text, signals)
    if not text.isascii() or "\f" in text:
        text = fold_characters(text, signals)[:_MOST_CHARACTERS]  # some ligatures stand for 18 letters
    if "<" in text:
        text = strip_html(text, links, signals)
    if "[" in text:
        text = _MASK.sub(_stand_in, text)
        text = strip_bracket_links(text, links, signals)
        text = strip_bbcode(text, links, signals)
    if "@" in text:
        text = _EMAIL.sub(f" {MAIL_SIGN} ", text)
    if "/" in text or "www." in text or ("W" in text and ("WWW." in text or "Www." in text)):
        text = strip_bare_urls(text, links)
    if "{" in text and _SPINTAX.search(text):
        signals.add("spintax")
    return _plain_words(text, signals)


def _undisguised(text: str, signals: set[str]) -> str:
    """Undo what hides plain letters, where it was found; how URLs and tags are spelt stays."""
    if not signals.isdisjoint(("entities", "invisible")):
        text = decode_letters(text, set())
    if not signals.isdisjoint(("bidi", "invisible")):
        text = without_hidden(text, set())
    spellings = [undo for signal, undo in _SPELLINGS if signal in signals]
    if spellings:
        pieces = _URLS_AND_TAGS.split(text)
        for undo in spellings:
            pieces[::2] = [undo(piece, set()) for piece in pieces[::2]]
        text = "".join(pieces)
    return text


_SPELLINGS = (
    ("spaced-letters", join_spaced_letters),
    ("leet", undo_leetspeak),
    ("elongated", shorten_elongated),
)
_URLS_AND_TAGS = re.compile(r"(<[^<>]{1,2000}>|(?:https?://|www\.)[^\s<>\"\]]{1,2000})")


def _masked(text: str) -> str:
    if "</a>" in text:
        text = undo_autolinks(text)
    if "[" in text:
        text = _MASK.sub(_stand_in, text)
    if "@" in text:
        text = _EMAIL.sub(f" {MAIL_SIGN} ", text)
    if len(text.encode("ascii", "ignore").translate(None, _NO_DIGITS)) >= 7:
        text = _PHONE.sub(f" {PHONE_SIGN} ", text)
    return text


def _stand_in(mask: re.Match[str]) -> str:
    return {"phone": f" {PHONE_SIGN} ", "email": f" {MAIL_SIGN} "}.get(mask[1].lower(), " ")


# What \s stands for, written out, which makes the search twice as fast.
_BLANK = "\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# Short runs are matched as well, so that no search begins again within one.
_BLANKS = re.compile(f"[{_BLANK}{INVISIBLE}][{_BLANK}{INVISIBLE}]++")
_UNIT = (
    rf"(?:[\s{INVISIBLE}]|<[^<>]{{0,300}}+>|&\#[xX]?[0-9A-Fa-f]{{1,20}};"
    r"|&(?:nbsp|shy|zwj|zwnj|(?:en|em|thin|hair)sp|ZeroWidthSpace|NoBreak);)"
)
_UNSEEN = re.compile(rf"(?P<padding>{_UNIT}{{{MIN_PADDING},}}+)|{_UNIT}++")
_TAG = re.compile(r"<[^<>]{0,300}+>(?:</a>)?")
_NO_DIGITS = bytes(code for code in range(128) if not chr(code).isdigit())
_MASK = re.compile(r"\[(phone|email|link|username)\]", re.IGNORECASE)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
_PHONE = re.compile(r"(?<![\w.,:/-])(?:\+\s?)?\(?\d(?:[ ().-]{0,3}\d){6,14}(?![\w])")
_SPINTAX = re.compile(r"\{(?![ {%])[^{}|;=()<>&\"]{1,200}\|[^{};=()<>&\"]{0,2000}\}(?!\})")


def _plain_words(text: str, signals: set[str]) -> str:
    """Run the steps that look at words, as far as a step may have something to do, and fold white space."""
    raw_roles = text.encode("latin-1", "replace").translate(_ROLES)
    roles = raw_roles.decode()
    if "c" in roles:
        return _plain_words(fold_characters(text, signals), signals)
    original = text
    if ".a.a." in raw_roles.translate(_ANY_LETTER).decode():
        text = join_spaced_letters(text, signals)
    if "x" in roles and (
        "ax" in roles or "xa" in roles or roles.count("x") < roles.count("a") or signals or _mixes_other_scripts(text)
    ):
        text = fold_scripts(text, signals)
    if "0" in roles:
        if roles.count("0") >= 7:
            text = _PHONE.sub(f" {PHONE_SIGN} ", text)
        if ("0a" in roles or "0x" in roles) and any(disguise in " " + roles for disguise in _DISGUISED_DIGITS):
            text = undo_leetspeak(text, signals)
    if "$" in roles and "$a" in roles:
        text = undo_leetspeak(text, signals)
    if _has_run_of_letters(text):
        text = shorten_elongated(text, signals)
    if text is original and "n" not in roles and "  " not in roles:
        return text.strip()
    return "\n".join(filter(None, [" ".join(line.split()) for line in text.splitlines()]))


def _mixes_other_scripts(text: str) -> bool:
    """Whether there is Cyrillic along with Greek, going by the upper bytes of UTF-16."""
    pages = text.encode("utf-16-be", "surrogatepass")[::2]
    return b"\x04" in pages and b"\x03" in pages


def _has_run_of_letters(text: str) -> bool:
    """Whether a letter stands three times in a row: exclusive or with itself moved by one character gives two zeros."""
    width, raw = (1, text.encode()) if text.isascii() else (2, text.encode("utf-16-be", "surrogatepass"))
    number = int.from_bytes(raw, "big")
    steps = (number ^ (number >> 8 * width)).to_bytes(len(raw), "big")
    two_zeros = bytes(2 * width)
    at = steps.find(two_zeros)
    while at >= 0:
        if at % width == 0 and chr(int.from_bytes(raw[at : at + width], "big")).isalpha():
            return True
        at = steps.find(two_zeros, at + 1)
    return False
