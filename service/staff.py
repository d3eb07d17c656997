"""The commands on who may sign in to the moderators' pages: ``accounts``; and ``secret``, for when it is lost."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from service.messages import message
from service.options import database as database_option
from service.options import site_name
from service.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.accounts import Accounts

_role = click.option(
    "--role",
    type=click.Choice(["moderator", "admin"]),
    default="moderator",
    show_default=True,
    help="Moderators decide on comments of their sites; admins do everything everywhere.",
)
_sites = click.option(
    "--site", "sites", multiple=True, help="A site that a moderator sees; can be given several times."
)
_without_password = click.option(
    "--no-password", is_flag=True, help="Whoever it is signs in through a proxy or OpenID Connect only."
)
_password = click.option(
    "--password", help="The password; asked for where it is not given, which keeps it from others on the machine."
)


@click.group()
def accounts() -> None:
    """Manage who may sign in to the moderators' pages. What changes takes effect at once."""


@accounts.command("add")
@click.argument("name")
@_role
@_sites
@_password
@_without_password
@database_option
def add_account(
    name: str, role: str, sites: tuple[str, ...], password: str | None, no_password: bool, database: str
) -> None:
    """Add an account."""
    from service.passwords import account_name, hashed
    from training.accounts import Account, Role

    with _accounts(database) as opened:
        account = Account(account_name(name), Role(role), _checked(sites), datetime.now(UTC))
        opened.add(account, None if no_password else hashed(_chosen(password)))


@accounts.command("list")
@database_option
def list_accounts(database: str) -> None:
    """Print a line for each account: its name, role, sites, and when it was made."""
    with _accounts(database) as opened:
        for one in opened.all():
            sites = "all" if one.is_admin else " ".join(sorted(one.sites))
            click.echo(f"{one.name}\t{one.role}\t{sites}\t{one.made_at:%Y-%m-%dT%H:%M:%SZ}")


@accounts.command("access")
@click.argument("name")
@_role
@_sites
@database_option
def change_access(name: str, role: str, sites: tuple[str, ...], database: str) -> None:
    """Change the role and the sites of an account."""
    from training.accounts import Role

    with _accounts(database) as opened:
        opened.change_access(name.lower(), Role(role), _checked(sites))


@accounts.command("password")
@click.argument("name")
@_password
@database_option
def change_password(name: str, password: str | None, database: str) -> None:
    """Change the password of an account, and sign it out everywhere."""
    from service.passwords import hashed

    with _accounts(database) as opened:
        opened.change_password(name.lower(), hashed(_chosen(password)))


@accounts.command("remove")
@click.argument("name")
@database_option
def remove_account(name: str, database: str) -> None:
    """Remove an account. What it labelled stays; "hamgate labels withdraw" takes that back."""
    with _accounts(database) as opened:
        opened.remove(name.lower())


@click.group()
def secret() -> None:
    """Look after the secret that everything keyed is derived from."""


@secret.command("replace")
@database_option
def replace_secret(database: str) -> None:
    """Let the database be used with another secret, since the one before is lost.

    From the next start of "hamgate serve" on, it is what HAMGATE_SECRET or the file beside the database says. What was
    hashed with the old one no longer matches anything.
    """
    from training.database import Database
    from training.fingerprint import forget_fingerprint

    with refusals(), Database(database) as opened:
        forget_fingerprint(opened)
    message("the next start decides which secret it is")


def _chosen(password: str | None) -> str:
    chosen: str = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return chosen


def _checked(sites: tuple[str, ...]) -> frozenset[str]:
    context = click.get_current_context()
    return frozenset(site_name(context, context.command.params[0], site) for site in sites)


@contextmanager
def _accounts(database: str) -> Iterator[Accounts]:
    from training.accounts import Accounts
    from training.database import Database

    with refusals(), Database(database) as opened:
        yield Accounts(opened)


COMMANDS = (accounts, secret)
