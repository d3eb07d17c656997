"""What every reader yields: a row with its place, or a rejected line with its problem."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


class TrainingError(Exception):
    """Root of every error that the training package raises."""


class FileError(TrainingError):
    """A whole file can't be read or written: missing, of an unknown format, or damaged. ``source`` names it."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source = source
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Row:
    """One record with all its fields, known and unknown; ``line`` is where it starts (Parquet: its 1-based row)."""

    source: str
    line: int
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that holds no usable row. Prints as ``FILE:LINE: problem``."""

    source: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.problem}"


def cell_text(value: object) -> str | None:
    """Return what stands for a value where only text fits: text and nothing as they are, all else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
