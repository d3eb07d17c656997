"""The learnt weights in the form that is saved, loaded and served, and how a comment's log-odds follow from them.

The log-odds are a sum: for each family of n-grams (the characters of the text, the author's name, ...) a logistic
regression's weights, divided by the square root of the family's size; those of one joint regression over all families,
divided by the square root of all sizes; and over the words of all fields naive Bayes log-likelihood ratios, divided by
the square root of the number of telling ones. A family that a comment lacks
adds nothing. Owns that sum and its parts; leaves learning to ``classifier`` and words for people to ``explanation``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.ngrams import COLUMN_BITS, grams_of
from model.segments import parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from model.comment import Comment
    from model.ngrams import Grams

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Weights = npt.NDArray[np.int8]

SLOT_BITS = 22
CHECK_BITS = COLUMN_BITS - SLOT_BITS
BAYES_PRIOR_COUNT = 5
"""Added to the number of telling words, so that one word alone convinces less."""
_EMPTY = 0xFF << 16
_BAYES, _REGRESSION, _CHECK, _JOINT = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Contributions:
    """What the n-grams of a batch of n comments add to the comments' log-odds.

    Attributes:
        known: int64, shape (k,): the n-grams that the model knows, as indices into ``Grams.columns``.
        regression, joint, bayes: int8, shape (k,): their weights, in whole units.
        per_regression: float64, shape (n, families): log-odds per unit of regression weight.
        per_joint: float64, shape (n,): log-odds per unit of the joint regression's weight.
        per_ratio: float64, shape (n,): log-odds per unit of Bayes ratio.
        families: float64, shape (n, families): what each family adds in all.
        log_odds: float64, shape (n,): the sum of the families and the scorer's offset.
    """

    known: Ints
    regression: Weights
    joint: Weights
    bayes: Weights
    per_regression: Floats
    per_joint: Floats
    per_ratio: Floats
    families: Floats
    log_odds: Floats


@dataclass(frozen=True, slots=True)
class Scorer:
    """Weights of hashed n-grams and their calibration.

    Attributes:
        table: uint32, shape (2**SLOT_BITS,): from the lowest byte up, a column's Bayes ratio and regression weight
            (signed), the lowest bits of the column as a check, and its weight in the joint regression (signed).
        family_scales: float64, shape (families,): log-odds per unit of regression weight.
        family_offsets: float64, shape (families,): added where the family is present.
        joint_scale: log-odds per unit of the joint regression's weight.
        bayes_scale: log-odds per unit of Bayes ratio.
        slope, offset: calibration of the sum to log-odds (Platt 1999).
    """

    table: npt.NDArray[np.uint32]
    family_scales: Floats
    family_offsets: Floats
    joint_scale: float
    bayes_scale: float
    slope: float
    offset: float

    def log_odds(self, comments: Sequence[Comment]) -> Floats:
        """Score comments: float64, shape (n,). A comment's score does not depend on the others in the batch."""
        return self.contributions(grams_of([parts_of(comment) for comment in comments])).log_odds

    def contributions(self, grams: Grams) -> Contributions:
        """Look up every n-gram of a batch and weigh it."""
        known, regression, joint, bayes = self.weights_of(grams.columns)
        cells, shape = grams.cells[known], grams.sizes.shape
        # Sums of whole numbers are exact, so that neither the order nor the batch can change a score.
        regression_sums = np.bincount(cells, regression, grams.sizes.size).reshape(shape)
        joint_sums = np.bincount(cells, joint, grams.sizes.size).reshape(shape)
        bayes_sums = np.bincount(cells, bayes, grams.sizes.size).reshape(shape)
        telling = np.bincount(cells, bayes != 0, grams.sizes.size).reshape(shape).sum(axis=1)
        per_regression = self.slope * self.family_scales / np.sqrt(np.maximum(grams.sizes, 1))
        per_joint = self.slope * self.joint_scale / np.sqrt(np.maximum(grams.sizes.sum(axis=1), 1))
        per_ratio = self.slope * self.bayes_scale / np.sqrt(telling + BAYES_PRIOR_COUNT)
        families = per_regression * regression_sums
        families += per_joint[:, None] * joint_sums
        families += per_ratio[:, None] * bayes_sums
        families += (self.slope * self.family_offsets) * (grams.sizes > 0)
        log_odds = families.sum(axis=1) + self.offset
        return Contributions(known, regression, joint, bayes, per_regression, per_joint, per_ratio, families, log_odds)

    def weights_of(self, columns: Ints) -> tuple[Ints, Weights, Weights, Weights]:
        """Look columns up: indices of the known ones; their regression and joint weights, and Bayes ratios."""
        entries = self.table.take(columns >> CHECK_BITS).view(np.int8).reshape(-1, 4)
        checks = (columns & ((1 << CHECK_BITS) - 1)).astype(np.int8)
        known = np.flatnonzero(entries[:, _CHECK] == checks)
        found = entries.take(known, axis=0)
        return known, found[:, _REGRESSION], found[:, _JOINT], found[:, _BAYES]


def packed_table(
    columns: Ints, regression: Ints, joint: Ints, bayes: Ints, importance: Floats
) -> npt.NDArray[np.uint32]:
    """Put weights of -127..127 into the table; where two columns want one slot, the more important one has it."""
    order = np.lexsort((columns, importance))
    order = order[columns[order] != 0]
    table = np.full(1 << SLOT_BITS, _EMPTY, dtype=np.uint32)
    checks = columns & ((1 << CHECK_BITS) - 1)
    table[columns[order] >> CHECK_BITS] = (
        (joint & 0xFF) << 24 | checks << 16 | (regression & 0xFF) << 8 | (bayes & 0xFF)
    )[order]
    return table
