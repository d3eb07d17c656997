"""The commands on what is stored about a person: ``privacy export`` and ``privacy erase``.

Data goes to standard output, messages to standard error. Exit status: 0 done, 2 wrong usage.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import click

from service.learning import user as user_option
from service.messages import message
from service.options import database as database_option
from service.options import secret as secret_option
from service.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from training.people import Found, People, Person

    Command = TypeVar("Command", bound=Callable[..., object])

_mentions = click.option(
    "--mentions", is_flag=True, help="Also the comments of others that mention the address in their text."
)


def _of_person(command: Command) -> Command:
    """Declare who is meant, and where."""
    for option in (
        click.option("--site", help="Only what is stored of this site."),
        click.option("--author", default="", help="The author's name; upper and lower case are the same."),
        click.option("--ip", default="", help="The IP address."),
        click.option("--email", default="", help="The e-mail address."),
        secret_option,
        database_option,
    ):
        command = option(command)
    return command


@click.group()
def privacy() -> None:
    """Export or erase what is stored about a person.

    The person is whoever has the e-mail address, the IP address or the name that is given: of several, any. Addresses
    that are stored as keyed hashes are found all the same.
    """


@privacy.command("export")
@_of_person
def export(email: str, ip: str, author: str, site: str | None, secret: str, database: str) -> None:
    """Print all that is stored about a person, as JSON Lines.

    Each line is a check that is still remembered, or a label, with the comment, and "found_in" names the fields in
    which the person was found. Comments of others that mention an address are among them. Then come the lines of
    sites' lists that name the person alone.
    """
    with _people(database, secret) as people:
        person = _person(email, ip, author)
        count = _print(people.find(person, site))
        for line in people.listed(person, site):
            click.echo(json.dumps(line))
            count += 1
    message(f"{count:,} found")


@privacy.command("erase")
@_of_person
@_mentions
@click.option("--dry-run", is_flag=True, help="Erase nothing; print what would be, as export does.")
@user_option
def erase(
    email: str,
    ip: str,
    author: str,
    site: str | None,
    mentions: bool,
    dry_run: bool,
    user: str,
    secret: str,
    database: str,
) -> None:
    """Erase all checks and labels of a person's comments.

    Running services forget within a second what the labels had taught. Model versions that have learnt from them can't
    forget: they are named. Comments of others that mention an address stay, and are counted, unless --mentions is
    given. That something was erased, when and by whom, is kept; nothing of the person is.
    """
    with _people(database, secret) as people:
        person = _person(email, ip, author)
        if dry_run:
            _print(found for found in people.find(person, site) if found.is_own or mentions)
            return
        erased = people.erase(person, site, datetime.now(UTC), user, mentions)
    for line in erased.lines():
        message(line)


def _print(comments: Iterable[Found]) -> int:
    """Print comments, and return how many there were."""
    count = 0
    for found in comments:
        click.echo(json.dumps(found.as_json()))
        count += 1
    return count


def _person(email: str, ip: str, author: str) -> Person:
    from training.people import Person

    return Person(email, ip, author)


@contextmanager
def _people(database: str, secret: str) -> Iterator[People]:
    from service.addresses import pseudonyms_with
    from service.secret import open_secret
    from training.database import Database
    from training.people import People

    with refusals(), Database(database) as opened:
        yield People(opened, pseudonyms_with(open_secret(opened, database, secret)))


COMMANDS: tuple[click.Command, ...] = (privacy,)
