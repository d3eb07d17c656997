"""Labelled comments as numbers: which n-grams they have, of those that tell more than one site.

Owns measuring comments for training, and choosing rows and columns of what was measured. Leaves which n-grams there are
to ``ngrams`` and learning from them to ``classifier``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse

from model.compiled import compiled
from model.ngrams import COLUMN_BITS, FAMILIES, grams_of
from model.scripts import distinct_script_of
from model.segments import parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from model.comment import Comment

    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]
    Descriptions = npt.NDArray[np.uint32]

CHUNK_COMMENTS = 64
CHUNK_ROWS = 4_096
"""Comments whose n-grams a thread looks up at once."""
MIN_SITES = 2
"""An n-gram of one site alone says more about that site than about spam."""
_DESCRIPTION_BITS = 32 - COLUMN_BITS
"""Three for the family of an n-gram and one for whether it is of words."""
_DESCRIPTION_MASK = np.uint32((1 << _DESCRIPTION_BITS) - 1)
_BLOCK_BITS = 20
_BLOCK_SHIFT = np.uint32(32 - _BLOCK_BITS)


@dataclass(frozen=True, slots=True)
class Design:
    """Labelled comments as numbers.

    Where n-grams of two families share a column by chance, each is one of the c, so that neither passes for the other.

    Attributes:
        counts: float32 CSR, shape (n, c): 1 where a comment has an n-gram; n-grams of one site alone are left out.
        columns: int64, shape (c,): what the n-grams are known by, ascending.
        family_of: int8, shape (c,): the family of an n-gram.
        is_word: bool, shape (c,).
        sizes: int64, shape (n, families): n-grams of each family in each comment.
        is_ping: bool, shape (n,).
        scripts: int64, shape (n,): the number of the script that sets it apart.
        labels: int64, shape (n,): 1 spam, 0 ham.
        sites: int64, shape (n,): the site's number.
    """

    counts: sparse.csr_matrix
    columns: Ints
    family_of: npt.NDArray[np.int8]
    is_word: Bools
    sizes: Ints
    is_ping: Bools
    scripts: Ints
    labels: Ints
    sites: Ints


def design_of(comments: Sequence[Comment], labels: Sequence[int], sites: Sequence[str], jobs: int = 1) -> Design:
    """Measure labelled comments, in ``jobs`` processes and then as many threads."""
    chunks = [comments[i : i + CHUNK_COMMENTS] for i in range(0, len(comments), CHUNK_COMMENTS)]
    measured = Parallel(n_jobs=jobs)(delayed(_measure)(chunk) for chunk in chunks)
    described = np.concatenate([chunk.described for chunk in measured])
    indptr = np.concatenate([[0], np.cumsum(np.concatenate([chunk.distinct for chunk in measured]))])
    sizes = np.concatenate([chunk.sizes for chunk in measured])
    is_ping = np.concatenate([chunk.is_ping for chunk in measured])
    scripts = _numbered([script for chunk in measured for script in chunk.scripts])
    del measured
    numbers = _numbered(sites)
    with Parallel(n_jobs=jobs, backend="threading") as threads:
        shared = _shared_descriptions(described, indptr, numbers, threads)
        firsts = _first_places(shared)
        found = threads(
            delayed(_places)(described, indptr[start : start + CHUNK_ROWS + 1], shared, firsts)
            for start in range(0, len(comments), CHUNK_ROWS)
        )
    indices = np.concatenate([places for places, _ in found])
    ends = np.append(0, np.cumsum(np.concatenate([lengths for _, lengths in found])))
    ones = np.ones(len(indices), dtype=np.float32)
    return Design(
        counts=sparse.csr_matrix((ones, indices, ends), shape=(len(comments), len(shared))),
        columns=(shared >> _DESCRIPTION_BITS).astype(np.int64),
        family_of=((shared & _DESCRIPTION_MASK) >> 1).astype(np.int8),
        is_word=shared % 2 == 1,
        sizes=sizes,
        is_ping=is_ping,
        scripts=scripts,
        labels=np.asarray(labels, dtype=np.int64),
        sites=numbers,
    )


def _numbered(names: Sequence[str]) -> Ints:
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Measured:
    """The distinct n-grams of a chunk's comments, comment by comment.

    Attributes:
        described: uint32, ascending: the column, and in the lowest bits the family and whether it is one of words.
        distinct: int64: how many each comment has.
        sizes: int64, shape (n, families).
        is_ping: bool, shape (n,).
        scripts: what sets each comment's text apart.
    """

    described: Descriptions
    distinct: Ints
    sizes: Ints
    is_ping: Bools
    scripts: list[str]


def _measure(comments: Sequence[Comment]) -> _Measured:
    parts = [parts_of(comment) for comment in comments]
    grams = grams_of(parts)
    rows, families = np.divmod(grams.cells.astype(np.uint64), np.uint64(len(FAMILIES)))
    keys = (rows << np.uint64(32)) | (grams.columns.astype(np.uint64) << np.uint64(_DESCRIPTION_BITS))
    keys |= families << np.uint64(1)
    keys |= grams.is_word.astype(np.uint64)
    keys.sort()
    per_comment = np.bincount((keys >> np.uint64(32)).astype(np.int64), minlength=len(comments))
    scripts = [distinct_script_of(one.text) for one in parts]
    return _Measured(keys.astype(np.uint32), per_comment, grams.sizes, grams.is_ping, scripts)


def _shared_descriptions(described: Descriptions, indptr: Ints, sites: Ints, threads: Parallel) -> Descriptions:
    """Return, ascending, what at least ``MIN_SITES`` sites have, or that many comments where there is but one site."""
    order = sites.argsort(kind="stable")
    firsts = np.flatnonzero(np.diff(sites[order], prepend=-1))
    if len(firsts) < MIN_SITES:
        distinct = np.sort(described)
    else:
        by_site = np.split(order, firsts[1:])
        distinct = np.concatenate(threads(delayed(_distinct_of)(described, indptr, rows) for rows in by_site))
        distinct.sort()
    is_again = distinct[MIN_SITES - 1 :] == distinct[: len(distinct) - MIN_SITES + 1]
    return _distinct(distinct[MIN_SITES - 1 :][is_again])


def _distinct_of(described: Descriptions, indptr: Ints, rows: Ints) -> Descriptions:
    return _distinct(np.concatenate([described[indptr[row] : indptr[row + 1]] for row in rows]))


def _distinct(described: Descriptions) -> Descriptions:
    """Return each once, ascending; ``numpy.unique``, which hashes them, takes five times as long for so many."""
    ascending = np.sort(described)
    is_new = np.ones(len(ascending), dtype=np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=is_new[1:])
    return ascending[is_new]


def _first_places(shared: Descriptions) -> Ints:
    """Return where each block of descriptions begins among the sorted ones, so that one is found in a few steps."""
    blocks = np.arange(1 << _BLOCK_BITS, dtype=np.uint32) << _BLOCK_SHIFT
    return np.append(np.searchsorted(shared, blocks), len(shared))


@compiled
def _places(
    described: Descriptions, indptr: Ints, shared: Descriptions, firsts: Ints
) -> tuple[npt.NDArray[np.int32], Ints]:
    """Find each comment's n-grams among the shared ones: a CSR matrix's indices, and how many each comment has."""
    places = np.empty(indptr[-1] - indptr[0], np.int32)
    lengths = np.zeros(len(indptr) - 1, np.int64)
    end = 0
    for row in range(len(indptr) - 1):
        start = end
        for number in range(indptr[row], indptr[row + 1]):
            block = described[number] >> _BLOCK_SHIFT
            place = firsts[block]
            while place < firsts[block + 1] and shared[place] < described[number]:
                place += 1
            if place < firsts[block + 1] and shared[place] == described[number]:
                places[end] = place
                end += 1
        lengths[row] = end - start
    return places[:end], lengths


def shared_columns(counts: sparse.csr_matrix, rows: Ints, sites: Ints) -> Ints:
    """Return the columns that at least ``MIN_SITES`` sites have, or one site twice where there is but one."""
    groups = sites if len(np.unique(sites)) >= MIN_SITES else np.arange(len(rows))
    order = groups.argsort(kind="stable")
    last = np.full(counts.shape[1], -1, dtype=np.int32)
    times = np.zeros(counts.shape[1], dtype=np.uint8)
    _count_groups(counts.indptr, counts.indices, rows[order], groups[order], last, times)
    return np.flatnonzero(times >= MIN_SITES)


@compiled
def _count_groups(
    indptr: Ints, indices: Ints, rows: Ints, groups: Ints, last: npt.NDArray[np.int32], times: npt.NDArray[np.uint8]
) -> None:
    """Count in ``times``, up to ``MIN_SITES``, the groups that have each column; rows of a group stand together."""
    for number in range(len(rows)):
        for place in range(indptr[rows[number]], indptr[rows[number] + 1]):
            column = indices[place]
            if times[column] < MIN_SITES and last[column] != groups[number]:
                last[column] = groups[number]
                times[column] += 1


def selected(counts: sparse.csr_matrix, rows: Ints, columns: Ints) -> sparse.csr_matrix:
    """Return some rows and, in ascending order, some columns of a matrix of ones."""
    place_of = np.full(counts.shape[1], -1, dtype=np.int32)
    place_of[columns] = np.arange(len(columns))
    places, ends = _gathered(counts.indices, counts.indptr, rows, place_of)
    return sparse.csr_matrix((np.ones(len(places), np.float32), places, ends), shape=(len(rows), len(columns)))


@compiled
def _gathered(
    indices: Ints, indptr: Ints, rows: Ints, place_of: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int32], Ints]:
    places = np.empty((indptr[rows + 1] - indptr[rows]).sum(), np.int32)
    ends = np.zeros(len(rows) + 1, np.int64)
    end = 0
    for number in range(len(rows)):
        for place in range(indptr[rows[number]], indptr[rows[number] + 1]):
            column = place_of[indices[place]]
            if column >= 0:
                places[end] = column
                end += 1
        ends[number + 1] = end
    return places[:end], ends


def split_by_group(
    counts: sparse.csr_matrix, group_of: npt.NDArray[np.int8], groups: int, frequencies: Ints
) -> list[sparse.csr_matrix]:
    """Return a matrix for the columns of each group, in ascending order, with all rows of a matrix of ones.

    One pass for all groups, laid out by ``frequencies``, int64, shape (c,): how many of these rows have each column.
    """
    place_of = np.empty(counts.shape[1], dtype=np.int32)
    for group in range(groups):
        columns = np.flatnonzero(group_of == group)
        place_of[columns] = np.arange(len(columns))
    widths = np.bincount(group_of, minlength=groups)
    lengths = np.bincount(group_of, weights=frequencies, minlength=groups).astype(np.int64)
    starts = np.append(0, np.cumsum(lengths))
    places, ends = _split(counts.indices, counts.indptr, group_of, place_of, starts)
    ones = np.ones(lengths.max(initial=0), np.float32)
    return [
        sparse.csr_matrix(
            (ones[: lengths[group]], places[starts[group] : starts[group + 1]], ends[group]),
            shape=(counts.shape[0], widths[group]),
        )
        for group in range(groups)
    ]


@compiled
def _split(
    indices: Ints, indptr: Ints, group_of: npt.NDArray[np.int8], place_of: npt.NDArray[np.int32], starts: Ints
) -> tuple[npt.NDArray[np.int32], Ints]:
    groups = len(starts) - 1
    places = np.empty(len(indices), np.int32)
    ends = np.zeros((groups, len(indptr)), np.int64)
    next_free = starts[:-1].copy()
    for row in range(len(indptr) - 1):
        for place in range(indptr[row], indptr[row + 1]):
            column = indices[place]
            group = group_of[column]
            places[next_free[group]] = place_of[column]
            next_free[group] += 1
        for group in range(groups):
            ends[group, row + 1] = next_free[group] - starts[group]
    return places, ends
