"""What the checks of the last days tell: how a version would have decided them, and how the served one ages.

Checks are remembered with their comments anyway, so a version need not run along to be tried on live traffic: it judges
after the fact what was really asked. Owns comparing with what was decided. Leaves measuring against labels to ``gate``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from training.labels import digest_of
from training.measures import bin_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model.artifact import Filter
    from training.labels import Check, GivenLabel

    Key = tuple[str, bytes]

CHECKS_AT_ONCE = 256
HELD_BACK = ("review", "block", "discard")
DRIFTING = 0.25
"""A population stability index above that is by convention a large shift (Siddiqi 2006)."""
MIN_CHECKS = 100
"""A day, or a reference, of fewer checks says nothing of drift."""
_SMOOTHING = 0.5


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A check that a version would have decided otherwise."""

    check: Check
    decision: str
    score: float


@dataclass(frozen=True, slots=True)
class Day:
    """The checks of one day (UTC) that one version decided.

    ``missed`` are comments let through that somebody called spam, ``wronged`` those held back that somebody called ham.
    ``shift`` is the population stability index of the day's scores against those of the version's days before; ``None``
    where there are too few.
    """

    date: str
    model: str
    checks: int
    decisions: dict[str, int]
    labelled: int
    missed: int
    wronged: int
    shift: float | None

    @property
    def is_drifting(self) -> bool:
        """Whether comments have become unlike those of the days before: time to label some, and to retrain."""
        return self.shift is not None and self.shift > DRIFTING

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        shift = None if self.shift is None else round(self.shift, 3)
        return {
            "date": self.date,
            "model": self.model,
            "checks": self.checks,
            "decisions": self.decisions,
            "labelled": self.labelled,
            "missed": self.missed,
            "wronged": self.wronged,
            "shift": shift,
            "is_drifting": self.is_drifting,
        }


def disagreements(version: Filter, checks: Iterable[Check], counts: Counter[str]) -> Iterator[Disagreement]:
    """Yield what a version decides otherwise; ``counts`` counts all checks by both decisions, "allow -> block"."""
    rest = iter(checks)
    while chunk := list(islice(rest, CHECKS_AT_ONCE)):
        for check, verdict in zip(chunk, version.check_many([check.comment for check in chunk]), strict=True):
            counts[f"{check.decision} -> {verdict.decision}"] += 1
            if check.decision != verdict.decision:
                yield Disagreement(check, str(verdict.decision), verdict.score)


def days(checks: Iterable[Check], labels: Iterable[GivenLabel]) -> list[Day]:
    """Sum checks up by day and version, in order; ``labels`` are the last ones of the comments."""
    said: dict[Key, str] = {(label.site, digest_of(label.comment)): label.label for label in labels}
    scores: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    decisions: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    verdicts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for check in checks:
        day = check.checked_at.date().isoformat(), check.model
        scores[day].append(check.score)
        decisions[day][check.decision] += 1
        label = said.get((check.site, digest_of(check.comment))) if said else None
        if label is not None:
            verdicts[day]["labelled"] += 1
            verdicts[day]["missed"] += label == "spam" and check.decision not in HELD_BACK
            verdicts[day]["wronged"] += label == "ham" and check.decision in HELD_BACK
    before: defaultdict[str, Counter[int]] = defaultdict(Counter)
    found = []
    for (date, model), values in sorted(scores.items()):
        counts = Counter(bin_of(np.array(values)).tolist())
        found.append(
            Day(
                date,
                model,
                len(values),
                dict(sorted(decisions[date, model].items())),
                **{name: verdicts[date, model][name] for name in ("labelled", "missed", "wronged")},
                shift=_stability_index(before[model], counts),
            )
        )
        before[model] += counts
    return found


def _stability_index(before: Counter[int], now: Counter[int]) -> float | None:
    """Compare two distributions over score bins: 0 where they are the same."""
    if min(before.total(), now.total()) < MIN_CHECKS:
        return None
    bins = sorted(before.keys() | now.keys())
    shares = [
        (np.array([counts[index] for index in bins]) + _SMOOTHING) / (counts.total() + _SMOOTHING * len(bins))
        for counts in (before, now)
    ]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))
