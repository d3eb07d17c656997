"""Reading the body of a request, which must be plain JSON of bounded length, from a WSGI environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.problems import BodyTooLargeError, MalformedBodyError, WrongContentTypeError

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

JSON = "application/json"


def json_body(environ: WSGIEnvironment, max_bytes: int) -> bytes:
    """Read the body.

    Raises:
        WrongContentTypeError: it is said to be something else than JSON, or compressed.
        BodyTooLargeError: it is longer than ``max_bytes``.
        MalformedBodyError: its length is no number.
    """
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type != JSON:
        _require_json(content_type)
    return form_body(environ, max_bytes)


def form_body(environ: WSGIEnvironment, max_bytes: int) -> bytes:
    """Read the body, whatever it says that it is.

    Raises:
        WrongContentTypeError: it is compressed.
        BodyTooLargeError: it is longer than ``max_bytes``.
        MalformedBodyError: its length is no number.
    """
    encoding = environ.get("HTTP_CONTENT_ENCODING", "")
    if encoding and encoding.strip().lower() != "identity":
        raise WrongContentTypeError(f"found Content-Encoding {encoding[:40]!r}, expected none: send it uncompressed")
    length = environ.get("CONTENT_LENGTH")
    if not length:
        body: bytes = environ["wsgi.input"].read(max_bytes + 1) if environ.get("wsgi.input_terminated") else b""
    elif not (length.isascii() and length.isdigit()):
        raise MalformedBodyError(f"found Content-Length {length[:40]!r}, expected a number")
    elif int(length) > max_bytes:
        raise _too_large(max_bytes)
    else:
        body = environ["wsgi.input"].read(int(length))
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return body


def _require_json(content_type: str) -> None:
    """Accept ``application/json`` in any case, with the one charset that JSON has."""
    media_type, _, parameters = content_type.lower().partition(";")
    name, _, charset = parameters.strip().partition("=")
    if media_type.strip() != JSON or (name == "charset" and charset.strip('"') not in ("utf-8", "utf8")):
        raise WrongContentTypeError(f"found Content-Type {content_type[:80]!r}, expected {JSON} in UTF-8")


def _too_large(max_bytes: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"the body is larger than {max_bytes:,} bytes")
