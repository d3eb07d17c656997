"""The shape of a comment: which kinds of words, marks and breaks follow each other in it, whatever they say.

Bots fill in the same few forms: a compliment, three line ends and a link; every word with a capital; a name of four
plain words. Owns what the kinds are. Leaves hashing sequences of them to ``ngrams``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.compiled import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    U8 = npt.NDArray[np.uint8]
    U32 = npt.NDArray[np.uint32]

END = "\x1f"
"""Closes each part of a comment: its text, its author's name and link."""
MAX_CHARACTERS = 2_000
"""So much of a text's beginning has a shape."""

_LOWER, _UPPER, _DIGIT, _BLANK, _LINE_END, _SILENT, _SYMBOL, _SCRIPT = range(1, 9)
"""Classes of characters; those of letters of other scripts than Latin are ``_SCRIPT`` and more."""
_SCRIPTS = (
    ((0x0370, 0x0400),),  # Greek
    ((0x0400, 0x0530),),  # Cyrillic
    ((0x0590, 0x0600),),  # Hebrew
    ((0x0600, 0x0780),),  # Arabic
    ((0x0900, 0x0E00),),  # Indic scripts
    ((0x0E00, 0x0EE0), (0x1000, 0x1100)),  # Thai, Lao, Myanmar
    ((0x1100, 0x1200), (0x3040, 0x3100), (0x3400, 0xA000), (0xAC00, 0xD7B0), (0xF900, 0xFB00)),  # Hangul, kana, Han
)
_LATIN = ((0x0000, 0x0250), (0x1E00, 0x1F00))
_LATIN_MARKS = slice(0x0300, 0x0370)

# What a comment's shape is made of. A plain word is one of small Latin letters; runs of them count by their length.
_PLAIN, _LONE_CAPITAL, _CAPITALS, _CAPITALISED, _MIXED, _ONE_BLANK, _BLANKS, _BREAK = range(1, 9)
_DIGITS, _URL, _RUN, _WORD, _MARK = 24, 32, 48, 64, 256
_APOSTROPHE, _RIGHT_QUOTE, _COLON, _DOT, _SLASH, _W = ord("'"), 0x2019, ord(":"), ord("."), ord("/"), ord("w")
_CLOSES_URL = np.isin(np.arange(128), [ord(character) for character in "<>\"')]"])


def _classes() -> U8:
    """Class of every code point below 0x10000; the last entry stands for all above (emoji, styled letters)."""
    points = np.arange(0x10000, dtype=np.uint32)
    points[0xD800:0xE000] = 0
    characters = points.view("U1")
    is_letter = np.char.isalpha(characters)
    classes = np.full(0x10001, _SYMBOL, dtype=np.uint8)
    classes[:0x10000][is_letter] = _SCRIPT + len(_SCRIPTS)
    for ranges in _LATIN:
        latin = slice(*ranges)
        letters = np.where(np.char.isupper(characters[latin]), _UPPER, _LOWER)
        classes[latin] = np.where(is_letter[latin], letters, _SYMBOL)
    classes[:0x10000][np.char.isdigit(characters)] = _DIGIT
    for script, parts in enumerate(_SCRIPTS):
        for ranges in parts:
            classes[slice(*ranges)][classes[slice(*ranges)] != _DIGIT] = _SCRIPT + script
    classes[:0x10000][np.char.isspace(characters)] = _BLANK
    classes[:0x20] = classes[0x7F] = classes[_LATIN_MARKS] = _SILENT
    classes[[ord("\t"), ord("\n"), ord(END)]] = _BLANK, _LINE_END, _SYMBOL
    return classes


_CLASSES = _classes()
_LAST_CLASS = len(_CLASSES) - 1


@compiled
def shaped(codes: U32, shape: U32) -> int:
    """Write the shape of a string into ``shape``, which is no shorter, and return how long that is."""
    length, at, plain, is_apart = 0, 0, 0, False
    while at < len(codes):
        kind, at = _next(codes, at)
        if kind == _PLAIN:
            plain += 1
        elif kind not in (0, _ONE_BLANK):
            if plain:
                shape[length] = _RUN + _magnitude(plain)
                length, plain = length + 1, 0
            if is_apart and kind >= _MARK:
                shape[length] = _ONE_BLANK
                length += 1
            shape[length] = kind
            length += 1
        is_apart = kind == _ONE_BLANK or (is_apart and kind == 0)
    if plain:
        shape[length] = _RUN + _magnitude(plain)
        length += 1
    return length


@compiled
def _magnitude(count: int) -> int:
    """Return 0 for 1, 1 for 2, 2 for up to 4, 3 for up to 8, ..."""
    magnitude = 0
    while count > 1:
        count, magnitude = (count + 1) // 2, magnitude + 1
    return magnitude


@compiled
def _class_at(codes: U32, at: int) -> int:
    """Return the class of a character; 0 behind the last one."""
    return int(_CLASSES[min(codes[at], _LAST_CLASS)]) if at < len(codes) else 0


@compiled
def _next(codes: U32, at: int) -> tuple[int, int]:
    """Return what stands there, 0 if nothing that shows, and where the next begins."""
    first = _class_at(codes, at)
    if first == _SILENT:
        return 0, at + 1
    if first == _SYMBOL:
        return _MARK + int(min(codes[at], _LAST_CLASS)), at + 1
    if first == _DIGIT:
        end = at
        while _class_at(codes, end) == _DIGIT:
            end += 1
        return _DIGITS + min(end - at, 4), end
    if first in (_BLANK, _LINE_END):
        return _break_at(codes, at)
    if _starts_url(codes, at):
        return _url_at(codes, at)
    return _word_at(codes, at)


@compiled
def _break_at(codes: U32, at: int) -> tuple[int, int]:
    """Tell line ends by how many there are, up to three, and whether blanks stand before and behind them."""
    blanks, line_ends, before, behind = 0, 0, 0, 0
    kind = _class_at(codes, at)
    while kind in (_BLANK, _LINE_END, _SILENT):
        if kind == _LINE_END:
            line_ends, before, behind = line_ends + 1, before | behind if line_ends == 0 else before, 0
        elif kind == _BLANK:
            blanks, behind = blanks + 1, 1
        at += 1
        kind = _class_at(codes, at)
    if line_ends:
        return _BREAK + 4 * min(line_ends, 3) + 2 * before + behind, at
    return (_ONE_BLANK if blanks == 1 else _BLANKS), at


@compiled
def _word_at(codes: U32, at: int) -> tuple[int, int]:
    """Tell a word by the case of its letters, or by its script and length."""
    end, upper, lower, script = at, 0, 0, 0
    while True:
        kind = _class_at(codes, end)
        if kind == _UPPER:
            upper += 1
        elif kind == _LOWER:
            lower += 1
        elif kind >= _SCRIPT:
            script = kind
        elif kind != _SILENT:
            is_apostrophe = kind == _SYMBOL and (codes[end] == _APOSTROPHE or codes[end] == _RIGHT_QUOTE)
            following = _class_at(codes, end + 1)
            if not is_apostrophe or (following != _LOWER and following != _UPPER):
                break
        end += 1
    if script:
        return _WORD + 4 * (script - _SCRIPT) + min(_magnitude(end - at + 1) // 2, 3), end
    if upper == 0:
        return _PLAIN, end
    if lower == 0:
        return (_LONE_CAPITAL if upper == 1 else _CAPITALS), end
    is_first = _class_at(codes, at) == _UPPER
    return (_CAPITALISED if upper == 1 and is_first else _MIXED), end


@compiled
def _starts_url(codes: U32, at: int) -> bool:
    """Whether ``www.``, or four or five characters, a colon and two slashes stand there."""
    if at + 4 <= len(codes) and codes[at + 3] == _DOT:
        return bool((codes[at] | 32 == _W) & (codes[at + 1] | 32 == _W) & (codes[at + 2] | 32 == _W))
    colon = at + 4 if at + 4 < len(codes) and codes[at + 4] == _COLON else at + 5
    return colon + 2 < len(codes) and bool(
        (codes[colon] == _COLON) & (codes[colon + 1] == _SLASH) & (codes[colon + 2] == _SLASH)
    )


@compiled
def _url_at(codes: U32, at: int) -> tuple[int, int]:
    """Tell a URL by how deep its path is, up to four, and whether it ends in a slash."""
    slashes, last = 0, np.uint32(0)
    while at < len(codes):
        kind = _class_at(codes, at)
        if kind in (_BLANK, _LINE_END) or (codes[at] < len(_CLOSES_URL) and _CLOSES_URL[codes[at]]):
            break
        last = codes[at]
        # The two behind the scheme stand before a host.
        slashes += last == _SLASH and (at + 1 >= len(codes) or codes[at + 1] != _SLASH) and codes[at - 1] != _SLASH
        at += 1
    return _URL + 2 * min(slashes, 4) + int(last == _SLASH), at
