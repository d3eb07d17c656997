"""How the served version ages: day by day, how far comments have moved, and how much of it people overturn.

Owns the rules for calling a version aged, and their words. Leaves the days themselves to ``traffic`` and ``diary``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scipy.stats import fisher_exact

from training.distribution import DRIFTING, SCORE, Distribution, Reference, stability_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from model.artifact import Filter
    from training.registry import Registry
    from training.traffic import Day

RECENT_DAYS = 7
MIN_DRIFTING_DAYS = 3
"""So many of the recent days must be unlike what came before: one odd day is no age."""
SIGNIFICANCE = 0.01
MIN_LABELLED = 20
"""Fewer labels, before or of late, say nothing of how often people overturn."""


@dataclass(frozen=True, slots=True)
class DayDrift:
    """A day, and how far its comments lie from others, as population stability indices.

    ``shift`` compares its scores with those of the same version's days before; ``from_training`` compares scores and
    traits with what the version was trained on. ``None`` where there is too little to tell, or the card doesn't say.
    """

    day: Day
    shift: float | None
    from_training: dict[str, float] | None

    @property
    def is_drifting(self) -> bool:
        """Whether comments have become unlike those of the days before: time to label some, and to retrain."""
        return self.shift is not None and self.shift > DRIFTING

    @property
    def score_from_training(self) -> float | None:
        """How far scores lie from those of training."""
        return (self.from_training or {}).get(SCORE)

    @property
    def traits_from_training(self) -> float | None:
        """How far the trait lies that is furthest from training."""
        return max((index for name, index in (self.from_training or {}).items() if name != SCORE), default=None)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        day, training = self.day, self.from_training
        return {
            "date": day.date,
            "model": day.model,
            "checks": day.checks,
            "decisions": day.decisions,
            "labelled": day.labelled,
            "missed": day.missed,
            "wronged": day.wronged,
            "shift": None if self.shift is None else round(self.shift, 3),
            "is_drifting": self.is_drifting,
            "from_training": None if training is None else {name: round(index, 3) for name, index in training.items()},
        }


def references(registry: Registry, *loaded: Filter) -> dict[str, Reference | None]:
    """Return what the registered versions, and some others, were trained on, as far as their cards say."""
    cards = {known.version: known.card for known in registry.versions()} | {one.version: one.card for one in loaded}
    return {version: Reference.from_card(card) for version, card in cards.items()}


def drifts(days: Iterable[Day], references: Mapping[str, Reference | None]) -> list[DayDrift]:
    """Judge days, given in order; ``references`` has what versions were trained on."""
    before: defaultdict[str, Distribution] = defaultdict(lambda: Distribution({}))
    found = []
    for day in days:
        reference = references.get(day.model)
        shift = stability_index(before[day.model], day.distribution)
        found.append(DayDrift(day, shift, reference.shifts(day.distribution) if reference else None))
        before[day.model] += day.distribution
    return found


def signs_of_age(drifts: Sequence[DayDrift]) -> list[str]:
    """Say, in words for moderators, why the version of these days should be retrained; nothing where it need not."""
    recent = drifts[-RECENT_DAYS:]
    signs = []
    drifting = sum(drift.is_drifting for drift in recent)
    if drifting >= MIN_DRIFTING_DAYS:
        signs.append(f"on {drifting} of the last {len(recent)} days scores were unlike those of the days before")
    unlike = sum((drift.score_from_training or 0.0) > DRIFTING for drift in recent)
    if unlike >= MIN_DRIFTING_DAYS:
        signs.append(f"on {unlike} of the last {len(recent)} days scores were unlike those it was trained on")
    now, then = (
        _overturned([drift.day for drift in recent]),
        _overturned([drift.day for drift in drifts[:-RECENT_DAYS]]),
    )
    if _is_worse(now, then):
        signs.append(
            f"people overturned {now[0]:,} of {now[1]:,} labelled decisions of the last {RECENT_DAYS} days, "
            f"{then[0]:,} of {then[1]:,} before"
        )
    return signs


def overturn_rate(days: Iterable[Day]) -> float | None:
    """Return the share of labelled decisions that the label contradicts."""
    overturned, labelled = _overturned(days)
    return overturned / labelled if labelled else None


def _overturned(days: Iterable[Day]) -> tuple[int, int]:
    counted = [(day.missed + day.wronged, day.labelled) for day in days]
    return sum(overturned for overturned, _ in counted), sum(labelled for _, labelled in counted)


def _is_worse(now: tuple[int, int], then: tuple[int, int]) -> bool:
    """Whether more is overturned now than before, beyond chance (Fisher's exact test)."""
    if min(now[1], then[1]) < MIN_LABELLED:
        return False
    table = [[now[0], now[1] - now[0]], [then[0], then[1] - then[0]]]
    return bool(fisher_exact(table, alternative="greater").pvalue < SIGNIFICANCE)
