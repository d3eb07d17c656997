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

FAMILIES = ("text_characters", "text_words", "author", "author_url", "links", "email", "traits")
"""The kinds of evidence that are weighed apart, each by a regression of its own."""
TEXT_FAMILIES = 2

SHORTEST, LONGEST = 2, 5
"""The orders of the n-grams of characters; those of words are single words, pairs, triples and pairs with a gap."""
COLUMN_BITS = 26
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
_STEPS = np.array([0, 1, 2, 2, 3, 4])
"""How far the last word of an n-gram lies behind its first: a word, a pair, a triple, and pairs with gaps."""
_TRIPLE = 2
_SHAPE_SALTS = np.array([1, 3, 5, 9, 11, 13], dtype=np.uint64)
_SEPARATOR = "\x00"


@dataclass(frozen=True, slots=True)
class Grams:
    """The distinct n-grams of a batch of n comments: of characters, then of words, then traits.

    How often a comment repeats an n-gram says little, and would let floods of one character outweigh all else.

    Attributes:
        columns: uint32, shape (g,).
        cells: int32, shape (g,): comment * len(FAMILIES) + family.
        words: int32, shape (g,): the word of a comment's text in which, or in the blank before which, the n-gram
            begins, as an index into the words; -1 for what begins behind the last, or is not of the text.
        sizes: int64, shape (n, families): how many distinct n-grams a comment has of each family.
        first_word: where the n-grams of words begin.
        joined: all strings, each closed by a separator.
        word_starts, word_ends: int32, shape (w,): where the words lie in ``joined``; ends are exclusive.
    """

    columns: U32
    cells: I32
    words: I32
    sizes: Ints
    first_word: int
    joined: str
    word_starts: I32
    word_ends: I32


def grams_of(batch: Sequence[Parts]) -> Grams:
    """Hash every n-gram of every comment."""
    strings: list[str] = []
    layout: list[tuple[int, int, int]] = []
    trait_hashes: list[int] = []
    trait_rows: list[int] = []
    for row, (segments, traits) in enumerate(batch):
        for kind, string in segments:
            strings.append(string if _SEPARATOR not in string else string.replace(_SEPARATOR, " "))
            layout.append((len(string), kind, row))
        trait_hashes.extend(map(_trait_hash, traits))
        trait_rows.extend([row] * len(traits))
    joined = _SEPARATOR.join(strings) + _SEPARATOR
    columns, cells, words, sizes, first_word, starts, ends = _hash(
        np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32),
        np.array(layout, dtype=np.int64).reshape(-1, 3),
        np.array(trait_hashes, dtype=np.uint64),
        np.array(trait_rows, dtype=np.int64),
        len(batch),
        _CLASSES,
        _LOWER_CASE,
    )
    return Grams(columns, cells, words, sizes, first_word, joined, starts, ends)


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
def _is_first(seen: U64, row: int, column: np.uint32) -> bool:
    """Say whether a comment has not had this n-gram yet, and remember it; ``seen`` is a hash table, 0 where free."""
    key = (np.uint64(row + 1) << _HALF) | np.uint64(column)
    mask = np.uint64(len(seen) - 1)
    slot = ((key * _BASE) >> _HALF) & mask
    while seen[slot] != 0:
        if seen[slot] == key:
            return False
        slot = (slot + np.uint64(1)) & mask
    seen[slot] = key
    return True


@compiled
def _hash(
    codes: U32, layout: Ints, trait_hashes: U64, trait_rows: Ints, count: int, classes: U8, lower_case: U32
) -> tuple[U32, I32, I32, Ints, int, I32, I32]:
    """Hash the strings of ``layout`` (length, kind, comment), which lie in ``codes`` one behind the other."""
    starts, ends, hashes, first_of = _find_words(codes, layout, classes, lower_case)
    total = len(trait_hashes)
    for segment in range(len(layout)):
        if _FAMILY_OF_CHARACTERS[layout[segment, 1]] != _NONE:
            total += (LONGEST + 1 - SHORTEST) * layout[segment, 0]
        if _FAMILY_OF_WORDS[layout[segment, 1]] != _NONE:
            total += 6 * (first_of[segment + 1] - first_of[segment])
    seen = np.zeros(1 << (int(np.log2(total + 1)) + 2), np.uint64)
    columns = np.empty(total, np.uint32)
    cells = np.empty(total, np.int32)
    words = np.full(total, -1, np.int32)
    sizes = np.zeros((count, _FAMILY_COUNT), np.int64)
    place = 0
    end = -1
    for segment in range(len(layout)):
        length, kind, row = layout[segment]
        start, end = end + 1, end + 1 + length
        family = _FAMILY_OF_CHARACTERS[kind]
        if family == _NONE:
            continue
        cell = row * _FAMILY_COUNT + family
        salt = _KIND_SALTS[kind]
        word, last_word = first_of[segment], first_of[segment + 1]
        first = place
        for position in range(start, end):
            while word < last_word and ends[word] <= position:
                word += 1
            gram = np.uint64(codes[position]) * _MIX + salt
            for order in range(2, min(LONGEST, end - position) + 1):
                gram = gram * _BASE + (np.uint64(codes[position + order - 1]) * _MIX + salt)
                column = _column(gram)
                if order >= SHORTEST and _is_first(seen, row, column):
                    columns[place] = column
                    cells[place] = cell
                    if family == 0 and word < last_word:
                        words[place] = word
                    place += 1
        sizes[row, family] += place - first
    first_word = place
    for segment in range(len(layout)):
        _, kind, row = layout[segment]
        family = _FAMILY_OF_WORDS[kind]
        if family == _NONE:
            continue
        first = place
        last_word = first_of[segment + 1]
        for word in range(first_of[segment], last_word):
            beginning = place
            for shape in range(6):
                step = _STEPS[shape]
                if word + step >= last_word:
                    continue
                column = _column(_word_gram(hashes, word, shape))
                if _is_first(seen, row, column):
                    columns[place] = column
                    place += 1
            cells[beginning:place] = row * _FAMILY_COUNT + family
            if family == 1:
                words[beginning:place] = word
        sizes[row, family] += place - first
    for trait in range(len(trait_hashes)):
        column = _column(trait_hashes[trait])
        if not _is_first(seen, trait_rows[trait], column):
            continue
        columns[place] = column
        cells[place] = trait_rows[trait] * _FAMILY_COUNT + _FAMILY_OF_TRAITS
        sizes[trait_rows[trait], _FAMILY_OF_TRAITS] += 1
        place += 1
    return columns[:place], cells[:place], words[:place], sizes, first_word, starts, ends


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
