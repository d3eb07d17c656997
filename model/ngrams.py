"""Strings to hashes of their word and character n-grams, for many comments at once.

Owns which n-grams there are and how they are hashed (the hashing trick: Weinberger et al. 2009; the pairs of words with
a gap are the sparse bigrams of OSB: Siefkes et al. 2004). All arithmetic is modulo 2**64, so that a string has the same
hashes on every machine, whatever else is in the batch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from model.compiled import compiled
from model.segments import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from model.segments import Parts

    U8 = npt.NDArray[np.uint8]
    U32 = npt.NDArray[np.uint32]
    U64 = npt.NDArray[np.uint64]
    I32 = npt.NDArray[np.int32]
    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

FAMILIES = ("text_characters", "text_words", "author", "author_url", "links", "email", "traits")
"""The kinds of evidence that are weighed apart, each by a regression of its own."""
TEXT_FAMILIES = 2

SHORTEST, LONGEST = 2, 5
"""The orders of the n-grams of characters; those of words are single words, pairs, triples and pairs with a gap."""
COLUMN_BITS = 28
"""An n-gram is known by the highest bits of its hash: its column."""

_NONE = -1
_FAMILY_OF_CHARACTERS = np.array([_NONE, 2, 3, 4, 4, 5, 0])
_FAMILY_OF_WORDS = np.array([1, 2, 3, 4, 4, 5, _NONE])
"""By ``Kind``."""
_FAMILY_OF_TRAITS = len(FAMILIES) - 1
_FAMILY_COUNT = len(FAMILIES)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xC2B2AE3D27D4EB4F)
_KIND_SALTS = np.array([0x632BE59BD9B4E019 * (2 * kind + 1) % (1 << 64) for kind in Kind], dtype=np.uint64)
_HALF, _WORD_SHIFT, _SHIFT = np.uint64(32), np.uint64(29), np.uint64(64 - COLUMN_BITS)
_NARROW_BASE, _NARROW_SHIFT = np.uint32(0x9E3779B1), np.uint32(6)
_STEPS = np.array([0, 1, 2, 2, 3, 4])
"""How far the last word of an n-gram lies behind its first: a word, a pair, a triple, and pairs with gaps."""
_TRIPLE = 2
_SHAPE_SALTS = np.array([1, 3, 5, 9, 11, 13], dtype=np.uint64)
_SEPARATOR = "\x00"


@dataclass(frozen=True, slots=True)
class Grams:
    """The distinct n-grams of a batch of n comments, comment by comment: of characters, then of words, then traits.

    How often a comment repeats an n-gram says little, and would let floods of one character outweigh all else.

    Attributes:
        columns: uint32, shape (g,).
        cells: int32, shape (g,): comment * len(FAMILIES) + family.
        words: int32, shape (g,): the word of a comment's text in which, or in the blank before which, the n-gram
            begins, as an index into the words; -1 for what begins behind the last, or is not of the text.
        sizes: int64, shape (n, families): how many distinct n-grams a comment has of each family.
        is_word: bool, shape (g,): whether it is one of words, or a trait.
        is_ping: bool, shape (n,).
        joined: all strings, each closed by a separator.
        word_starts, word_ends: int32, shape (w,): where the words lie in ``joined``; ends are exclusive.
    """

    columns: U32
    cells: I32
    words: I32
    sizes: Ints
    is_word: Bools
    is_ping: Bools
    joined: str
    word_starts: I32
    word_ends: I32


def grams_of(batch: Sequence[Parts]) -> Grams:
    """Hash every n-gram of every comment."""
    strings: list[str] = []
    layout: list[tuple[int, int, int]] = []
    trait_hashes: list[int] = []
    trait_rows: list[int] = []
    for row, (segments, traits, _) in enumerate(batch):
        for kind, string in segments:
            strings.append(string if _SEPARATOR not in string else string.replace(_SEPARATOR, " "))
            layout.append((len(string), kind, row))
        trait_hashes.extend(map(_trait_hash, traits))
        trait_rows.extend([row] * len(traits))
    joined = _SEPARATOR.join(strings) + _SEPARATOR
    columns, cells, words, is_word, sizes, starts, ends = _hash(
        np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32),
        np.array(layout, dtype=np.int64).reshape(-1, 3),
        np.array(trait_hashes, dtype=np.uint64),
        np.array(trait_rows, dtype=np.int64),
        len(batch),
        _CLASSES,
        _LOWER_CASE,
    )
    is_ping = np.array([parts.is_ping for parts in batch], dtype=np.bool_)
    return Grams(columns, cells, words, sizes, is_word, is_ping, joined, starts, ends)


@lru_cache(maxsize=4096)
def _trait_hash(trait: str) -> int:
    return int.from_bytes(hashlib.blake2b(trait.encode(), digest_size=8).digest(), "little")


@compiled
def _column(gram: np.uint64) -> np.uint32:
    gram = (gram ^ (gram >> _HALF)) * _BASE
    return np.uint32(gram >> _SHIFT)


@compiled
def _word_gram(words: U64, first: int, shape: int) -> np.uint64:
    gram = words[first]
    if shape > 0:
        gram = gram * _BASE + words[first + (1 if shape == _TRIPLE else _STEPS[shape])]
    if shape == _TRIPLE:
        gram = gram * _BASE + words[first + 2]
    salted: np.uint64 = gram * _SHAPE_SALTS[shape]
    return salted


@compiled
def _is_first(seen: U32, mask: np.uint32, column: np.uint32) -> bool:
    """Say whether a comment has not had this n-gram yet, and remember it.

    ``seen`` up to ``mask`` is a hash table, 0 where free. Narrow, and cleared for each comment, so that it stays near.
    """
    key = column + np.uint32(1)
    slot = (np.uint32(column * _NARROW_BASE) >> _NARROW_SHIFT) & mask
    while seen[slot] != 0:
        if seen[slot] == key:
            return False
        slot = (slot + np.uint32(1)) & mask
    seen[slot] = key
    return True


@compiled
def _hash(
    codes: U32, layout: Ints, trait_hashes: U64, trait_rows: Ints, count: int, classes: U8, lower_case: U32
) -> tuple[U32, I32, I32, Bools, Ints, I32, I32]:
    """Hash the strings of ``layout`` (length, kind, comment), which lie in ``codes`` one behind the other."""
    starts, ends, hashes, first_of = _find_words(codes, layout, classes, lower_case)
    most = _most_ngrams(layout, trait_rows, first_of, count)
    total = most.sum()
    columns, cells = np.empty(total, np.uint32), np.empty(total, np.int32)
    words, is_word = np.full(total, -1, np.int32), np.ones(total, np.bool_)
    sizes = np.zeros((count, _FAMILY_COUNT), np.int64)
    seen = np.empty(4 * max(most.max(), 1) if count else 0, np.uint32)
    place, end, segment, trait = 0, -1, 0, 0
    for row in range(count):
        width = 1 << (int(np.log2(max(most[row], 1))) + 2)
        seen[:width] = 0
        mask = np.uint32(width - 1)
        first_segment = segment
        while segment < len(layout) and layout[segment, 2] == row:
            kind = layout[segment, 1]
            start, end = end + 1, end + 1 + layout[segment, 0]
            family, salt = _FAMILY_OF_CHARACTERS[kind], _KIND_SALTS[kind]
            word, last_word = first_of[segment], first_of[segment + 1]
            first = place
            for position in range(start, end if family != _NONE else start):
                while word < last_word and ends[word] <= position:
                    word += 1
                begins_in = word if family == 0 and word < last_word else -1
                gram = np.uint64(codes[position]) * _MIX + salt
                for order in range(SHORTEST, min(LONGEST, end - position) + 1):
                    gram = gram * _BASE + (np.uint64(codes[position + order - 1]) * _MIX + salt)
                    column = _column(gram)
                    if _is_first(seen, mask, column):
                        columns[place], words[place] = column, begins_in
                        place += 1
            _close(cells, sizes, row, family, first, place)
            is_word[first:place] = False
            segment += 1
        for known in range(first_segment, segment):
            family = _FAMILY_OF_WORDS[layout[known, 1]]
            first, last_word = place, first_of[known + 1]
            for word in range(first_of[known], last_word if family != _NONE else first_of[known]):
                for shape in range(6):
                    if word + _STEPS[shape] < last_word:
                        column = _column(_word_gram(hashes, word, shape))
                        if _is_first(seen, mask, column):
                            columns[place], words[place] = column, word if family == 1 else -1
                            place += 1
            _close(cells, sizes, row, family, first, place)
        first = place
        while trait < len(trait_hashes) and trait_rows[trait] == row:
            column = _column(trait_hashes[trait])
            if _is_first(seen, mask, column):
                columns[place] = column
                place += 1
            trait += 1
        _close(cells, sizes, row, _FAMILY_OF_TRAITS, first, place)
    return columns[:place], cells[:place], words[:place], is_word[:place], sizes, starts, ends


@compiled
def _most_ngrams(layout: Ints, trait_rows: Ints, first_of: Ints, count: int) -> Ints:
    """Count the n-grams of each comment, repeated ones and some more: int64, shape (count,)."""
    most = np.zeros(count, np.int64)
    for row in trait_rows:
        most[row] += 1
    for segment in range(len(layout)):
        length, kind, row = layout[segment]
        if _FAMILY_OF_CHARACTERS[kind] != _NONE:
            most[row] += (LONGEST + 1 - SHORTEST) * length
        if _FAMILY_OF_WORDS[kind] != _NONE:
            most[row] += len(_STEPS) * (first_of[segment + 1] - first_of[segment])
    return most


@compiled
def _close(cells: I32, sizes: Ints, row: int, family: int, first: int, place: int) -> None:
    """Say whose the n-grams from ``first`` on are."""
    if place > first:
        cells[first:place] = row * _FAMILY_COUNT + family
        sizes[row, family] += place - first


@compiled
def _find_words(codes: U32, layout: Ints, classes: U8, lower_case: U32) -> tuple[I32, I32, U64, Ints]:
    """Find and hash the words of each string, in lower case.

    A word is a run of letters, digits, marks and apostrophes; in scripts without blanks, one character. Returns where
    words start and end, their hashes, and the first word of each string (one more for the end).
    """
    starts = np.empty(len(codes), np.int32)
    ends = np.empty(len(codes), np.int32)
    hashes = np.empty(len(codes), np.uint64)
    first_of = np.empty(len(layout) + 1, np.int64)
    found = 0
    end = -1
    for segment in range(len(layout)):
        salt = _KIND_SALTS[layout[segment, 1]]
        first_of[segment] = found
        start, end = end + 1, end + 1 + layout[segment, 0]
        power, total = np.uint64(1), np.uint64(0)
        begun = -1
        for position in range(start, end + 1):
            kind = classes[min(codes[position], len(classes) - 1)]
            if kind != _RUNNING and begun >= 0:
                starts[found], ends[found], hashes[found] = begun, position, _mixed(total)
                found += 1
                begun = -1
            if kind == _RUNNING and begun < 0:
                begun = position
                power, total = np.uint64(1), np.uint64(0)
            term = np.uint64(_lowered(codes[position], lower_case)) * _MIX + salt
            if kind == _LONE:
                starts[found], ends[found], hashes[found] = position, position + 1, _mixed(term)
                found += 1
            total += term * power
            power *= _BASE
    first_of[len(layout)] = found
    return starts[:found], ends[:found], hashes[:found], first_of


@compiled
def _lowered(code: np.uint32, lower_case: U32) -> np.uint32:
    return lower_case[code] if code < len(lower_case) else code


@compiled
def _mixed(word: np.uint64) -> np.uint64:
    return (word ^ (word >> _WORD_SHIFT)) * _MIX


_RUNNING, _LONE = 1, 2
_SPACELESS = (
    (0x0E00, 0x0EE0),  # Thai, Lao
    (0x1000, 0x10A0),  # Myanmar
    (0x1780, 0x1800),  # Khmer
    (0x2600, 0x27C0),  # symbols, dingbats
    (0x3040, 0x3100),  # kana
    (0x3400, 0x4DC0),  # Han
    (0x4E00, 0xA000),
    (0xF900, 0xFB00),
)


def _character_classes() -> npt.NDArray[np.uint8]:
    """Class of every code point below 0x10000; the last entry stands for all above (emoji, rare Han): lone."""
    points = np.arange(0x10000, dtype=np.uint32)
    points[0xD800:0xE000] = 0
    classes = np.zeros(0x10001, dtype=np.uint8)
    classes[:0x10000] = np.char.isalnum(points.view("U1"))
    for marks in ((0x0300, 0x0370), (0x064B, 0x0660), (0x0900, 0x0E00)):
        classes[slice(*marks)] = _RUNNING
    classes[[ord("_"), ord("'"), 0x2019]] = _RUNNING
    for first, end in _SPACELESS:
        classes[first:end] = _LONE
    classes[-1] = _LONE
    return classes


_CLASSES = _character_classes()


def _lower_case() -> U32:
    """Return every code point of the scripts that have case (Latin, Greek, Cyrillic, Armenian) in lower case."""
    letters = map(chr, range(_CASED_CODES))
    return np.array([ord(letter.lower()[0]) for letter in letters], dtype=np.uint32)


_CASED_CODES = 0x590
_LOWER_CASE = _lower_case()
