"""A site's own thresholds for a false-positive budget, and what they would mean on the comments it had of late.

The thresholds keep the budget with confidence where the site's own labels suffice for that (``budget.cut_for``), else
they follow the model's calibration, and it is said which. What they mean is estimated from the scores that the site's
comments really got. Leaves what the scores of labelled comments are to ``foresight``.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from model.artifact import log_odds_of, probability
from model.thresholds import Thresholds
from training.budget import Budget, cut_for
from training.intervals import exact_interval
from training.measures import ham_bar

if TYPE_CHECKING:
    from datetime import datetime

    import numpy.typing as npt

    from model.artifact import Filter
    from training.foresight import Foretold
    from training.labels import LabelStore

    Floats = npt.NDArray[np.float64]

BUDGETS = (0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01)
"""Shares of good comments that may be blocked, to choose from; ten times as many may be held."""
HELD_PER_BLOCKED = 10
MIN_BLOCK, MIN_REVIEW = 0.5, 0.2
"""No budget blocks or holds what is probably good: the labels of a site may be unlike what comes next."""
MIN_CHECKS, MIN_LABELS = 100, 30
"""With fewer, nothing is said of a site's traffic, and nothing is estimated from its labels: the first ones are mostly
of what was held, and so of the ham that scores highest."""
MIN_DAYS = 1.0
TRAFFIC_SPAN, MAX_TRAFFIC = timedelta(days=28), 20_000

Basis = Literal["site", "model", "site's ham, not promised"]


@dataclass(frozen=True, slots=True)
class SiteCut:
    """A threshold, why it is there, and what may be said of it.

    Of the site's ``ham`` that was scored before it was learnt, ``ham_at_or_above`` lies there. ``needed`` is how much
    ham a promise takes.
    """

    rate: float
    score: float
    basis: Basis
    is_promised: bool
    ham: int
    ham_at_or_above: int
    needed: int

    @property
    def sentence(self) -> str:
        """Say what is promised and why, or why nothing is."""
        at_most = f"at most {written_share(self.rate)} of good comments"
        if self.basis == "site":
            return f"{at_most}, with 95 % confidence, by {self.ham:,} good comments of this site's own"
        lacking = f"not enough labelled ham of this site's own yet: {self.ham:,} of {self.needed:,}"
        if self.basis == "model":
            by_card = "as the model's card promises for sites like those it was trained on"
            return f"{at_most}, {by_card if self.is_promised else 'by the model’s estimate, not promised'}; {lacking}"
        return f"not promised; this site's good comments score higher than the model expects, {lacking}"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a budget comes to on a site: thresholds, and where they come from."""

    budget: Budget
    thresholds: Thresholds
    block: SiteCut
    review: SiteCut
    model: str

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values, as they are kept."""
        return {
            "blocked": self.budget.blocked,
            "reviewed": self.budget.reviewed,
            "confidence": self.budget.confidence,
            "thresholds": asdict(self.thresholds),
            "model": self.model,
            "block": {**asdict(self.block), "sentence": self.block.sentence},
            "review": {**asdict(self.review), "sentence": self.review.sentence},
        }


def choose(budget: Budget, model: Filter, foretold: Foretold) -> Choice:
    """Choose a site's thresholds for a budget."""
    block = _cut(budget.blocked, budget.confidence, MIN_BLOCK, model, foretold.ham)
    review = _cut(budget.reviewed, budget.confidence, MIN_REVIEW, model, foretold.ham)
    discard = max(model.thresholds.discard, probability(log_odds_of(block.score) + _discard_margin(model)))
    thresholds = Thresholds(min(review.score, block.score), block.score, discard)
    return Choice(budget, thresholds, block, review, model.version)


def _discard_margin(model: Filter) -> float:
    return log_odds_of(model.thresholds.discard) - log_odds_of(model.thresholds.block)


def _cut(rate: float, confidence: float, lowest: float, model: Filter, ham: Floats) -> SiteCut:
    needed = math.ceil(math.log(1 - confidence) / math.log1p(-rate))
    own = cut_for(ham, rate, confidence)  # scores are in the order of their log-odds
    basis: Basis = "model"
    score, is_promised = _model_cut(rate, model)
    if own.is_promised:
        score, basis, is_promised = own.log_odds, "site", True
    elif len(ham) >= MIN_LABELS and exact_interval(_count(ham, score), len(ham))[0] > rate:
        bar = float(np.nextafter(ham_bar(ham, rate), np.inf))
        score, basis, is_promised = max(score, bar), "site's ham, not promised", False
    score = max(score, lowest)
    return SiteCut(rate, score, basis, is_promised, len(ham), _count(ham, score), needed)


def _model_cut(rate: float, model: Filter) -> tuple[float, bool]:
    """Return the score that a share of ham reaches by the model's calibration, and whether its card promises that.

    The card knows two thresholds and their rates. Between and beyond, the logarithm of the rate follows a straight line
    over the log-odds, as it does wherever scores are calibrated and their tail is exponential.
    """
    known = model.card.get("budget") or model.card.get("base", {}).get("budget") or {}
    blocked, reviewed = known.get("ham_blocked_at_most"), known.get("ham_reviewed_at_most")
    block, review = log_odds_of(model.thresholds.block), log_odds_of(model.thresholds.review)
    if not (isinstance(blocked, float) and isinstance(reviewed, float) and 0 < blocked < reviewed and review < block):
        return model.thresholds.block, False
    of_card = {"block": (blocked, model.thresholds.block), "review": (reviewed, model.thresholds.review)}
    for name, (its_rate, score) in of_card.items():
        if math.isclose(rate, its_rate):
            return score, "budget" in model.card and str(known.get(name, {}).get("promise", "")).startswith("kept")
    slope = (block - review) / math.log(blocked / reviewed)
    return probability(block + slope * math.log(rate / blocked)), False


def _count(scores: Floats, threshold: float) -> int:
    return int((scores >= threshold).sum())


@dataclass(frozen=True, slots=True)
class Traffic:
    """The scores that a site's checks got of late, float64, shape (n,), and the days that they span."""

    scores: Floats
    days: float

    @classmethod
    def of(cls, labels: LabelStore, site: str, now: datetime) -> Self:
        """Read what is still remembered of a site's checks, of at most four weeks."""
        found = labels.scores(site, now - TRAFFIC_SPAN, MAX_TRAFFIC)
        days = (now - found[-1][0]) / timedelta(days=1) if found else 0.0
        return cls(np.array([score for _, score in found], dtype=np.float64), days)

    @property
    def sentence(self) -> str:
        """Say what there is to go by."""
        found = f"{len(self.scores):,} comments of the last {self.days:.1f} days"
        if self.is_enough:
            return f"Estimated on {found}."
        return f"Not enough traffic yet to say what a budget means here: {found}; it takes {MIN_CHECKS} and a day."

    @property
    def is_enough(self) -> bool:
        """Whether anything can be said of a usual week."""
        return len(self.scores) >= MIN_CHECKS and self.days >= MIN_DAYS


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the 95 % interval it lies in; ``None`` where there is too little to say."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Consequences:
    """What thresholds mean for a site, in comments a week on average.

    ``good_held`` are those that wait for a moderator, ``good_blocked`` those that nobody sees; ``spam_blocked`` is the
    share of spam that never reaches the moderator, and ``spam_allowed`` spam that is shown.
    """

    comments: float
    held: float
    blocked: float
    good_held: Estimate
    good_blocked: Estimate
    spam_blocked: Estimate
    spam_allowed: Estimate


def consequences(thresholds: Thresholds, traffic: Traffic, foretold: Foretold) -> Consequences:
    """Estimate what thresholds would mean.

    How many good comments and how much spam there are is the sum of what the model gives them. Which share of them
    would be held or blocked is counted in the site's labels, where there are enough, else it is the model's word too.
    """
    scores, weeks = traffic.scores, traffic.days / 7
    is_blocked = scores >= thresholds.block
    is_held = (scores >= thresholds.review) & ~is_blocked
    ham = _Shares(1 - scores, foretold.ham, weeks)
    spam = _Shares(scores, foretold.spam, weeks)
    review, block = thresholds.review, thresholds.block
    spam_blocked = spam.share(is_blocked, block, math.inf)
    return Consequences(
        comments=len(scores) / weeks,
        held=float(is_held.sum()) / weeks,
        blocked=float(is_blocked.sum()) / weeks,
        good_held=ham.a_week(is_held, review, block),
        good_blocked=ham.a_week(is_blocked, block, math.inf),
        spam_blocked=spam_blocked,
        spam_allowed=spam.a_week(~is_held & ~is_blocked, -math.inf, review),
    )


class _Shares:
    """How much of one label lies between two thresholds: by ``belief``, what the model gives each check, or labels."""

    def __init__(self, belief: Floats, labelled: Floats, weeks: float) -> None:
        self._belief = belief
        self._labelled = labelled
        self._a_week = float(belief.sum()) / weeks

    def share(self, chosen: npt.NDArray[np.bool_], low: float, high: float) -> Estimate:
        total = len(self._labelled)
        if total < MIN_LABELS:
            whole = float(self._belief.sum())
            return Estimate(float(self._belief[chosen].sum()) / whole if whole else 0.0)
        count = int(((self._labelled >= low) & (self._labelled < high)).sum())
        return Estimate(count / total, *exact_interval(count, total))

    def a_week(self, chosen: npt.NDArray[np.bool_], low: float, high: float) -> Estimate:
        share = self.share(chosen, low, high)
        bounds = (None if bound is None else bound * self._a_week for bound in (share.low, share.high))
        return Estimate(share.value * self._a_week, *bounds)


@dataclass(frozen=True, slots=True)
class Site:
    """All that a site's budget is chosen by."""

    model: Filter
    foretold: Foretold
    traffic: Traffic

    def choice(self, budget: Budget) -> Choice:
        """Choose thresholds for a budget."""
        return choose(budget, self.model, self.foretold)

    def meaning(self, thresholds: Thresholds) -> Consequences | None:
        """Say what thresholds would mean, ``None`` where there is too little traffic."""
        return consequences(thresholds, self.traffic, self.foretold) if self.traffic.is_enough else None


def written_share(share: float) -> str:
    """Write a share in per cent: 0.0005 is 0.05 %."""
    return f"{round(100 * share, 4):g} %"
