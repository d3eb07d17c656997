"""Sketches by which near-duplicates are told, however much of a comment's name, links and wording was changed.

One-permutation MinHash (Li, Owen and Zhang 2012): the n-grams of a comment, all its fields together, are dealt into
bins by their hash, and each bin keeps its smallest. Two comments have about as large a share of bins in common as they
have of n-grams (their Jaccard similarity).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.compiled import compiled
from model.ngrams import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from model.ngrams import I32, U32, Grams

BINS = 32
_BIN_SHIFT = np.uint32(32 - 5)
_MIX = np.uint32(0x9E3779B1)
_EMPTY = np.uint32(0xFFFFFFFF)
_FAMILY_COUNT = len(FAMILIES)
assert 1 << (32 - int(_BIN_SHIFT)) == BINS  # noqa: S101 - the shift must leave as many bits as there are bins


def sketches_of(grams: Grams) -> list[bytes]:
    """Sketch each comment of a batch: ``BINS`` numbers of 32 bits."""
    return [sketch.tobytes() for sketch in _smallest(grams.columns, grams.cells, len(grams.sizes))]


def similarities(sketch: bytes, others: Sequence[bytes]) -> list[float]:
    """Estimate the share of n-grams that a comment has in common with each of others: 0 to 1."""
    bins = np.frombuffer(sketch, np.uint32)
    table = np.frombuffer(b"".join(others), np.uint32).reshape(-1, BINS)
    filled = (table != _EMPTY) | (bins != _EMPTY)
    shared: list[float] = (((table == bins) & filled).sum(axis=1) / filled.sum(axis=1)).tolist()
    return shared


@compiled
def _smallest(columns: U32, cells: I32, count: int) -> npt.NDArray[np.uint32]:
    smallest = np.full((count, BINS), _EMPTY, np.uint32)
    for place in range(len(columns)):
        row = cells[place] // _FAMILY_COUNT
        mixed = np.uint32(columns[place] * _MIX)
        mixed = np.uint32((mixed ^ (mixed >> np.uint32(15))) * _MIX)
        bin_of = mixed >> _BIN_SHIFT
        smallest[row, bin_of] = min(smallest[row, bin_of], mixed)
    return smallest
