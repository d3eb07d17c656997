"""Retraining by the clock, in a process of its own beside the workers, which it lets go first."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING

from training.database import Database, StoreError
from training.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.config import Config

USER = "schedule"
COMMAND = (sys.executable, "-c", "from service.cli import main; main()", "train", "--from-store", "--promote")
NICENESS = 19
MOST_SECONDS_BETWEEN_LOOKS = 600.0

_log = logging.getLogger("hamgate.schedule")


class Schedule:
    """Has ``hamgate train --from-store --promote`` run every so many hours, by one of all hosts at a time."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._interval = timedelta(hours=config.retrain_every)
        self._stopping = Event()
        self._running: subprocess.Popen[str] | None = None
        self._tried_at = datetime.now(UTC)
        self._thread = Thread(target=self._keep_looking, name="schedule", daemon=True)

    def start(self) -> None:
        """Begin, if there is anything to be done by the clock."""
        if self._interval:
            self._thread.start()

    def close(self) -> None:
        """Stop, and end a retraining that runs."""
        self._stopping.set()
        if self._running is not None:
            self._running.terminate()
        if self._thread.is_alive():
            self._thread.join()

    def _keep_looking(self) -> None:
        pause = min(self._interval.total_seconds() / 4, MOST_SECONDS_BETWEEN_LOOKS)
        while not self._stopping.wait(pause):
            try:
                if self._is_due():
                    self._tried_at = datetime.now(UTC)
                    self._retrain()
            except (StoreError, OSError) as error:
                _log.error("can't retrain: %s", error)

    def _is_due(self) -> bool:
        """Whether neither this host nor, as the registry shows, another one has retrained of late."""
        now = datetime.now(UTC)
        if now - self._tried_at < self._interval:
            return False
        with Database(self._config.database) as database:
            added = [version.added_at for version in Registry(database).versions() if version.added_by == USER]
        return not added or now - max(added) >= self._interval

    def _retrain(self) -> None:
        self._running = subprocess.Popen(  # noqa: S603 - our own command
            COMMAND,
            env=_environment(self._config),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_give_way if hasattr(os, "nice") else None,
        )
        said, _ = self._running.communicate()
        level = logging.INFO if self._running.returncode == 0 else logging.WARNING
        _log.log(level, "retraining ended with status %d: %s", self._running.returncode, said.strip())


def _environment(config: Config) -> Mapping[str, str]:
    return os.environ | {
        "HAMGATE_DATABASE": config.database,
        "HAMGATE_MODEL": str(config.model),
        "HAMGATE_USER": USER,
        "OMP_NUM_THREADS": "1",
        "HAMGATE_JOBS": "1",
    }


def _give_way() -> None:
    os.nice(NICENESS)
