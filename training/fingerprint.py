"""The fingerprint of the secret that a database is used with, so that no host uses it with another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from training.database import take_turns

if TYPE_CHECKING:
    from training.database import Database

_fingerprint = sa.Table("secret_fingerprint", sa.MetaData(), sa.Column("fingerprint", sa.LargeBinary(32)))
_FINGERPRINT_LOCK = 0x48414D46


def agreed_fingerprint(database: Database, fingerprint: bytes) -> bytes:
    """Return the fingerprint (32 bytes) that the database has, which is this one from now on where it has none."""
    with database.transaction() as connection:
        found = _found(connection)
    if found is not None:
        return found
    with database.transaction() as connection:
        take_turns(connection, _FINGERPRINT_LOCK)
        found = _found(connection)
        if found is None:
            connection.execute(sa.insert(_fingerprint), {"fingerprint": fingerprint})
        return found or fingerprint


def _found(connection: sa.Connection) -> bytes | None:
    return connection.execute(sa.select(_fingerprint.c.fingerprint)).scalar_one_or_none()


def forget_fingerprint(database: Database) -> None:
    """Let the database be used with another secret."""
    with database.transaction() as connection:
        connection.execute(sa.delete(_fingerprint))
