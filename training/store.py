"""Sites and their keys, in the database.

Leaves making, hashing and comparing keys to ``service.auth``: the store sees digests only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from training.database import Database, StoreError, UtcDateTime

if TYPE_CHECKING:
    from datetime import datetime

_sites = sa.Table(
    "sites",
    sa.MetaData(),
    sa.Column("name", sa.String(253), primary_key=True),
    sa.Column("key_digest", sa.LargeBinary(32)),
    sa.Column("added_at", UtcDateTime),
    sa.Column("key_made_at", UtcDateTime),
)


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


class Store(Database):
    """The database, with its sites."""

    def sites(self) -> list[Site]:
        """List every site by name."""
        with self.transaction() as connection:
            return [Site(*row) for row in connection.execute(sa.select(_sites).order_by(_sites.c.name))]

    def site(self, name: str) -> Site | None:
        """Find a site by its name."""
        with self.transaction() as connection:
            row = connection.execute(sa.select(_sites).where(_sites.c.name == name)).one_or_none()
        return None if row is None else Site(*row)

    def site_with_key(self, key_digest: bytes) -> Site | None:
        """Find the site whose key has this digest.

        Raises:
            DatabaseUnusableError: the database can't be reached.
        """
        with self.transaction() as connection:
            row = connection.execute(sa.select(_sites).where(_sites.c.key_digest == key_digest)).one_or_none()
        return None if row is None else Site(*row)

    def require_site(self, name: str) -> None:
        """Make sure that there is a site of that name.

        Raises:
            UnknownSiteError: there is none.
        """
        known = [site.name for site in self.sites()]
        if name not in known:
            raise UnknownSiteError(f"there is no site {name!r}; known: {', '.join(known) or 'none'}")

    def add_site(self, name: str, key_digest: bytes, now: datetime) -> None:
        """Add a site.

        Raises:
            SiteExistsError: there is one of that name.
        """
        row = {"name": name, "key_digest": key_digest, "added_at": now, "key_made_at": now}
        try:
            with self.transaction() as connection:
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

    def _change_one(self, statement: sa.Update | sa.Delete, name: str) -> None:
        with self.transaction() as connection:
            changed = connection.execute(statement).rowcount
        if not changed:
            self.require_site(name)
