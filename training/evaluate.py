"""Measures a model on labelled comments: as a whole, and by file, site and language.

At its heart are labels and scores, whoever made them, so that out-of-fold scores are measured the same way. Leaves the
formulas to ``measures`` and ``intervals``, and pages to ``report``.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model.comment import InvalidCommentError
from training import measures
from training.formats.files import STANDARD_INPUT
from training.formats.row import Rejected, Row
from training.intervals import MIN_CLUSTERS, ClusterBootstrap, clusters_of, exact_interval
from training.labelled import label_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from model.thresholds import Thresholds
    from training.batch import Scored
    from training.intervals import Interval

HAM_RATES = (0.001, 0.005, 0.01)
UNKNOWN_LANGUAGE = "unknown"


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


@dataclass(frozen=True, slots=True)
class Mistakes:
    """The highest-scored ham and the lowest-scored spam, worst first."""

    ham: list[Scored]
    spam: list[Scored]


class Tally:
    """Gathers scored comments from files, keeping of each no more than a score and its groups.

    ``mistakes`` is how many of the worst comments on each side are kept whole.
    """

    def __init__(self, mistakes: int = 0) -> None:
        self._mistakes = mistakes
        self._order = count()
        self._worst_ham: list[tuple[float, int, Scored]] = []
        self._worst_spam: list[tuple[float, int, Scored]] = []
        self._unlabelled: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._labels: list[bool] = []
        self._scores: list[float] = []
        self._groups: list[tuple[str, str, str]] = []

    def __len__(self) -> int:
        return len(self._scores)

    def labelled(self, rows: Iterable[Row | Rejected]) -> Iterator[Row | Rejected]:
        """Pass on the rows that have a label, reject those whose label is wrong, and count the rest."""
        for row in rows:
            outcome = row if isinstance(row, Rejected) else _with_label(row)
            if outcome is None:
                self._unlabelled[row.source] += 1
            else:
                yield outcome

    def add(self, outcome: Scored | Rejected) -> None:
        """Count one outcome of scoring ``labelled`` rows."""
        if isinstance(outcome, Rejected):
            self._rejected[outcome.source] += 1
            return
        fields, score = outcome.row.fields, outcome.verdict["score"]
        is_spam = label_of(fields) == "spam"
        self._labels.append(is_spam)
        self._scores.append(score)
        site = fields.get("site") or source_name(outcome.row.source)
        self._groups.append((outcome.row.source, str(site), _language(fields)))
        if is_spam:
            self._keep(self._worst_spam, -score, outcome)
        else:
            self._keep(self._worst_ham, score, outcome)

    def outcomes(self) -> Outcomes:
        """Return all scored comments as arrays."""
        sources, sites, languages = (np.array(column) for column in zip(*self._groups, strict=True))
        names = _names(sorted(set(sources.tolist())))
        return Outcomes(
            is_spam=np.array(self._labels),
            scores=np.array(self._scores),
            sources=np.array([names[source] for source in sources.tolist()]),
            sites=sites,
            languages=languages,
        )

    def files(self, sources: Iterable[str]) -> list[EvaluatedFile]:
        """Return what was found in each file, and the file's checksum."""
        labelled = Counter(source for source, _, _ in self._groups)
        return [
            EvaluatedFile(source, _sha256(source), labelled[source], self._unlabelled[source], self._rejected[source])
            for source in sources
        ]

    def mistakes(self) -> Mistakes:
        """Return the comments that the model is most wrong about."""
        return Mistakes(*([scored for *_, scored in sorted(heap, reverse=True)] for heap in self._heaps()))

    def _heaps(self) -> tuple[list[tuple[float, int, Scored]], list[tuple[float, int, Scored]]]:
        return self._worst_ham, self._worst_spam

    def _keep(self, heap: list[tuple[float, int, Scored]], badness: float, outcome: Scored) -> None:
        item = (badness, -next(self._order), outcome)  # of equals the first stays
        if len(heap) < self._mistakes:
            heapq.heappush(heap, item)
        elif self._mistakes:
            heapq.heappushpop(heap, item)


def source_name(source: str) -> str:
    """Return a file's name without folder and suffixes."""
    return "standard input" if source == STANDARD_INPUT else Path(source).name.partition(".")[0]


def _names(sources: Sequence[str]) -> dict[str, str]:
    """Give each file its short name, or its whole path where two files would share one."""
    uses = Counter(map(source_name, sources))
    return {source: source_name(source) if uses[source_name(source)] == 1 else source for source in sources}


def _with_label(row: Row) -> Row | Rejected | None:
    try:
        return row if label_of(row.fields) else None
    except InvalidCommentError as error:
        return Rejected(row.source, row.line, str(error))


def _language(fields: dict[str, Any]) -> str:
    """Return the primary language subtag of BCP 47: ``en`` for ``en-GB``."""
    return str(fields.get("lang") or "").replace("_", "-").partition("-")[0].lower() or UNKNOWN_LANGUAGE


def _sha256(source: str) -> str | None:
    if source == STANDARD_INPUT:
        return None
    with Path(source).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _bins(curve: measures.Reliability) -> tuple[ReliabilityBin, ...]:
    edges = np.linspace(0, 1, len(curve.counts) + 1).round(9).tolist()
    columns = (curve.counts, curve.mean_scores, curve.spam_shares)
    return tuple(
        ReliabilityBin(low, high, size, mean if size else None, share if size else None)
        for low, high, size, mean, share in zip(
            edges, edges[1:], *(column.tolist() for column in columns), strict=False
        )
    )
