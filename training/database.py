"""The database: opened, brought up to date, and used in transactions.

Owns connections, the schema's version and what can go wrong. Leaves what is kept to ``store`` and ``labels``.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, NoSuchModuleError, OperationalError, SQLAlchemyError

from training.formats.row import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from types import TracebackType

    from sqlalchemy.engine import URL
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 30_000
CONNECT_TIMEOUT_SECONDS = 3
SCHEMA_VERSION = "0012"
"""The newest step in ``migrations``."""
_ROWS_OF_STATEMENTS = (64, 8, 1)
"""How many rows are inserted together: few sizes, so that the driver knows their statements."""
_MIGRATION_LOCK = 0x48414D47
_version = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32)))


class UtcDateTime(sa.TypeDecorator["datetime"]):
    """A time in UTC, also from SQLite, which drops time zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Say again that it is UTC."""
        del dialect
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class StoreError(TrainingError):
    """What goes wrong between Hamgate and its database; the message is for the operator."""


class DatabaseUnusableError(StoreError):
    """The URL is wrong, its driver is not installed, or the database can't be opened or reached."""


class Database:
    """An open database. Safe to share between threads, not to carry across a fork."""

    def __init__(self, url: str) -> None:
        """Open the database, creating its directory, file and tables where they are missing.

        Raises:
            DatabaseUnusableError: it can't be opened, or a newer Hamgate has changed it.
        """
        parsed = _parsed(url)
        try:
            if parsed.get_backend_name() == "sqlite" and parsed.database:
                file = Path(parsed.database)
                file.parent.mkdir(parents=True, exist_ok=True)
                if not file.exists():
                    file.touch(mode=0o600)  # comments and addresses are nobody else's; its journal is made alike
            self._engine = _engine(parsed)
            try:
                _bring_up_to_date(self._engine)
            except BaseException:
                self._engine.dispose()
                raise
        except (ImportError, NoSuchModuleError) as error:
            raise DatabaseUnusableError(
                f"{parsed.render_as_string()}: its driver is missing ({error}); for PostgreSQL: pip install"
                " 'hamgate[postgres]'"
            ) from error
        except (OSError, SQLAlchemyError) as error:
            raise DatabaseUnusableError(f"{parsed.render_as_string()}: {_reason(error)}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Commit what the block does, durably, when it ends without an error.

        Raises:
            DatabaseUnusableError: the database can't be reached, or is locked for too long.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except (OperationalError, InterfaceError) as error:
            raise DatabaseUnusableError(f"{self._engine.url.render_as_string()}: {_reason(error)}") from error

    def scrub(self, patience_ms: int = BUSY_TIMEOUT_MS) -> bool:
        """Leave no byte in SQLite's files of what was deleted; return whether that could be done.

        What is deleted is overwritten at once where it was, but neither are copies that SQLite made when it moved rows,
        nor its write-ahead log. So the file is written anew, for which writers have to wait: some ten seconds with a
        million checks. Other databases have their own ways, and their administrators: nothing is done there.
        """
        if self._engine.dialect.name != "sqlite":
            return False
        with self.transaction() as connection:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={patience_ms}")
            try:
                connection.exec_driver_sql("VACUUM")
                is_busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
            except OperationalError:  # others write for too long
                is_busy = True
            connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        return not is_busy


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows of values that drivers take as they are, each in the order of the columns.

    SQLite's driver lets other threads run during each statement and must then wait for its turn again, which costs more
    than the row, so that many rows go into one statement.
    """
    if connection.dialect.name == "sqlite":
        start = 0
        for size in _ROWS_OF_STATEMENTS:
            statement = _sqlite_insert(table, size)
            while len(rows) - start >= size:
                some = rows[start : start + size]
                connection.exec_driver_sql(statement, tuple(chain.from_iterable(some)))
                start += size
    else:
        connection.execute(sa.insert(table), [dict(zip(table.c.keys(), row, strict=True)) for row in rows])


@cache
def _sqlite_insert(table: sa.Table, rows: int) -> str:
    row = dict.fromkeys(table.c.keys())
    return str(sa.insert(table).values([row] * rows).compile(dialect=sqlite.dialect()))


def take_turns(connection: sa.Connection, lock: int) -> None:
    """Let nobody else past this lock until the transaction ends, which begins with this."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))


def sqlite_path(url: str) -> Path | None:
    """Return the file of a SQLite database, or ``None`` for any other.

    Raises:
        DatabaseUnusableError: the URL is wrong.
    """
    parsed = _parsed(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def _parsed(url: str) -> URL:
    """Read a database URL; plain ``postgresql:`` means the psycopg driver."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseUnusableError(
            f"found {url.partition('@')[2] or url!r}, expected a database URL such as sqlite:////var/lib/hamgate/hamgate.sqlite3"
        ) from error
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise DatabaseUnusableError("found a SQLite database in memory, expected a file: workers share it")
    return parsed


def _bring_up_to_date(engine: sa.Engine) -> None:
    """Run the migrations that the database lacks; one process at a time, and the others find nothing left to do."""
    if _version_of(engine) == SCHEMA_VERSION:
        return
    from alembic.command import upgrade  # takes long to import, and is seldom needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with engine.begin() as connection:
        take_turns(connection, _MIGRATION_LOCK)
        config.attributes["connection"] = connection
        upgrade(config, SCHEMA_VERSION)


def _version_of(engine: sa.Engine) -> str | None:
    """Return the schema's version, ``None`` for a database without one.

    Raises:
        DatabaseUnusableError: it is newer than this program.
    """
    if not sa.inspect(engine).has_table(_version.name):
        return None
    with engine.begin() as connection:
        version = connection.execute(sa.select(_version.c.version_num)).scalar_one_or_none()
    if version is not None and version > SCHEMA_VERSION:
        raise DatabaseUnusableError(
            f"{engine.url.render_as_string()}: schema {version}, expected {SCHEMA_VERSION} or older; update Hamgate"
        )
    return version


def _engine(url: URL) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, hide_parameters=True)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        return engine
    if "connect_timeout" not in url.query:  # libpq's own default is to wait for ever
        url = url.update_query_dict({"connect_timeout": str(CONNECT_TIMEOUT_SECONDS)})
    return sa.create_engine(url, hide_parameters=True, pool_pre_ping=True)


def _prepare_sqlite(connection: sa.engine.interfaces.DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Let readers go on while somebody writes (write-ahead log), and wait for a lock rather than fail.

    What is deleted is overwritten, so that a comment that was forgotten can't be read from the file.
    """
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _reason(error: Exception) -> str:
    """Return the driver's own words, without SQLAlchemy's link to its manual."""
    return str(getattr(error, "orig", None) or error).strip()
