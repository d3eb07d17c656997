"""Structured logs: one JSON object a line on standard error.

Whatever the log says of a request is listed in ``RequestLog``: never a comment's text, an e-mail address, an IP address
or a key. For the same reason the message of an unforeseen error is left out where it could quote what was being read;
its type and every frame are kept.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
from pydantic_core import to_json
from sqlalchemy.exc import SQLAlchemyError

from model.comment import ModelError
from service.problems import ServiceError
from training.formats.row import TrainingError

if TYPE_CHECKING:
    from types import TracebackType

STANDARD_ERROR = 2
ERRORS_WITHOUT_QUOTES = (ModelError, TrainingError, ServiceError, SQLAlchemyError, OSError, ImportError, MemoryError)


class JsonFormatter(logging.Formatter):
    """Formats a log record as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Lay out time, level, logger and message, and an error with its frames."""
        line: dict[str, Any] = {
            "time": _timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line |= described(record.exc_info[1])
        return to_json(line, inf_nan_mode="strings", fallback=str).decode()


def configuration() -> dict[str, Any]:
    """Return the ``logging.config`` dictionary of the service, of its server and of its libraries."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "service.logs.JsonFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {"_granian": {"level": "INFO"}},
    }


def described(error: BaseException) -> dict[str, Any]:
    """Describe an error and what caused it: types, frames, and messages where they can't quote a comment."""
    chain: list[str] = []
    current: BaseException | None = error
    while current is not None and len(chain) < 10:
        message = f": {current}" if isinstance(current, ERRORS_WITHOUT_QUOTES) else ""
        chain.append(f"{type(current).__name__}{message}")
        chain.extend(_frames(current.__traceback__))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return {"error": type(error).__name__, "trace": chain}


class RequestLog:
    """Writes a line for each answered request, in one write, so that lines of several workers don't mix."""

    def __init__(self, descriptor: int = STANDARD_ERROR) -> None:
        self._descriptor = descriptor

    def write(self, request_id: str, method: str, route: str, status: int, seconds: float, site: str | None) -> None:
        """Write the line of one request. A reader of the log who is gone must not stop the service."""
        line = {
            "time": _timestamp(time.time()),
            "level": "info" if status < 500 else "error",
            "logger": "hamgate.request",
            "request_id": request_id,
            "method": method,
            "route": route,
            "status": status,
            "ms": int(seconds * 1_000_000) / 1_000,
            "site": site,
        }
        try:
            os.write(self._descriptor, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        except OSError:
            sys.exc_info()


def _timestamp(seconds: float) -> str:
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1_000):03}+00:00"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()


def _frames(trace: TracebackType | None) -> list[str]:
    return [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(trace)]
