"""What the checks of the last days tell: how a version would have decided them, and what each day was like.

Checks are remembered with their comments anyway, so a version need not run along to be tried on live traffic: it judges
after the fact what was really asked. Owns comparing with what was decided. Leaves what the days say of a version's age
to ``ageing``, and measuring against labels to ``gate``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from training.distribution import Tally
from training.labels import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from model.artifact import Filter
    from training.distribution import Distribution
    from training.labels import Check, GivenLabel

    Key = tuple[str, bytes]

CHECKS_AT_ONCE = 256
HELD_BACK = ("review", "block", "discard")
SAMPLED_AN_HOUR = 100
"""Reading a comment takes longer than counting it; so many, all through the day, tell what its comments are like."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A check that a version would have decided otherwise."""

    check: Check
    decision: str
    score: float


@dataclass(frozen=True, slots=True)
class Day:
    """The checks of one day (UTC) that one version decided.

    ``outcomes`` counts those that were labelled, by what a person said and what was decided: "ham block".
    ``distribution`` has the scores of all, and the traits of the first of each hour.
    """

    date: str
    model: str
    decisions: dict[str, int]
    outcomes: dict[str, int]
    distribution: Distribution

    @property
    def checks(self) -> int:
        """How many there were."""
        return sum(self.decisions.values())

    @property
    def labelled(self) -> int:
        """How many of them somebody labelled."""
        return sum(self.outcomes.values())

    @property
    def missed(self) -> int:
        """How many were let through that somebody called spam."""
        return self.said("spam", "allow")

    @property
    def wronged(self) -> int:
        """How many were held back that somebody called ham."""
        return self.said("ham", *HELD_BACK)

    def said(self, label: str, *decisions: str) -> int:
        """Count those with that label, and one of those decisions if any are named."""
        found = 0
        for outcome, count in self.outcomes.items():
            said, _, decided = outcome.partition(" ")
            found += count * (said == label and (not decisions or decided in decisions))
        return found


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
    tallies: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)
    decisions: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    outcomes: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    sampled: Counter[datetime] = Counter()
    for check in checks:
        day = check.checked_at.date().isoformat(), check.model
        hour = check.checked_at.replace(minute=0, second=0, microsecond=0)
        decisions[day][check.decision] += 1
        tallies[day].add(check.comment, check.score, with_traits=sampled[hour] < SAMPLED_AN_HOUR)
        sampled[hour] += 1
        label = said.get((check.site, digest_of(check.comment))) if said else None
        if label is not None:
            outcomes[day][f"{label} {check.decision}"] += 1
    return [
        Day(
            *day,
            decisions=dict(sorted(decisions[day].items())),
            outcomes=dict(sorted(outcomes[day].items())),
            distribution=tallies[day].distribution(),
        )
        for day in sorted(decisions)
    ]
