"""The command line: ``hamgate serve`` and ``sites``, and those of other files, as in reading order.

Data goes to standard output, messages to standard error. Exit status: 0 done, 2 wrong usage or unreadable input.
What takes long to import is imported when its command runs.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.config import Config, core_count
from service.options import database as database_option
from service.options import hash_addresses as hash_addresses_option
from service.options import secret as secret_option
from service.options import setting, site_name
from service.refusals import refusals
from service.sites import COMMANDS as SITE_COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.store import Store


class Commands(click.Group):
    """The commands of this file, and those of the files that are imported when they are asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Name all commands."""
        return sorted([*super().list_commands(context), *_later_commands()])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Find a command by its name."""
        return super().get_command(context, name) or _later_commands().get(name)


def _later_commands() -> dict[str, click.Command]:
    from service import job, learning, offline, privacy, staff
    from service.demo.command import demo

    commands = (*offline.COMMANDS, *learning.COMMANDS, *staff.COMMANDS, *privacy.COMMANDS, demo, job.run_job)
    return {command.name: command for command in commands if command.name}


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
@setting("max-upload-mib", click.IntRange(1), "Largest file that can be imported on the page for it, in MiB.")
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
@setting(
    "keep-addresses-days",
    click.FloatRange(0, 36_500),
    "How long labelled comments keep what the model doesn't read: addresses, user agent, referrer.",
)
@hash_addresses_option
@setting(
    "akismet-blocks-review",
    bool,
    "Whether Akismet clients are told that a comment to be reviewed is spam. By default it is ham to them, "
    "except that WordPress holds it.",
)
@setting("share-labels", bool, "Whether what one site's labels teach has some say on all sites.")
@setting(
    "retrain-every",
    click.FloatRange(0),
    "Hours after which a retraining on the label store runs beside the service, and is served if the gate lets it; "
    "0: never.",
)
@setting(
    "golden",
    click.Path(dir_okay=False, exists=True),
    "Labelled comments that no version may do worse on; can be given several times.",
    multiple=True,
    show_default="none",
)
@setting(
    "privacy-contact",
    str,
    "Whom the public page on the processing of comments says to turn to.",
    show_default="whoever runs the site",
)
@setting("log-requests", bool, "Whether to log a line for each request.")
@setting(
    "tls-certificate",
    click.Path(path_type=Path, dir_okay=False, exists=True),
    "A PEM file with the certificate, and those between it and its authority, to answer HTTPS with.",
    show_default="none: plain HTTP",
)
@setting(
    "tls-key",
    click.Path(path_type=Path, dir_okay=False, exists=True),
    "A PEM file with the certificate's key. Both files are read when the service starts.",
    show_default="none",
)
@secret_option
@setting(
    "trusted-proxies",
    str,
    "Addresses or networks, separated by commas, whose X-Forwarded-For and X-Forwarded-Proto are believed on pages.",
    show_default="none",
)
@setting(
    "user-header",
    str,
    "Header in which trusted proxies name the account that they have signed in: X-Remote-User.",
    show_default="none",
)
@setting("openid-issuer", str, "OpenID Connect provider that moderators may sign in with.", show_default="none")
@setting("openid-client-id", str, "What the provider calls this installation.", show_default="none")
@setting("openid-client-secret", str, "What the provider knows it by; better set as a variable.", show_default="none")
@setting("openid-claim", str, "The claim that names the account: email, which must be verified, or another.")
def serve(**settings: Any) -> None:
    """Run the service.

    Without any configuration it serves the shipped model with a local SQLite file; if there is no site yet, it makes
    one called "local". Prints the URL and a call to try it to standard output, and logs JSON lines to standard error.

    SIGTERM and SIGINT stop it gracefully; SIGHUP replaces the workers one by one, which takes up a new model file.
    """
    from service.server import serve as run

    with refusals():
        run(Config(**settings))


@main.group()
def sites() -> None:
    """Manage sites, their keys, and how their comments are decided.

    A site is a website that may have comments checked, each with a key of its own. A key is shown once, when it is
    made; a running service knows of a change within a second.
    """


for command in SITE_COMMANDS:
    sites.add_command(command)


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


@contextmanager
def _store(database: str) -> Iterator[Store]:
    from training.store import Store

    with refusals(), Store(database) as store:
        yield store
