"""Checks that were answered, remembered for a while, and what people said of comments, kept for good.

The last label of a comment wins; earlier ones stay as its history. A label that was added is durable: the transaction
is committed, to disk, before the method returns.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from model.comment import FIELD_NAMES, Comment
from training.database import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.database import Database
    from training.labelled import Label

_schema = sa.MetaData()
_checks = sa.Table(
    "checks",
    _schema,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("site", sa.String(253)),
    sa.Column("checked_at", sa.Float),
    sa.Column("comment", sa.LargeBinary),
    sa.Column("score", sa.Float),
    sa.Column("decision", sa.String(16)),
    sa.Column("model", sa.String(16)),
)
_labels = sa.Table(
    "labels",
    _schema,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("site", sa.String(253)),
    sa.Column("comment_digest", sa.LargeBinary(32)),
    sa.Column("comment", sa.LargeBinary),
    sa.Column("label", sa.String(4)),
    sa.Column("labelled_by", sa.String(253)),
    sa.Column("labelled_at", UtcDateTime),
)
_ROWS_AT_ONCE = 1_000
_LABELS_LOCK = 0x48414D4C


@dataclass(frozen=True, slots=True)
class Check:
    """A comment that was judged: the verdict's id, and what was decided when (UTC).

    Ids begin as ``first_id`` says, so that they ascend with time.
    """

    id: str
    site: str
    checked_at: datetime
    comment: Comment
    score: float
    decision: str
    model: str


@dataclass(frozen=True, slots=True)
class GivenLabel:
    """What somebody said of a site's comment, and when (UTC)."""

    site: str
    comment: Comment
    label: Label
    labelled_by: str
    labelled_at: datetime


class LabelStore:
    """Checks and labels in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(self, checks: Sequence[Check]) -> None:
        """Keep checks, so that they can be labelled by their id."""
        insert = sa.insert(_checks)
        with self._database.transaction() as connection:
            if connection.dialect.positional:  # straight to the driver, which takes half as long
                rows = [_check_row(check) for check in checks]
                connection.exec_driver_sql(str(insert.compile(dialect=connection.dialect)), rows)
            else:
                names = _checks.c.keys()
                connection.execute(insert, [dict(zip(names, _check_row(check), strict=True)) for check in checks])

    def check(self, check_id: str) -> Check | None:
        """Find a check by its id."""
        with self._database.transaction() as connection:
            row = connection.execute(sa.select(_checks).where(_checks.c.id == check_id)).one_or_none()
        if row is None:
            return None
        at = datetime.fromtimestamp(row.checked_at, UTC)
        return Check(row.id, row.site, at, _decoded(row.comment), row.score, row.decision, row.model)

    def forget_checks(self, before: datetime) -> int:
        """Forget checks older than that, and return how many there were."""
        with self._database.transaction() as connection:
            return connection.execute(sa.delete(_checks).where(_checks.c.id < first_id(before))).rowcount

    def add(self, labels: Sequence[GivenLabel]) -> int:
        """Add labels, all of them or, where that fails, none; return how many said something new.

        A label that repeats what was last said of a comment is left out, so adding the same labels twice changes
        nothing.
        """
        added = 0
        with self._database.transaction() as connection:
            _lock(connection)
            for label in labels:
                digest = digest_of(label.comment)
                if label.label != _last_label(connection, label.site, digest):
                    connection.execute(sa.insert(_labels), _label_row(label, digest))
                    added += 1
        return added

    def newest(self) -> int:
        """Return the number of the label that was added last, 0 where there is none."""
        with self._database.transaction() as connection:
            return connection.execute(sa.select(sa.func.max(_labels.c.number))).scalar() or 0

    def history(self, site: str, comment: Comment) -> list[GivenLabel]:
        """List what was said of a comment, from first to last."""
        chosen = (_labels.c.site == site) & (_labels.c.comment_digest == digest_of(comment))
        with self._database.transaction() as connection:
            return [
                _label(row) for row in connection.execute(sa.select(_labels).where(chosen).order_by(_labels.c.number))
            ]

    def latest(self, after: int = 0) -> Iterator[tuple[int, GivenLabel]]:
        """Yield the last label of every comment that was labelled after that number, with its number, in order."""
        newer = sa.alias(_labels)
        is_last = ~sa.exists().where(
            (newer.c.site == _labels.c.site)
            & (newer.c.comment_digest == _labels.c.comment_digest)
            & (newer.c.number > _labels.c.number)
        )
        while True:
            chosen = sa.select(_labels).where(_labels.c.number > after, is_last)
            with self._database.transaction() as connection:
                rows = connection.execute(chosen.order_by(_labels.c.number).limit(_ROWS_AT_ONCE)).all()
            for row in rows:
                yield row.number, _label(row)
            if len(rows) < _ROWS_AT_ONCE:
                return
            after = rows[-1].number


def _lock(connection: sa.Connection) -> None:
    """Let nobody else add labels until this transaction ends, so that they become visible in the order of numbers."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LABELS_LOCK)))


def first_id(at: datetime) -> str:
    """Return what the ids of checks from that moment on begin with or are above: its millisecond since 1970, in hex."""
    return f"{int(at.timestamp() * 1_000):012x}"


def digest_of(comment: Comment) -> bytes:
    """Name a comment by all that is known of it: 32 bytes."""
    return sha256(_encoded(comment)).digest()


def _last_label(connection: sa.Connection, site: str, digest: bytes) -> str | None:
    chosen = sa.select(_labels.c.label).where(_labels.c.site == site, _labels.c.comment_digest == digest)
    return connection.execute(chosen.order_by(_labels.c.number.desc()).limit(1)).scalar_one_or_none()


def _encoded(comment: Comment) -> bytes:
    """Return JSON in ASCII, which keeps lone surrogates and NUL, without the fields that are empty."""
    return json.dumps({name: value for name in sorted(FIELD_NAMES) if (value := getattr(comment, name))}).encode()


def _check_row(check: Check) -> tuple[Any, ...]:
    """Lay out a check in the order of the columns."""
    at, encoded = check.checked_at.timestamp(), _encoded(check.comment)
    return check.id, check.site, at, encoded, check.score, str(check.decision), check.model


def _label_row(given: GivenLabel, digest: bytes) -> dict[str, Any]:
    return {
        "site": given.site,
        "comment_digest": digest,
        "comment": _encoded(given.comment),
        "label": given.label,
        "labelled_by": given.labelled_by,
        "labelled_at": given.labelled_at,
    }


def _decoded(encoded: bytes) -> Comment:
    return Comment.from_mapping(json.loads(encoded))


def _label(row: sa.Row[tuple[object, ...]]) -> GivenLabel:
    return GivenLabel(row.site, _decoded(row.comment), row.label, row.labelled_by, row.labelled_at)
