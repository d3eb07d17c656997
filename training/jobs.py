"""Work that takes long, as rows that every process and host can see: who asked for it, how far it is, how it ended.

A job waits until a host takes it up; of each kind one runs at a time, over all hosts. Whoever runs it says every moment
that it still does; a job that nobody has heard of for too long has failed, and says so. Owns those rules. Leaves
what a kind of job does to ``errands``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import sqlalchemy as sa

from training.database import StoreError, UtcDateTime, take_turns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from training.database import Database

State = Literal["waiting", "running", "done", "failed"]

LOST_AFTER = timedelta(seconds=30)
"""The service reports every second how far its jobs are; one not heard of for so long is of a service that is gone."""
WAITS_AT_MOST = timedelta(hours=6)
_NAME_CHARACTERS = 253
_LOCK = 0x48414D4A
_UNENDED = ("waiting", "running")
_jobs = sa.Table(
    "jobs",
    sa.MetaData(),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(16)),
    sa.Column("request", sa.LargeBinary),
    sa.Column("host", sa.String(_NAME_CHARACTERS)),
    sa.Column("asked_by", sa.String(_NAME_CHARACTERS)),
    sa.Column("asked_at", UtcDateTime),
    sa.Column("state", sa.String(16)),
    sa.Column("progress", sa.Float),
    sa.Column("message", sa.LargeBinary),
    sa.Column("started_at", UtcDateTime),
    sa.Column("heard_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("outcome", sa.LargeBinary),
)
_DESCRIPTION = [column for column in _jobs.c if column is not _jobs.c.outcome]


class UnderWayError(StoreError):
    """A job of the same kind waits or runs already."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job. ``progress`` is the share that is done, 0 to 1; ``message`` what is being done, or why it failed.

    ``host`` is the only one that can run it, ``None`` where any can. Times are in UTC.
    """

    number: int
    kind: str
    request: dict[str, Any]
    host: str | None
    asked_by: str
    asked_at: datetime
    state: State
    progress: float
    message: str
    started_at: datetime | None
    heard_at: datetime | None
    ended_at: datetime | None

    @property
    def has_ended(self) -> bool:
        """Whether it is done or has failed."""
        return self.state not in _UNENDED


class Due(NamedTuple):
    """When a job is due: so long after it was last asked for, or after ``since`` where it never was."""

    interval: timedelta
    since: datetime


class Jobs:
    """The jobs in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(
        self,
        kind: str,
        request: Mapping[str, Any],
        now: datetime,
        by: str,
        host: str | None = None,
        queue: bool = False,
    ) -> int:
        """Have a job done as soon as one of its kind can run, and return its number.

        Raises:
            UnderWayError: one of the kind waits or runs, and this one is not to ``queue`` behind it.
        """
        with self._database.transaction() as connection:
            take_turns(connection, _LOCK)
            if not queue and (known := _newest(connection, kind, _UNENDED)) is not None:
                raise UnderWayError(f"{known.asked_by} has asked for that already; it is under way")
            return _insert(connection, kind, request, now, by, host)

    def ask_when_due(self, kind: str, request: Mapping[str, Any], now: datetime, by: str, due: Due) -> bool:
        """Have a job done if that is due, and return whether it was; whoever else does the same counts too."""
        with self._database.transaction() as connection:
            if not _is_due(connection, kind, now, by, due):
                return False  # mostly; no lock is needed to see that
        with self._database.transaction() as connection:
            take_turns(connection, _LOCK)
            if is_due := _is_due(connection, kind, now, by, due):
                _insert(connection, kind, request, now, by, None)
            return is_due

    def take(self, host: str, now: datetime) -> Job | None:
        """Take up the job that has waited longest of those that this host can run now; the caller then runs it."""
        running = sa.select(_jobs.c.kind).where(_jobs.c.state == "running")
        waiting = (
            sa.select(*_DESCRIPTION)
            .where(_jobs.c.state == "waiting", _jobs.c.kind.not_in(running))
            .where(_jobs.c.host.is_(None) | (_jobs.c.host == host))
            .order_by(_jobs.c.number)
            .limit(1)
        )
        with self._database.transaction() as connection:
            if connection.execute(waiting).one_or_none() is None:
                return None  # mostly; no lock is needed to see that
        with self._database.transaction() as connection:
            take_turns(connection, _LOCK)
            row = connection.execute(waiting).one_or_none()
            if row is None:
                return None
            change = {"state": "running", "host": host, "started_at": now, "heard_at": now}
            connection.execute(sa.update(_jobs).where(_jobs.c.number == row.number).values(change))
        return self.find(row.number)

    def report(self, number: int, progress: float, message: str, now: datetime) -> bool:
        """Note how far a running job is; return whether it still counts as running."""
        return self._change(number, progress=progress, message=message.encode("utf-8", "replace"), heard_at=now)

    def finish(self, number: int, message: str, outcome: Mapping[str, Any], now: datetime) -> bool:
        """Note that a running job is done, and what came of it: JSON values; return whether it counted as running."""
        said, encoded = message.encode("utf-8", "replace"), json.dumps(outcome).encode()
        return self._change(number, state="done", progress=1.0, message=said, ended_at=now, outcome=encoded)

    def fail(self, number: int, reason: str, now: datetime) -> bool:
        """Note that a running job ended without doing its work, and why; return whether it counted as running."""
        return self._change(number, state="failed", message=reason.encode("utf-8", "replace"), ended_at=now)

    def stop(self, number: int, reason: str, now: datetime) -> bool:
        """Have a job that waits or runs end without doing its work; return whether it did wait or run."""
        change = {"state": "failed", "message": reason.encode("utf-8", "replace"), "ended_at": now}
        with self._database.transaction() as connection:
            unended = _jobs.c.state.in_(_UNENDED) & (_jobs.c.number == number)
            return connection.execute(sa.update(_jobs).where(unended).values(change)).rowcount > 0

    def fail_lost(self, now: datetime) -> list[int]:
        """Let jobs fail that nobody runs any more, or that nobody took up; return their numbers."""
        silent = (_jobs.c.state == "running") & (_jobs.c.heard_at < now - LOST_AFTER)
        forgotten = (_jobs.c.state == "waiting") & (_jobs.c.asked_at < now - WAITS_AT_MOST)
        reasons = (
            (silent, "the service that ran it was killed, or its machine stopped; ask again"),
            (forgotten, "no host of the service took it up"),
        )
        failed: list[int] = []
        for lost, reason in reasons:
            with self._database.transaction() as connection:
                numbers = connection.execute(sa.select(_jobs.c.number).where(lost)).scalars().all()
                if numbers:
                    change = {"state": "failed", "message": reason.encode(), "ended_at": now}
                    connection.execute(sa.update(_jobs).where(_jobs.c.number.in_(numbers), lost).values(change))
                    failed += numbers
        return failed

    def find(self, number: int) -> Job | None:
        """Find a job by its number."""
        with self._database.transaction() as connection:
            row = connection.execute(sa.select(*_DESCRIPTION).where(_jobs.c.number == number)).one_or_none()
        return None if row is None else _job(row)

    def newest(self, kind: str, states: Collection[State] = ()) -> Job | None:
        """Find the last job of a kind, or the last one in one of those states."""
        with self._database.transaction() as connection:
            return _newest(connection, kind, states)

    def list(self, kinds: Collection[str], most: int) -> list[Job]:
        """List the last jobs of some kinds, the newest first."""
        chosen = sa.select(*_DESCRIPTION).where(_jobs.c.kind.in_(kinds)).order_by(_jobs.c.number.desc()).limit(most)
        with self._database.transaction() as connection:
            return [_job(row) for row in connection.execute(chosen)]

    def outcome(self, number: int) -> dict[str, Any] | None:
        """Return what came of a job, ``None`` unless it is done."""
        with self._database.transaction() as connection:
            encoded = connection.execute(sa.select(_jobs.c.outcome).where(_jobs.c.number == number)).scalar()
        return None if encoded is None else json.loads(encoded)

    def forget(self, before: datetime) -> int:
        """Forget the jobs that ended before then, with what came of them; return how many there were."""
        ended = _jobs.c.state.not_in(_UNENDED) & (_jobs.c.ended_at < before)
        with self._database.transaction() as connection:
            return connection.execute(sa.delete(_jobs).where(ended)).rowcount

    def forget_outcomes(self) -> None:
        """Forget what came of all jobs: their outcomes quote comments, and somebody's are to be erased."""
        with self._database.transaction() as connection:
            connection.execute(sa.update(_jobs).where(_jobs.c.outcome.is_not(None)).values(outcome=None))

    def _change(self, number: int, **values: Any) -> bool:
        change = sa.update(_jobs).where(_jobs.c.number == number, _jobs.c.state == "running").values(values)
        with self._database.transaction() as connection:
            return connection.execute(change).rowcount > 0


def _is_due(connection: sa.Connection, kind: str, now: datetime, by: str, due: Due) -> bool:
    chosen = sa.select(sa.func.max(_jobs.c.asked_at)).where(_jobs.c.kind == kind, _jobs.c.asked_by == by)
    asked_at = connection.execute(chosen).scalar() or due.since
    return now - asked_at >= due.interval and _newest(connection, kind, _UNENDED) is None


def _insert(
    connection: sa.Connection, kind: str, request: Mapping[str, Any], now: datetime, by: str, host: str | None
) -> int:
    row = {
        "kind": kind,
        "request": json.dumps(request).encode(),
        "host": host,
        "asked_by": by[:_NAME_CHARACTERS],
        "asked_at": now,
        "state": "waiting",
        "progress": 0.0,
        "message": b"waits for its turn",
    }
    (number,) = connection.execute(sa.insert(_jobs), row).inserted_primary_key or (0,)
    return int(number)


def _newest(connection: sa.Connection, kind: str, states: Collection[str]) -> Job | None:
    chosen = sa.select(*_DESCRIPTION).where(_jobs.c.kind == kind).order_by(_jobs.c.number.desc()).limit(1)
    if states:
        chosen = chosen.where(_jobs.c.state.in_(states))
    row = connection.execute(chosen).one_or_none()
    return None if row is None else _job(row)


def _job(row: sa.Row[Any]) -> Job:
    values = row._asdict()
    return Job(**{**values, "request": json.loads(row.request), "message": row.message.decode()})
