"""Jobs that are due by the clock or were asked for, each in a process of its own beside the workers, which go first.

Owns when jobs are due, where they run, and that one whose process is gone has failed. Leaves the job to ``job``.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING

from service.config import HOST
from service.files import beside
from service.uploads import Uploads
from training.database import Database, StoreError
from training.jobs import Due, Jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.config import Config
    from training.jobs import Job

USER = "schedule"
COMMAND = (sys.executable, "-c", "from service.cli import main; main()", "job")
NICENESS = 19
INTERVAL_SECONDS = 1.0
HEAR_EVERY = timedelta(seconds=5)
TIDY_EVERY = timedelta(seconds=10)
SURVEY_EVERY = timedelta(hours=1)
FIRST_SURVEY_AFTER = timedelta(minutes=1)
MAX_PROCESSES = 2
STOP_TIMEOUT_SECONDS = 5.0

_log = logging.getLogger("hamgate.schedule")


class Schedule:
    """Starts jobs on this host: those that somebody asked for, retraining every so many hours, and a survey an hour."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._clock = _clock(config, datetime.now(UTC))
        self._kept = timedelta(days=max(config.keep_checks_days, 1))
        self._uploads = Uploads(beside(config.database, "uploads"), config.max_upload_bytes)
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._heard_at = self._tidied_at = datetime.min.replace(tzinfo=UTC)
        self._fails = False
        self._stopping = Event()
        self._thread = Thread(target=self._keep_looking, name="schedule", daemon=True)

    def start(self) -> None:
        """Begin to look for jobs."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and let the jobs that run here say that they were stopped."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        for process in self._running.values():
            if process.stdin is not None:
                process.stdin.close()
        for process in self._running.values():
            try:
                process.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

    def _keep_looking(self) -> None:
        database = None
        while not self._stopping.wait(INTERVAL_SECONDS):
            try:
                database = database or Database(self._config.database)
                self._look(Jobs(database), datetime.now(UTC))
                self._fails = False
            except (StoreError, OSError) as error:
                if not self._fails:
                    _log.error("jobs can't be looked after: %s", error)
                self._fails = True
        if database is not None:
            database.close()

    def _look(self, jobs: Jobs, now: datetime) -> None:
        self._note_ended(jobs, now)
        if self._running and now - self._heard_at >= HEAR_EVERY:
            self._heard_at = now
            jobs.hear(list(self._running), now)
        for kind, (request, due) in self._clock.items():
            jobs.ask_when_due(kind, request, now, USER, due)
        if now - self._tidied_at >= TIDY_EVERY:
            self._heard_at = self._tidied_at = now
            self._tidy(jobs, now)
        while len(self._running) < MAX_PROCESSES and (job := jobs.take(HOST, now)) is not None:
            self._start(job)

    def _tidy(self, jobs: Jobs, now: datetime) -> None:
        for number in jobs.fail_lost(now):
            _log.warning("job %d failed: nobody runs it any more", number)
        jobs.forget(now - self._kept)
        self._uploads.forget_old()

    def _start(self, job: Job) -> None:
        _log.info("job %d (%s) begins", job.number, job.kind)
        self._running[job.number] = subprocess.Popen(  # noqa: S603 - our own command
            (*COMMAND, str(job.number)),
            env=_environment(self._config),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            preexec_fn=_give_way if hasattr(os, "nice") else None,
        )

    def _note_ended(self, jobs: Jobs, now: datetime) -> None:
        """See which processes are gone; a job that has not said how it ended has failed."""
        for number, process in list(self._running.items()):
            if process.poll() is None:
                continue
            del self._running[number]
            if process.stdin is not None:
                process.stdin.close()
            jobs.fail(number, f"its process ended without a word, with status {process.returncode}", now)
            job = jobs.find(number)
            if job is not None:
                level = logging.INFO if job.state == "done" else logging.WARNING
                _log.log(level, "job %d (%s) %s: %s", number, job.kind, job.state, job.message)


def _clock(config: Config, now: datetime) -> Mapping[str, tuple[dict[str, bool], Due]]:
    """Return what is due by the clock: kinds of jobs, what they are asked with, and when."""
    clock: dict[str, tuple[dict[str, bool], Due]] = {}
    if config.retrain_every:
        clock["retrain"] = {"promote": True}, Due(timedelta(hours=config.retrain_every), now)
    if config.keep_checks_days:
        clock["survey"] = {}, Due(SURVEY_EVERY, now - SURVEY_EVERY + FIRST_SURVEY_AFTER)
    return clock


def _environment(config: Config) -> Mapping[str, str]:
    return os.environ | {
        "HAMGATE_DATABASE": config.database,
        "HAMGATE_MODEL": str(config.model),
        "HAMGATE_GOLDEN": os.pathsep.join(config.golden),
        "HAMGATE_HASH_ADDRESSES": str(config.hash_addresses),
        "HAMGATE_SECRET": config.secret,
        "OMP_NUM_THREADS": "1",
        "HAMGATE_JOBS": "1",
    }


def _give_way() -> None:
    os.nice(NICENESS)
