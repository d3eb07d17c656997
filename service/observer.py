"""The outermost layer of the application: names, times, counts and logs each request.

A plain WSGI layer, because Flask's own before and after hooks see neither every answer nor the whole time. Requests
that the gateway could not read are answered here, so that they are counted like all others.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from service.problems import answer_to
from training.labels import first_id_at

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from service.logs import RequestLog
    from service.metrics import Metrics

REQUEST_ID = "hamgate.request_id"
SITE = "hamgate.site"
REFUSAL = "hamgate.refusal"
OTHER_ROUTE = "other"


def make_id() -> str:
    """Make an id that nobody can guess and no other check has: 32 hexadecimal digits.

    The time in milliseconds, then 80 random bits, so that ids ascend: a database writes them side by side.
    """
    return first_id_at(time.time()) + os.urandom(10).hex()


class Observer:
    """Wraps the application. ``routes`` are the paths that are counted by name; all others count as one."""

    def __init__(
        self, application: WSGIApplication, metrics: Metrics, log: RequestLog | None, routes: Collection[str]
    ) -> None:
        self._application = application
        self._metrics = metrics
        self._log = log
        self._routes = frozenset(routes)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        started = time.perf_counter()
        request_id = environ[REQUEST_ID] = make_id()
        status_code = 500

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            nonlocal status_code
            status_code = int(status[:3])
            headers.append(("X-Request-Id", request_id))
            return start_response(status, headers, *error)

        self._metrics.note_begun(request_id)
        try:
            if REFUSAL in environ:
                status, headers, body = answer_to(environ[REFUSAL], request_id)
                start(f"{status.value} {status.phrase}", headers)
                return [body]
            return self._application(environ, start)
        finally:
            self._note(environ, status_code, time.perf_counter() - started)

    def _note(self, environ: WSGIEnvironment, status: int, seconds: float) -> None:
        path = environ["PATH_INFO"]
        route = path if path in self._routes else OTHER_ROUTE
        self._metrics.note_answered(environ[REQUEST_ID], route, status, seconds)
        if self._log is not None:
            self._log.write(environ[REQUEST_ID], environ["REQUEST_METHOD"], route, status, seconds, environ.get(SITE))
