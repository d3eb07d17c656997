"""How sure a measured figure is: exact intervals for shares, and a bootstrap that draws whole sites.

Comments of one site resemble each other, so drawing single comments would claim too much certainty about the next site
(Field and Welsh 2007, "Bootstrapping clustered data").
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv

from training.measures import RELIABILITY_BINS, bin_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.measures import Floats, Integers

    Interval = tuple[float, float]

CONFIDENCE = 0.95
REPLICATES = 1_000
MIN_CLUSTERS = 5
MAX_CLUSTERS = 200


def exact_interval(count: int, total: int) -> Interval:
    """Return the 95 % interval of a share (Clopper and Pearson 1934): never too narrow, right for 0 of 300 too."""
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if count == 0 else float(betaincinv(count, total - count + 1, tail))
    high = 1.0 if count == total else float(betaincinv(count + 1, total - count, 1 - tail))
    return low, high


def clusters_of(sites: Sequence[str], seed: int) -> Integers:
    """Return the cluster of each comment, shape (n,), values from 0: its site.

    With fewer than five sites a bootstrap over sites says nothing, and comments are drawn one by one. More than 200
    clusters are dealt at random into 200: what belongs together stays together.
    """
    _, cluster = np.unique(np.asarray(sites, dtype=str), return_inverse=True)
    count = int(cluster.max(initial=-1)) + 1
    if count < MIN_CLUSTERS:
        count = len(sites)
        cluster = np.arange(count)
    if count > MAX_CLUSTERS:
        dealt = np.random.default_rng(seed).permutation(count) % MAX_CLUSTERS
        cluster = dealt[cluster]
    return cluster.astype(np.int64)


class ClusterBootstrap:
    """Redraws the clusters of a test set a thousand times, with replacement, and tells how far a measure varies.

    ``is_spam``, ``scores`` and ``clusters`` are arrays of shape (n,). Each measure is computed for all replicates at
    once, from what each cluster (or pair of clusters) contributes to it. Methods return the central 95 % of the
    replicates that have the labels it takes, or ``None`` if there is none.
    """

    def __init__(
        self,
        is_spam: NDArray[np.bool_],
        scores: Floats,
        clusters: Integers,
        *,
        seed: int,
        replicates: int = REPLICATES,
    ) -> None:
        self._clusters = int(clusters.max()) + 1
        self._spam, self._spam_cluster = _descending(scores[is_spam], clusters[is_spam])
        self._ham, self._ham_cluster = _descending(scores[~is_spam], clusters[~is_spam])
        self._draws = draws(self._clusters, replicates, seed)
        self._spam_total = self._draws @ np.bincount(self._spam_cluster, minlength=self._clusters)
        self._ham_total = self._draws @ np.bincount(self._ham_cluster, minlength=self._clusters)

    def roc_auc(self) -> Interval | None:
        """Return the interval of the ROC-AUC."""
        wins = self._pairwise_wins()
        totals = ((self._draws @ wins) * self._draws).sum(axis=1)
        return self._interval(totals, self._spam_total * self._ham_total)

    def caught_at(self, rate: float) -> Interval | None:
        """Return the interval of the spam caught at the best threshold that blocks at most ``rate`` of ham."""
        if not (len(self._spam) and len(self._ham)):
            return None
        bars = self._ham_bars(rate)
        caught = np.zeros((len(bars), self._clusters))
        for cluster in np.unique(self._spam_cluster):
            ascending = self._spam[self._spam_cluster == cluster][::-1]
            caught[:, cluster] = len(ascending) - np.searchsorted(ascending, bars, "right")
        return self._interval((caught * self._draws).sum(axis=1), self._spam_total * (self._ham_total > 0))

    def brier_score(self) -> Interval | None:
        """Return the interval of the Brier score."""
        losses = self._sums(self._spam_cluster, (1 - self._spam) ** 2) + self._sums(self._ham_cluster, self._ham**2)
        return self._interval(self._draws @ losses, self._spam_total + self._ham_total)

    def calibration_error(self, bins: int = RELIABILITY_BINS) -> Interval | None:
        """Return the interval of the expected calibration error.

        The error of a redrawn set is on average larger than that of the set itself, so the interval leans upwards.
        """
        gaps = self._sums(self._ham_cluster * bins + bin_of(self._ham, bins), self._ham, bins)
        gaps += self._sums(self._spam_cluster * bins + bin_of(self._spam, bins), self._spam - 1, bins)
        drawn = self._draws @ gaps.reshape(self._clusters, bins)
        return self._interval(np.abs(drawn).sum(axis=1), self._spam_total + self._ham_total)

    def _sums(self, groups: Integers, values: Floats, groups_per_cluster: int = 1) -> Floats:
        sums: Floats = np.bincount(groups, values, self._clusters * groups_per_cluster).astype(np.float64)
        return sums

    def _pairwise_wins(self) -> Floats:
        """Count how often spam of one cluster (row) scores above ham of another (column), ties counting half."""
        wins = np.zeros((self._clusters, self._clusters))
        for cluster in np.unique(self._ham_cluster):
            ascending = self._ham[self._ham_cluster == cluster][::-1]
            beaten = np.searchsorted(ascending, self._spam, "left") + np.searchsorted(ascending, self._spam, "right")
            wins[:, cluster] = self._sums(self._spam_cluster, beaten / 2)
        return wins

    def _ham_bars(self, rate: float) -> Floats:
        """Return, for each replicate, the score that a threshold must exceed; only the highest ham can be that bar."""
        allowed = np.floor(rate * self._ham_total + 1e-9)
        bars = np.full(len(allowed), -np.inf)
        unsettled = np.arange(len(allowed))
        top = int(rate * len(self._ham)) + 64
        while len(unsettled):
            drawn = self._draws[np.ix_(unsettled, self._ham_cluster[:top])]
            exceeds = np.cumsum(drawn, axis=1) > allowed[unsettled, np.newaxis]
            settled = exceeds[:, -1]
            bars[unsettled[settled]] = self._ham[exceeds[settled].argmax(axis=1)]
            unsettled = unsettled[~settled]
            if top >= len(self._ham):
                break
            top *= 2
        return bars

    def _interval(self, totals: Floats, weights: Floats) -> Interval | None:
        drawn = weights > 0
        if not drawn.any():
            return None
        tail = 50 * (1 - CONFIDENCE)
        low, high = np.percentile(totals[drawn] / weights[drawn], [tail, 100 - tail])
        return float(low), float(high)


@lru_cache(maxsize=4)
def draws(clusters: int, replicates: int, seed: int) -> Floats:
    """Return how often each replicate draws each cluster: shape (replicates, clusters), rows sum to ``clusters``."""
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=replicates).astype(np.float64)
    drawn.flags.writeable = False
    return drawn


def _descending(scores: Floats, clusters: Integers) -> tuple[Floats, Integers]:
    order = np.argsort(-scores, kind="stable")
    return scores[order], clusters[order]
