"""The database: one schema, created by itself, and the rows in it as values.

Owns SQL and connections. Leaves making, hashing and comparing keys to ``service.auth``: the store sees digests only.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    IntegrityError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from training.formats.row import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from types import TracebackType

    from sqlalchemy.engine import URL
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_SECONDS = 3

_schema = sa.MetaData()
_sites = sa.Table(
    "sites",
    _schema,
    sa.Column("name", sa.String(253), primary_key=True),
    sa.Column("key_digest", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("key_made_at", sa.DateTime(timezone=True), nullable=False),
)


class StoreError(TrainingError):
    """What goes wrong between Hamgate and its database; the message is for the operator."""


class DatabaseUnusableError(StoreError):
    """The URL is wrong, its driver is not installed, or the database can't be opened or reached."""


class SiteExistsError(StoreError):
    """A site of that name is there already."""


class UnknownSiteError(StoreError):
    """There is no site of that name."""


@dataclass(frozen=True, slots=True)
class Site:
    """One website: its name, the SHA-256 digest of its key (32 bytes), and when both were made (UTC)."""

    name: str
    key_digest: bytes
    added_at: datetime
    key_made_at: datetime


class Store:
    """An open database. Safe to share between threads, not to carry across a fork."""

    def __init__(self, url: str) -> None:
        """Open the database, creating its directory, file and tables where they are missing.

        Raises:
            DatabaseUnusableError: it can't be opened.
        """
        parsed = _parsed(url)
        try:
            if parsed.get_backend_name() == "sqlite" and parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = _engine(parsed)
            _schema.create_all(self._engine)
        except (ImportError, NoSuchModuleError) as error:
            raise DatabaseUnusableError(
                f"{parsed.render_as_string()}: its driver is missing ({error}); for PostgreSQL: pip install"
                " 'hamgate[postgres]'"
            ) from error
        except (OSError, SQLAlchemyError) as error:
            raise DatabaseUnusableError(f"{parsed.render_as_string()}: {_reason(error)}") from error

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    def sites(self) -> list[Site]:
        """List every site by name."""
        with self._transaction() as connection:
            return [Site(*row) for row in connection.execute(sa.select(_sites).order_by(_sites.c.name))]

    def site_with_key(self, key_digest: bytes) -> Site | None:
        """Find the site whose key has this digest.

        Raises:
            DatabaseUnusableError: the database can't be reached.
        """
        with self._transaction() as connection:
            row = connection.execute(sa.select(_sites).where(_sites.c.key_digest == key_digest)).one_or_none()
        return None if row is None else Site(*row)

    def add_site(self, name: str, key_digest: bytes, now: datetime) -> None:
        """Add a site.

        Raises:
            SiteExistsError: there is one of that name.
        """
        row = {"name": name, "key_digest": key_digest, "added_at": now, "key_made_at": now}
        try:
            with self._transaction() as connection:
                connection.execute(sa.insert(_sites).values(row))
        except IntegrityError as error:
            raise SiteExistsError(f"there is a site {name!r} already") from error

    def replace_key(self, name: str, key_digest: bytes, now: datetime) -> None:
        """Give a site another key; the old one is void.

        Raises:
            UnknownSiteError: there is no such site.
        """
        change = sa.update(_sites).where(_sites.c.name == name).values(key_digest=key_digest, key_made_at=now)
        self._change_one(change, name)

    def remove_site(self, name: str) -> None:
        """Remove a site and with it its key.

        Raises:
            UnknownSiteError: there is no such site.
        """
        self._change_one(sa.delete(_sites).where(_sites.c.name == name), name)

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except (OperationalError, InterfaceError) as error:
            raise DatabaseUnusableError(f"{self._engine.url.render_as_string()}: {_reason(error)}") from error

    def _change_one(self, statement: sa.Update | sa.Delete, name: str) -> None:
        with self._transaction() as connection:
            changed = connection.execute(statement).rowcount
        if not changed:
            known = ", ".join(site.name for site in self.sites()) or "none"
            raise UnknownSiteError(f"there is no site {name!r}; known: {known}")


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


def _engine(url: URL) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, hide_parameters=True)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        return engine
    if "connect_timeout" not in url.query:  # libpq's own default is to wait for ever
        url = url.update_query_dict({"connect_timeout": str(CONNECT_TIMEOUT_SECONDS)})
    return sa.create_engine(url, hide_parameters=True, pool_pre_ping=True)


def _prepare_sqlite(connection: sa.engine.interfaces.DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Let readers go on while somebody writes (write-ahead log), and wait for a lock rather than fail."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _reason(error: Exception) -> str:
    """Return the driver's own words, without SQLAlchemy's link to its manual."""
    return str(getattr(error, "orig", None) or error).strip()
