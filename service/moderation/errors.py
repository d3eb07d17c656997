"""What somebody in a browser sees of an error: a page that says what can be done; scripts get a problem document."""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException

from service.moderation.sessions import SAFE_METHODS
from service.observer import REQUEST_ID
from service.problems import STATUS_OF, answer_with, problem
from training.database import DatabaseUnusableError

_log = logging.getLogger("hamgate.pages")


def error_page(error: Exception) -> Response:
    """Answer a request for a page that failed."""
    status, sentence = _told(error)
    if status == HTTPStatus.UNAUTHORIZED and request.method in SAFE_METHODS and not _wants_json():
        response = redirect(url_for("pages.sign_in.sign_in", next=request.full_path.rstrip("?")), 303)
        return Response(response.response, response.status, response.headers)
    if _wants_json():
        _, headers, body = answer_with(problem(status, sentence))
        response = Response(body, status, headers)
    else:
        response = Response(render_template("error.html", status=status, sentence=sentence), status)
    wait = getattr(error, "retry_after_seconds", None)
    if wait is not None:
        response.headers["Retry-After"] = str(wait)
    return response


def _told(error: Exception) -> tuple[HTTPStatus, str]:
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.code or 500)
        return status, error.description or status.description
    if isinstance(error, DatabaseUnusableError):
        _log.error("a page can't be shown: %s", error)
        return HTTPStatus.SERVICE_UNAVAILABLE, "The database can't be reached. Try again in a moment."
    if type(error) in STATUS_OF:
        return STATUS_OF[type(error)], str(error)
    _log.error("request %s failed", request.environ[REQUEST_ID], exc_info=error)
    return (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        f"An error inside Hamgate; its log has it under {request.environ[REQUEST_ID]}.",
    )


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
