"""The learnt weights in the form that is saved, loaded and served, and how a comment's log-odds follow from them.

The log-odds are a sum: for each family of n-grams (the characters of the text, the author's name, ...) a logistic
regression's weights, divided by the square root of the family's size, which for the text's characters is counted as
larger than it is; those of one joint regression over all families, divided by the square root of all sizes; and over
the words of all fields naive Bayes log-likelihood ratios, divided by the square root of the number of telling ones. A
family that a comment lacks adds nothing. Where the regressions of the author's name and of the author's link both speak
for spam, their product is added, but for pings. Owns that sum and its parts; leaves learning to ``classifier`` and
words for people to ``explanation``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model.compiled import compiled
from model.ngrams import COLUMN_BITS, FAMILIES, TEXT_FAMILIES, Layout, grams_of, hashed
from model.segments import parts_of
from model.sketch import sketched

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from model.comment import Comment
    from model.segments import Parts

    Columns = npt.NDArray[np.uint32]
    Places = npt.NDArray[np.int32]
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

SLOT_BITS = 22
WAYS = 2
"""The slots of a set, in either of which a column may lie, as in a set-associative cache: with one, many n-grams of the
shipped model pushed each other out."""
CHECK_BITS = COLUMN_BITS - SLOT_BITS + 1
CHARACTERS_PRIOR_COUNT = 100
"""Added to the number of a text's n-grams of characters, so that a short text convinces less. Only in scoring: the
regression is learnt without."""
BAYES_PRIOR_COUNT = 5
"""Added to the number of telling words, so that one word alone convinces less."""
MAX_WORDS = 5
_CHECK_BITS, _CHECK_MASK = np.uint32(CHECK_BITS), np.uint32((1 << CHECK_BITS) - 1)
_REGRESSION_SHIFT, _CHECK_SHIFT, _JOINT_SHIFT, _BYTE = np.uint32(8), np.uint32(16), np.uint32(24), np.uint32(0xFF)
_HALF = np.uint64(32)
_FAMILY_COUNT = len(FAMILIES)
_AUTHOR, _AUTHOR_URL = FAMILIES.index("author"), FAMILIES.index("author_url")
_PRIOR_COUNTS = np.array([CHARACTERS_PRIOR_COUNT if name == "text_characters" else 0 for name in FAMILIES])
"""By family."""
_NOTHING = np.uint32(0xFF << 16)
"""What an empty slot holds: no column has this check."""


@dataclass(frozen=True, slots=True)
class Contributions:
    """What the n-grams of a batch of n comments add to the comments' log-odds.

    Attributes:
        entries: uint32, shape (g,): the n-grams' entries in the scorer's table, 0 for what it does not have.
        per_regression: float64, shape (n, families): log-odds per unit of regression weight.
        per_joint: float64, shape (n,): log-odds per unit of the joint regression's weight.
        per_ratio: float64, shape (n,): log-odds per unit of Bayes ratio.
        families: float64, shape (n, families): what each family adds in all.
        log_odds: float64, shape (n,): the sum of the families and the scorer's offset.
    """

    entries: Columns
    per_regression: Floats
    per_joint: Floats
    per_ratio: Floats
    families: Floats
    log_odds: Floats


class Judged(NamedTuple):
    """What a batch of n comments scores, and why: few arrays, since each takes a while to hand over.

    Attributes:
        adds: float64, shape (n, 1 + families + MAX_WORDS): a comment's log-odds, what each family adds to them, and
            what those words of the text add that weigh most, by the n-grams that begin in them; strongest first.
        words: int64, shape (n, 2 * MAX_WORDS): where each of those words starts and ends in the joined strings; -1
            where there are fewer.
        sketches: uint32, as ``sketched`` has them.
        columns, sizes: as in ``Grams``.
    """

    adds: Floats
    words: Ints
    sketches: Columns
    columns: Columns
    sizes: Ints


@dataclass(frozen=True, slots=True)
class Scorer:
    """Weights of hashed n-grams and their calibration.

    Attributes:
        table: uint32, shape (2**SLOT_BITS,): from the lowest byte up, a column's Bayes ratio and regression weight
            (signed), the lowest bits of the column as a check, and its weight in the joint regression (signed). The
            column's other bits say in which set of ``WAYS`` slots it lies.
        family_scales: float64, shape (families,): log-odds per unit of regression weight.
        family_offsets: float64, shape (families,): added where the family is present.
        joint_scale: log-odds per unit of the joint regression's weight.
        bayes_scale: log-odds per unit of Bayes ratio.
        together_weight: how much of the product of the author's name's and the author's link's regressions is added,
            where both speak for spam and the comment is no ping.
        slope, offset: calibration of the sum to log-odds (Platt 1999).
        weights: float64, shape (2 * families + 5,): all of these but the table, in one array.
    """

    table: npt.NDArray[np.uint32]
    family_scales: Floats
    family_offsets: Floats
    joint_scale: float
    bayes_scale: float
    together_weight: float
    slope: float
    offset: float
    weights: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        weights = np.concatenate([self.family_scales, self.family_offsets, self.constants])
        object.__setattr__(self, "weights", weights)

    def log_odds(self, comments: Sequence[Comment]) -> Floats:
        """Score comments: float64, shape (n,). A comment's score does not depend on the others in the batch."""
        grams = grams_of([parts_of(comment) for comment in comments])
        return self.contributions(grams.columns, grams.runs, grams.sizes, grams.is_ping).log_odds

    def contributions(self, columns: Columns, runs: Ints, sizes: Ints, is_ping: Bools) -> Contributions:
        """Look up every n-gram of a batch (see ``Grams``) and weigh it."""
        entries = _entries(self.table, columns)
        return Contributions(entries, *_weighed(_sums(entries, runs, sizes.size), sizes, is_ping, self.weights))

    @property
    def constants(self) -> tuple[float, float, float, float, float]:
        """The scorer's single numbers, in their order."""
        return self.joint_scale, self.bayes_scale, self.together_weight, self.slope, self.offset

    def judged(self, batch: Sequence[Parts]) -> tuple[Judged, str]:
        """Score a batch that was taken apart, and say why; the string is what ``Judged`` says places in."""
        codes, numbers, strings, traits, joined = Layout.of(batch)
        return Judged(*_judged(codes, numbers, strings, traits, self.table, self.weights)), joined


@compiled
def _entries(table: Columns, columns: Columns) -> Columns:
    """Look columns up: a column's entry; 0, which is no weight at all, where the table has none.

    Nothing else happens here, so that the processor can wait for many sets at once, each of which is one number.
    """
    entries, sets = np.empty(len(columns), np.uint32), table.view(np.uint64)
    for place in range(len(columns)):
        both, check = sets[columns[place] >> _CHECK_BITS], columns[place] & _CHECK_MASK
        one, other = np.uint32(both), np.uint32(both >> _HALF)
        entry = one if (one >> _CHECK_SHIFT) & _BYTE == check else np.uint32(0)
        entries[place] = other if (other >> _CHECK_SHIFT) & _BYTE == check else entry
    return entries


@compiled
def _summed(entries: Columns) -> tuple[int, int, int, int]:
    """Sum n-grams' weights in the regression of their family, in the joint one, and their Bayes ratios; count those."""
    regression, joint, bayes, telling = 0, 0, 0, 0
    for entry in entries:
        ratio = int(np.int8(entry & _BYTE))
        regression += int(np.int8((entry >> _REGRESSION_SHIFT) & _BYTE))
        joint += int(np.int8(entry >> _JOINT_SHIFT))
        bayes += ratio
        telling += ratio != 0
    return regression, joint, bayes, telling


@compiled
def _sums(entries: Columns, runs: Ints, count: int) -> Ints:
    """Sum regression weights, joint weights, Bayes ratios and telling words of each cell: int64, shape (count, 4).

    Whole numbers, so that neither the order nor the batch can change a score.
    """
    sums = np.zeros((count, 4), np.int64)
    first = 0
    for run in range(len(runs)):
        end, cell = runs[run, 0], runs[run, 1]
        regression, joint, bayes, telling = _summed(entries[first:end])
        sums[cell, 0] += regression
        sums[cell, 1] += joint
        sums[cell, 2] += bayes
        sums[cell, 3] += telling
        first = end
    return sums


@compiled
def _weighed(sums: Ints, sizes: Ints, is_ping: Bools, weights: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Turn sums into log-odds: the attributes of ``Contributions``.

    What the author's name and link say together is shared between them half and half, which are its Shapley values.
    """
    count, family_count = sizes.shape
    scales, offsets = weights[:family_count], weights[family_count : 2 * family_count]
    joint_scale, bayes_scale, together_weight, slope, offset = weights[2 * family_count :]
    per_regression, families = np.empty(sizes.shape), np.empty(sizes.shape)
    per_joint, per_ratio, log_odds = np.empty(count), np.empty(count), np.empty(count)
    regressed = np.empty(family_count)
    for row in range(count):
        cells = sums[row * family_count : (row + 1) * family_count]
        per_joint[row] = slope * joint_scale / np.sqrt(max(sizes[row].sum(), 1))
        per_ratio[row] = slope * bayes_scale / np.sqrt(cells[:, 3].sum() + BAYES_PRIOR_COUNT)
        for family in range(family_count):
            size = sizes[row, family]
            scale = scales[family] / np.sqrt(max(size + _PRIOR_COUNTS[family], 1))
            regressed[family] = scale * cells[family, 0] + (offsets[family] if size else 0.0)
            per_regression[row, family] = slope * scale
            families[row, family] = slope * regressed[family]
            families[row, family] += per_joint[row] * cells[family, 1] + per_ratio[row] * cells[family, 2]
        together = 0.0 if is_ping[row] else slope * together_weight
        both = together * max(regressed[_AUTHOR], 0.0) * max(regressed[_AUTHOR_URL], 0.0)
        families[row, _AUTHOR] += both / 2
        families[row, _AUTHOR_URL] += both / 2
        log_odds[row] = offset + families[row].sum()
    return per_regression, per_joint, per_ratio, families, log_odds


@compiled
def _judged(
    codes: Columns, numbers: Ints, strings: int, traits: int, table: Columns, weights: Floats
) -> tuple[Floats, Ints, Columns, Columns, Ints]:
    """Return what ``Judged`` has.

    All in one call, since a call from Python to compiled code takes as long as a loop over a comment's n-grams.
    """
    columns, runs, words, sizes, is_ping, starts, ends = hashed(codes, numbers, strings, traits)
    entries = _entries(table, columns)
    weighed = _weighed(_sums(entries, runs, sizes.size), sizes, is_ping, weights)
    per_regression, per_joint, per_ratio, families, log_odds = weighed
    by_word, rows = _word_weights(entries, runs, words, len(starts), per_regression, per_joint, per_ratio)
    strongest, of_words = _strongest_words(by_word, rows, starts, ends, len(sizes))
    adds = np.empty((len(sizes), 1 + _FAMILY_COUNT + MAX_WORDS))
    adds[:, 0], adds[:, 1 : 1 + _FAMILY_COUNT], adds[:, 1 + _FAMILY_COUNT :] = log_odds, families, of_words
    return adds, strongest, sketched(columns, sizes), columns, sizes


@compiled
def _word_weights(
    entries: Columns,
    runs: Ints,
    words: Places,
    word_count: int,
    per_regression: Floats,
    per_joint: Floats,
    per_ratio: Floats,
) -> tuple[Floats, Ints]:
    """Sum what the n-grams that begin in each word add: float64 and, as int64, whose words they are."""
    weights, rows = np.zeros(word_count), np.full(word_count, -1)
    first = 0
    for run in range(len(runs)):
        last = runs[run, 0]
        row, family = divmod(runs[run, 1], _FAMILY_COUNT)
        if family >= TEXT_FAMILIES:
            first = last
        while first < last:
            word, end = words[first], first + 1
            while end < last and words[end] == word:
                end += 1
            if word >= 0:
                regression, joint, bayes, _ = _summed(entries[first:end])
                rows[word] = row
                weights[word] += (
                    per_regression[row, family] * regression + per_joint[row] * joint + per_ratio[row] * bayes
                )
            first = end
    return weights, rows


@compiled
def _strongest_words(weights: Floats, rows: Ints, starts: Places, ends: Places, count: int) -> tuple[Ints, Floats]:
    strongest, adds = np.full((count, MAX_WORDS, 2), -1), np.zeros((count, MAX_WORDS))
    for word in range(len(weights)):
        row, weight = rows[word], weights[word]
        rank = MAX_WORDS if row >= 0 else 0
        while rank and abs(weight) > abs(adds[row, rank - 1]):
            rank -= 1
            if rank + 1 < MAX_WORDS:
                strongest[row, rank + 1], adds[row, rank + 1] = strongest[row, rank], adds[row, rank]
            strongest[row, rank, 0], strongest[row, rank, 1], adds[row, rank] = starts[word], ends[word], weight
    return strongest.reshape((count, 2 * MAX_WORDS)), adds


def packed_table(columns: Ints, regression: Ints, joint: Ints, bayes: Ints, importance: Floats) -> Columns:
    """Put weights of -127..127 into the table; where a set is too small, the more important columns have it.

    Of a column that stands there twice, what is more important counts.
    """
    order = np.lexsort((columns, -importance, columns >> CHECK_BITS))
    _, first_of = np.unique(columns[order], return_index=True)
    order = order[np.sort(first_of)]
    sets = columns[order] >> CHECK_BITS
    ranks = np.arange(len(sets)) - np.searchsorted(sets, sets)
    fits = ranks < WAYS
    order, slots = order[fits], sets[fits] * WAYS + ranks[fits]
    checks = columns[order] & ((1 << CHECK_BITS) - 1)
    weights = (joint[order] & 0xFF) << 24 | (regression[order] & 0xFF) << 8 | (bayes[order] & 0xFF)
    table = np.full(1 << SLOT_BITS, _NOTHING, dtype=np.uint32)
    table[slots] = weights | checks << 16
    return table


def unpacked_table(table: Columns) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the columns that a table has, ascending, and their regression weights, joint weights and Bayes ratios."""
    slots = np.flatnonzero(table != _NOTHING)
    columns = slots // WAYS << CHECK_BITS | ((table[slots] >> _CHECK_SHIFT) & _BYTE).astype(np.int64)
    order = columns.argsort()
    entries = table[slots[order]]
    regression, joint, bayes = (
        (entries >> shift).astype(np.uint8).view(np.int8).astype(np.int64)
        for shift in (_REGRESSION_SHIFT, _JOINT_SHIFT, np.uint32(0))
    )
    return columns[order], regression, joint, bayes
