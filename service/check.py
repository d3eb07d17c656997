"""``POST /v1/check``, the one busy call, as a WSGI application of its own beside Flask.

Flask's request and application contexts, its routing and its response object take about as long as half a verdict does.
All other calls are Flask views in ``api``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.bodies import JSON, json_body
from service.observer import REQUEST_ID, SITE
from service.problems import WrongMethodError, answer_to
from service.schemas import comment_of, encoded, verdict_members

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from service.auth import Guard
    from service.judge import Judge
    from service.metrics import Metrics
    from service.recorder import Recorder

PATH = "/v1/check"


class Check:
    """Judges one comment."""

    def __init__(self, guard: Guard, judge: Judge, metrics: Metrics, recorder: Recorder, max_body_bytes: int) -> None:
        self._guard = guard
        self._judge = judge
        self._metrics = metrics
        self._recorder = recorder
        self._max_body_bytes = max_body_bytes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """Answer one request."""
        try:
            body = self._verdict(environ)
        except Exception as error:
            status, headers, body = answer_to(error, environ[REQUEST_ID])
            start_response(f"{status.value} {status.phrase}", headers)
        else:
            start_response("200 OK", [("Content-Type", JSON), ("Content-Length", str(len(body)))])
        return [body]

    def _verdict(self, environ: WSGIEnvironment) -> bytes:
        if environ["REQUEST_METHOD"] != "POST":
            raise WrongMethodError(environ["REQUEST_METHOD"], "POST")
        site = self._guard.site_of(environ)
        environ[SITE] = site.name
        comment = comment_of(json_body(environ, self._max_body_bytes))
        self._guard.charge(site, 1)
        verdict = self._judge.check(site.name, comment)
        self._metrics.note_verdict(verdict)
        self._recorder.record(environ[REQUEST_ID], site.name, comment, verdict)
        return encoded(verdict_members(environ[REQUEST_ID], self._judge.told(site.name, verdict)))
