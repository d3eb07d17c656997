"""The command line: ``hamgate serve``, ``sites``, ``models``, and the commands on files from ``offline``.

Data goes to standard output, messages to standard error. Exit status: 0 done, 2 wrong usage or unreadable input.
What takes long to import is imported when its command runs.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.comment import ModelError
from service.config import Config, core_count
from service.options import database as database_option
from service.options import setting, site_name
from service.problems import ServiceError
from training.formats.row import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.registry import Registry
    from training.store import Store

UNUSABLE = 2


class _Refusal(click.ClickException):
    """Stops a command with a message and the status for what can't be used."""

    exit_code = UNUSABLE


class Commands(click.Group):
    """The commands of this file, and those of ``offline``, which is imported when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Name all commands."""
        return sorted([*super().list_commands(context), *_offline_commands()])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Find a command by its name."""
        return super().get_command(context, name) or _offline_commands().get(name)


def _offline_commands() -> dict[str, click.Command]:
    from service.offline import COMMANDS

    return {command.name: command for command in COMMANDS if command.name}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hamgate", prog_name="hamgate")
def main() -> None:
    """Hamgate, a self-hosted spam filter for comments."""


@main.command()
@setting("host", str, "Address to listen on.")
@setting("port", click.IntRange(1, 65_535), "Port to listen on.")
@setting("workers", click.IntRange(min=1), "Worker processes.", default=core_count, show_default="one for each core")
@database_option
@setting(
    "model",
    click.Path(path_type=Path, dir_okay=False),
    "The model artefact, served until a version is promoted.",
    show_default="the shipped one",
)
@setting("max-body-kib", click.IntRange(1, 16_384), "Largest body of a request, in KiB.")
@setting("max-batch-body-kib", click.IntRange(1, 65_536), "Largest body of a batch, in KiB.")
@setting("body-timeout-seconds", click.FloatRange(0, min_open=True), "How long a client may take to send a body.")
@setting(
    "checks-per-minute",
    click.IntRange(min=0),
    "Comments that one site may have checked; each worker counts by itself; 0: no limit.",
)
@setting(
    "failed-keys-per-minute",
    click.IntRange(min=0),
    "Wrong keys of one address answered with 401; then 429; each worker counts by itself; 0: no limit.",
)
@setting("keep-checks-days", click.FloatRange(0), "How long checks can be labelled by their id; 0: they are not kept.")
@setting("log-requests", bool, "Whether to log a line for each request.")
def serve(**settings: Any) -> None:
    """Run the service.

    Without any configuration it serves the shipped model with a local SQLite file; if there is no site yet, it makes
    one called "local". Prints the URL and a call to try it to standard output, and logs JSON lines to standard error.

    SIGTERM and SIGINT stop it gracefully; SIGHUP replaces the workers one by one, which takes up a new model file.
    """
    from service.server import serve as run

    with _refusals():
        run(Config(**settings))


@main.group()
def sites() -> None:
    """Manage sites and their keys.

    A site is a website that may have comments checked, each with a key of its own. A key is shown once, when it is
    made; a running service knows of a change within a second.
    """


@sites.command("add")
@click.argument("name", callback=site_name)
@database_option
def add_site(name: str, database: str) -> None:
    """Add a site and print its key."""
    from service.auth import digest_of, make_key

    key = make_key()
    with _store(database) as store:
        store.add_site(name, digest_of(key), datetime.now(UTC))
    click.echo(key)


@sites.command("list")
@database_option
def list_sites(database: str) -> None:
    """Print a line for each site: its name, when it was added, and when its key was made."""
    with _store(database) as store:
        for site in store.sites():
            click.echo(f"{site.name}\t{site.added_at:%Y-%m-%dT%H:%M:%SZ}\t{site.key_made_at:%Y-%m-%dT%H:%M:%SZ}")


@sites.command("rotate-key")
@click.argument("name")
@database_option
def rotate_key(name: str, database: str) -> None:
    """Give a site another key and print it; the old one is void."""
    from service.auth import digest_of, make_key

    key = make_key()
    with _store(database) as store:
        store.replace_key(name, digest_of(key), datetime.now(UTC))
    click.echo(key)


@sites.command("remove")
@click.argument("name")
@database_option
def remove_site(name: str, database: str) -> None:
    """Remove a site; its key is void."""
    with _store(database) as store:
        store.remove_site(name)


@main.group()
def models() -> None:
    """Manage model versions: which there are, and which is served.

    Versions are kept in the database, beside the labels. A running service takes up a promotion or a rollback within a
    second, in every worker and on every host that shares the database.
    """


_version = click.argument("version")
_by = setting("user", str, "Who is recorded as having done this.", default=getuser, show_default="the system's user")


@models.command("add")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_by
@database_option
def add_model(file: Path, user: str, database: str) -> None:
    """Register an artefact that "train" wrote, and print its version."""
    from model.artifact import content_of

    with _registry(database) as registry:
        click.echo(registry.add(content_of(file), datetime.now(UTC), user))


@models.command("list")
@database_option
def list_models(database: str) -> None:
    """Print a line for each version, oldest first: version, when and by whom it was added, "served" where it is."""
    with _registry(database) as registry:
        served = registry.served()
        for version in registry.versions():
            mark = "served" if version.version == served else ""
            click.echo(f"{version.version}\t{version.added_at:%Y-%m-%dT%H:%M:%SZ}\t{version.added_by}\t{mark}")


@models.command("show")
@_version
@database_option
def show_model(version: str, database: str) -> None:
    """Print a version's card and its promotions, as JSON. The beginning of VERSION is enough."""
    with _registry(database) as registry:
        found = registry.find(version)
        promotions = [asdict(promotion) for promotion in registry.promotions() if promotion.version == found.version]
        served = registry.served() == found.version
        json.dump(
            {**asdict(found), "is_served": served, "promotions": promotions},
            sys.stdout,
            indent=2,
            default=lambda at: f"{at:%Y-%m-%dT%H:%M:%SZ}",
        )
        click.echo()


@models.command("promote")
@_version
@_by
@database_option
def promote_model(version: str, user: str, database: str) -> None:
    """Have a version served from now on. The beginning of VERSION is enough."""
    with _registry(database) as registry:
        found = registry.find(version).version
        registry.load(found)
        registry.promote(found, datetime.now(UTC), user)
    click.echo(f"{found} is served", err=True)


@models.command("rollback")
@_by
@database_option
def roll_back_model(user: str, database: str) -> None:
    """Have what was served before the last promotion served again; once more goes back further."""
    with _registry(database) as registry:
        version = registry.roll_back(datetime.now(UTC), user)
    click.echo(f"{version or 'the model file'} is served", err=True)


@contextmanager
def _registry(database: str) -> Iterator[Registry]:
    from training.database import Database
    from training.registry import Registry

    with _refusals(), Database(database) as opened:
        yield Registry(opened)


@contextmanager
def _store(database: str) -> Iterator[Store]:
    from training.store import Store

    with _refusals(), Store(database) as store:
        yield store


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what can't be used into a message and exit status 2."""
    try:
        yield
    except (ModelError, ServiceError, TrainingError, OSError) as error:
        raise _Refusal(str(error)) from error
