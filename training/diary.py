"""What each day's checks told, in the database: kept when the checks themselves are forgotten. Only counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sqlalchemy as sa

from training.database import take_turns
from training.distribution import Distribution
from training.traffic import Day

if TYPE_CHECKING:
    from collections.abc import Iterable

    from training.database import Database

_LOCK = 0x48414D44
_days = sa.Table(
    "days",
    sa.MetaData(),
    sa.Column("date", sa.String(10), primary_key=True),
    sa.Column("model", sa.String(16), primary_key=True),
    sa.Column("checks", sa.BigInteger),
    sa.Column("counts", sa.LargeBinary),
)


class Diary:
    """The days in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, days: Iterable[Day]) -> None:
        """Keep days as they are now known; a day of which checks have been forgotten since stays as it was."""
        with self._database.transaction() as connection:
            take_turns(connection, _LOCK)
            for day in days:
                this = (_days.c.date == day.date) & (_days.c.model == day.model)
                known = connection.execute(sa.select(_days.c.checks).where(this)).scalar()
                row = {"date": day.date, "model": day.model, "checks": day.checks, "counts": _encoded(day)}
                if known is None:
                    connection.execute(sa.insert(_days), row)
                elif day.checks >= known:
                    connection.execute(sa.update(_days).where(this).values(row))

    def days(self, since: str) -> list[Day]:
        """List the days from a date (YYYY-MM-DD) on, in order."""
        chosen = sa.select(_days).where(_days.c.date >= since).order_by(_days.c.date, _days.c.model)
        with self._database.transaction() as connection:
            return [_day(row) for row in connection.execute(chosen)]


def _encoded(day: Day) -> bytes:
    counts = {"decisions": day.decisions, "outcomes": day.outcomes, "distribution": day.distribution.counts}
    return json.dumps(counts).encode()


def _day(row: sa.Row[tuple[object, ...]]) -> Day:
    counts = json.loads(row.counts)
    return Day(row.date, row.model, counts["decisions"], counts["outcomes"], Distribution(counts["distribution"]))
