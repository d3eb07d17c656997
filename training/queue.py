"""What needs a decision: the checks that were held for review and whose comments nobody has labelled.

Leaves what is noted of each to ``doubts``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

from model.verdict import Reason
from training.doubts import folded, queue
from training.labels import check_of, first_id
from training.tables import checks, labels

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from training.database import Database
    from training.labels import Check

Order = Literal["urgent", "newest"]

_is_open = ~sa.exists().where(
    (labels.c.site == queue.c.site)
    & (labels.c.comment_digest == queue.c.comment_digest)
    & labels.c.withdrawal.is_(None)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which checks to look for: of these sites (``None``: all), for a kind of reason, since then, with these words.

    What is empty does not matter.
    """

    sites: Collection[str] | None
    feature: str = ""
    since: datetime | None = None
    words: str = ""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class Queued:
    """A check that waits, the name of its campaign, and how many checks of that campaign wait, itself included."""

    check: Check
    campaign: str
    alike: int


class Queue:
    """The queue in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, wanted: Wanted, order: Order, after: str, most: int) -> list[Queued]:
        """List at most so many checks that wait, those after the check of an id that was listed before."""
        chosen = sa.select(queue.c.campaign, queue.c.reasons, checks).join(checks, checks.c.id == queue.c.check_id)
        chosen = chosen.where(_is_open, *_conditions(wanted))
        with self._database.transaction() as connection:
            if after:
                chosen = chosen.where(_comes_after(connection, order, after))
            by_urgency = [queue.c.urgency.desc()] if order == "urgent" else []
            rows = connection.execute(chosen.order_by(*by_urgency, queue.c.check_id.desc()).limit(most)).all()
            sizes = _sizes(connection, {row.campaign for row in rows})
        return [
            Queued(replace(check_of(row), reasons=_reasons(row.reasons)), row.campaign, sizes[row.campaign])
            for row in rows
        ]

    def count(self, wanted: Wanted, most: int) -> int:
        """Count the checks that wait, up to so many."""
        found = sa.select(sa.literal(1)).select_from(queue).where(_is_open, *_conditions(wanted)).limit(most)
        with self._database.transaction() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(found.subquery())).scalar_one()

    def reasons(self, check_id: str) -> tuple[Reason, ...]:
        """Return why a check was held, as was said then; nothing where it was not held, or is forgotten."""
        with self._database.transaction() as connection:
            found = connection.execute(
                sa.select(queue.c.reasons).where(queue.c.check_id == check_id)
            ).scalar_one_or_none()
        return () if found is None else _reasons(found)


def _conditions(wanted: Wanted) -> Sequence[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.sites is not None:
        conditions.append(queue.c.site.in_(wanted.sites))
    if wanted.feature:
        conditions.append(queue.c.features.contains(f" {wanted.feature} ", autoescape=True))
    if wanted.since is not None:
        conditions.append(queue.c.check_id >= first_id(wanted.since))
    if wanted.campaign:
        conditions.append(queue.c.campaign == wanted.campaign)
    conditions.extend(queue.c.words.contains(word, autoescape=True) for word in folded(wanted.words).split())
    return conditions


def _comes_after(connection: sa.Connection, order: Order, after: str) -> sa.ColumnElement[bool]:
    older = queue.c.check_id < after
    if order == "newest":
        return older
    urgency = connection.execute(sa.select(queue.c.urgency).where(queue.c.check_id == after)).scalar_one_or_none()
    return older if urgency is None else (queue.c.urgency < urgency) | ((queue.c.urgency == urgency) & older)


def _sizes(connection: sa.Connection, campaigns: Collection[str]) -> dict[str, int]:
    """Count what waits of each campaign."""
    size = sa.func.count().label("size")
    counted = sa.select(queue.c.campaign, size).where(_is_open, queue.c.campaign.in_(campaigns))
    return {row.campaign: row.size for row in connection.execute(counted.group_by(queue.c.campaign))}


def _reasons(written: bytes) -> tuple[Reason, ...]:
    return tuple(Reason(*reason) for reason in json.loads(written))
