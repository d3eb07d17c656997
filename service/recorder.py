"""Remembers checks, so that moderators can label them by their ids.

Checks are written to the database several times a second, many in one transaction, by a thread of their own, since a
transaction for each would cost more than the verdict. A process that is killed loses the checks of the last moment,
which can then only be labelled by sending the comment again. Labels never wait here.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from service.background import Background
from training.database import StoreError
from training.statistics import month_of

if TYPE_CHECKING:
    from model.comment import Comment
    from model.verdict import Verdict
    from service.rulebook import Rulebook
    from training.labels import LabelStore, WrittenCheck
    from training.statistics import Counted, Kind, Statistics

MIN_PAUSE_SECONDS = 0.06
MAX_PAUSE_SECONDS = 0.25
"""The pause between two writings, which are short when it is, so that no request waits for long beside one."""
PAUSE_PER_WRITING = 4
"""And so many times what the last one took, within these bounds: a slow disk is left to others most of the time."""
FORGET_EVERY_SECONDS = 600
COUNT_MATCHES_EVERY_SECONDS = 5
MAX_WAITING_BYTES = 32 * 1024 * 1024
"""What waits to be written, all comments together; while the database is away, the oldest are dropped beyond that."""

_log = logging.getLogger("hamgate.recorder")


class Recorder(Background):
    """Writes the checks of one worker; when it is closed, it writes what waits."""

    def __init__(self, labels: LabelStore, statistics: Statistics, kept_days: float, rulebook: Rulebook) -> None:
        """Keep checks for so many days, or as few as a site wants; none at all if that is 0. Counts are always kept."""
        super().__init__("recorder")
        self._labels = labels
        self._statistics = statistics
        self._rulebook = rulebook
        self._counts: Counter[Counted] = Counter()
        self._kept = timedelta(days=kept_days)
        self._lock = Lock()
        self._waiting: deque[WrittenCheck] = deque()
        self._waiting_bytes = 0
        self._fails = False
        self.start()

    def record(self, check_id: str, site: str, comment: Comment, verdict: Verdict) -> None:
        """Remember a check before long."""
        if not self._kept:
            return
        # At once, since what waits in many small parts slows down all else.
        written = self._labels.written(check_id, site, time.time(), comment, verdict)
        if written is not None:
            with self._lock:
                self._waiting.append(written)
                self._hold_most(written.size)

    def count(self, site: str, kind: Kind) -> None:
        """Count a comment of a site in this month before long."""
        month = month_of(datetime.now(UTC))
        with self._lock:
            self._counts[site, month, kind] += 1

    def _hold_most(self, more_bytes: int) -> None:
        """Count what was added, and drop the oldest that are too many; called with the lock."""
        self._waiting_bytes += more_bytes
        while self._waiting_bytes > MAX_WAITING_BYTES:
            self._waiting_bytes -= self._waiting.popleft().size

    def _pause_after(self, took: float) -> float:
        """Say for how many seconds to rest after a writing: for long where it failed, since the next may as well."""
        if self._fails:
            return MAX_PAUSE_SECONDS
        return min(max(MIN_PAUSE_SECONDS, PAUSE_PER_WRITING * took), MAX_PAUSE_SECONDS)

    def _work(self) -> None:
        forgot_at = counted_at = datetime.min.replace(tzinfo=UTC)
        pause = MIN_PAUSE_SECONDS
        while not self._stopping.wait(pause):
            started = time.monotonic()
            self._write()
            pause = self._pause_after(time.monotonic() - started)
            now = datetime.now(UTC)
            if (now - counted_at).total_seconds() > COUNT_MATCHES_EVERY_SECONDS:
                counted_at = now
                self._count_matches(now)
            if self._kept and (now - forgot_at).total_seconds() > FORGET_EVERY_SECONDS:
                forgot_at = now
                self._forget(now)
        self._write()
        self._count_matches(datetime.now(UTC))

    def _write(self) -> None:
        """Write what waits; whatever goes wrong is logged, once, and what the database is away for waits on."""
        with self._lock:
            checks = list(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
            counts, self._counts = self._counts, Counter()
        try:
            self._labels.keep(checks)
            checks = []
            self._statistics.add(counts)
            self._fails = False
        except Exception as error:
            if not self._fails:
                _log.exception("checks can't be remembered")
            self._fails = True
            if isinstance(error, StoreError):
                with self._lock:
                    self._waiting.extendleft(reversed(checks))  # older than what came meanwhile
                    self._hold_most(sum(check.size for check in checks))
                    self._counts.update(counts)

    def _count_matches(self, now: datetime) -> None:
        try:
            self._rulebook.keep_matches(now)
        except Exception:
            _log.exception("what the lists matched can't be counted")

    def _forget(self, now: datetime) -> None:
        try:
            self._labels.forget_checks(now - self._kept)
            for site, days in self._rulebook.kept_days().items():
                self._labels.forget_checks_of(site, now - timedelta(days=days))
        except Exception:
            _log.exception("old checks can't be forgotten")
