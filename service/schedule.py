"""Jobs that are due by the clock or were asked for, each in a process of its own beside the workers, which go first.

Owns when jobs are due, where they run, and writing down how far they are and how they ended. Leaves processes to
``job_process``, and what a job does to ``job``.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from service.background import Background
from service.config import HOST
from service.files import beside
from service.job_process import JobProcess
from service.uploads import Uploads
from training.database import Database, StoreError
from training.jobs import Due, Jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.config import Config

USER = "schedule"
INTERVAL_SECONDS = 1.0
TIDY_EVERY = timedelta(seconds=10)
SURVEY_EVERY = timedelta(hours=1)
FIRST_SURVEY_AFTER = timedelta(minutes=1)
MAX_PROCESSES = 2
STOPPED = "the service was stopped while it ran; ask again"

_log = logging.getLogger("hamgate.schedule")


class Schedule(Background):
    """Starts jobs on this host: those that somebody asked for, retraining every so many hours, and a survey an hour.

    Those that run here end with it.
    """

    def __init__(self, config: Config) -> None:
        super().__init__("schedule")
        self._config = config
        self._clock = _clock(config, datetime.now(UTC))
        self._kept = timedelta(days=config.keep_reports_days)
        self._uploads = Uploads(beside(config.database, "uploads"), config.max_upload_bytes)
        self._running: dict[int, JobProcess] = {}
        self._tidied_at = datetime.min.replace(tzinfo=UTC)
        self._fails = False

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                with Database(self._config.database) as database:
                    self._look_on(Jobs(database))
            except (StoreError, OSError) as error:
                if not self._fails:
                    _log.error("jobs can't be looked after: %s", error)
                self._fails = True
                self._stopping.wait(INTERVAL_SECONDS)
        for process in self._running.values():
            process.kill()

    def _look_on(self, jobs: Jobs) -> None:
        while not self._stopping.wait(INTERVAL_SECONDS):
            self._look(jobs, datetime.now(UTC))
            self._fails = False
        for number, process in self._running.items():
            process.kill()
            jobs.fail(number, STOPPED, datetime.now(UTC))

    def _look(self, jobs: Jobs, now: datetime) -> None:
        for number, process in list(self._running.items()):
            self._note(jobs, number, process, now)
        for kind, (request, due) in self._clock.items():
            jobs.ask_when_due(kind, request, now, USER, due)
        if now - self._tidied_at >= TIDY_EVERY:
            self._tidied_at = now
            self._tidy(jobs, now)
        while len(self._running) < MAX_PROCESSES and (job := jobs.take(HOST, now)) is not None:
            _log.info("job %d (%s) begins", job.number, job.kind)
            self._running[job.number] = JobProcess(job.number, job.kind, _environment(self._config))

    def _note(self, jobs: Jobs, number: int, process: JobProcess, now: datetime) -> None:
        """Write down how far a job is, or how it ended; one that no longer counts as running is ended."""
        if not process.has_ended():
            if not jobs.report(number, process.share, process.message, now):
                process.kill()
            return
        if process.outcome is not None:
            jobs.finish(number, process.message, process.outcome, now)
        else:
            jobs.fail(number, process.reason or "", now)
        del self._running[number]
        job = jobs.find(number)
        if job is not None:
            level = logging.INFO if job.state == "done" else logging.WARNING
            _log.log(level, "job %d (%s) %s: %s", number, job.kind, job.state, job.message)

    def _tidy(self, jobs: Jobs, now: datetime) -> None:
        for number in jobs.fail_lost(now):
            _log.warning("job %d failed: nobody runs it any more", number)
        jobs.forget(now - self._kept)
        self._uploads.forget_old()


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
