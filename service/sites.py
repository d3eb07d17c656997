"""The commands under ``hamgate sites`` on what an operator sets for one site: settings, budget, lists and callbacks.

Data goes to standard output, messages to standard error. Exit status: 0 done, 1 done but for some lines, 2 wrong usage
or unreadable input. What takes long to import is imported when its command runs.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from service.learning import base_model, user
from service.messages import WITH_REJECTED_LINES, message
from service.options import database as database_option
from service.options import setting
from service.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from model.lists import Line
    from training.store import Store

SUBJECTS = ("author", "email", "domain", "ip", "phrase")
DECISIONS = ("allow", "review", "block", "discard")
LINES_AT_ONCE = 1_000


class Share(click.ParamType[float]):
    """A share, written as 0.001 or 0.1%."""

    name = "share"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """Read it."""
        written = str(value).strip()
        try:
            share = float(written.removesuffix("%")) / (100 if written.endswith("%") else 1)
        except ValueError:
            share = 0.0
        if not 0 < share < 1:
            self.fail(f"found {written!r}, expected a share above 0 and below 1, such as 0.1%", parameter, context)
        return share


_name = click.argument("name")
_decision = click.option(
    "--decision",
    type=click.Choice(DECISIONS),
    default="block",
    show_default=True,
    help="What is decided: allow puts the line on the allow list, the others on the deny list.",
)


@click.command("settings")
@_name
@database_option
def show_settings(name: str, database: str) -> None:
    """Print what is set for a site, and by whom it was changed, as JSON."""
    from training.lists import ListStore
    from training.settings import SettingsStore

    with _store(database, name) as store:
        settings, held = SettingsStore(store), SettingsStore(store).of(name)
        shown = {
            "site": name,
            "log_only": held.is_log_only,
            "keep_checks_days": held.keep_checks_days,
            "budget": held.budget,
            "lines": ListStore(store).count(name),
            "changes": [asdict(change) for change in settings.history(name, 20)],
        }
    click.echo(json.dumps(shown, indent=2, default=_written))


@click.command("set")
@_name
@click.option(
    "--log-only/--tell",
    default=None,
    help="Record the verdicts of this site and tell it to allow; or tell it the verdicts.",
)
@click.option(
    "--keep-checks-days",
    type=click.IntRange(0),
    help="Remember checks for so many days, if the service keeps them that long; 0: as long as the service does.",
)
@user
@database_option
def change_settings(name: str, log_only: bool | None, keep_checks_days: int | None, user: str, database: str) -> None:
    """Change settings of a site. A running service knows of it within a second."""
    from training.settings import KEEP_CHECKS_DAYS, LOG_ONLY, SettingsStore

    if log_only is None and keep_checks_days is None:
        raise click.UsageError("nothing to set; see --help")
    with _store(database, name) as store:
        settings, now = SettingsStore(store), datetime.now(UTC)
        if log_only is not None:
            settings.change(name, LOG_ONLY, log_only, now, user)
        if keep_checks_days is not None:
            settings.change(name, KEEP_CHECKS_DAYS, keep_checks_days or None, now, user)


@click.command("budget")
@_name
@click.option("--blocked", type=Share(), help="The share of good comments that may be blocked, such as 0.1%.")
@click.option("--reviewed", type=Share(), help="The share that may wait for a moderator; ten times as much by default.")
@click.option("--save", is_flag=True, help="Have this budget hold from now on.")
@click.option("--drop", is_flag=True, help="Have the model's own thresholds hold again.")
@setting("share-labels", bool, "Whether the service was started so that sites share what labels teach.")
@user
@base_model
@database_option
def budget(
    name: str,
    blocked: float | None,
    reviewed: float | None,
    save: bool,
    drop: bool,
    share_labels: bool,
    user: str,
    model: Path,
    database: str,
) -> None:
    """Show what false-positive budgets would mean for a site, or set one.

    Prints a JSON line for each budget, or for the one given: the thresholds, whether they are promised and by what, and
    what they mean in comments a week on this site's own traffic. Nothing changes without --save or --drop.
    """
    from training.budget import Budget
    from training.consequences import BUDGETS, HELD_PER_BLOCKED
    from training.settings import BUDGET, SettingsStore

    if (drop and (save or blocked)) or (save and not blocked) or (reviewed and not blocked):
        raise click.UsageError("--save and --reviewed need --blocked, --drop goes alone")
    with _store(database, name) as store:
        settings, now = SettingsStore(store), datetime.now(UTC)
        if drop:
            settings.change(name, BUDGET, None, now, user)
            return
        if reviewed and blocked and reviewed < blocked:
            raise click.UsageError("--reviewed must not be below --blocked")
        site = _site_of(store, model, name, share_labels, now)
        for rate in (blocked,) if blocked else BUDGETS:
            choice = site.choice(Budget(rate, reviewed or min(rate * HELD_PER_BLOCKED, 0.5)))
            meaning = site.meaning(choice.thresholds)
            click.echo(json.dumps({**choice.as_json(), "a_week": None if meaning is None else asdict(meaning)}))
            if save:
                settings.change(name, BUDGET, choice.as_json(), now, user)
        if not site.traffic.is_enough:
            message(site.traffic.sentence)


@click.group("lists")
def lists() -> None:
    """Manage a site's allow and deny lists.

    A line names an author, an e-mail address or its domain (@mail.example), the domain of a link and all below it, an
    IP address or a range, or a phrase: whole words, however they are disguised. What a person said of the very same
    comment counts first, then allow lines, then deny lines, the strictest first.
    """


@lists.command("add")
@_name
@click.argument("subject", type=click.Choice(SUBJECTS))
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")
@_decision
@user
@database_option
def add_lines(name: str, subject: str, patterns: tuple[str, ...], decision: str, user: str, database: str) -> None:
    """Add lines to a site's lists."""
    from model.lists import Line, Subject
    from model.verdict import Decision

    with _store(database, name) as store:
        lines = [Line.of(Subject(subject), pattern, Decision(decision)) for pattern in patterns]
        _add(store, name, lines, user)


@lists.command("import")
@_name
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"))
@click.option("--subject", type=click.Choice(SUBJECTS), help="What all lines speak of; told line by line by default.")
@_decision
@user
@database_option
def import_lines(name: str, file: Any, subject: str | None, decision: str, user: str, database: str) -> None:
    """Add the lines of a file, one entry a line; "-" is standard input.

    Such are WordPress's disallowed and moderation keys; the latter want --decision review. Unlike WordPress, a word
    counts as a whole word only. Lines that can't be used are named on standard error; the exit status is then 1.
    """
    from model.lists import Subject, read_lines
    from model.verdict import Decision

    with _store(database, name) as store:
        lines, refused = read_lines(file.read(), Decision(decision), Subject(subject) if subject else None)
        for number, problem in refused:
            message(f"line {number}: {problem}")
        _add(store, name, lines, user)
    if refused:
        click.get_current_context().exit(WITH_REJECTED_LINES)


@lists.command("list")
@_name
@click.option("--containing", default="", help="Only lines that contain this.")
@database_option
def list_lines(name: str, containing: str, database: str) -> None:
    """Print a line for each line, the newest first: number, decision, what it speaks of, what it names, matches."""
    from training.lists import ListStore

    with _store(database, name) as store:
        skipped = 0
        while page := ListStore(store).page(name, LINES_AT_ONCE, skipped, containing):
            for kept in page:
                line = kept.line
                click.echo(f"{line.number}\t{line.decision}\t{line.subject}\t{line.pattern}\t{kept.matches}")
            skipped += len(page)


@lists.command("remove")
@_name
@click.argument("numbers", nargs=-1, required=True, type=int, metavar="NUMBER...")
@user
@database_option
def remove_lines(name: str, numbers: tuple[int, ...], user: str, database: str) -> None:
    """Remove lines by their numbers, which "list" prints."""
    from training.lists import ListStore

    with _store(database, name) as store:
        removed = ListStore(store).remove(name, numbers, datetime.now(UTC), user)
    message(f"{removed:,} of {len(numbers):,} lines removed")


@click.command("callbacks")
@_name
@click.option("--add", metavar="HOST", multiple=True, help="Allow callbacks to a host; can be given several times.")
@click.option("--remove", metavar="HOST", multiple=True, help="Allow them no longer.")
@click.option("--private", is_flag=True, help="What is added may have a private address, such as 127.0.0.1.")
@database_option
def site_callbacks(name: str, add: tuple[str, ...], remove: tuple[str, ...], private: bool, database: str) -> None:
    """List, or change, the hosts that may be told when a verdict changes; at first there are none.

    An Akismet client says with each comment where that is (WordPress: on its own site). HOST is a name or an address,
    with a port unless it is that of http or https: blog.example, blog.example:8080. Its address must be one that the
    internet reaches, unless it is added as private.
    """
    from service.destinations import host_of
    from training.callbacks import AllowedHost, CallbackHosts

    with _store(database, name) as store:
        hosts = CallbackHosts(store)
        for host in map(host_of, add):
            hosts.allow(name, AllowedHost(host, private), datetime.now(UTC))
        for host in map(host_of, remove):
            hosts.disallow(name, host)
        for allowed in hosts.of(name):
            click.echo(f"{allowed.host}\t{'private' if allowed.is_private else ''}".rstrip())


def _add(store: Store, name: str, lines: list[Line], user: str) -> None:
    from training.lists import ListStore

    added = ListStore(store).add(name, lines, datetime.now(UTC), user)
    message(f"{added.new:,} lines added, {added.changed:,} changed, {added.known:,} there already")


def _site_of(store: Store, model: Path, name: str, share_labels: bool, now: datetime) -> Any:
    """Learn a site's labels anew, as a service does when it starts."""
    from training.consequences import Site, Traffic
    from training.foresight import replayed
    from training.labels import LabelStore
    from training.memory import MAX_LABELS
    from training.registry import Registry

    registry, labels = Registry(store), LabelStore(store)
    served = registry.load_served(model)
    foresight = replayed(served, labels.replay(MAX_LABELS) if share_labels else labels.every(0, name), share_labels)
    return Site(served, foresight.of(name), Traffic.of(labels, name, now))


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


@contextmanager
def _store(database: str, name: str) -> Iterator[Store]:
    """Open the database, and make sure that there is such a site."""
    from training.store import Store

    with refusals(), Store(database) as store:
        store.require_site(name)
        yield store


COMMANDS: tuple[click.Command, ...] = (show_settings, change_settings, budget, lists, site_callbacks)
