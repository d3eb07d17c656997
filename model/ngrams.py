"""Strings to hashes of their word and character n-grams, for many comments at once, in numpy.

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

from model.segments import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from model.segments import Parts

    U64 = npt.NDArray[np.uint64]
    Ints = npt.NDArray[np.int64]

FAMILIES = ("text_characters", "text_words", "author", "author_url", "links", "email", "traits")
"""The kinds of evidence that are weighed apart, each by a regression of its own."""
TEXT_FAMILIES = 2

CHARACTER_ORDERS = (2, 3, 4, 5)
WORD_GAPS = (2, 3, 4)
COLUMN_BITS = 26
"""An n-gram is known by the highest bits of its hash: its column. Column 0 stands for none."""

_FAMILY_OF_CHARACTERS = {Kind.TEXT: 0, Kind.AUTHOR: 2, Kind.URL: 3, Kind.LINK: 4, Kind.ANCHOR: 4, Kind.EMAIL: 5}
_FAMILY_OF_WORDS = _FAMILY_OF_CHARACTERS | {Kind.TEXT: 1}
_FAMILY_OF_TRAITS = 6
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xC2B2AE3D27D4EB4F)
_BASE_INVERSE = np.uint64(pow(int(_BASE), -1, 1 << 64))
_KIND_SALTS = [0x632BE59BD9B4E019 * (2 * kind + 1) % (1 << 64) for kind in Kind]
_SEPARATOR = "\x00"
_SHIFT = np.uint64(64 - COLUMN_BITS)


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of a batch of n comments: of characters, then of words, then traits.

    Attributes:
        columns: int64, shape (g,): 0 for an n-gram that would cross from one string into the next, so is none.
        cells: int64, shape (g,): comment * len(FAMILIES) + family.
        sizes: float64, shape (n, families): how many n-grams a comment has of each family.
        first_word, first_trait: where the n-grams of words, and the traits, begin.
        codes: uint32, shape (c,): the code points of all strings, each string closed by 0.
        word_starts, word_ends: int64, shape (w,): where the words lie in ``codes``; ends are exclusive.
        text_words: int64, shape (n, 2): the first word of each comment's text, and the one after its last.
    """

    columns: Ints
    cells: Ints
    sizes: npt.NDArray[np.float64]
    first_word: int
    first_trait: int
    codes: npt.NDArray[np.uint32]
    word_starts: Ints
    word_ends: Ints
    text_words: Ints

    def character_positions(self) -> Ints:
        """Return where each n-gram of characters begins in ``codes``: int64, shape (first_word,)."""
        return np.concatenate([_counting(len(self.codes) - order + 1) for order in CHARACTER_ORDERS])

    def word_numbers(self) -> Ints:
        """Return which word each n-gram of words begins with: int64, shape (first_trait - first_word,)."""
        count = len(self.word_starts)
        return np.concatenate([_counting(max(count - step, 0)) for step in (0, 1, 2, *WORD_GAPS)])


def grams_of(batch: Sequence[Parts]) -> Grams:
    """Hash every n-gram of every comment."""
    strings: list[str] = []
    lengths: list[int] = []
    salts: list[int] = []
    character_cells: list[int] = []
    word_cells: list[int] = []
    first_segments: list[int] = []
    trait_hashes: list[int] = []
    trait_cells: list[int] = []
    sizes = np.zeros(len(batch) * len(FAMILIES))
    for row, (segments, traits) in enumerate(batch):
        first_cell = row * len(FAMILIES)
        first_segments.append(len(strings))
        for kind, string in segments:
            strings.append(string if _SEPARATOR not in string else string.replace(_SEPARATOR, " "))
            lengths.append(len(string) + 1)
            salts.append(_KIND_SALTS[kind])
            character_cells.append(first_cell + _FAMILY_OF_CHARACTERS[kind])
            word_cells.append(first_cell + _FAMILY_OF_WORDS[kind])
            sizes[character_cells[-1]] += _count_of_grams(len(string), CHARACTER_ORDERS, 1)
        trait_hashes.extend(map(_trait_hash, traits))
        trait_cells.extend([first_cell + _FAMILY_OF_TRAITS] * len(traits))
        sizes[first_cell + _FAMILY_OF_TRAITS] += len(traits)
    joined = _SEPARATOR.join(strings) + _SEPARATOR
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    salted = codes * _MIX
    salted += np.array(salts, dtype=np.uint64).repeat(lengths)
    cell_of = np.array(character_cells).repeat(lengths)
    hashes, crossing = _character_hashes(codes, salted)
    cells = [cell_of[: len(part)] for part in hashes]
    first_word = sum(map(len, hashes))
    word_starts, word_ends = _words(codes)
    segment = np.cumsum(lengths).searchsorted(word_starts, side="right")
    texts = np.array(first_segments, dtype=np.int64)[:, None]
    word_cell = np.array(word_cells)[segment]
    for cell, count in zip(word_cells, np.bincount(segment, minlength=len(lengths)).tolist(), strict=True):
        sizes[cell] += _count_of_grams(count, (0, 1, 2, *WORD_GAPS), 0)
    word_hashes, word_crossing = _word_hashes(salted, word_starts, word_ends, segment)
    hashes += word_hashes
    crossing += word_crossing
    cells += [word_cell[: len(part)] for part in word_hashes]
    first_trait = sum(map(len, hashes))
    hashes.append(np.array(trait_hashes, dtype=np.uint64))
    crossing.append(np.zeros(len(trait_hashes), dtype=np.bool_))
    cells.append(np.array(trait_cells, dtype=np.int64))
    columns = _columns(np.concatenate(hashes))
    columns[np.concatenate(crossing)] = 0
    return Grams(
        columns=columns,
        cells=np.concatenate(cells),
        sizes=sizes.reshape(len(batch), len(FAMILIES)),
        first_word=first_word,
        first_trait=first_trait,
        codes=codes,
        word_starts=word_starts,
        word_ends=word_ends,
        text_words=segment.searchsorted(np.hstack([texts, texts + 1])),
    )


def _count_of_grams(length: int, spans: tuple[int, ...], extra: int) -> int:
    """Count the places where n-grams of these spans fit into ``length`` units."""
    return sum(length - span + extra for span in spans if length - span + extra > 0)


def _character_hashes(codes: npt.NDArray[np.uint32], salted: U64) -> tuple[list[U64], list[npt.NDArray[np.bool_]]]:
    """Hash n-grams of characters by a rolling hash, one array an order; say which cross a separator."""
    separates = codes == 0
    rolling, crosses = salted, separates
    hashes, crossing = [], []
    for order in range(2, CHARACTER_ORDERS[-1] + 1):
        rolling = rolling[:-1] * _BASE
        rolling += salted[order - 1 :]
        crosses = crosses[:-1] | separates[order - 1 :]
        if order in CHARACTER_ORDERS:
            hashes.append(rolling)
            crossing.append(crosses)
    return hashes, crossing


def _words(codes: npt.NDArray[np.uint32]) -> tuple[Ints, Ints]:
    """Find the words: runs of letters, digits, marks and apostrophes; in scripts without spaces, every character."""
    classes = _CLASSES.take(codes, mode="clip")
    running = classes == _RUNNING
    edges = np.flatnonzero(running[1:] != running[:-1]) + 1
    if running[0]:
        edges = np.concatenate([[0], edges])
    starts, ends = edges[::2], edges[1::2]  # the last code is a separator, so every run ends
    lone = np.flatnonzero(classes == _LONE)
    if not len(lone):
        return starts, ends
    starts = np.concatenate([starts, lone])
    order = starts.argsort(kind="stable")
    return starts[order], np.concatenate([ends, lone + 1])[order]


def _word_hashes(salted: U64, starts: Ints, ends: Ints, segment: Ints) -> tuple[list[U64], list[npt.NDArray[np.bool_]]]:
    """Hash words, pairs, triples and pairs with a gap, one array each; say which cross from string to string."""
    sums = np.empty(len(salted) + 1, dtype=np.uint64)
    sums[0] = 0
    np.cumsum(salted * _powers(_BASE, len(salted)), out=sums[1:])
    words = (sums[ends] - sums[starts]) * _powers(_BASE_INVERSE, len(salted))[starts]
    words ^= words >> np.uint64(29)
    words *= _MIX
    led = words * _BASE
    pairs = led[:-1] + words[1:]
    hashes = [words, pairs * np.uint64(3), (pairs[:-1] * _BASE + words[2:]) * np.uint64(5)]
    hashes += [(led[:-gap] + words[gap:]) * np.uint64(2 * gap + 5) for gap in WORD_GAPS]
    crossing = [segment[step:] != segment[:-step] for step in (1, 2, *WORD_GAPS)]
    return hashes, [np.zeros(len(words), dtype=np.bool_), *crossing]


def _columns(hashes: U64) -> Ints:
    hashes ^= hashes >> np.uint64(32)
    hashes *= _BASE
    hashes >>= _SHIFT
    return hashes.view(np.int64)


@lru_cache(maxsize=4096)
def _trait_hash(trait: str) -> int:
    return int.from_bytes(hashlib.blake2b(trait.encode(), digest_size=8).digest(), "little")


_power_tables: dict[int, U64] = {}


def _powers(base: np.uint64, count: int) -> U64:
    """Return base**0 .. base**(count-1); the longest table asked for is kept."""
    table = _power_tables.get(int(base))
    if table is None or len(table) < count:
        factors = np.full(max(2 * count, 4096), base, dtype=np.uint64)
        factors[0] = 1
        table = np.multiply.accumulate(factors)
        _power_tables[int(base)] = table
    return table[:count]


def _counting(count: int) -> Ints:
    return np.arange(max(count, 0))


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
