"""What each kind of job does: retraining, trying a version, looking at how the served one does, and importing.

Owns the kinds, what they are asked with, and what comes of them. Leaves when and where they run to the service.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from training.formats.files import read_rows
from training.formats.row import FileError, TrainingError
from training.importing import Imported, add_labels, given_labels
from training.preview import Preview
from training.registry import Registry
from training.survey import survey
from training.trial import trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from typing import BinaryIO

    from training.database import Database
    from training.formats.row import Rejected
    from training.gate import GateReport
    from training.jobs import Job
    from training.labels import GivenLabel, LabelStore
    from training.promotion import Promoter
    from training.retrain import Report

_LEARNING = 0.7
"""The share of a retraining's time that learning takes; the rest is the trial of what came of it."""


class Done(NamedTuple):
    """How a job ended, in a sentence, and what came of it, as JSON values."""

    message: str
    outcome: dict[str, Any]


class Errands:
    """Does jobs on a database; ``clock`` tells the time (UTC). ``base`` is the model file that the service serves."""

    def __init__(
        self, database: Database, labels: LabelStore, base: Path, promoter: Promoter, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._store = labels
        self._base = base
        self._promoter = promoter
        self._now = clock
        self._kinds = {
            "retrain": self.retrain,
            "trial": self.try_version,
            "survey": self.survey,
            "preview": self.preview,
            "import": self.add_labels,
        }

    def do(self, job: Job, report: Report) -> Done:
        """Do a job, telling how far it is.

        Raises:
            TrainingError: it can't be done; the message says why.
            ArtifactError: a version can't be verified.
        """
        return self._kinds[job.kind](job, report)

    def retrain(self, job: Job, report: Report) -> Done:
        """Make a version from the labels, try it, and, if the job says ``promote``, have it served if it may be."""
        version, retrained = self._promoter.retrain(
            self._now(), job.asked_by, report=lambda message, share: report(message, _LEARNING * share)
        )
        left_out = [
            {"name": labeller.name, "labels": labeller.labels, "agreement": labeller.agreement}
            for labeller in retrained.review.labellers
            if not labeller.weight
        ]
        found, tried = self._tried(version, lambda message, share: report(message, _LEARNING + (1 - _LEARNING) * share))
        outcome = {"version": version, "labels": len(retrained.review.labels), "left_out": left_out, **tried}
        if not job.request.get("promote") or found.objections():
            return Done(f"made version {version}; {_said(found)}", outcome)
        self._promoter.promote(found, self._now(), job.asked_by)
        return Done(f"made version {version}, which is served now", outcome)

    def try_version(self, job: Job, report: Report) -> Done:
        """Compare the version that the job names with the served one."""
        version = Registry(self._database).find(str(job.request["version"])).version
        found, tried = self._tried(version, report)
        return Done(f"compared version {version} with the served one; {_said(found)}", {"version": version, **tried})

    def survey(self, job: Job, report: Report) -> Done:
        """Look at how the served version does."""
        del job
        outcome = survey(self._database, self._base, self._now(), report)
        return Done("looked at the checks of the last days", outcome)

    def preview(self, job: Job, report: Report) -> Done:
        """Say what the served version would have decided on the comments of the job's file."""
        served = Registry(self._database).load_served(self._base)
        found, counts = Preview(served.version), Imported()
        found.judge(served, found.sift(self._labels(job, counts, report)))
        outcome = {**job.request, **found.as_json(), "unlabelled": counts.unlabelled}
        return Done(f"judged {found.outcomes.total():,} labelled comments", outcome)

    def add_labels(self, job: Job, report: Report) -> Done:
        """Add the labels of the job's file, which is then removed."""
        found, counts = Preview(""), Imported()
        add_labels(found.sift(self._labels(job, counts, report)), self._store, counts)
        Path(job.request["path"]).unlink(missing_ok=True)
        outcome = {**job.request, "added": counts.added, "known": counts.known, "unlabelled": counts.unlabelled}
        outcome |= {"rejected": found.rejected, "first_rejected": found.first_rejected}
        return Done(f"added {counts.added:,} labels; {counts.known:,} were there already", outcome)

    def _tried(self, version: str, report: Report) -> tuple[GateReport, dict[str, Any]]:
        return trial(self._database, self._promoter, version, self._now(), report)

    def _labels(self, job: Job, counts: Imported, report: Report) -> Iterator[GivenLabel | Rejected]:
        """Read the labels of the job's file as the site's, telling how much of the file has been read.

        Raises:
            TrainingError: the file can't be read; the message does not say where it is kept.
        """
        path = Path(job.request["path"])
        streams: list[BinaryIO] = []
        size = max(path.stat().st_size, 1) if path.exists() else 1
        labels = given_labels(
            read_rows(str(path), streams.append), job.request["site"], self._now(), counts, job.asked_by
        )
        try:
            for number, label in enumerate(labels, start=1):
                report(f"read {number:,} comments", min(streams[0].tell() / size, 1.0))
                yield label
        except FileError as error:
            raise TrainingError(error.problem) from error


def _said(found: GateReport) -> str:
    return "the gate says no" if found.objections() else "the gate lets it pass"
