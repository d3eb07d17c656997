"""The application: what it consists of, and how errors leave it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from flask.sessions import SecureCookieSession, SessionInterface
from werkzeug.exceptions import HTTPException

from service.api import Api
from service.auth import Allowance, Guard, Keys
from service.description import Description
from service.logs import RequestLog
from service.metrics import Metrics
from service.observer import REQUEST_ID, Observer
from service.problems import PROBLEM_JSON, STATUS_OF, body_of, headers_of, problem, problem_of
from service.served_model import ServedModel
from training.store import Store

if TYPE_CHECKING:
    from service.config import Config

_log = logging.getLogger("hamgate.app")


def create_app(config: Config) -> Flask:
    """Build the WSGI application of one worker process.

    Raises:
        DatabaseUnusableError: the database can't be opened.
    """
    metrics = Metrics()
    served = ServedModel(config.model, metrics)
    keys = Keys(Store(config.database))
    guard = Guard(keys, Allowance(config.checks_per_minute), Allowance(config.failed_keys_per_minute))

    app = Flask(__name__, static_folder=None)
    app.session_interface = NoSessions()
    app.register_blueprint(Api(config, guard, served, metrics).blueprint())
    app.register_blueprint(Description().blueprint())
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_error)
    routes = [rule.rule for rule in app.url_map.iter_rules()]
    app.wsgi_app = Observer(app.wsgi_app, metrics, RequestLog() if config.log_requests else None, routes)  # type: ignore[method-assign]  # Flask's own way of adding a layer
    return app


class NoSessions(SessionInterface):
    """The interface for machines has no sessions, and saves the time that Flask spends on them."""

    def open_session(self, app: Flask, request: object) -> SecureCookieSession:
        """Return an empty session."""
        return SecureCookieSession()

    def is_null_session(self, obj: object) -> bool:
        """Say that it need not be saved."""
        return True


def _answer_http_error(error: HTTPException) -> Response:
    """Say what Flask itself refused (no such path, wrong method, too large) as a problem document."""
    status = error.code or 500
    response = Response(body_of(problem(status, error.description or "")), status, content_type=PROBLEM_JSON)
    for name, value in error.get_headers(request.environ):
        if name.lower() != "content-type":
            response.headers[name] = value
    return response


def _answer_error(error: Exception) -> Response:
    """Answer with the status that the table has for the error; what is not in it is our own fault."""
    if type(error) in STATUS_OF:
        return Response(body_of(problem_of(error)), STATUS_OF[type(error)], headers_of(error))
    request_id = request.environ[REQUEST_ID]
    _log.error("request %s failed", request_id, exc_info=error)
    detail = f"an error inside Hamgate; its log has it under {request_id}"
    return Response(body_of(problem(500, detail)), 500, content_type=PROBLEM_JSON)
