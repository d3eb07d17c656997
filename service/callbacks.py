"""Remembers what Akismet clients were told of comments, where the site may be told of a change later.

Noting costs a check next to nothing; a thread of its own writes. A process that is killed loses what was noted in the
last moment, and the site is then not told of a change.
"""

from __future__ import annotations

import logging
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from service.background import Background
from service.destinations import destination_of
from service.judge import not_of_comment
from service.observer import REQUEST_ID
from training.database import StoreError
from training.tellings import Telling

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from model.verdict import Verdict
    from service.forms import Form
    from service.sealed_keys import SealedKeys
    from training.callbacks import AllowedHost, CallbackHosts
    from training.tellings import Tellings

INTERVAL_SECONDS = 0.5
FORGET_EVERY = timedelta(minutes=10)
MAX_WAITING = 10_000
"""No more than that are kept while the database is away."""
MAX_ID_DIGITS = 20

_log = logging.getLogger("hamgate.callbacks")


class _Noted(NamedTuple):
    telling: Telling
    key: str


class Callbacks(Background):
    """The tellings of one worker; when it is closed, it writes what waits."""

    def __init__(self, hosts: CallbackHosts, tellings: Tellings, keys: SealedKeys, kept_days: float) -> None:
        """Keep tellings for as long as checks are kept, so many days; none if that is 0."""
        super().__init__("callbacks")
        self._hosts = hosts
        self._tellings = tellings
        self._keys = keys
        self._kept = timedelta(days=kept_days)
        self._allowed: dict[str, list[AllowedHost]] = {}
        self._waiting: deque[_Noted] = deque(maxlen=MAX_WAITING)
        self._forgot_at = datetime.min.replace(tzinfo=UTC)
        self._fails = False
        self._look()
        self.start()

    def note(self, form: Form, environ: WSGIEnvironment, site: str, verdict: Verdict, is_spam: bool) -> None:
        """Note what a client is told of a comment, if its site has callbacks allowed."""
        callback = form.values.get("callback")
        if not callback or "\x00" in callback or site not in self._allowed or not self._kept:
            return
        post_id, parent_id = (_id(form.values.get(name, "")) for name in ("comment_post_ID", "comment_parent"))
        reasons = not_of_comment(verdict)
        telling = Telling(environ[REQUEST_ID], site, callback, post_id, parent_id, reasons, is_spam)
        self._waiting.append(_Noted(telling, form.key(environ, "api_key", "key")))

    def _work(self) -> None:
        while not self._stopping.wait(INTERVAL_SECONDS):
            self._look()
        self._look()

    def _look(self) -> None:
        """Do what there is to be done; whatever goes wrong is logged, once, and tried again."""
        try:
            self._allowed = self._hosts.all()
            self._write()
            self._forget(datetime.now(UTC))
            self._fails = False
        except Exception:
            if not self._fails:
                _log.exception("what clients were told can't be kept")
            self._fails = True

    def _write(self) -> None:
        noted = [self._waiting.popleft() for _ in range(len(self._waiting))]
        kept = [one for one in noted if self._is_allowed(one.telling)]
        try:
            for site, key in {one.telling.site: one.key for one in kept}.items():
                self._keys.keep(site, key)
            self._tellings.remember([one.telling for one in kept])
        except StoreError:
            self._waiting.extendleft(reversed(kept))
            raise

    def _is_allowed(self, telling: Telling) -> bool:
        return destination_of(telling.callback, self._allowed.get(telling.site, ())) is not None

    def _forget(self, now: datetime) -> None:
        if self._allowed and now - self._forgot_at > FORGET_EVERY:
            self._tellings.forget(now - self._kept)
            self._forgot_at = now


def _id(written: str) -> str:
    """Return the number of a post or comment, empty where it is none or 0."""
    is_number = written.isascii() and written.isdigit() and len(written) <= MAX_ID_DIGITS
    return written.lstrip("0") if is_number else ""
