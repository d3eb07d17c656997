"""What labels teach at once: weights of a site's own on top of the served model's, a step of regression for each label.

The n-grams are the model's, hashed into a small table for each site. A label moves the weights of its comment's n-grams
in proportion to how wrong the log-odds were, so what the model knows already changes nothing, and no label counts twice
when a version is promoted that has learnt from it. The same labels in the same order give the same weights, bit for
bit, on every worker; what is withdrawn is undone by learning the rest anew, and what was said of a comment before by
the opposite step. Where sites share what they learn, each also has a part in one more table. Owns those weights. Leaves
near-duplicates, which follow their label, to ``memory``.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from model.artifact import probability
from model.compiled import compiled
from model.explanation import log_odds_and_grams
from model.ngrams import COLUMN_BITS

if TYPE_CHECKING:
    import numpy.typing as npt

    from model.ngrams import U32, Floats, Grams, Ints
    from model.scorer import Judged, Scorer
    from training.labels import GivenLabel

    Weights = npt.NDArray[np.float32]

TABLE_BITS = 18
"""1 MiB a site; a quarter of that costs spam caught, four times as much gains none."""
RATE = 8.0
SHARED_RATE = 2.0
"""How far a label that was all wrong moves the log-odds of its own comment; ``benchmarks/quality/online.py``."""
MAX_STEPS = 20_000
"""So many comments of a site, those labelled last, can be called something else as if nothing had been said."""
_SHIFT = np.uint32(COLUMN_BITS - TABLE_BITS)


class OnlineLayer:
    """The weights of all sites. One thread learns while others ask."""

    def __init__(self, scorer: Scorer, is_shared: bool = False) -> None:
        self._scorer = scorer
        self._sites: dict[str, Weights] = {}
        self._errors: defaultdict[str, OrderedDict[int, float]] = defaultdict(OrderedDict)
        self._shared = _empty() if is_shared else None

    def learn(self, given: GivenLabel) -> float:
        """Take one step towards what was said of a comment; return its log-odds until then.

        The last label of a comment holds, so the step of the one before is taken back first.
        """
        if given.site not in self._sites:
            self._sites[given.site] = _empty()
        (base,), grams = log_odds_and_grams(self._scorer, [given.comment])
        until_then = float(base + self.log_odds(given.site, grams)[0])
        errors, comment = self._errors[given.site], hash(grams.columns.tobytes())
        before = errors.pop(comment, 0.0)
        if before:
            self._step(given.site, grams, -before)
        error = float((given.label == "spam") - probability(float(base + self.log_odds(given.site, grams)[0])))
        self._step(given.site, grams, error)
        errors[comment] = error
        if len(errors) > MAX_STEPS:
            errors.popitem(last=False)
        return until_then

    def _step(self, site: str, grams: Grams, error: float) -> None:
        root = np.sqrt(max(grams.sizes.sum(), 1))
        _move(self._sites[site], grams.columns, RATE * error / root)
        if self._shared is not None:
            _move(self._shared, grams.columns, SHARED_RATE * error / root)

    def log_odds(self, site: str, grams: Grams | Judged) -> Floats:
        """Return what labels add to the log-odds of a batch of n comments: float64, shape (n,)."""
        added = np.zeros(len(grams.sizes))
        for weights in (self._sites.get(site), self._shared):
            if weights is not None:
                added += _sums(weights, grams.columns, grams.sizes)
        return added

    def knows(self, site: str) -> bool:
        """Whether any label has a say on this site."""
        return site in self._sites or (self._shared is not None and bool(self._sites))


def _empty() -> Weights:
    return np.zeros(1 << TABLE_BITS, dtype=np.float32)


@compiled
def _move(weights: Weights, columns: U32, step: float) -> None:
    for place in range(len(columns)):
        weights[columns[place] >> _SHIFT] += step


@compiled
def _sums(weights: Weights, columns: U32, sizes: Ints) -> Floats:
    """Sum the weights of each comment's n-grams, which stand comment by comment, as many as ``sizes`` says."""
    sums = np.zeros(len(sizes))
    first = 0
    for row in range(len(sizes)):
        size = sizes[row].sum()
        for column in columns[first : first + size]:
            sums[row] += weights[column >> _SHIFT]
        sums[row] /= np.sqrt(max(size, 1))
        first += size
    return sums
