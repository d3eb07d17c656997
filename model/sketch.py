"""Sketches by which near-duplicates are told, however much of a comment's name, links and wording was changed.

One-permutation MinHash (Li, Owen and Zhang 2012): the n-grams of a comment, all its fields together but not those of
its shape, which many unlike comments share, are dealt into bins by their hash, and each bin keeps its smallest. Two
comments have about as large a share of bins in common as they have of n-grams (their Jaccard similarity). Since a few
added words may leave all bins as they are, a sketch ends with a digest of the whole set: only comments with the very
same n-grams have the same sketch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.compiled import compiled
from model.ngrams import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.ngrams import U32, Floats, Grams, Ints

BINS = 32
BYTES_OF_BAND = 2 * 4
"""Two bins: comments that are alike have one such band of sixteen in common, nearly always."""
MIN_SIMILARITY = 0.5
"""What near-duplicates have in common at least; ``benchmarks/quality/near_duplicates.py`` shows what it tells apart."""
_BIN_SHIFT = np.uint32(32 - 5)
_MIX = np.uint32(0x9E3779B1)
_WIDE_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHAPE = FAMILIES.index("shape")
_EMPTY = np.uint32(0xFFFFFFFF)
_HALF = np.uint64(32)
_SKETCH_BYTES = 4 * (BINS + 2)
assert 1 << (32 - int(_BIN_SHIFT)) == BINS  # noqa: S101 - the shift must leave as many bits as there are bins


def sketches_of(grams: Grams) -> list[bytes]:
    """Sketch each comment of a batch: ``BINS`` numbers of 32 bits, and 64 bits of digest."""
    return as_bytes(sketched(grams.columns, grams.sizes))


def as_bytes(rows: U32) -> list[bytes]:
    """Return what ``sketched`` made of each comment as a sketch."""
    together = rows.tobytes()
    return [together[start : start + _SKETCH_BYTES] for start in range(0, len(together), _SKETCH_BYTES)]


def bins_of(sketch: bytes) -> bytes:
    """Return a sketch without its digest."""
    return sketch[: BINS * 4]


def similarities(sketch: bytes, others: Sequence[bytes]) -> list[float]:
    """Estimate the share of n-grams that a comment has in common with each of others: 0 to 1."""
    shared: list[float] = _shared(_table_of(sketch, others)).tolist()
    return shared


def count_alike(sketch: bytes, others: Sequence[bytes]) -> int:
    """Count those of others that a comment is alike."""
    return _alike(_table_of(sketch, others))


def _table_of(sketch: bytes, others: Sequence[bytes]) -> U32:
    return np.frombuffer(b"".join([sketch, *others]), np.uint32).reshape(-1, len(sketch) // 4)


@compiled
def _alike(table: U32) -> int:
    count = 0
    for share in _shared(table):
        count += share >= MIN_SIMILARITY
    return count


@compiled
def _shared(table: U32) -> Floats:
    """Compare the first row's bins with those of each other row; what has no n-gram at all is like its own kind."""
    shares = np.empty(len(table) - 1)
    for row in range(1, len(table)):
        equal, filled = 0, 0
        for place in range(BINS):
            one, other = table[0, place], table[row, place]
            filled += one != _EMPTY or other != _EMPTY
            equal += one == other and one != _EMPTY
        shares[row - 1] = equal / filled if filled else 1.0
    return shares


@compiled
def sketched(columns: U32, sizes: Ints) -> U32:
    """Fill a row for each comment, of ``sizes`` n-grams: its bins, then the lower and the upper half of its digest.

    A comment's n-grams of shape are its last ones.
    """
    rows = np.full((len(sizes), BINS + 2), _EMPTY, np.uint32)
    following = 0
    for row in range(len(sizes)):
        first, following = following, following + sizes[row].sum()
        end = following - sizes[row, _SHAPE]
        bins, digest = rows[row], np.uint64(0)
        for column in columns[first:end]:
            mixed = np.uint32(column * _MIX)
            mixed = np.uint32((mixed ^ (mixed >> np.uint32(15))) * _MIX)
            bin_of = mixed >> _BIN_SHIFT
            bins[bin_of] = min(bins[bin_of], mixed)
            spread = (np.uint64(column) + np.uint64(1)) * _WIDE_MIX
            digest += (spread ^ (spread >> np.uint64(29))) * _WIDE_MIX
        bins[BINS], bins[BINS + 1] = np.uint32(digest & np.uint64(_EMPTY)), np.uint32(digest >> _HALF)
    return rows
