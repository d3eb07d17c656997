"""Remembers checks, so that moderators can label them by their ids.

Checks are written to the database a few times a second, many in one transaction, by a thread of their own, since a
transaction for each would cost more than the verdict. A process that is killed loses the checks of the last moment,
which can then only be labelled by sending the comment again. Labels never wait here.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from training.database import StoreError
from training.labels import Check

if TYPE_CHECKING:
    from model.comment import Comment
    from model.verdict import Verdict
    from training.labels import LabelStore

INTERVAL_SECONDS = 0.1
FORGET_EVERY_SECONDS = 600
MAX_WAITING = 20_000
"""Checks that wait to be written; while the database is away, more are dropped, the oldest first."""

_log = logging.getLogger("hamgate.recorder")


class Recorder:
    """Writes the checks of one worker."""

    def __init__(self, labels: LabelStore, kept_days: float) -> None:
        """Keep checks for so many days; none at all if that is 0."""
        self._labels = labels
        self._kept = timedelta(days=kept_days)
        self._lock = Lock()
        self._waiting: list[Check] = []
        self._stopping = Event()
        self._thread = Thread(target=self._keep_writing, name="recorder", daemon=True)
        if self._kept:
            self._thread.start()

    def record(self, check_id: str, site: str, comment: Comment, verdict: Verdict) -> None:
        """Remember a check before long."""
        if not self._kept:
            return
        now = datetime.now(UTC)
        check = Check(check_id, site, now, comment, verdict.score, verdict.decision, verdict.model)
        with self._lock:
            self._waiting.append(check)
            if len(self._waiting) > MAX_WAITING:
                del self._waiting[: MAX_WAITING // 10]

    def close(self) -> None:
        """Write what waits, and stop."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _keep_writing(self) -> None:
        forgot_at = datetime.min.replace(tzinfo=UTC)
        while not self._stopping.wait(INTERVAL_SECONDS):
            self._write()
            now = datetime.now(UTC)
            if (now - forgot_at).total_seconds() > FORGET_EVERY_SECONDS:
                forgot_at = now
                self._forget(now - self._kept)
        self._write()

    def _write(self) -> None:
        with self._lock:
            checks, self._waiting = self._waiting, []
        if not checks:
            return
        try:
            self._labels.remember(checks)
        except StoreError as error:
            _log.error("%d checks wait to be remembered: %s", len(checks), error)
            with self._lock:
                self._waiting[:0] = checks

    def _forget(self, before: datetime) -> None:
        try:
            self._labels.forget_checks(before)
        except StoreError as error:
            _log.error("old checks can't be forgotten: %s", error)
