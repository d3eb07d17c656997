"""The newspaper's desk: has each comment checked, and afterwards does as the moderators say.

A visitor waits for the verdict for a moment only. Where Hamgate gives none the comment is held, and asked about again.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from service.demo.client import NoAnswerError, UnknownCheckError
from service.demo.comments import Status

if TYPE_CHECKING:
    from service.demo.client import Hamgate
    from service.demo.comments import Comments, Sent, Submission

INTERVAL_SECONDS = 1.0
AGAIN_AFTER_SECONDS = 5.0
CHECKS_AT_ONCE = 4
FOLLOWED = 60
"""The moderators' word is asked for of so many comments, the newest, while somebody reads."""
READING = timedelta(seconds=15)

_log = logging.getLogger("hamgate.demo")


class Desk:
    """Takes comments, and keeps what became of them up to date in a thread of its own."""

    def __init__(self, comments: Comments, hamgate: Hamgate) -> None:
        self.is_answered = True
        self._comments = comments
        self._hamgate = hamgate
        self._read_at = datetime.min.replace(tzinfo=UTC)
        self._checks = ThreadPoolExecutor(CHECKS_AT_ONCE, "checks")
        self._in_flight: set[str] = set()
        self._submitting = Lock()
        self._stopping = Event()
        self._thread = Thread(target=self._keep_following, name="desk", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()
        self._checks.shutdown()

    def submit(self, article: str, sent: Sent, submitted_at: datetime | None = None) -> str:
        """Take a comment, wait a moment for its verdict, and return its token."""
        with self._submitting:
            token = self._comments.add(article, sent, submitted_at or datetime.now(UTC))
            self._in_flight.add(token)
        wait([self._checks.submit(self._check, token, sent)], self._hamgate.timeout_seconds)
        return token

    def note_reader(self) -> None:
        """Know that somebody reads, and wants to see what the moderators do."""
        self._read_at = datetime.now(UTC)

    def _check(self, token: str, sent: Sent) -> None:
        started = time.perf_counter()
        try:
            verdict = self._hamgate.check(sent)
            self.is_answered = True
            self._comments.decide(token, verdict, (time.perf_counter() - started) * 1_000)
        except (NoAnswerError, UnknownCheckError):
            self.is_answered = False
        finally:
            self._in_flight.discard(token)

    def _keep_following(self) -> None:
        while not self._stopping.wait(INTERVAL_SECONDS):
            try:
                self._check_again()
                if datetime.now(UTC) - self._read_at < READING:
                    self._follow()
            except Exception:
                _log.exception("comments can't be followed")

    def _check_again(self) -> None:
        """Ask once more about what waits and is not being asked about, until there is no answer."""
        with self._submitting:
            in_flight = set(self._in_flight)
            waiting = self._comments.waiting(datetime.now(UTC) - timedelta(seconds=AGAIN_AFTER_SECONDS))
        for submission in waiting:
            if submission.token in in_flight:
                continue
            self._check(submission.token, submission.sent)
            if not self.is_answered:
                return

    def _follow(self) -> None:
        try:
            for submission in self._comments.newest(FOLLOWED):
                if submission.verdict is not None and submission.status is not Status.DROPPED:
                    self._follow_one(submission, submission.verdict["id"])
            self.is_answered = True
        except NoAnswerError:
            self.is_answered = False

    def _follow_one(self, submission: Submission, check_id: str) -> None:
        try:
            label = self._hamgate.label_of(check_id)
        except UnknownCheckError:
            return  # what was said last holds
        if label != submission.label:
            self._comments.relabel(submission.token, label)
