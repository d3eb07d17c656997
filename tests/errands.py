"""Does the jobs that pages ask for, here and now, instead of in processes of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from service.addresses import label_store
from service.config import HOST
from service.secret import open_secret
from training.errands import Errands
from training.formats.row import TrainingError
from training.jobs import Jobs
from training.promotion import Promoter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask

    from service.config import Config
    from training.jobs import Job


def do_jobs(app: Flask, config: Config, golden: Sequence[str] = ()) -> list[Job]:
    """Do all that waits, and return what became of it."""
    database = app.extensions["hamgate.store"]
    jobs, promoter = Jobs(database), Promoter(database, config.model, golden)
    labels = label_store(database, open_secret(database, config.database, config.secret), config.hash_addresses)
    errands = Errands(database, labels, config.model, promoter, lambda: datetime.now(UTC))
    done = []
    while (job := jobs.take(HOST, datetime.now(UTC))) is not None:
        try:
            message, outcome = errands.do(job, lambda message, share: None)
            jobs.finish(job.number, message, outcome, datetime.now(UTC))
        except TrainingError as error:
            jobs.fail(job.number, str(error), datetime.now(UTC))
        ended = jobs.find(job.number)
        assert ended is not None
        done.append(ended)
    return done
