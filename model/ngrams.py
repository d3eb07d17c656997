"""Strings to hashes of their word and character n-grams, for many comments at once.

Owns which n-grams there are and how they are hashed (the hashing trick: Weinberger et al. 2009; the pairs of words with
a gap are the sparse bigrams of OSB: Siefkes et al. 2004). All arithmetic is modulo 2**64, so that a string has the same
hashes on every machine, whatever else is in the batch.
"""

from __future__ import annotations

import hashlib
from array import array
from codecs import utf_32_le_encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model.compiled import compiled
from model.segments import Kind
from model.shape import shaped

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

FAMILIES = ("text_characters", "text_words", "author", "author_url", "links", "email", "traits", "shape")
"""The kinds of evidence that are weighed apart, each by a regression of its own."""
TEXT_FAMILIES = 2

LONGEST = 5
"""The n-grams of characters are of two to so many; those of words are single words, pairs, triples and pairs with a
gap."""
COLUMN_BITS = 28
"""An n-gram is known by the highest bits of its hash: its column."""

_NONE = -1
_FAMILY_OF_CHARACTERS = np.array([_NONE, 2, 3, 4, 4, 5, 0, _NONE])
_FAMILY_OF_WORDS = np.array([1, 2, 3, 4, 4, 5, _NONE, _NONE])
"""By ``Kind``."""
_FAMILY_OF_TRAITS, _FAMILY_OF_SHAPE = FAMILIES.index("traits"), FAMILIES.index("shape")
_FAMILY_COUNT = len(FAMILIES)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xC2B2AE3D27D4EB4F)
_SHAPE = int(Kind.SHAPE)
_KIND_SALTS = np.array([0x632BE59BD9B4E019 * (2 * kind + 1) % (1 << 64) for kind in Kind], dtype=np.uint64)
_ZERO = np.uint64(0)
_HALF, _WORD_SHIFT, _SHIFT = np.uint64(32), np.uint64(29), np.uint64(64 - COLUMN_BITS)
_NARROW_BASE, _NARROW_SHIFT = np.uint32(0x9E3779B1), np.uint32(6)
_STEPS = np.array([0, 1, 2, 2, 3, 4])
"""How far the last word of an n-gram lies behind its first: a word, a pair, a triple, and pairs with gaps."""
_TRIPLE = 2
_ORDER_SALTS = np.array([1, 3, 5, 9, 11, 13], dtype=np.uint64)
_SEPARATOR = "\x00"
_END = _SEPARATOR * (LONGEST - 1)
"""As many as are read behind the last string's last character."""


@dataclass(frozen=True, slots=True)
class Grams:
    """The distinct n-grams of a batch of n comments, comment by comment: of characters, of words, traits, of the shape.

    How often a comment repeats an n-gram says little, and would let floods of one character outweigh all else.

    Attributes:
        columns: uint32, shape (g,).
        runs: int64, shape (r, 3): n-grams of one cell that stand together: where they end, exclusively, their cell,
            which is comment * len(FAMILIES) + family, and 1 where they are of words, or traits. Runs may be empty, and
            a cell may have several.
        words: int32, shape (g,): the word of a comment's text in which, or in the blank before which, the n-gram
            begins, as an index into the words; -1 for what begins behind the last, or is not of the text.
        sizes: int64, shape (n, families): how many distinct n-grams a comment has of each family.
        is_ping: bool, shape (n,).
        joined: all strings, each closed by a separator.
        word_starts, word_ends: int32, shape (w,): where the words lie in ``joined``; ends are exclusive.
    """

    columns: U32
    runs: Ints
    words: I32
    sizes: Ints
    is_ping: Bools
    joined: str
    word_starts: I32
    word_ends: I32

    @property
    def cells(self) -> Ints:
        """Each n-gram's cell: int64, shape (g,)."""
        return self.runs[:, 1].repeat(self._run_lengths())

    @property
    def is_word(self) -> Bools:
        """Whether each n-gram is of words, or a trait: bool, shape (g,)."""
        is_word: Bools = (self.runs[:, 2] == 1).repeat(self._run_lengths())
        return is_word

    def _run_lengths(self) -> Ints:
        return np.diff(self.runs[:, 0], prepend=0)


def grams_of(batch: Sequence[Parts]) -> Grams:
    """Hash every n-gram of every comment."""
    codes, numbers, strings, traits, joined = Layout.of(batch)
    columns, runs, words, sizes, is_ping, starts, ends = hashed(codes, numbers, strings, traits)
    return Grams(columns, runs, words, sizes, is_ping, joined, starts, ends)


def runs_of(cells: Ints) -> Ints:
    """Return the runs (see ``Grams``) of n-grams that lie in these cells, none of them marked as words."""
    ends = np.flatnonzero(np.diff(cells, append=-1)) + 1
    runs = np.zeros((len(ends), 3), np.int64)
    runs[:, 0], runs[:, 1] = ends, cells[ends - 1]
    return runs


class Layout(NamedTuple):
    """What is hashed of a batch of n comments, as ``hashed`` reads it: few arrays, since each takes a while to make.

    Attributes:
        codes: uint32: the code points of all strings, separators between them and at the end.
        numbers: int64, shape (3 * strings + traits + 2 * n,): for each string its length, its kind and its comment; the
            hashes of the traits, comment by comment; where the traits of each comment end; whether it is a ping.
        strings, traits: how many there are.
        joined: the strings of ``codes``.
    """

    codes: U32
    numbers: Ints
    strings: int
    traits: int
    joined: str

    @classmethod
    def of(cls, batch: Sequence[Parts]) -> Layout:
        """Lay out comments that were taken apart."""
        strings: list[str] = []
        segments: list[int] = []
        traits: list[int] = []
        trait_ends: list[int] = []
        is_ping: list[int] = []
        for row, parts in enumerate(batch):
            for kind, string in parts.segments:
                strings.append(string)
                segments += (len(string), kind, row)
            traits += map(_trait_hashes.__getitem__, parts.traits)
            trait_ends.append(len(traits))
            is_ping.append(parts.is_ping)
        joined = _SEPARATOR.join(strings) + _END
        if joined.count(_SEPARATOR) >= len(strings) + len(_END):
            joined = _SEPARATOR.join([string.replace(_SEPARATOR, " ") for string in strings]) + _END
        codes = np.frombuffer(utf_32_le_encode(joined, "surrogatepass")[0], dtype=np.uint32)
        numbers = np.frombuffer(array("q", [*segments, *traits, *trait_ends, *is_ping]), dtype=np.int64)
        return cls(codes, numbers, len(strings), len(traits), joined)


class _TraitHashes(dict[str, int]):
    """The hashes of traits, of which there are only some thousands."""

    def __missing__(self, trait: str) -> int:
        digest = hashlib.blake2b(trait.encode(), digest_size=8).digest()
        self[trait] = found = int.from_bytes(digest, "little", signed=True)
        return found


_trait_hashes = _TraitHashes()


@compiled
def _column(gram: np.uint64) -> np.uint32:
    gram = (gram ^ (gram >> _HALF)) * _BASE
    return np.uint32(gram >> _SHIFT)


@compiled
def _word_gram(words: U64, first: int, order: int) -> np.uint64:
    gram = words[first]
    if order > 0:
        gram = gram * _BASE + words[first + (1 if order == _TRIPLE else _STEPS[order])]
    if order == _TRIPLE:
        gram = gram * _BASE + words[first + 2]
    salted: np.uint64 = gram * _ORDER_SALTS[order]
    return salted


@compiled
def _keep_new(columns: U32, words: I32, first: int, end: int, place: int, seen: U32, mask: np.uint32) -> int:
    """Move n-grams up to ``place``, but for those that a comment has had; return where the next one goes.

    ``seen`` up to ``mask`` is a hash table, 0 where free. Narrow, and cleared for each comment, so that it stays near.
    Parts of arrays are counted from 0 without a sign, since otherwise each number is tested for being one from the end.
    The sum gets its sign back first: Numba adds numbers with and without one as floats.
    """
    new_columns, new_words, old_words = columns[place:], words[place:], words[first:end]
    kept = _ZERO
    for number, column in enumerate(columns[first:end]):
        key = column + np.uint32(1)
        slot = (np.uint32(column * _NARROW_BASE) >> _NARROW_SHIFT) & mask
        there = seen[slot]
        while (there != 0) & (there != key):
            slot = (slot + np.uint32(1)) & mask
            there = seen[slot]
        seen[slot] = key
        new_columns[kept], new_words[kept] = column, old_words[number]
        kept += np.uint64(there == 0)
    return place + int(np.int64(kept))


@compiled
def _hash_characters(
    codes: U32, start: int, end: int, salt: np.uint64, own: I32, first: int, columns: U32, words: I32, found: int
) -> int:
    """Hash the n-grams of a string's characters, with the number of the word, from ``first`` on, each begins in.

    ``own`` is where its words end. Behind the last characters some are hashed that end in what follows the string; they
    are not counted, and overwritten.
    """
    here, new_columns, new_words = codes[start:], columns[found:], words[found:]
    word, length, hashed_ones = 0, end - start, _ZERO
    for position in range(length):
        while word < len(own) and own[word] <= start + position:
            word += 1
        begins_in = first + word if word < len(own) else -1
        gram = _term(here[position], salt)
        for order in range(1, LONGEST):
            gram = gram * _BASE + _term(here[position + order], salt)
            place = hashed_ones + np.uint64(order - 1)
            new_columns[place], new_words[place] = _column(gram), begins_in
        hashed_ones += np.uint64(min(LONGEST - 1, length - 1 - position))
    return found + int(np.int64(hashed_ones))


@compiled
def hashed(codes: U32, numbers: Ints, strings: int, traits: int) -> tuple[U32, Ints, I32, Ints, Bools, I32, I32]:
    """Hash what a ``Layout`` has: columns, runs, words, sizes, is_ping, and where words start and end.

    First all n-grams of a comment are hashed, then those are dropped that it has had before: apart, each of the two
    loops is short enough for the processor to run ahead in it.
    """
    layout = numbers[: 3 * strings].reshape((strings, 3))
    trait_hashes = numbers[3 * strings : 3 * strings + traits].view(np.uint64)
    count = (len(numbers) - 3 * strings - traits) // 2
    trait_ends = numbers[len(numbers) - 2 * count : len(numbers) - count]
    is_ping = numbers[len(numbers) - count :] == 1
    starts, ends, hashes, first_of = _find_words(codes, layout)
    most = _most_ngrams(layout, trait_ends, first_of)
    columns, words = np.empty(most.sum(), np.uint32), np.empty(most.sum(), np.int32)
    sizes = np.zeros((count, _FAMILY_COUNT), np.int64)
    seen = np.empty(8 * max(most.max(), 1) if count else 0, np.uint32)
    runs = np.empty((2 * (len(layout) + count), 3), np.int64)
    shape = np.empty(len(codes), np.uint32)
    place, end, segment, trait, run = 0, -1, 0, 0, 0
    for row in range(count):
        found, first_run, first_segment, shape_length = place, run, segment, 0
        first_cell = row * _FAMILY_COUNT
        while segment < len(layout) and layout[segment, 2] == row:
            kind = layout[segment, 1]
            start, end = end + 1, end + 1 + layout[segment, 0]
            family, salt = _FAMILY_OF_CHARACTERS[kind], _KIND_SALTS[kind]
            if family != _NONE:
                own_words = ends[first_of[segment] : first_of[segment + 1]] if family == 0 else ends[:0]
                found = _hash_characters(codes, start, end, salt, own_words, first_of[segment], columns, words, found)
                runs[run, 0], runs[run, 1], runs[run, 2] = found, first_cell + family, 0
                run += 1
            if kind == _SHAPE:
                shape_length = shaped(codes[start:end], shape)
            segment += 1
        for known in range(first_segment, segment):
            family = _FAMILY_OF_WORDS[layout[known, 1]]
            if family != _NONE:
                last_word = first_of[known + 1]
                for word in range(first_of[known], last_word):
                    for order in range(6):
                        if word + _STEPS[order] < last_word:
                            columns[found] = _column(_word_gram(hashes, word, order))
                            words[found] = word if family == 1 else -1
                            found += 1
                runs[run, 0], runs[run, 1], runs[run, 2] = found, first_cell + family, 1
                run += 1
        while trait < trait_ends[row]:
            columns[found], words[found] = _column(trait_hashes[trait]), -1
            found += 1
            trait += 1
        runs[run, 0], runs[run, 1], runs[run, 2] = found, first_cell + _FAMILY_OF_TRAITS, 1
        run += 1
        shape[shape_length : shape_length + LONGEST - 1] = 0
        found = _hash_characters(shape, 0, shape_length, _KIND_SALTS[_SHAPE], ends[:0], 0, columns, words, found)
        runs[run, 0], runs[run, 1], runs[run, 2] = found, first_cell + _FAMILY_OF_SHAPE, 0
        run += 1
        width = 1 << (int(np.log2(max(most[row], 1))) + 3)
        seen[:width] = 0
        found = place
        for known in range(first_run, run):
            first, last = place, runs[known, 0]
            place = _keep_new(columns, words, found, last, place, seen, np.uint32(width - 1))
            found, runs[known, 0] = last, place
            sizes[row, runs[known, 1] - first_cell] += place - first
    return columns[:place], runs[:run], words[:place], sizes, is_ping, starts, ends


@compiled
def _most_ngrams(layout: Ints, trait_ends: Ints, first_of: Ints) -> Ints:
    """Count the n-grams of each comment, repeated ones and some more: int64, shape (n,)."""
    most = trait_ends.copy()
    most[1:] -= trait_ends[:-1]
    for segment in range(len(layout)):
        length, kind, row = layout[segment]
        if _FAMILY_OF_CHARACTERS[kind] != _NONE or kind == _SHAPE:
            most[row] += (LONGEST - 1) * length
        if _FAMILY_OF_WORDS[kind] != _NONE:
            most[row] += len(_STEPS) * (first_of[segment + 1] - first_of[segment])
    return most


@compiled
def _find_words(codes: U32, layout: Ints) -> tuple[I32, I32, U64, Ints]:
    """Find and hash the words of each string, in lower case.

    A word is a run of letters, digits, marks and apostrophes; in scripts without blanks, one character. Returns where
    words start and end, their hashes where those count, and the first word of each string (one more for the end).
    """
    starts = np.empty(len(codes), np.int32)
    ends = np.empty(len(codes), np.int32)
    hashes = np.empty(len(codes), np.uint64)
    first_of = np.empty(len(layout) + 1, np.int64)
    found = 0
    end = -1
    for segment in range(len(layout)):
        first_of[segment] = found
        start, end = end + 1, end + 1 + layout[segment, 0]
        if layout[segment, 1] == _SHAPE:
            continue
        begun = -1
        for position in range(start, end + 1):
            kind = _CLASSES[min(codes[position], _LAST_CLASS)]
            if kind != _RUNNING and begun >= 0:
                starts[found], ends[found] = begun, position
                found += 1
                begun = -1
            if kind == _RUNNING and begun < 0:
                begun = position
            if kind == _LONE:
                starts[found], ends[found] = position, position + 1
                found += 1
        if _FAMILY_OF_WORDS[layout[segment, 1]] != _NONE:
            salt = _KIND_SALTS[layout[segment, 1]]
            for word in range(first_of[segment], found):
                power, total = np.uint64(1), np.uint64(0)
                for position in range(starts[word], ends[word]):
                    total += _term(_lowered(codes[position]), salt) * power
                    power *= _BASE
                hashes[word] = (total ^ (total >> _WORD_SHIFT)) * _MIX
    first_of[len(layout)] = found
    return starts[:found], ends[:found], hashes[:found], first_of


@compiled
def _term(code: np.uint32, salt: np.uint64) -> np.uint64:
    return np.uint64(code) * _MIX + salt


@compiled
def _lowered(code: np.uint32) -> np.uint32:
    return _LOWER_CASE[code] if code < _CASED_CODES else code


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
_LAST_CLASS = len(_CLASSES) - 1


def _lower_case() -> U32:
    """Return every code point of the scripts that have case (Latin, Greek, Cyrillic, Armenian) in lower case."""
    letters = map(chr, range(_CASED_CODES))
    return np.array([ord(letter.lower()[0]) for letter in letters], dtype=np.uint32)


_CASED_CODES = 0x590
_LOWER_CASE = _lower_case()
