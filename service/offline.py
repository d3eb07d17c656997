"""The commands that work on files: ``score``, ``evaluate`` and ``train``.

Data goes to standard output, messages to standard error. Exit status: 0 done, 1 done but with rejected lines, 2 wrong
usage or unreadable input. What takes long to import is imported when its command runs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from service.learning import base_model, golden, train_from_store, user
from service.messages import Rejections, message, with_progress
from service.options import database, setting
from service.refusals import Refusal, refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from training.batch import BatchScorer, Scored
    from training.formats.row import Rejected, Row

    Command = TypeVar("Command", bound=Callable[..., None])
    Item = TypeVar("Item")

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

    with refusals():
        for name in files:
            require_readable(name)
        if output:
            require_writable(output)
        rejections = Rejections()
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

    with refusals():
        for name in files:
            require_readable(name)
        scorer = _scorer(model, jobs, backend)
        tally = Tally(mistakes=show_mistakes)
        rejections = Rejections(tally.add)
        for outcome in rejections.sift(_outcomes(scorer, files, tally.labelled)):
            tally.add(outcome)
        if not len(tally):
            raise Refusal(f"no labelled comment in {', '.join(files)}")
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
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT",
    help="The artefact; required with files.",
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
@click.option(
    "--made-up",
    is_flag=True,
    help="Learn from made-up names, links and comments as well, as the shipped model does; they set no threshold.",
)
@setting("jobs", click.IntRange(min=1), "Processes.", show_default="one a core")
@click.option("--from-store", is_flag=True, help="Learn from the label store instead, and register a version.")
@click.option(
    "--half-life-days",
    type=click.FloatRange(0, min_open=True),
    default=1095,
    show_default=True,
    help="From the store: a label so much older than its site's newest weighs half.",
)
@click.option("--promote", is_flag=True, help="From the store: have the version served, if the gate lets it pass.")
@golden
@user
@base_model
@database
def train(
    files: tuple[str, ...],
    output: Path | None,
    seed: int,
    budget: float,
    corrections: Path | None,
    made_up: bool,
    jobs: int | None,
    from_store: bool,
    **of_store: Any,
) -> None:
    """Train a model on labelled comments, those of files or those of the label store.

    From files: reads the formats of "score"; rows need a label (spam or ham), others are skipped. A row's site, or else
    its file's name, is the unit that is left out to calibrate. The same files, seed and library versions give the same
    bytes.

    From the store: moves the weights of the model that the service was started with as far as the labels make them,
    registers the result as a version, prints it, and shows on standard error how it does beside the served one on
    labels that it has not learnt from. With --promote it is served at once unless that would do harm; exit status 3
    tells that it would.
    """
    if from_store:
        _require_absent("files", "budget", "corrections", "made_up")
        train_from_store(output, jobs=jobs, **of_store)
    else:
        _require_absent("half_life_days", "promote")
        if not files or not output:
            raise click.UsageError('name files and an artefact to write ("-o"), or train "--from-store"')
        _train_on_files(files, output, seed, budget, corrections, made_up, jobs)


def _require_absent(*names: str) -> None:
    """Refuse options that go with the other source of labels."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in names and context.get_parameter_source(name) is ParameterSource.COMMANDLINE and context.params[name]:
            source = "" if context.params["from_store"] else "out"
            raise click.UsageError(f"{parameter.get_error_hint(context)} does not go with{source} --from-store")


def _train_on_files(
    files: tuple[str, ...],
    output: Path,
    seed: int,
    budget: float,
    corrections: Path | None,
    made_up: bool,
    jobs: int | None,
) -> None:
    from joblib import cpu_count

    from training.budget import Budget
    from training.corrections import corrected, read_corrections
    from training.formats.files import require_readable
    from training.labelled import read_labelled
    from training.made_up.examples import made_up_examples
    from training.train import train as train_model

    with refusals():
        for name in files:
            require_readable(name)
        rejections = Rejections()
        examples = list(rejections.sift(with_progress(row for name in files for row in read_labelled(name))))
        if corrections:
            examples = list(corrected(examples, read_corrections(corrections)))
        limits = Budget(blocked=budget, reviewed=10 * budget)
        made_up_ones = made_up_examples(seed) if made_up else []
        model = train_model(examples, seed, jobs or cpu_count(), limits, message, made_up_ones)
        version = model.save(output)
        message(f"wrote {output}, version {version}")
    rejections.exit_if_any()


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
    return with_progress(scorer.score(wanted(rows)))


COMMANDS: tuple[click.Command, ...] = (score, evaluate, train)
