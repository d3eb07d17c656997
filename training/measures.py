"""Measures of a spam filter, as plain functions of the scores of spam and of ham.

``spam`` and ``ham`` are float arrays of shape (n,) with the scores of comments of that label, in any order. A comment
is caught, or blocked, at a threshold when its score is at least as high. Leaves uncertainty to ``intervals``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

RELIABILITY_BINS = 10


@dataclass(frozen=True, slots=True)
class Reliability:
    """Comments grouped by score into bins of equal width; arrays of shape (bins,), NaN where a bin is empty."""

    counts: Integers
    mean_scores: Floats
    spam_shares: Floats

    @property
    def expected_error(self) -> float:
        """Expected calibration error: the mean distance of score and spam share over comments (Naeini et al. 2015)."""
        filled = self.counts > 0
        gaps = np.abs(self.mean_scores - self.spam_shares)[filled]
        return float(np.average(gaps, weights=self.counts[filled]))


def roc_auc(spam: Floats, ham: Floats) -> float:
    """Return the chance that a spam scores above a ham, ties counting half (Mann-Whitney)."""
    ordered = np.sort(ham)
    wins = np.searchsorted(ordered, spam, "left") + np.searchsorted(ordered, spam, "right")
    return float(wins.mean() / (2 * len(ham)))


def average_precision(spam: Floats, ham: Floats) -> float:
    """Return the precision at each spam's own score, averaged: the area under the steps of precision over recall."""
    caught = at_or_above(spam, spam)
    return float(np.mean(caught / (caught + at_or_above(ham, spam))))


def at_or_above(scores: Floats, thresholds: Floats) -> Integers:
    """Return, for each threshold, how many scores reach it."""
    return len(scores) - np.searchsorted(np.sort(scores), thresholds, "left")


def allowed_ham(rate: float, ham_count: int) -> int:
    """Return how many ham may be blocked at a rate: 0.1 % of a few hundred is none."""
    return math.floor(rate * ham_count + 1e-9)  # 0.07 * 100 is 7.000000000000001, and 0.29 * 100 is 28.999999999999996


def ham_bar(ham: Floats, rate: float) -> float:
    """Return the score that a threshold must exceed for at most ``rate`` of ham to reach it."""
    allowed = allowed_ham(rate, len(ham))
    if allowed >= len(ham):
        return -math.inf
    return float(np.partition(ham, len(ham) - 1 - allowed)[len(ham) - 1 - allowed])


def caught_at(spam: Floats, ham: Floats, rate: float) -> float:
    """Return the share of spam caught at the best threshold that blocks at most ``rate`` of ham.

    The threshold is an oracle's: it is chosen on these very scores, so that filters compare by their order alone.
    """
    return float(np.mean(spam > ham_bar(ham, rate)))


def brier_score(spam: Floats, ham: Floats) -> float:
    """Return the mean squared distance of score and truth (Brier 1950): 0 is perfect, 0.25 a coin's."""
    return float((np.sum((1 - spam) ** 2) + np.sum(ham**2)) / (len(spam) + len(ham)))


def reliability(spam: Floats, ham: Floats, bins: int = RELIABILITY_BINS) -> Reliability:
    """Compare scores with the share of spam among the comments that got them."""
    spam_counts = np.bincount(bin_of(spam, bins), minlength=bins)
    ham_counts = np.bincount(bin_of(ham, bins), minlength=bins)
    sums = np.bincount(bin_of(spam, bins), spam, bins) + np.bincount(bin_of(ham, bins), ham, bins)
    counts = spam_counts + ham_counts
    with np.errstate(invalid="ignore"):
        return Reliability(counts, sums / counts, spam_counts / counts)


def bin_of(scores: Floats, bins: int = RELIABILITY_BINS) -> Integers:
    """Return each score's bin, 0..bins-1; a score of 1 belongs to the last."""
    return np.minimum((scores * bins).astype(np.int64), bins - 1)


def roc_curve(spam: Floats, ham: Floats) -> tuple[Floats, Floats]:
    """Return the share of ham blocked and of spam caught, each of shape (thresholds + 1,), from strict to mild."""
    thresholds = np.unique(np.concatenate([spam, ham]))[::-1]
    blocked = at_or_above(ham, thresholds) / len(ham)
    caught = at_or_above(spam, thresholds) / len(spam)
    return np.concatenate([[0.0], blocked]), np.concatenate([[0.0], caught])


def precision_recall_curve(spam: Floats, ham: Floats) -> tuple[Floats, Floats]:
    """Return recall and precision at every spam's score, from strict to mild."""
    thresholds = np.unique(spam)[::-1]
    caught = at_or_above(spam, thresholds)
    return caught / len(spam), caught / (caught + at_or_above(ham, thresholds))
