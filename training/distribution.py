"""How often comments have which score and which traits, and how far two such distributions lie apart.

A model card holds those of the comments that a version was trained on, spam and ham apart: a site's share of spam is
its own, so its traffic is compared with that mixture of the two which is most like it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from training.measures import RELIABILITY_BINS
from training.traits import traits_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from model.comment import Comment
    from training.measures import Floats

SCORE = "score"
MIN_COMMENTS = 100
"""Fewer comments say nothing of drift."""
DRIFTING = 0.25
"""A population stability index above that is by convention a large shift (Siddiqi 2006)."""
_SMOOTHING = 0.5
_ITERATIONS = 50
_KEY = "distributions"

Counts = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Distribution:
    """For each feature, how many comments have which value; ``score`` has ten bins, named 0 to 9.

    Scores may be counted of more comments than traits are.
    """

    counts: Counts

    @classmethod
    def of(cls, comments: Iterable[Comment], scores: Iterable[float]) -> Distribution:
        """Count comments and their scores, in the same order."""
        tally = Tally()
        for comment, score in zip(comments, scores, strict=True):
            tally.add(comment, score)
        return tally.distribution()

    @classmethod
    def from_json(cls, written: object) -> Distribution | None:
        """Read what may come from anywhere; ``None`` where that is no distribution."""
        if not isinstance(written, dict) or not all(map(_is_count, written.values())):
            return None
        return cls({str(feature): dict(counted) for feature, counted in written.items()})

    @property
    def total(self) -> int:
        """How many comments there are."""
        return sum(self.counts.get(SCORE, {}).values())

    def histogram(self) -> list[int]:
        """Return how many comments have a score in each bin."""
        return [self.counts.get(SCORE, {}).get(str(index), 0) for index in range(RELIABILITY_BINS)]

    def __add__(self, other: Distribution) -> Distribution:
        features = sorted(self.counts.keys() | other.counts.keys())
        return Distribution(
            {f: dict(Counter(self.counts.get(f, {})) + Counter(other.counts.get(f, {}))) for f in features}
        )


class Tally:
    """Counts scores and traits as comments come."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, comment: Comment, score: float, *, with_traits: bool = True) -> None:
        """Count a comment; reading its traits takes longer than all else."""
        self._counts[SCORE][str(min(int(score * RELIABILITY_BINS), RELIABILITY_BINS - 1))] += 1
        for trait, value in traits_of(comment).items() if with_traits else ():
            self._counts[trait][value] += 1

    def distribution(self) -> Distribution:
        """Return what was counted."""
        return Distribution({name: dict(sorted(counted.items())) for name, counted in sorted(self._counts.items())})


@dataclass(frozen=True, slots=True)
class Reference:
    """The distributions of the spam and of the ham that a version was trained on."""

    spam: Distribution
    ham: Distribution

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> Reference | None:
        """Read a card, which may come from anywhere; ``None`` where it says nothing of that."""
        written = card.get(_KEY)
        if not isinstance(written, dict):
            return None
        spam, ham = (Distribution.from_json(written.get(label)) for label in ("spam", "ham"))
        return cls(spam, ham) if spam and ham and spam.total and ham.total else None

    def shifts(self, now: Distribution) -> dict[str, float] | None:
        """Return, for each feature, how far comments are from the likeliest mixture of what was trained on.

        As a population stability index: 0 where they are alike; ``None`` for too few comments.
        """
        if now.total < MIN_COMMENTS:
            return None
        share = self._spam_share(now)
        found = {}
        for feature, counted in now.counts.items():
            values = sorted({*counted, *self.spam.counts.get(feature, {}), *self.ham.counts.get(feature, {})})
            expected = share * _shares(self.spam, feature, values) + (1 - share) * _shares(self.ham, feature, values)
            found[feature] = _index(expected, _shares(now, feature, values))
        return found

    def _spam_share(self, now: Distribution) -> float:
        """Estimate the share of spam by expectation maximisation (Saerens, Latinne and Decaestecker 2002)."""
        bins = [str(index) for index in range(RELIABILITY_BINS)]
        spam, ham, seen = (_shares(one, SCORE, bins) for one in (self.spam, self.ham, now))
        share = 0.5
        for _ in range(_ITERATIONS):
            share = float(seen @ (share * spam / (share * spam + (1 - share) * ham)))
        return share


def distributions(comments: Sequence[Comment], scores: Floats, is_spam: Sequence[bool]) -> dict[str, Any]:
    """Return the part of a model card that ``Reference.from_card`` reads; the scores are those of held-out comments."""
    rows = list(zip(comments, scores.tolist(), is_spam, strict=True))
    apart = {label: [row for row in rows if row[2] == (label == "spam")] for label in ("spam", "ham")}
    return {
        _KEY: {
            label: Distribution.of([comment for comment, *_ in chosen], [score for _, score, _ in chosen]).counts
            for label, chosen in apart.items()
        }
    }


def stability_index(before: Distribution, now: Distribution, feature: str = SCORE) -> float | None:
    """Compare two distributions of a feature: 0 where they are the same, ``None`` where there are too few comments."""
    if min(before.total, now.total) < MIN_COMMENTS:
        return None
    values = sorted({*before.counts.get(feature, {}), *now.counts.get(feature, {})})
    return _index(_shares(before, feature, values), _shares(now, feature, values))


def _shares(distribution: Distribution, feature: str, values: Sequence[str]) -> Floats:
    """Return the share of each value, none of them 0."""
    counted = distribution.counts.get(feature, {})
    counts = np.array([counted.get(value, 0) for value in values]) + _SMOOTHING
    shares: Floats = counts / counts.sum()
    return shares


def _index(expected: Floats, seen: Floats) -> float:
    return float(np.sum((seen - expected) * np.log(seen / expected)))


def _is_count(counted: object) -> bool:
    return isinstance(counted, dict) and all(type(count) is int and count >= 0 for count in counted.values())
