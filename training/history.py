"""What was decided, by Hamgate and by people, newest first.

Both tables may hold a million rows, and what is looked for may be rare in them. So each call looks at a bounded number
of rows, and says where to go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import sqlalchemy as sa

from training.doubts import folded
from training.labels import check_of, first_id, label_of
from training.tables import checks, labels, withdrawals

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from model.comment import Comment
    from training.database import Database
    from training.labels import Check, GivenLabel

ROWS_AT_ONCE = 100
MAX_ROWS = 2_000

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What to look for: of these sites (``None``: all), decided or labelled so, by somebody, with these words.

    What is empty does not matter.
    """

    sites: Collection[str] | None
    outcome: str = ""
    by: str = ""
    words: str = ""
    since: datetime | None = None

    def has_words(self, comment: Comment) -> bool:
        """Whether all words stand in the comment's text or its author's name."""
        text = folded(f"{comment.author}\n{comment.text}") if self.words else ""
        return all(word in text for word in folded(self.words).split())

    def takes(self, site: str, outcome: str) -> bool:
        """Whether what was decided so on this site is looked for."""
        return (self.sites is None or site in self.sites) and self.outcome in ("", outcome)


@dataclass(frozen=True, slots=True)
class Change:
    """A label that somebody gave, its number, and who took it back when."""

    number: int
    given: GivenLabel
    withdrawn_by: str | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stretch(Generic[Found]):
    """What was found, newest first, and before what to go on; empty where there is no more."""

    found: list[Found]
    before: str


class History:
    """Checks and labels in a database, backwards."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def checks(self, sought: Sought, before: str, most: int) -> Stretch[Check]:
        """List remembered checks from before the one of an id (empty: from the newest)."""
        chosen = sa.select(checks)
        if sought.since is not None:
            chosen = chosen.where(checks.c.id >= first_id(sought.since))

        def sift(row: sa.Row[Any]) -> Check | None:
            if not sought.takes(row.site, row.decision):
                return None
            check = check_of(row)
            return check if sought.has_words(check.comment) else None

        return self._stretch(chosen, checks.c.id, before, most, sift)

    def changes(self, sought: Sought, before: int | None, most: int) -> Stretch[Change]:
        """List labels from before the one of a number (``None``: from the newest), those taken back included."""
        joined = labels.outerjoin(withdrawals, withdrawals.c.number == labels.c.withdrawal)
        chosen = sa.select(labels, withdrawals.c.withdrawn_by, withdrawals.c.withdrawn_at).select_from(joined)
        if sought.since is not None:
            chosen = chosen.where(labels.c.labelled_at >= sought.since)

        def sift(row: sa.Row[Any]) -> Change | None:
            if not sought.takes(row.site, row.label) or sought.by not in ("", row.labelled_by):
                return None
            given = label_of(row)
            change = Change(row.number, given, row.withdrawn_by, row.withdrawn_at)
            return change if sought.has_words(given.comment) else None

        return self._stretch(chosen, labels.c.number, before, most, sift)

    def _stretch(
        self,
        chosen: sa.Select[Any],
        key: sa.ColumnElement[Any],
        before: str | int | None,
        most: int,
        sift: Callable[[sa.Row[Any]], Found | None],
    ) -> Stretch[Found]:
        """Go through rows by their first column, from high to low, and keep what is sought."""
        found: list[Found] = []
        last = before
        for _ in range(MAX_ROWS // ROWS_AT_ONCE):
            further = chosen.where(key < last) if last else chosen
            with self._database.transaction() as connection:
                rows = connection.execute(further.order_by(key.desc()).limit(ROWS_AT_ONCE)).all()
            for row in rows:
                last = row[0]
                one = sift(row)
                if one is not None:
                    found.append(one)
                if len(found) == most:
                    return Stretch(found, str(last))
            if len(rows) < ROWS_AT_ONCE:
                return Stretch(found, "")
        return Stretch(found, str(last))
