"""Measures scores against labels: as a whole, and by file, site and language.

Whoever made the scores: one model, or the folds of a cross-validation. Leaves the formulas to ``measures`` and
``intervals``, gathering scores to ``tally``, and pages to ``report``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from training import measures
from training.intervals import MIN_CLUSTERS, ClusterBootstrap, clusters_of, exact_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from model.thresholds import Thresholds
    from training.intervals import Interval

HAM_RATES = (0.001, 0.005, 0.01)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure and its 95 % interval; ``None`` where there is too little to measure."""

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, value: float | None, interval: Interval | None) -> Estimate:
        """Put a measure and its interval together."""
        low, high = interval or (None, None)
        return cls(value, low, high)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the exact 95 % interval of the share; ``value`` is ``None`` of none."""

    count: int
    total: int
    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, count: int, total: int) -> Share:
        """Count ``count`` of ``total``."""
        if total == 0:
            return cls(0, 0, None, None, None)
        return cls(count, total, count / total, *exact_interval(count, total))


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """What happens at one of the model's own thresholds: shares of spam and of ham whose score reaches it."""

    threshold: float
    spam_caught: Share
    ham_blocked: Share


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Comments with scores from ``low`` to ``high``; if calibrated, mean score and share of spam agree."""

    low: float
    high: float
    count: int
    mean_score: float | None
    spam_share: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All measures of one set of scored comments.

    ``caught_at`` is keyed by the ham rate (``0.1%``) and uses the best threshold on these very scores;
    ``at_thresholds`` is keyed by decision and uses the model's own. ``drawn_by`` tells what the bootstrap intervals
    redraw: sites, or comments where there are fewer than five sites.
    """

    spam: int
    ham: int
    sites: int
    drawn_by: str
    auc: Estimate
    average_precision: float | None
    caught_at: dict[str, Estimate]
    at_thresholds: dict[str, AtThreshold]
    brier: Estimate
    calibration_error: Estimate
    reliability: tuple[ReliabilityBin, ...]

    @classmethod
    def of(
        cls,
        is_spam: NDArray[np.bool_],
        scores: measures.Floats,
        sites: Sequence[str],
        thresholds: Thresholds,
        *,
        seed: int = 0,
    ) -> Evaluation:
        """Measure scored comments; all arrays and sequences have shape (n,), n >= 1.

        ``seed`` fixes the bootstrap, so that the same scores give the same intervals.
        """
        spam, ham = scores[is_spam], scores[~is_spam]
        site_count = len(set(sites))
        clusters = clusters_of(sites, seed)
        bootstrap = ClusterBootstrap(is_spam, scores, clusters, seed=seed)
        has_both = bool(len(spam) and len(ham))
        curve = measures.reliability(spam, ham)
        return cls(
            spam=len(spam),
            ham=len(ham),
            sites=site_count,
            drawn_by="site" if site_count >= MIN_CLUSTERS else "comment",
            auc=Estimate.of(measures.roc_auc(spam, ham) if has_both else None, bootstrap.roc_auc()),
            average_precision=measures.average_precision(spam, ham) if has_both else None,
            caught_at={
                f"{100 * rate:g}%": Estimate.of(
                    measures.caught_at(spam, ham, rate) if has_both else None, bootstrap.caught_at(rate)
                )
                for rate in HAM_RATES
            },
            at_thresholds={
                decision: AtThreshold(
                    threshold,
                    Share.of(int(np.sum(spam >= threshold)), len(spam)),
                    Share.of(int(np.sum(ham >= threshold)), len(ham)),
                )
                for decision, threshold in asdict(thresholds).items()
            },
            brier=Estimate.of(measures.brier_score(spam, ham), bootstrap.brier_score()),
            calibration_error=Estimate.of(curve.expected_error, bootstrap.calibration_error()),
            reliability=_bins(curve),
        )


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Labelled comments as the model sees them: arrays of shape (n,), in any order."""

    is_spam: NDArray[np.bool_]
    scores: measures.Floats
    sources: NDArray[np.str_]
    sites: NDArray[np.str_]
    languages: NDArray[np.str_]

    def evaluation(self, thresholds: Thresholds, chosen: NDArray[np.bool_] | slice = slice(None)) -> Evaluation:
        """Measure all comments, or the chosen ones."""
        return Evaluation.of(self.is_spam[chosen], self.scores[chosen], self.sites[chosen].tolist(), thresholds)

    def evaluations(self, groups: NDArray[np.str_], thresholds: Thresholds) -> dict[str, Evaluation]:
        """Measure each group of comments, largest first; ``groups`` has shape (n,)."""
        sizes = Counter(groups.tolist())
        ordered = sorted(sizes, key=lambda group: (-sizes[group], group))
        return {group: self.evaluation(thresholds, groups == group) for group in ordered}


@dataclass(frozen=True, slots=True)
class EvaluatedFile:
    """One file and what was in it; ``sha256`` is ``None`` for standard input."""

    path: str
    sha256: str | None
    labelled: int
    unlabelled: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """One model measured on some files."""

    model: str
    thresholds: Thresholds
    files: tuple[EvaluatedFile, ...]
    pooled: Evaluation
    by_source: dict[str, Evaluation]
    by_site: dict[str, Evaluation]
    by_language: dict[str, Evaluation]

    @classmethod
    def of(
        cls, outcomes: Outcomes, thresholds: Thresholds, *, model: str, files: Sequence[EvaluatedFile] = ()
    ) -> Assessment:
        """Measure scored comments as a whole and by group. There must be at least one comment."""
        return cls(
            model=model,
            thresholds=thresholds,
            files=tuple(files),
            pooled=outcomes.evaluation(thresholds),
            by_source=outcomes.evaluations(outcomes.sources, thresholds),
            by_site=outcomes.evaluations(outcomes.sites, thresholds),
            by_language=outcomes.evaluations(outcomes.languages, thresholds),
        )

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return asdict(self)


def _bins(curve: measures.Reliability) -> tuple[ReliabilityBin, ...]:
    edges = np.linspace(0, 1, len(curve.counts) + 1).round(9).tolist()
    columns = (curve.counts, curve.mean_scores, curve.spam_shares)
    return tuple(
        ReliabilityBin(low, high, size, mean if size else None, share if size else None)
        for low, high, size, mean, share in zip(
            edges, edges[1:], *(column.tolist() for column in columns), strict=False
        )
    )
