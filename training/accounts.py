"""Who may moderate: accounts with a role and sites, their sessions, and the invitations that make accounts.

Leaves hashing passwords and making tokens to ``service``: only hashes and digests are kept. An account that is removed,
or whose password is changed, has no session any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from training.database import StoreError, UtcDateTime, take_turns

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from training.database import Database

_NAME_CHARACTERS = 64
_schema = sa.MetaData()
_accounts = sa.Table(
    "accounts",
    _schema,
    sa.Column("name", sa.String(_NAME_CHARACTERS), primary_key=True),
    sa.Column("role", sa.String(16)),
    sa.Column("password_hash", sa.String(255)),
    sa.Column("made_at", UtcDateTime),
)
_account_sites = sa.Table(
    "account_sites",
    _schema,
    sa.Column("account", sa.String(_NAME_CHARACTERS), primary_key=True),
    sa.Column("site", sa.String(253), primary_key=True),
)
_sessions = sa.Table(
    "sessions",
    _schema,
    sa.Column("token_digest", sa.LargeBinary(32), primary_key=True),
    sa.Column("account", sa.String(_NAME_CHARACTERS)),
    sa.Column("ends_at", UtcDateTime),
)
_invitations = sa.Table(
    "invitations",
    _schema,
    sa.Column("token_digest", sa.LargeBinary(32), primary_key=True),
    sa.Column("role", sa.String(16)),
    sa.Column("sites", sa.JSON),
    sa.Column("is_first", sa.Boolean),
    sa.Column("ends_at", UtcDateTime),
)
_ACCOUNTS_LOCK = 0x48414D41


class Role(StrEnum):
    """What an account may do: moderators decide on comments of their sites, admins do everything everywhere."""

    MODERATOR = "moderator"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in; ``sites`` are those that a moderator sees."""

    name: str
    role: Role
    sites: frozenset[str]
    made_at: datetime

    @property
    def is_admin(self) -> bool:
        """Whether the account may do everything, on all sites."""
        return self.role is Role.ADMIN

    @property
    def visible_sites(self) -> frozenset[str] | None:
        """The sites to which whatever the account sees is limited; ``None``: no limit."""
        return None if self.is_admin else self.sites

    def may_see(self, site: str) -> bool:
        """Whether what belongs to this site may be shown to the account, and changed by it."""
        return self.is_admin or site in self.sites


@dataclass(frozen=True, slots=True)
class Invitation:
    """Leave to make one account of this role, for these sites; ``is_first`` while there is no account at all."""

    role: Role
    sites: frozenset[str]
    is_first: bool
    ends_at: datetime


class AccountExistsError(StoreError):
    """An account of that name is there already."""


class UnknownAccountError(StoreError):
    """There is no account of that name."""


class LastAdminError(StoreError):
    """Without this admin nobody could manage accounts any more."""


class VoidInvitationError(StoreError):
    """The invitation was used, has ended, or was never made."""


class Accounts:
    """Accounts, sessions and invitations in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Account]:
        """List every account by name."""
        with self._database.transaction() as connection:
            return _found(connection, sa.true())

    def find(self, name: str) -> Account | None:
        """Find an account by its name."""
        with self._database.transaction() as connection:
            return next(iter(_found(connection, _accounts.c.name == name)), None)

    def password_hash(self, name: str) -> str | None:
        """Return the hash of an account's password, ``None`` where there is no account, or it has no password."""
        chosen = sa.select(_accounts.c.password_hash).where(_accounts.c.name == name)
        with self._database.transaction() as connection:
            return connection.execute(chosen).scalar_one_or_none()

    def add(self, account: Account, password_hash: str | None) -> None:
        """Add an account; who has no password signs in otherwise.

        Raises:
            AccountExistsError: there is one of that name.
        """
        with self._database.transaction() as connection:
            take_turns(connection, _ACCOUNTS_LOCK)
            _add(connection, account, password_hash)

    def change_password(self, name: str, password_hash: str) -> None:
        """Change an account's password, and end its sessions.

        Raises:
            UnknownAccountError: there is no such account.
        """
        change = sa.update(_accounts).where(_accounts.c.name == name).values(password_hash=password_hash)
        with self._database.transaction() as connection:
            if not connection.execute(change).rowcount:
                raise _unknown(name)
            connection.execute(sa.delete(_sessions).where(_sessions.c.account == name))

    def change_access(self, name: str, role: Role, sites: Collection[str]) -> None:
        """Change what an account may do, from its next request on.

        Raises:
            UnknownAccountError: there is no such account.
            LastAdminError: no admin would be left.
        """
        with self._database.transaction() as connection:
            take_turns(connection, _ACCOUNTS_LOCK)
            if role is not Role.ADMIN:
                _require_other_admin(connection, name)
            change = sa.update(_accounts).where(_accounts.c.name == name).values(role=role)
            if not connection.execute(change).rowcount:
                raise _unknown(name)
            connection.execute(sa.delete(_account_sites).where(_account_sites.c.account == name))
            _add_sites(connection, name, sites)

    def remove(self, name: str) -> None:
        """Remove an account and its sessions. What it labelled stays.

        Raises:
            UnknownAccountError: there is no such account.
            LastAdminError: no admin would be left.
        """
        with self._database.transaction() as connection:
            take_turns(connection, _ACCOUNTS_LOCK)
            _require_other_admin(connection, name)
            if not connection.execute(sa.delete(_accounts).where(_accounts.c.name == name)).rowcount:
                raise _unknown(name)

    def begin_session(self, token_digest: bytes, name: str, now: datetime, ends_at: datetime) -> None:
        """Let whoever holds the token act for an account until then; sessions that have ended are forgotten."""
        with self._database.transaction() as connection:
            connection.execute(sa.delete(_sessions).where(_sessions.c.ends_at <= now))
            connection.execute(
                sa.insert(_sessions), {"token_digest": token_digest, "account": name, "ends_at": ends_at}
            )

    def account_of_session(self, token_digest: bytes, now: datetime) -> Account | None:
        """Find the account that the holder of a token acts for."""
        of_session = (_sessions.c.token_digest == token_digest) & (_sessions.c.ends_at > now)
        named = sa.select(_sessions.c.account).where(of_session).scalar_subquery()
        with self._database.transaction() as connection:
            return next(iter(_found(connection, _accounts.c.name == named)), None)

    def end_session(self, token_digest: bytes) -> None:
        """Make a token void."""
        with self._database.transaction() as connection:
            connection.execute(sa.delete(_sessions).where(_sessions.c.token_digest == token_digest))

    def invite(self, token_digest: bytes, invitation: Invitation, now: datetime) -> None:
        """Let whoever holds the token make one account; invitations that have ended are forgotten."""
        row = {
            "token_digest": token_digest,
            "role": invitation.role,
            "sites": sorted(invitation.sites),
            "is_first": invitation.is_first,
            "ends_at": invitation.ends_at,
        }
        with self._database.transaction() as connection:
            connection.execute(sa.delete(_invitations).where(_invitations.c.ends_at <= now))
            connection.execute(sa.insert(_invitations), row)

    def invitation(self, token_digest: bytes, now: datetime) -> Invitation | None:
        """Find an invitation that can still be accepted."""
        with self._database.transaction() as connection:
            return _invitation(connection, token_digest, now)

    def accept(self, token_digest: bytes, name: str, password_hash: str, now: datetime) -> Account:
        """Make the account that an invitation is for; it is void from then on.

        Raises:
            VoidInvitationError: there is no such invitation any more.
            AccountExistsError: there is an account of that name; the invitation can still be accepted.
        """
        with self._database.transaction() as connection:
            take_turns(connection, _ACCOUNTS_LOCK)
            invitation = _invitation(connection, token_digest, now)
            if invitation is None:
                raise VoidInvitationError("this link was used already, or is too old")
            account = Account(name, invitation.role, invitation.sites, now)
            _add(connection, account, password_hash)
            connection.execute(sa.delete(_invitations).where(_invitations.c.token_digest == token_digest))
        return account


def _found(connection: sa.Connection, wanted: sa.ColumnElement[bool]) -> list[Account]:
    columns = _accounts.c.name, _accounts.c.role, _accounts.c.made_at, _account_sites.c.site
    joined = _accounts.outerjoin(_account_sites, _account_sites.c.account == _accounts.c.name)
    rows = connection.execute(sa.select(*columns).select_from(joined).where(wanted).order_by(_accounts.c.name)).all()
    sites: dict[str, set[str]] = {}
    for row in rows:
        sites.setdefault(row.name, set()).update([row.site] if row.site else [])
    made = {row.name: (Role(row.role), row.made_at) for row in rows}
    return [Account(name, role, frozenset(sites[name]), made_at) for name, (role, made_at) in made.items()]


def _add(connection: sa.Connection, account: Account, password_hash: str | None) -> None:
    """Add an account; nobody can be the first any more."""
    row = {
        "name": account.name,
        "role": account.role,
        "password_hash": password_hash,
        "made_at": account.made_at,
    }
    try:
        connection.execute(sa.insert(_accounts), row)
    except IntegrityError as error:
        raise AccountExistsError(f"there is an account {account.name!r} already") from error
    _add_sites(connection, account.name, account.sites)
    connection.execute(sa.delete(_invitations).where(_invitations.c.is_first))


def _add_sites(connection: sa.Connection, name: str, sites: Collection[str]) -> None:
    if sites:
        connection.execute(sa.insert(_account_sites), [{"account": name, "site": site} for site in sorted(sites)])


def _require_other_admin(connection: sa.Connection, name: str) -> None:
    admins = connection.execute(sa.select(_accounts.c.name).where(_accounts.c.role == Role.ADMIN)).scalars().all()
    if list(admins) == [name]:
        raise LastAdminError(f"{name!r} is the only admin; make another one first")


def _invitation(connection: sa.Connection, token_digest: bytes, now: datetime) -> Invitation | None:
    chosen = (_invitations.c.token_digest == token_digest) & (_invitations.c.ends_at > now)
    row = connection.execute(sa.select(_invitations).where(chosen)).one_or_none()
    return None if row is None else Invitation(Role(row.role), frozenset(row.sites), row.is_first, row.ends_at)


def _unknown(name: str) -> UnknownAccountError:
    return UnknownAccountError(f"there is no account {name!r}")
