"""Where each site may be told that a verdict has changed: its allow-list of hosts, and its key, sealed.

Nothing is on the list until an operator puts it there, so nothing is ever sent by default. Owns keeping both. Leaves
what a host is and which addresses it may have to ``service.destinations``, and sealing to ``service.callbacks``.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from training.database import UtcDateTime
from training.store import UnknownSiteError

if TYPE_CHECKING:
    from datetime import datetime

    from training.database import Database

_schema = sa.MetaData()
_hosts = sa.Table(
    "callback_hosts",
    _schema,
    sa.Column("site", sa.String(253), primary_key=True),
    sa.Column("host", sa.String(260), primary_key=True),
    sa.Column("is_private", sa.Boolean),
    sa.Column("added_at", UtcDateTime),
)
_keys = sa.Table(
    "callback_keys",
    _schema,
    sa.Column("site", sa.String(253), primary_key=True),
    sa.Column("sealed_key", sa.LargeBinary),
)


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """A host that a site's callbacks may name, with a port unless it is the scheme's own.

    ``is_private`` says that its address may be one that the internet does not reach.
    """

    host: str
    is_private: bool = False


class CallbackHosts:
    """The allow-lists of all sites, and the sealed keys of those that have one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def allow(self, site: str, allowed: AllowedHost, now: datetime) -> None:
        """Put a host on a site's list; one that is there already is kept as it is said to be now.

        Raises:
            UnknownSiteError: there is no such site.
        """
        try:
            with self._database.transaction() as connection:
                connection.execute(_deletion(site, allowed.host))
                row = {"site": site, "host": allowed.host, "is_private": allowed.is_private, "added_at": now}
                connection.execute(sa.insert(_hosts), row)
        except IntegrityError as error:
            raise UnknownSiteError(f"there is no site {site!r}") from error

    def disallow(self, site: str, host: str) -> bool:
        """Take a host off a site's list, and say whether it was there."""
        with self._database.transaction() as connection:
            return bool(connection.execute(_deletion(site, host)).rowcount)

    def of(self, site: str) -> list[AllowedHost]:
        """List a site's hosts by name."""
        return self.all().get(site, [])

    def all(self) -> dict[str, list[AllowedHost]]:
        """Return the lists of all sites that have one."""
        found: defaultdict[str, list[AllowedHost]] = defaultdict(list)
        with self._database.transaction() as connection:
            for row in connection.execute(sa.select(_hosts).order_by(_hosts.c.site, _hosts.c.host)):
                found[row.site].append(AllowedHost(row.host, row.is_private))
        return dict(found)

    def keep_key(self, site: str, sealed: bytes) -> None:
        """Keep a site's sealed key, instead of what was kept before; of a site that is gone, none is kept."""
        with suppress(IntegrityError), self._database.transaction() as connection:  # another worker was first
            connection.execute(sa.delete(_keys).where(_keys.c.site == site))
            connection.execute(sa.insert(_keys), {"site": site, "sealed_key": sealed})

    def sealed_key(self, site: str) -> bytes | None:
        """Return a site's sealed key, ``None`` where none is kept."""
        with self._database.transaction() as connection:
            return connection.execute(sa.select(_keys.c.sealed_key).where(_keys.c.site == site)).scalar_one_or_none()


def _deletion(site: str, host: str) -> sa.Delete:
    return sa.delete(_hosts).where(_hosts.c.site == site, _hosts.c.host == host)
