"""What sites were told of their checks, which of that has changed since, and whose turn it is to tell them.

A change is told at least once: an attempt is noted before it is made, and that it succeeded afterwards, so whoever is
killed between the two leaves it to be told again. Not at most once, since a change that is never told leaves spam
published or a good comment hidden, while one that is told twice changes nothing the second time. Nothing else is told
twice, however many hosts share the database: only who has the turn tells, and writes nothing once it has lost it.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from model.verdict import Reason
from training.database import StoreError
from training.labels import first_id
from training.tables import checks, decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from model.comment import Comment
    from training.database import Database

_schema = sa.MetaData()
_tellings = sa.Table(
    "tellings",
    _schema,
    sa.Column("check_id", sa.String(32), primary_key=True),
    sa.Column("site", sa.String(253)),
    sa.Column("callback", sa.Text),
    sa.Column("post_id", sa.String(20)),
    sa.Column("parent_id", sa.String(20)),
    sa.Column("reasons", sa.LargeBinary),
    sa.Column("is_spam", sa.Boolean),
    sa.Column("would_be_spam", sa.Boolean),
    sa.Column("changed_at", sa.Float),
    sa.Column("attempts", sa.Integer),
    sa.Column("due_at", sa.Float),
)
_turn = sa.Table(
    "tellers_turn",
    _schema,
    sa.Column("holder", sa.String(32)),
    sa.Column("until", sa.Float),
    sa.Column("model", sa.String(16)),
    sa.Column("withdrawal", sa.BigInteger),
    sa.Column("setting", sa.BigInteger),
    sa.Column("label", sa.BigInteger),
)
TURN_SECONDS = 60.0
"""Longer than anything takes that is done between two transactions, and than hosts' clocks differ."""
TELLINGS_AT_ONCE = 100
RETRY_SECONDS = (5, 30, 120, 600, 3_600, 14_400, 43_200)
"""After so long each attempt that failed is made again; after the last, the change is left untold."""


class TurnLostError(StoreError):
    """Somebody else has taken over, so nothing was written."""


class Learnt(NamedTuple):
    """How far a worker has learnt: its model's version, the newest withdrawal, setting of a site, and label it knows.

    Without a model where it can't serve the one that it should.
    """

    model: str | None
    withdrawal: int
    setting: int
    label: int


@dataclass(frozen=True, slots=True)
class Telling:
    """What a site was told of a check last, and where it wants to hear of a change.

    ``reasons`` are those of the verdict that can't be found again in the comment.
    """

    check_id: str
    site: str
    callback: str
    post_id: str
    parent_id: str
    reasons: tuple[Reason, ...]
    is_spam: bool


class Known(NamedTuple):
    """A telling, its check's comment, and what the site is yet to be told (``None``: nothing)."""

    telling: Telling
    comment: Comment
    would_be_spam: bool | None


class Change(NamedTuple):
    """A telling that is no longer right, and how often it was tried to say so; ``changed_at`` is in seconds."""

    telling: Telling
    comment: Comment
    is_spam: bool
    changed_at: float
    attempts: int


class Turn:
    """The turn to look again and to tell, of one process of all hosts at a time. ``clock`` gives the time in UTC."""

    def __init__(self, database: Database, holder: str, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._holder = holder
        self._sure_until = 0.0
        self.now = clock

    def take(self) -> bool:
        """Take the turn, or keep it, and say whether it is this one's; called all the time, it seldom has to ask."""
        now = self.now().timestamp()
        if now < self._sure_until:
            return True
        is_free = (_turn.c.holder == self._holder) | (_turn.c.until < now)
        with self._database.transaction() as connection:
            is_taken = bool(connection.execute(self._extension().where(is_free)).rowcount)
        self._sure_until = now + TURN_SECONDS / 2 if is_taken else 0.0
        return is_taken

    def give_back(self) -> None:
        """Let another one have it at once."""
        self._sure_until = 0.0
        with self._database.transaction() as connection:
            connection.execute(sa.update(_turn).where(_turn.c.holder == self._holder).values(until=0.0))

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Commit what the block does if the turn is still this one's, which it then keeps.

        Raises:
            TurnLostError: it is not.
        """
        with self._database.transaction() as connection:
            if not connection.execute(self._extension().where(_turn.c.holder == self._holder)).rowcount:
                self._sure_until = 0.0
                raise TurnLostError("another process tells sites of changed verdicts now")
            yield connection

    def looked(self) -> Learnt:
        """Return how far whoever looked last had learnt."""
        with self._database.transaction() as connection:
            return Learnt(*connection.execute(sa.select(*(_turn.c[name] for name in Learnt._fields))).one())

    def note_looked(self, learnt: Learnt) -> None:
        """Keep how far the last look had learnt.

        Raises:
            TurnLostError: that is somebody else's business now.
        """
        with self.transaction() as connection:
            connection.execute(sa.update(_turn).values(learnt._asdict()))

    def _extension(self) -> sa.Update:
        return sa.update(_turn).values(holder=self._holder, until=self.now().timestamp() + TURN_SECONDS)


class Tellings:
    """The tellings in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(self, tellings: Sequence[Telling]) -> None:
        """Keep what sites were told."""
        if tellings:
            with self._database.transaction() as connection:
                connection.execute(sa.insert(_tellings), [_row(telling) for telling in tellings])

    def forget(self, before: datetime) -> None:
        """Forget what was told before then, and what was told of checks that are forgotten."""
        oldest = sa.select(sa.func.coalesce(sa.func.min(checks.c.id), "")).scalar_subquery()
        with self._database.transaction() as connection:
            is_old = (_tellings.c.check_id < first_id(before)) | (_tellings.c.check_id < oldest)
            connection.execute(sa.delete(_tellings).where(is_old))

    def newest(self, site: str, since: datetime, most: int) -> Iterator[list[Known]]:
        """Yield the newest tellings of a site, at most so many and none from before then, newest first, in pages."""
        before, left = "g", most  # above every id
        while left > 0:
            is_next = (_tellings.c.check_id >= first_id(since)) & (_tellings.c.check_id < before)
            chosen = _joined().where(_tellings.c.site == site, is_next).order_by(_tellings.c.check_id.desc())
            with self._database.transaction() as connection:
                rows = connection.execute(chosen.limit(min(left, TELLINGS_AT_ONCE))).all()
            if not rows:
                return
            yield [Known(_telling(row), decoded(row.comment), row.would_be_spam) for row in rows]
            before, left = rows[-1].check_id, left - len(rows)

    def change(self, turn: Turn, would_be: Mapping[str, bool | None]) -> None:
        """Keep what sites are to be told of checks by their ids, at once; ``None``: nothing, as it stands.

        Raises:
            TurnLostError: that is somebody else's business now.
        """
        at = turn.now().timestamp()
        with turn.transaction() as connection:
            for check_id, is_spam in would_be.items():
                due = None if is_spam is None else at
                values = {"would_be_spam": is_spam, "changed_at": at, "attempts": 0, "due_at": due}
                connection.execute(sa.update(_tellings).where(_tellings.c.check_id == check_id).values(values))

    def due(self, at: datetime, most: int) -> list[Change]:
        """List changes that are to be told by then, those that wait longest first."""
        chosen = _joined().where(_tellings.c.due_at <= at.timestamp()).order_by(_tellings.c.due_at).limit(most)
        with self._database.transaction() as connection:
            rows = connection.execute(chosen).all()
        return [
            Change(_telling(row), decoded(row.comment), row.would_be_spam, row.changed_at, row.attempts) for row in rows
        ]

    def note_attempts(self, turn: Turn, changes: Collection[Change]) -> None:
        """Note that changes are about to be told, and when that is tried again should it fail.

        Raises:
            TurnLostError: that is somebody else's business now.
        """
        at = turn.now().timestamp()
        with turn.transaction() as connection:
            for change in changes:
                pause = RETRY_SECONDS[change.attempts] if change.attempts < len(RETRY_SECONDS) else None
                due = None if pause is None else at + pause
                values = {"attempts": change.attempts + 1, "due_at": due}
                connection.execute(_update(change).values(values))

    def note_told(self, turn: Turn, changes: Collection[Change]) -> None:
        """Note that changes were told.

        Raises:
            TurnLostError: that is somebody else's business now.
        """
        with turn.transaction() as connection:
            for change in changes:
                values = {"is_spam": change.is_spam, "would_be_spam": None, "due_at": None}
                connection.execute(_update(change).values(values))


def _joined() -> sa.Select[Any]:
    return sa.select(_tellings, checks.c.comment).join(checks, checks.c.id == _tellings.c.check_id)


def _update(change: Change) -> sa.Update:
    return sa.update(_tellings).where(_tellings.c.check_id == change.telling.check_id)


def _row(telling: Telling) -> dict[str, Any]:
    return {
        "check_id": telling.check_id,
        "site": telling.site,
        "callback": telling.callback,
        "post_id": telling.post_id,
        "parent_id": telling.parent_id,
        "reasons": json.dumps(telling.reasons).encode(),
        "is_spam": telling.is_spam,
        "would_be_spam": None,
        "changed_at": 0.0,
        "attempts": 0,
        "due_at": None,
    }


def _telling(row: sa.Row[Any]) -> Telling:
    reasons = tuple(Reason(*members) for members in json.loads(row.reasons))
    return Telling(row.check_id, row.site, row.callback, row.post_id, row.parent_id, reasons, row.is_spam)
