"""Where requests come in: reads whole bodies without holding up anybody else, then calls the WSGI application.

Granian's own WSGI interface gives the application the body while it is still arriving, so that a client who sends
slowly, or stops, occupies a thread for as long as it likes; enough of them stop the service. Here bodies are awaited
through RSGI (https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md) on an event loop, where waiting
is free, with a deadline and a bound on their size, one by one and together.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # exported, though not marked so

from service.deadline import Deadline
from service.observer import REFUSAL
from service.problems import NotReadyError, SlowBodyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from wsgiref.types import WSGIApplication, WSGIEnvironment

Answer: TypeAlias = tuple[int, list[tuple[str, str]], bytes]

LONG_BODY_BYTES = 16 * 1024
WAITING_THREADS = 4
PAGE_THREADS = 4
MAX_HELD_BYTES = 64 * 1024 * 1024
MAX_DISCARDED_BYTES = 256 * 1024 * 1024
CONSTANTS: WSGIEnvironment = {
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "granian",
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multiprocess": True,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
}


class Scope(Protocol):
    """What RSGI says of a request."""

    client: str
    headers: Any
    http_version: str
    method: str
    path: str
    query_string: str
    scheme: str
    server: str


class Connection(Protocol):
    """RSGI's way to the body of a request, and back to its sender."""

    def __call__(self) -> Awaitable[bytes]:
        """Await the whole body."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Await the body piece by piece."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer."""


class Gateway:
    """An RSGI application around a WSGI one.

    Short requests are answered on the event loop itself, one after the other. Those with a long body, which may keep
    the model busy for a while, take their turns in a thread of their own, so that short ones get between them. Those
    that may have to wait for the database, whose paths begin with one of ``waiting_paths``, have other threads, and so
    have those for pages, whose paths begin with one of ``page_paths`` or are the root.
    """

    def __init__(
        self,
        application: WSGIApplication,
        max_body_bytes: int,
        body_timeout_seconds: float,
        waiting_paths: tuple[str, ...],
        page_paths: tuple[str, ...] = (),
    ) -> None:
        self._application = application
        self._waiting_paths = waiting_paths
        self._page_paths = page_paths
        self._waiting_requests = ThreadPoolExecutor(WAITING_THREADS, "waiting-requests")
        self._page_requests = ThreadPoolExecutor(PAGE_THREADS, "page-requests")
        self._max_body_bytes = max_body_bytes
        self._body_timeout_seconds = body_timeout_seconds
        self._deadline = Deadline(body_timeout_seconds)
        self._held_bytes = 0
        self._long_requests = ThreadPoolExecutor(1, "long-requests")

    async def __rsgi__(self, scope: Scope, connection: Connection) -> None:
        """Answer one request."""
        try:
            connection.response_bytes(*await self._answer(_environ(scope), connection))
        except (ProtocolClosed, ConnectionError):
            return  # the client went away before it had sent all

    async def _answer(self, environ: WSGIEnvironment, connection: Connection) -> Answer:
        length = _declared_length(environ)
        threads = self._threads_for(environ["PATH_INFO"])
        if length == 0 and threads is None:
            return self._call(environ, b"")
        body = bytearray()
        try:
            if length is not None and length <= LONG_BODY_BYTES and threads is None:
                return self._call(environ, await self._deadline.keep(connection()))
            if length != 0:
                await self._deadline.keep(self._receive(environ, connection, body))
        except TimeoutError:
            environ[REFUSAL] = SlowBodyError(f"the body did not arrive within {self._body_timeout_seconds:g} seconds")
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(threads or self._long_requests, self._call, environ, body)
        finally:
            self._held_bytes -= len(body)

    def _threads_for(self, path: str) -> ThreadPoolExecutor | None:
        """Return the threads for a path whose answer may have to wait for the database, ``None`` for others."""
        if path.startswith(self._waiting_paths):
            return self._waiting_requests
        return self._page_requests if path == "/" or path.startswith(self._page_paths) else None

    async def _receive(self, environ: WSGIEnvironment, connection: Connection, body: bytearray) -> None:
        """Add what arrives to ``body``, as long as there is room, and say in ``environ`` how much it was.

        What is too long is read to its end and thrown away, for many clients see no answer before they have sent all.

        Raises:
            ConnectionError: the client went away.
        """
        declared, received = _declared_length(environ), 0
        if "HTTP_EXPECT" in environ and (declared or 0) > self._max_body_bytes:
            return  # this client asks before it sends
        async for piece in connection:
            received += len(piece)
            if received > MAX_DISCARDED_BYTES:
                break
            if max(received, declared or 0) <= self._max_body_bytes and REFUSAL not in environ:
                self._keep(environ, piece, body)
        if declared is None:
            environ["CONTENT_LENGTH"] = str(received)
        elif received < min(declared, MAX_DISCARDED_BYTES):
            raise ConnectionError

    def _keep(self, environ: WSGIEnvironment, piece: bytes, body: bytearray) -> None:
        if self._held_bytes + len(piece) > MAX_HELD_BYTES:
            environ[REFUSAL] = NotReadyError("too many long requests at once; try again later")
        else:
            self._held_bytes += len(piece)
            body += piece

    def _call(self, environ: WSGIEnvironment, body: bytes | bytearray) -> Answer:
        environ["wsgi.input"] = BytesIO(body)
        start = _Start()
        chunks = self._application(environ, start)  # type: ignore[arg-type]  # nobody uses the write callable
        try:
            return start.status, start.headers, b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()


class _Start:
    """WSGI's start_response: remembers the status and the headers."""

    __slots__ = ("headers", "status")

    def __call__(self, status: str, headers: list[tuple[str, str]], error: object = None) -> None:
        self.status = int(status[:3])
        self.headers = headers


def _declared_length(environ: WSGIEnvironment) -> int | None:
    """Return the length that the body is said to have, or ``None`` where only its end will tell."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return None
    declared: str = environ.get("CONTENT_LENGTH", "0")
    return int(declared) if declared.isdecimal() else None


def _environ(scope: Scope) -> WSGIEnvironment:
    """Lay out a request as PEP 3333 wants it."""
    path = scope.path
    environ = CONSTANTS.copy()
    environ["REQUEST_METHOD"] = scope.method
    environ["PATH_INFO"] = path if path.isascii() else path.encode().decode("latin-1")
    environ["QUERY_STRING"] = scope.query_string
    environ["SERVER_PROTOCOL"] = f"HTTP/{scope.http_version}"
    environ["wsgi.url_scheme"] = scope.scheme
    environ["REMOTE_ADDR"] = scope.client.rpartition(":")[0]
    environ["SERVER_NAME"], _, environ["SERVER_PORT"] = scope.server.rpartition(":")
    for name, value in scope.headers.items():
        if "_" in name:
            continue  # it would pass for the one with a hyphen, which a proxy may have taken away
        variable = _variable_of(name)
        environ[variable] = f"{environ[variable]},{value}" if variable in environ else value
    return environ


@lru_cache(512)
def _variable_of(header: str) -> str:
    variable = header.upper().replace("-", "_")
    return variable if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{variable}"
