"""The commands that work on files: ``score``, ``evaluate``, ``train`` and ``import``.

Data goes to standard output, messages to standard error. Exit status: 0 done, 1 done but with rejected lines, 2 wrong
usage or unreadable input. What takes long to import is imported when its command runs.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from service.options import database, site_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from training.batch import BatchScorer, Scored
    from training.formats.row import Rejected, Row

    Command = TypeVar("Command", bound=Callable[..., None])
    Item = TypeVar("Item")

WITH_REJECTED_LINES = 1
UNUSABLE = 2

_files = click.argument("files", nargs=-1, required=True, metavar="FILE...")


def _scoring_options(command: Command) -> Command:
    """Add what both commands take: the model, and how the work is spread."""
    options = (
        click.option("--model", type=click.Path(path_type=Path), help="The model artefact [default: the shipped one]."),
        click.option("--jobs", type=click.IntRange(min=1), help="Processes [default: one a core]."),
        click.option(
            "--backend",
            type=click.Choice(["loky", "dask", "ray"]),
            default="loky",
            show_default=True,
            help="Where the processes run: this machine, or a cluster (DASK_SCHEDULER_ADDRESS, RAY_ADDRESS).",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@_files
@click.option(
    "-o", "--output", metavar="OUT", help="A file to write, in the format of its suffix [default: JSON Lines, stdout]."
)
@_scoring_options
def score(files: tuple[str, ...], output: str | None, model: Path | None, jobs: int | None, backend: str) -> None:
    """Score comments in batch.

    Reads JSON Lines, CSV, Parquet and the XML exports of WordPress and Disqus, as the suffix says (.jsonl, .ndjson,
    .csv, .parquet, .xml; all but Parquet also with .gz); - is JSON Lines on standard input. Writes the same rows with
    score, decision, reasons and model added.
    Lines that hold no comment are named on standard error and left out; the exit status is then 1.
    """
    from training.formats import json_lines
    from training.formats.files import require_readable, require_writable, write_rows

    with _refusals():
        for name in files:
            require_readable(name)
        if output:
            require_writable(output)
        rejections = _Rejections()
        scored = (outcome.fields for outcome in rejections.sift(_outcomes(_scorer(model, jobs, backend), files)))
        if output:
            write_rows(scored, output)
        else:
            json_lines.write(scored, sys.stdout.buffer)
    rejections.exit_if_any()


@click.command()
@_files
@click.option(
    "--report", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write DIR/index.html as well."
)
@click.option(
    "--show-mistakes",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Put the N worst mistakes on each side, texts included, into the report.",
)
@_scoring_options
def evaluate(
    files: tuple[str, ...], report: Path | None, show_mistakes: int, model: Path | None, jobs: int | None, backend: str
) -> None:
    """Measure a model on labelled comments.

    Reads the formats of "score"; rows without a label are skipped. Writes JSON: counts, ROC-AUC, spam caught at 0.1 %,
    0.5 % and 1 % of ham blocked, ham blocked and spam caught at the model's own thresholds, and calibration, with 95 %
    intervals, for all comments and by file, site and language.
    """
    from training.evaluate import Assessment
    from training.formats.files import require_readable
    from training.tally import Tally

    with _refusals():
        for name in files:
            require_readable(name)
        scorer = _scorer(model, jobs, backend)
        tally = Tally(mistakes=show_mistakes)
        rejections = _Rejections(tally.add)
        for outcome in rejections.sift(_outcomes(scorer, files, tally.labelled)):
            tally.add(outcome)
        if not len(tally):
            raise _Refusal(f"no labelled comment in {', '.join(files)}")
        outcomes = tally.outcomes()
        assessment = Assessment.of(
            outcomes, scorer.filter.thresholds, model=scorer.filter.version, files=tally.files(files)
        )
        json.dump(assessment.as_json(), sys.stdout, indent=2)
        sys.stdout.write("\n")
        if report:
            from training.report import write_report

            write_report(report, assessment, outcomes, tally.mistakes())
    rejections.exit_if_any()


@click.command()
@_files
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="OUT",
    help="The artefact.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of every random choice.")
@click.option(
    "--budget",
    type=click.FloatRange(0, 0.01, min_open=True),
    default=0.001,
    show_default=True,
    help="The share of good comments that may be blocked.",
)
@click.option(
    "--corrections",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Labels put right after reading: lines of a text's digest and its label.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Processes [default: one a core].")
def train(
    files: tuple[str, ...], output: Path, seed: int, budget: float, corrections: Path | None, jobs: int | None
) -> None:
    """Train a model on labelled comments.

    Reads the formats of "score"; rows need a label (spam or ham), others are skipped. A row's site, or else its file's
    name, is the unit that is left out to calibrate. The same files, seed and library versions give the same bytes.
    """
    from joblib import cpu_count

    from training.budget import Budget
    from training.corrections import corrected, read_corrections
    from training.formats.files import require_readable
    from training.labelled import read_labelled
    from training.train import train as train_model

    with _refusals():
        for name in files:
            require_readable(name)
        rejections = _Rejections()
        examples = list(rejections.sift(_with_progress(row for name in files for row in read_labelled(name))))
        if corrections:
            examples = list(corrected(examples, read_corrections(corrections)))
        limits = Budget(blocked=budget, reviewed=10 * budget)
        model = train_model(examples, seed, jobs or cpu_count(), limits, _message)
        version = model.save(output)
        _message(f"wrote {output}, version {version}")
    rejections.exit_if_any()


@click.command("import")
@_files
@click.option("--site", required=True, callback=site_name, help="The site whose comments these are.")
@database
def import_labels(files: tuple[str, ...], site: str, database: str) -> None:
    """Add labelled comments to the label store.

    Reads the formats of "score". WordPress: approved comments are ham and spam is spam; pending and trashed ones have
    no label, like rows without one, and are passed over. What is there already is not added again, so an import that
    was cut off is run again. Lines that hold no comment are named on standard error; the exit status is then 1.
    """
    from datetime import UTC, datetime
    from itertools import chain

    from training.database import Database
    from training.formats.files import read_rows, require_readable
    from training.importing import Imported, add_labels, given_labels
    from training.labels import LabelStore

    with _refusals():
        for name in files:
            require_readable(name)
        counts, rejections = Imported(), _Rejections()
        rows = chain.from_iterable(map(read_rows, files))
        labels = _with_progress(given_labels(rows, site, datetime.now(UTC), counts))
        with Database(database) as opened:
            add_labels(rejections.sift(labels), LabelStore(opened), counts)
        _message(
            f"{counts.added:,} labels added, {counts.known:,} there already, {counts.unlabelled:,} without a label"
        )
    rejections.exit_if_any()


class _Refusal(click.ClickException):
    """Stops the command with a message and the status for wrong usage or unreadable input."""

    exit_code = UNUSABLE


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn the errors that a command's input can cause into a message and exit status 2."""
    from model.comment import ModelError
    from training.formats.row import TrainingError

    try:
        yield
    except BrokenPipeError:
        raise  # whoever read our output has had enough; click ends quietly
    except (ModelError, TrainingError, OSError) as error:
        raise _Refusal(str(error)) from error


class _Rejections:
    """Names rejected lines on standard error as they come, and remembers that there were some."""

    def __init__(self, seen: Callable[[Rejected], None] = lambda _: None) -> None:
        self._seen = seen
        self._count = 0

    def sift(self, outcomes: Iterable[Item | Rejected]) -> Iterator[Item]:
        from training.formats.row import Rejected

        for outcome in outcomes:
            if isinstance(outcome, Rejected):
                self._count += 1
                self._seen(outcome)
                _message(str(outcome))
            else:
                yield outcome

    def exit_if_any(self) -> None:
        if self._count:
            _message(f"{self._count:,} rejected line{'s' if self._count > 1 else ''}")
            click.get_current_context().exit(WITH_REJECTED_LINES)


def _scorer(model: Path | None, jobs: int | None, backend: str) -> BatchScorer:
    from model import SHIPPED
    from training.batch import BatchScorer

    return BatchScorer(model or SHIPPED, jobs=jobs, backend=backend)


def _outcomes(
    scorer: BatchScorer,
    files: Iterable[str],
    wanted: Callable[[Iterable[Row | Rejected]], Iterable[Row | Rejected]] = iter,
) -> Iterator[Scored | Rejected]:
    """Score the wanted rows of all files, with a progress bar where somebody watches."""
    from itertools import chain

    from training.formats.files import read_rows

    rows = chain.from_iterable(map(read_rows, files))
    return _with_progress(scorer.score(wanted(rows)))


def _with_progress(outcomes: Iterator[Item]) -> Iterator[Item]:
    from tqdm import tqdm

    # disable=None shows the bar on a terminal only
    with tqdm(outcomes, unit=" comments", disable=None, file=sys.stderr) as bar:
        yield from bar


def _message(text: str) -> None:
    """Write a line to standard error without tearing the progress bar."""
    from tqdm import tqdm

    tqdm.write(text, file=sys.stderr)


COMMANDS: tuple[click.Command, ...] = (score, evaluate, train, import_labels)
