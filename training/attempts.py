"""Attempts to sign in of late, counted by digest of who tried and as whom, alike on all workers and hosts.

An attempt is counted before it is known whether it succeeds, so that many at once get no further than one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from training.database import UtcDateTime, take_turns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from training.database import Database

_attempts = sa.Table(
    "sign_in_attempts",
    sa.MetaData(),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("digest", sa.LargeBinary(32)),
    sa.Column("at", UtcDateTime),
)
_ATTEMPTS_LOCK = 0x48414D53


class Attempts:
    """Failed attempts in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, most: Mapping[bytes, int], since: datetime, now: datetime) -> bool:
        """Count an attempt for each digest, unless one of them has had as many as it may since then.

        Attempts before ``since`` are forgotten.
        """
        with self._database.transaction() as connection:
            take_turns(connection, _ATTEMPTS_LOCK)
            connection.execute(sa.delete(_attempts).where(_attempts.c.at < since))
            if any(_count(connection, digest) >= limit for digest, limit in most.items()):
                return False
            connection.execute(sa.insert(_attempts), [{"digest": digest, "at": now} for digest in most])
            return True

    def forgive(self, digests: Collection[bytes], at: datetime) -> None:
        """Count an attempt no more: it succeeded."""
        chosen = _attempts.c.digest.in_(digests) & (_attempts.c.at == at)
        with self._database.transaction() as connection:
            connection.execute(sa.delete(_attempts).where(chosen))


def _count(connection: sa.Connection, digest: bytes) -> int:
    counted = sa.select(sa.func.count()).select_from(_attempts).where(_attempts.c.digest == digest)
    return connection.execute(counted).scalar_one()
