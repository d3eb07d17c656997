"""One job, in a process of its own: does it, says on standard output how far it is, and ends with the service.

Leaves what it does to ``training.errands``, and starting it and writing down what it says to ``schedule``.
"""

from __future__ import annotations

import json
import logging.config
import os
import sys
import time
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING, Any

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
from training.database import Database
from training.formats.row import TrainingError
from training.jobs import Jobs

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from training.errands import Errands
    from training.jobs import Job

SAYS_EVERY_SECONDS = 0.5
STOPPED = 1

_log = logging.getLogger("hamgate.job")


class Voice:
    """Says how far a job is, not too often, and how it ended."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._said_at = 0.0

    def report(self, message: str, share: float) -> None:
        """Say how far the job is."""
        if time.monotonic() - self._said_at >= SAYS_EVERY_SECONDS:
            self._said_at = time.monotonic()
            self.say({"message": message, "share": share})

    def say(self, members: dict[str, Any]) -> None:
        """Say something, at once."""
        self._stream.write(f"{json.dumps(members)}\n")
        self._stream.flush()


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

    Thread(target=_stop_with_service, daemon=True).start()
    logging.config.dictConfig(configuration())
    with refusals(), Database(database) as opened:
        job = Jobs(opened).find(number)
        if job is None:
            return
        labels = label_store(opened, open_secret(opened, database, secret), hash_addresses)
        errands = Errands(opened, labels, model, Promoter(opened, model, golden, jobs), lambda: datetime.now(UTC))
        _do(job, errands, Voice(sys.stdout))


def _do(job: Job, errands: Errands, voice: Voice) -> None:
    """Do a job and say how it ended."""
    try:
        message, outcome = errands.do(job, voice.report)
        voice.say({"message": message, "outcome": outcome})
    except (ModelError, TrainingError, OSError) as error:
        voice.say({"reason": str(error)})
    except Exception:
        _log.exception("job %d (%s) failed", job.number, job.kind)
        voice.say({"reason": "something unforeseen went wrong; the log says what"})


def _stop_with_service() -> None:
    """Wait until the service, which holds the other end of standard input, is gone, however it went."""
    sys.stdin.read()
    os._exit(STOPPED)
