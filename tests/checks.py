"""Checks as the recorder writes them, of comments that a real model has judged."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from model.comment import Comment
from training.labels import Check, first_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.artifact import Filter

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SITE = "blog.example"
_numbers = itertools.count()


def held(
    served: Filter,
    comments: Sequence[Comment],
    decision: str = "review",
    site: str = SITE,
    at: datetime = NOON,
    scores: Sequence[float] = (),
) -> list[Check]:
    """Checks as the recorder writes them, a second apart; the decision, and the score if wanted, are given."""
    made = []
    for number, (comment, verdict) in enumerate(zip(comments, served.check_many(comments), strict=True)):
        time = at + timedelta(seconds=number)
        score = scores[number] if scores else verdict.score
        identity = f"{first_id(time)}{next(_numbers):020x}"
        made.append(Check(identity, site, time, comment, score, decision, "0" * 16, verdict.reasons, verdict.sketch))
    return made


def different(count: int) -> list[Comment]:
    topics = ("tea in the garden", "trains to the coast", "a broken kettle", "the mayor's speech", "old violins")
    return [
        Comment(text=f"{topics[n % 5]} and number {n * 7919} of {n * n}", author=f"author {n}") for n in range(count)
    ]


def alike(count: int) -> list[Comment]:
    text = "My neighbour sold tin kettles at the fair in Lisbon and put all of it into the zorbex vault, and so can you"
    return [Comment(text=f"{text} {number}", author="Ana") for number in range(count)]
