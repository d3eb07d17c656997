"""How many comments a site had checked, with which outcome, and how many verdicts it reported as wrong: by month (UTC).

Kept for good, unlike the checks themselves. Only counts: nothing of any comment.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from training.database import Database

Kind = Literal["spam", "ham", "missed_spam", "false_positives"]
Counted = tuple[str, str, Kind]
"""A site, a month as YYYY-MM, and what was counted."""
KINDS: tuple[Kind, ...] = ("spam", "ham", "missed_spam", "false_positives")

_statistics = sa.Table(
    "statistics",
    sa.MetaData(),
    sa.Column("site", sa.String(253), primary_key=True),
    sa.Column("month", sa.String(7), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("total", sa.BigInteger),
)


def month_of(at: datetime) -> str:
    """Return the month as YYYY-MM."""
    return f"{at.year:04}-{at.month:02}"


class Statistics:
    """The counts in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, counts: Mapping[Counted, int]) -> None:
        """Add to the counts, all of them or, where that fails, none."""
        if not counts:
            return
        with self._database.transaction() as connection:
            if connection.dialect.name == "sqlite":
                from sqlalchemy.dialects.sqlite import insert
            else:
                from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]  # alike in what is used
            for (site, month, kind), count in sorted(counts.items()):  # sorted, lest two workers wait for each other
                new = insert(_statistics).values(site=site, month=month, kind=kind, total=count)
                together = {"total": _statistics.c.total + new.excluded.total}
                connection.execute(new.on_conflict_do_update(index_elements=["site", "month", "kind"], set_=together))

    def months(self, site: str, since: str = "") -> dict[str, Counter[str]]:
        """Return the counts of a site by month, oldest first, from the month ``since`` on."""
        chosen = sa.select(_statistics).where(_statistics.c.site == site, _statistics.c.month >= since)
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        with self._database.transaction() as connection:
            for row in connection.execute(chosen.order_by(_statistics.c.month)):
                found[row.month][row.kind] = row.total
        return dict(found)
