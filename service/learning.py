"""The commands on the label store: ``import``, ``labels``, ``models``, and the half of ``train`` that learns from it.

Data goes to standard output, messages to standard error. Exit status: 0 done, 2 wrong usage or unreadable input, 3 the
gate said no. What takes long to import is imported when its command runs.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model import SHIPPED
from service.messages import Rejections, message, with_progress
from service.options import database as database_option
from service.options import hash_addresses as hash_addresses_option
from service.options import secret as secret_option
from service.options import setting, site_name
from service.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.database import Database
    from training.gate import GateReport
    from training.holdout import Labelled
    from training.promotion import Promoter
    from training.registry import Registry
    from training.retrain import Report

_version = click.argument("version")
user = setting("user", str, "Who is recorded as having done this.", default=getuser, show_default="the system's user")
base_model = setting(
    "model",
    click.Path(path_type=Path, dir_okay=False),
    "The model artefact that the service was started with.",
    default=SHIPPED,
    show_default="the shipped one",
)
golden = setting(
    "golden",
    click.Path(dir_okay=False),
    "Labelled comments that no version may do worse on; can be given several times.",
    multiple=True,
)
_limit = click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Show so many.")


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--site", required=True, callback=site_name, help="The site whose comments these are.")
@hash_addresses_option
@secret_option
@database_option
def import_labels(files: tuple[str, ...], site: str, hash_addresses: bool, secret: str, database: str) -> None:
    """Add labelled comments to the label store.

    Reads the formats of "score". WordPress: approved comments are ham and spam is spam; pending and trashed ones have
    no label, like rows without one, and are passed over. What is there already is not added again, so an import that
    was cut off is run again. Lines that hold no comment are named on standard error; the exit status is then 1.
    """
    from itertools import chain

    from service.addresses import label_store
    from service.secret import open_secret
    from training.formats.files import read_rows, require_readable
    from training.importing import Imported, add_labels, given_labels
    from training.store import Store

    with refusals():
        for name in files:
            require_readable(name)
        counts, rejections = Imported(), Rejections()
        rows = chain.from_iterable(map(read_rows, files))
        labels = with_progress(given_labels(rows, site, datetime.now(UTC), counts))
        with Store(database) as opened:
            if opened.site(site) is None:
                message(f"there is no site {site} yet: its labels train, and await it (hamgate sites add {site})")
            store = label_store(opened, open_secret(opened, database, secret), hash_addresses)
            add_labels(rejections.sift(labels), store, counts)
        message(f"{counts.added:,} labels added, {counts.known:,} there already, {counts.unlabelled:,} without a label")
    rejections.exit_if_any()


@click.group()
def labels() -> None:
    """Look at the labels that people gave: who gave them, and which are worth a second look.

    Each command prints JSON Lines.
    """


@labels.command("doubtful")
@_limit
@base_model
@database_option
def doubtful_labels(limit: int, model: Path, database: str) -> None:
    """Print the labels that all other labels speak against, the most improbable first.

    Some are mistakes. The others are what the filter finds hardest, and worth keeping as they are.
    """
    with _promoter(database, model) as promoter:
        for found in promoter.review().doubtful[:limit]:
            _print({"probability": round(found.probability, 6), **_members(found.labelled)})


@labels.command("labellers")
@base_model
@database_option
def labellers(model: Path, database: str) -> None:
    """Print how far each labeller agrees with all others, and whether retraining heeds them (weight 1 or 0).

    The agreement is the share of labels that all else does not make highly improbable; null where there is too little
    to tell.
    """
    with _promoter(database, model) as promoter:
        for labeller in promoter.review().labellers:
            _print(asdict(labeller))


@labels.command("contested")
@_limit
@database_option
def contested_labels(limit: int, database: str) -> None:
    """Print the comments that different people labelled differently, newest first, with all that was said of them."""
    from training.labels import LabelStore

    with _database(database) as opened:
        for history in LabelStore(opened).contested(limit):
            said = [{"label": one.label, "by": one.labelled_by, "at": _written(one.labelled_at)} for one in history]
            _print({"site": history[0].site, "said": said, "text": history[0].comment.text})


@labels.command("withdraw")
@click.argument("name")
@click.option("--site", help="Only what was said of this site's comments.")
@user
@database_option
def withdraw_labels(name: str, site: str | None, user: str, database: str) -> None:
    """Take back all labels that NAME gave: every verdict is again what it would be without them.

    The labels are kept, with who took them back, and count no more; a retraining makes a version without them.
    """
    from training.labels import LabelStore

    with _database(database) as opened:
        count = LabelStore(opened).withdraw(name, site, datetime.now(UTC), user)
    message(f"{count:,} labels of {name} withdrawn")


@click.group()
def models() -> None:
    """Manage model versions: which there are, and which is served.

    Versions are kept in the database, beside the labels. A running service takes up a promotion or a rollback within a
    second, in every worker and on every host that shares the database.
    """


@models.command("add")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@user
@database_option
def add_model(file: Path, user: str, database: str) -> None:
    """Register an artefact that "train" wrote, and print its version."""
    from model.artifact import content_of

    with _registry(database) as registry:
        click.echo(registry.add(content_of(file), datetime.now(UTC), user))


@models.command("list")
@database_option
def list_models(database: str) -> None:
    """Print a line for each version, oldest first: version, when and by whom it was added, "served" where it is.

    Where none is, standard error says so: the model file is served that the service was started with. Where the version
    promoted last can't be loaded, it is marked "promoted" instead, and a service that starts serves the model file.
    """
    from model.artifact import ArtifactError

    with _registry(database) as registry:
        served, mark = registry.served(), "served"
        if served is None:
            message("the model file is served that the service was started with")
        else:
            try:
                registry.load(served)
            except ArtifactError as error:
                mark = "promoted"
                trouble = f"the version promoted last can't be loaded: {error}"
                message(f"a service that starts serves the model file: {trouble}")
        for version in registry.versions():
            its_mark = mark if version.version == served else ""
            click.echo(f"{version.version}\t{_written(version.added_at)}\t{version.added_by}\t{its_mark}")


@models.command("show")
@_version
@database_option
def show_model(version: str, database: str) -> None:
    """Print a version's card and its promotions, as JSON. The beginning of VERSION is enough."""
    with _registry(database) as registry:
        found = registry.find(version)
        promotions = [asdict(promotion) for promotion in registry.promotions() if promotion.version == found.version]
        served = registry.served() == found.version
        shown = {**asdict(found), "is_served": served, "promotions": promotions}
        click.echo(json.dumps(shown, indent=2, default=_written))


@models.command("promote")
@_version
@golden
@click.option("--force", is_flag=True, help="Promote it whatever the gate says; that you did is recorded.")
@click.option("--reason", help="Why it is forced; that is recorded too.")
@user
@base_model
@database_option
def promote_model(
    version: str, golden: tuple[str, ...], force: bool, reason: str | None, user: str, model: Path, database: str
) -> None:
    """Have a version served from now on, if it does no harm. The beginning of VERSION is enough.

    The version and the one served now judge the same labelled comments: those it has not learnt from, and the golden
    files. It is refused, with exit status 3, if it blocks more good comments than chance explains, or less spam.
    """
    with _promoter(database, model, golden) as promoter, _registry(database) as registry:
        found = registry.find(version).version
        report = promoter.compare(found)
        _show(report)
        promoter.promote(report, datetime.now(UTC), user, force, reason)
    message(f"{found} is served")


@models.command("rollback")
@user
@database_option
def roll_back_model(user: str, database: str) -> None:
    """Have what was served before the last promotion served again; once more goes back further."""
    with _registry(database) as registry:
        version = registry.roll_back(datetime.now(UTC), user)
    message(f"{version or 'the model file'} is served")


@models.command("shadow")
@_version
@click.option("--days", type=click.FloatRange(0, min_open=True), default=1, show_default=True, help="How far back.")
@database_option
def shadow_model(version: str, days: float, database: str) -> None:
    """Judge the checks of the last days with a version that was not served, and print where it differs.

    Prints JSON Lines: what was decided and what the version would have; standard error has the counts.
    """
    from collections import Counter

    from training.labels import LabelStore
    from training.registry import Registry
    from training.traffic import disagreements

    counts: Counter[str] = Counter()
    with _database(database) as opened:
        registry = Registry(opened)
        candidate = registry.load(registry.find(version).version)
        checks = LabelStore(opened).checks(datetime.now(UTC) - timedelta(days=days))
        for found in disagreements(candidate, with_progress(checks), counts):
            check = found.check
            decided = {"was": check.decision, "would_be": found.decision, "score_was": check.score}
            about = {"id": check.id, "site": check.site, "checked_at": _written(check.checked_at)}
            _print({**about, **decided, "score_would_be": found.score, "text": check.comment.text})
    for change, count in counts.most_common():
        message(f"{change}: {count:,}")


@models.command("drift")
@click.option("--days", type=click.FloatRange(0, min_open=True), default=30, show_default=True, help="How far back.")
@click.option(
    "--report", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write DIR/index.html as well."
)
@base_model
@database_option
def show_drift(days: float, report: Path | None, model: Path, database: str) -> None:
    """Print a JSON line for each day: checks, decisions, how many moderators overturned, and how far scores shifted.

    "missed" counts comments let through that somebody called spam, "wronged" those held back that somebody called ham.
    "shift" is the population stability index against the version's days before; above 0.25 the day is drifting.
    "from_training" compares scores and traits with what the version was trained on, where its card says that. Standard
    error says why the served version has aged, where it has.
    """
    from training.survey import survey

    now = datetime.now(UTC)
    with _database(database) as opened:
        found = survey(opened, model, now, _once_each())
    since = (now - timedelta(days=days)).date().isoformat()
    for day in found["days"]:
        if day["date"] >= since:
            _print(day)
    for sign in found["signs_of_age"]:
        message(f"the served version {found['model']} has aged: {sign}")
    if report:
        from training.report import write_drift_report

        write_drift_report(report, found)


def train_from_store(
    output: Path | None,
    half_life_days: float,
    promote: bool,
    golden: tuple[str, ...],
    user: str,
    model: Path,
    database: str,
    jobs: int | None,
) -> None:
    """Retrain on the label store, register the version and print it; what it is worth goes to standard error."""
    with _promoter(database, model, golden, jobs) as promoter:
        version, retrained = promoter.retrain(datetime.now(UTC), user, half_life_days, _once_each())
        click.echo(version)
        if output:
            output.write_bytes(retrained.content)
        for labeller in retrained.review.labellers:
            if not labeller.weight:
                message(
                    f"{labeller.name} was left out: {labeller.agreement:.0%} of {labeller.labels:,} labels "
                    "agree with what all others say"
                )
        report = promoter.compare(version)
        _show(report)
        if promote:
            promoter.promote(report, datetime.now(UTC), user)
            message(f"{version} is served")
        else:
            message(f'"hamgate models promote {version}" has it served')


def _once_each() -> Report:
    """Say what is being done when that changes, however often it is told."""
    said: list[str] = []

    def report(text: str, share: float) -> None:
        del share
        if said[-1:] != [text]:
            said.append(text)
            message(text)

    return report


def _show(report: GateReport) -> None:
    for line in report.lines():
        message(line)


def _members(labelled: Labelled) -> dict[str, Any]:
    given = labelled.given
    return {
        "site": given.site,
        "label": given.label,
        "labelled_by": given.labelled_by,
        "labelled_at": _written(given.labelled_at),
        **{name: value for name, value in asdict(given.comment).items() if value},
    }


def _print(members: dict[str, Any]) -> None:
    click.echo(json.dumps(members))


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


@contextmanager
def _promoter(database: str, model: Path, golden: tuple[str, ...] = (), jobs: int | None = None) -> Iterator[Promoter]:
    from joblib import cpu_count

    from training.promotion import Promoter

    with _database(database) as opened:
        yield Promoter(opened, model, golden, jobs or cpu_count())


@contextmanager
def _registry(database: str) -> Iterator[Registry]:
    from training.registry import Registry

    with _database(database) as opened:
        yield Registry(opened)


@contextmanager
def _database(url: str) -> Iterator[Database]:
    from training.database import Database

    with refusals(), Database(url) as opened:
        yield opened


COMMANDS: tuple[click.Command, ...] = (import_labels, labels, models)
