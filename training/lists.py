"""The lines of sites' allow and deny lists in the database: who added and removed them, and what they matched.

Leaves what a line means to ``model.lists``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from model.lists import Line, Subject
from model.verdict import Decision
from training.database import StoreError, UtcDateTime, take_turns
from training.settings import LISTS, SETTINGS_LOCK, note_change
from training.tables import NAME_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from training.database import Database

MAX_LINES = 20_000
"""Of a site; ``benchmarks/lists.py`` shows what so many cost."""
_NUMBERS_AT_ONCE = 500
_TIME = "%Y-%m-%dT%H:%M:%SZ"

_lines = sa.Table(
    "list_lines",
    sa.MetaData(),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("site", sa.String(NAME_CHARACTERS)),
    sa.Column("subject", sa.String(16)),
    sa.Column("pattern", sa.Text),
    sa.Column("decision", sa.String(16)),
    sa.Column("added_by", sa.String(NAME_CHARACTERS)),
    sa.Column("added_at", UtcDateTime),
    sa.Column("removed_by", sa.String(NAME_CHARACTERS)),
    sa.Column("removed_at", UtcDateTime),
    sa.Column("matches", sa.BigInteger),
    sa.Column("matched_at", UtcDateTime),
)
_stands = _lines.c.removed_at.is_(None)


class TooManyLinesError(StoreError):
    """A site can't have so many lines."""


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A line, who added it when (UTC), how many comments it has decided on, and when the last."""

    line: Line
    added_by: str
    added_at: datetime
    matches: int
    matched_at: datetime | None


class Added(NamedTuple):
    """How many lines are new, say something else than they did, and were there already."""

    new: int
    changed: int
    known: int


class ListStore:
    """The lines in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lines(self, site: str) -> list[Line]:
        """List the lines of a site."""
        columns = [_lines.c[name] for name in ("subject", "pattern", "decision", "number")]
        chosen = sa.select(*columns).where(_lines.c.site == site, _stands).order_by(_lines.c.number)
        with self._database.transaction() as connection:
            return [_line(row) for row in connection.execute(chosen)]

    def count(self, site: str, containing: str = "") -> int:
        """Count the lines of a site, or those whose pattern contains something."""
        counted = sa.select(sa.func.count()).select_from(_lines).where(*_chosen(site, containing))
        with self._database.transaction() as connection:
            return connection.execute(counted).scalar_one()

    def page(self, site: str, most: int, skipped: int = 0, containing: str = "") -> list[KeptLine]:
        """List some lines of a site, the newest first."""
        chosen = sa.select(_lines).where(*_chosen(site, containing)).order_by(_lines.c.number.desc())
        with self._database.transaction() as connection:
            rows = connection.execute(chosen.limit(most).offset(skipped)).all()
        return [KeptLine(_line(row), row.added_by, row.added_at, row.matches, row.matched_at) for row in rows]

    def naming(self, named: Collection[Line], site: str | None) -> list[dict[str, Any]]:
        """Return all that is kept of lines that name what one of these does, removed ones too, as plain JSON values."""
        same = [(_lines.c.subject == str(one.subject)) & (_lines.c.pattern == one.pattern) for one in named]
        chosen = sa.select(_lines).where(sa.or_(sa.false(), *same)).order_by(_lines.c.number)
        if site is not None:
            chosen = chosen.where(_lines.c.site == site)
        with self._database.transaction() as connection:
            return [
                {name: f"{value:{_TIME}}" if isinstance(value, datetime) else value for name, value in row.items()}
                for row in connection.execute(chosen).mappings()
            ]

    def add(self, site: str, lines: Sequence[Line], now: datetime, by: str) -> Added:
        """Add lines, all or none. What is named is named once: what a later line decides replaces what one did before.

        Raises:
            TooManyLinesError: the site would have more than ``MAX_LINES``.
        """
        wanted = {(line.subject, line.pattern): line for line in lines}
        with self._database.transaction() as connection:
            take_turns(connection, SETTINGS_LOCK)
            standing = {
                (row.subject, row.pattern): (row.number, row.decision)
                for row in connection.execute(sa.select(_lines).where(_lines.c.site == site, _stands))
            }
            other = [key for key, line in wanted.items() if standing.get(key, (0, ""))[1] != line.decision]
            new = [wanted[key] for key in other]
            changed = [standing[key][0] for key in other if key in standing]
            count = len(standing) + len(new) - len(changed)
            if count > MAX_LINES:
                raise TooManyLinesError(f"found {count:,} lines for {site}, expected at most {MAX_LINES:,}")
            if new:
                _remove(connection, site, changed, now, by)
                connection.execute(sa.insert(_lines), [_row(site, line, now, by) for line in new])
                note_change(connection, site, LISTS, _told(new, "added"), now, by)
        return Added(len(new) - len(changed), len(changed), len(wanted) - len(new))

    def remove(self, site: str, numbers: Collection[int], now: datetime, by: str) -> int:
        """Remove lines of a site; return how many there were."""
        with self._database.transaction() as connection:
            take_turns(connection, SETTINGS_LOCK)
            removed = _remove(connection, site, numbers, now, by)
            if removed:
                note_change(connection, site, LISTS, _told(removed, "removed"), now, by)
        return len(removed)

    def note_matches(self, counts: Mapping[int, int], now: datetime) -> None:
        """Add to how many comments lines have decided on."""
        with self._database.transaction() as connection:
            for number, count in sorted(counts.items()):  # sorted, lest two workers wait for each other
                counted = {"matches": _lines.c.matches + count, "matched_at": now}
                connection.execute(sa.update(_lines).where(_lines.c.number == number).values(counted))


def _chosen(site: str, containing: str) -> list[sa.ColumnElement[bool]]:
    chosen = [_lines.c.site == site, _stands]
    return [*chosen, _lines.c.pattern.contains(containing.lower(), autoescape=True)] if containing else chosen


def _remove(connection: sa.Connection, site: str, numbers: Collection[int], now: datetime, by: str) -> list[Line]:
    ordered, removed = sorted(numbers), []
    for start in range(0, len(ordered), _NUMBERS_AT_ONCE):
        chosen = (_lines.c.site == site) & _stands & _lines.c.number.in_(ordered[start : start + _NUMBERS_AT_ONCE])
        removed += [_line(row) for row in connection.execute(sa.select(_lines).where(chosen))]
        gone = {"removed_by": by[:NAME_CHARACTERS], "removed_at": now}
        connection.execute(sa.update(_lines).where(chosen).values(gone))
    return removed


def _told(lines: Sequence[Line], what: str) -> dict[str, object]:
    """Say in the history what was done, quoting the first line."""
    first = lines[0]
    return {what: len(lines), "first": f"{first.decision} {first.subject} {first.pattern}"}


def _line(row: sa.Row[tuple[object, ...]]) -> Line:
    return Line(Subject(row.subject), row.pattern, Decision(row.decision), row.number)


def _row(site: str, line: Line, now: datetime, by: str) -> dict[str, object]:
    return {
        "site": site,
        "subject": str(line.subject),
        "pattern": line.pattern,
        "decision": str(line.decision),
        "added_by": by[:NAME_CHARACTERS],
        "added_at": now,
        "matches": 0,
    }
