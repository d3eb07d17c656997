"""From a false-positive budget to thresholds that keep it, with a finite-sample guarantee."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Budget:
    """How much good the operator accepts to lose: at most ``blocked`` of all ham, with ``confidence``.

    ``reviewed`` is the share of ham that may wait for a moderator.
    """

    blocked: float = 0.001
    reviewed: float = 0.01
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not (0 < self.blocked <= self.reviewed < 1 and 0 < self.confidence < 1):
            raise ValueError(f"found {self}, expected 0 < blocked <= reviewed < 1 and 0 < confidence < 1")


@dataclass(frozen=True, slots=True)
class Cut:
    """A threshold on log-odds, and whether there was ham enough to promise its false-positive rate."""

    log_odds: float
    is_promised: bool
    ham_count: int
    ham_at_or_above: int


def cut_for(ham_log_odds: npt.NDArray[np.float64], rate: float, confidence: float) -> Cut:
    """Choose the lowest cut at or above which at most ``rate`` of ham lies, with ``confidence``.

    The umbrella algorithm for Neyman-Pearson classification (Tong, Feng and Li 2018): the k-th smallest of n held-out
    ham scores exceeds the rate with probability P(Binomial(n, 1 - rate) >= k); the smallest k for which that is at
    most 1 - confidence is taken. With too little ham for any k the cut lies above all ham and promises nothing.
    """
    ordered = np.sort(ham_log_odds)
    count = len(ordered)
    ranks = np.arange(1, count + 1)
    # P(X >= k) = I_{1-rate}(k, n-k+1), the regularised incomplete beta function
    risks = scipy.special.betainc(ranks, count - ranks + 1, 1 - rate) if count else np.empty(0)
    safe = np.flatnonzero(risks <= 1 - confidence)
    if not len(safe):
        highest = float(ordered[-1]) if count else 0.0
        return Cut(float(np.nextafter(highest, np.inf)), False, count, 0)
    chosen = float(np.nextafter(ordered[safe[0]], np.inf))
    return Cut(chosen, True, count, int((ordered >= chosen).sum()))
