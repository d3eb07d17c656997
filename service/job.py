"""One job, in a process of its own: does it, says every second how far it is, and ends with the service.

Owns that a job never ends in silence. Leaves what it does to ``training.errands`` and starting it to ``schedule``.
"""

from __future__ import annotations

import logging.config
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING

import click

from model.comment import ModelError
from service.addresses import label_store
from service.learning import base_model, golden
from service.logs import configuration
from service.options import database as database_option
from service.options import hash_addresses as hash_addresses_option
from service.options import secret as secret_option
from service.options import setting
from service.refusals import refusals
from service.secret import open_secret
from training.database import Database, StoreError
from training.formats.row import TrainingError
from training.jobs import Jobs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from training.errands import Done
    from training.jobs import Job
    from training.retrain import Report

INTERVAL_SECONDS = 1.0
STOPPED = "the service was stopped while it ran; ask again"
FAILED = 1

_log = logging.getLogger("hamgate.job")


class Voice:
    """Tells the database, every second, that a job still runs and how far it is; ends the process if it need not."""

    def __init__(self, jobs: Jobs, number: int) -> None:
        self._jobs = jobs
        self._number = number
        self._said = "begins", 0.0
        self._ended = Event()
        self._threads = [Thread(target=target, daemon=True) for target in (self._keep_telling, self._stop_with_service)]

    def start(self) -> None:
        """Begin to tell."""
        for thread in self._threads:
            thread.start()

    def report(self, message: str, share: float) -> None:
        """Take note of how far the job is."""
        self._said = message, share

    def end(self) -> None:
        """Tell no more."""
        self._ended.set()

    def _keep_telling(self) -> None:
        while not self._ended.wait(INTERVAL_SECONDS):
            with suppress(StoreError):  # it is said again in a second
                message, share = self._said
                if not self._jobs.report(self._number, share, message, datetime.now(UTC)) and not self._ended.is_set():
                    _log.error("job %d no longer counts as running", self._number)
                    os._exit(FAILED)

    def _stop_with_service(self) -> None:
        """Wait until the service, which holds the other end of standard input, is gone, however it went."""
        sys.stdin.read()
        if not self._ended.is_set():
            with suppress(StoreError):
                self._jobs.fail(self._number, STOPPED, datetime.now(UTC))
            os._exit(FAILED)


@click.command("job", hidden=True)
@click.argument("number", type=int)
@golden
@base_model
@hash_addresses_option
@secret_option
@database_option
@setting("jobs", click.IntRange(min=1), "Processes.", default=1)
def run_job(
    number: int, golden: tuple[str, ...], model: Path, hash_addresses: bool, secret: str, database: str, jobs: int
) -> None:
    """Do a job that the service has taken up."""
    from training.errands import Errands
    from training.promotion import Promoter

    logging.config.dictConfig(configuration())
    with refusals(), Database(database) as opened:
        store = Jobs(opened)
        job = store.find(number)
        if job is None or job.state != "running":
            return
        labels = label_store(opened, open_secret(opened, database, secret), hash_addresses)
        errands = Errands(opened, labels, model, Promoter(opened, model, golden, jobs), lambda: datetime.now(UTC))
        voice = Voice(store, number)
        voice.start()
        try:
            _do(job, errands.do, store, voice)
        finally:
            voice.end()


def _do(job: Job, do: Callable[[Job, Report], Done], store: Jobs, voice: Voice) -> None:
    """Do a job and note how it ended."""
    try:
        message, outcome = do(job, voice.report)
    except (ModelError, TrainingError, OSError) as error:
        store.fail(job.number, str(error), datetime.now(UTC))
    except Exception:
        _log.exception("job %d (%s) failed", job.number, job.kind)
        store.fail(job.number, "something unforeseen went wrong; the log says what", datetime.now(UTC))
    else:
        store.finish(job.number, message, outcome, datetime.now(UTC))
