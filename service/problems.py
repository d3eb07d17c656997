"""What can go wrong with a request, and the one table of the HTTP statuses it is answered with (RFC 9457).

What is not in the table is our own fault: it is logged whole, and answered with a 500 that says nothing of the inside.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from pydantic_core import to_json

from model.comment import InvalidCommentError

PROBLEM_JSON = "application/problem+json"

_log = logging.getLogger("hamgate.problems")


class ServiceError(Exception):
    """Root of what the service refuses or can't do; the message is shown to the caller."""


class MalformedBodyError(ServiceError):
    """The body is not JSON."""


class WrongMethodError(ServiceError):
    """The path is right, the method is not; ``allowed`` is the one that is."""

    def __init__(self, found: str, allowed: str) -> None:
        super().__init__(f"found method {found[:20]!r}, expected {allowed}")
        self.allowed = allowed


class UnknownKeyError(ServiceError):
    """No key, or none that belongs to a site."""


class SlowBodyError(ServiceError):
    """The body did not arrive in time."""


class BodyTooLargeError(ServiceError):
    """The body, or the list in it, is longer than is taken."""


class WrongContentTypeError(ServiceError):
    """The body says that it is something else than JSON, or compressed."""


class WrongFieldError(ServiceError):
    """A field is missing or of the wrong type; ``field`` names it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class TooManyRequestsError(ServiceError):
    """More than the limit; worth trying again after ``retry_after_seconds``."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnknownCheckError(ServiceError):
    """There is no check of that id that this site may see."""


class NotReadyError(ServiceError):
    """The service can't score at the moment; the message says why."""

    retry_after_seconds = 5


STATUS_OF: dict[type[Exception], HTTPStatus] = {
    MalformedBodyError: HTTPStatus.BAD_REQUEST,
    UnknownKeyError: HTTPStatus.UNAUTHORIZED,
    UnknownCheckError: HTTPStatus.NOT_FOUND,
    WrongMethodError: HTTPStatus.METHOD_NOT_ALLOWED,
    SlowBodyError: HTTPStatus.REQUEST_TIMEOUT,
    BodyTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    WrongContentTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    WrongFieldError: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidCommentError: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooManyRequestsError: HTTPStatus.TOO_MANY_REQUESTS,
    NotReadyError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def problem(status: int, detail: str, field: str | None = None) -> dict[str, Any]:
    """Build the members of a problem document; without a type of its own its title is the status's phrase."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    return document if field is None else {**document, "field": field}


def problem_of(error: Exception) -> dict[str, Any]:
    """Build the problem document of an error that stands in the table."""
    return problem(STATUS_OF[type(error)], str(error), getattr(error, "field", None))


def answer_to(error: Exception, request_id: str) -> tuple[HTTPStatus, list[tuple[str, str]], bytes]:
    """Build status, headers and body of the answer to an error."""
    status = STATUS_OF.get(type(error))
    if status is None:
        _log.error("request %s failed", request_id, exc_info=error)
        detail = f"an error inside Hamgate; its log has it under {request_id}"
        return answer_with(problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail))
    return answer_with(problem_of(error), _headers_of(error))


def answer_with(
    document: dict[str, Any], headers: list[tuple[str, str]] | None = None
) -> tuple[HTTPStatus, list[tuple[str, str]], bytes]:
    """Build status, headers and body of the answer that a problem document makes."""
    body = to_json(document)
    described = [("Content-Type", PROBLEM_JSON), ("Content-Length", str(len(body)))]
    return HTTPStatus(document["status"]), [*described, *(headers or [])], body


def _headers_of(error: Exception) -> list[tuple[str, str]]:
    headers = []
    if isinstance(error, UnknownKeyError):
        headers.append(("WWW-Authenticate", 'Bearer realm="hamgate"'))
    if isinstance(error, WrongMethodError):
        headers.append(("Allow", error.allowed))
    retry_after = getattr(error, "retry_after_seconds", None)
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    return headers
