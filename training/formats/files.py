"""Which format a file has (its suffix says), and how it is opened, read and replaced."""

from __future__ import annotations

import gzip
import importlib
import os
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from training.formats.row import FileError, Rejected, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import ModuleType

STANDARD_INPUT = "-"
_MODULES = {
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".csv": "csv_table",
    ".parquet": "parquet_table",
    ".xml": "xml_export",
}
KNOWN_SUFFIXES = tuple(_MODULES)


def read_rows(source: str, opened: Callable[[BinaryIO], None] = lambda stream: None) -> Iterator[Row | Rejected]:
    """Yield the rows of a file (``-``: JSON Lines on standard input), decompressing ``.gz`` on the way.

    ``opened`` is given the file as it is on disk, whose position tells how much of it has been read.

    Raises:
        FileError: the file is missing, of an unknown format or damaged.
    """
    module = _module(source)
    try:
        with _opened(source, opened) as stream:
            yield from module.read(stream, source)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(source, getattr(error, "strerror", None) or str(error)) from error


def write_rows(rows: Iterable[Mapping[str, Any]], target: str) -> None:
    """Write rows to a file in the format of its suffix. It appears whole or not at all.

    Raises:
        FileError: there is no such format, or no place to write.
    """
    module = _writing_module(target)
    with replaced(Path(target)) as stream:
        if target.endswith(".gz"):
            with gzip.GzipFile(filename="", fileobj=stream, mode="wb", mtime=0) as compressed:
                module.write(rows, compressed)
        else:
            module.write(rows, stream)


def require_writable(target: str) -> None:
    """Raise FileError, naming the known suffixes, unless files with that suffix can be written."""
    _writing_module(target)


def require_readable(source: str) -> None:
    """Raise FileError unless the file is there and of a known format, so that work on others need not start."""
    _module(source)
    try:
        with _opened(source):
            pass
    except OSError as error:
        raise FileError(source, error.strerror or str(error)) from error


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its place only when the block ends without an error.

    Raises:
        FileError: there is no place to write.
    """
    if path.exists() and not path.is_file():  # a device or a pipe is written to, not replaced
        with _created(path, path) as stream:
            yield stream
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _created(draft, path) as stream:
            yield stream
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _created(path: Path, target: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise FileError(str(target), error.strerror or str(error)) from error


@contextmanager
def _opened(source: str, opened: Callable[[BinaryIO], None] = lambda stream: None) -> Iterator[BinaryIO]:
    if source == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with Path(source).open("rb") as stream:
        opened(stream)
        if source.endswith(".gz"):
            with gzip.GzipFile(fileobj=stream) as decompressed:
                yield decompressed  # type: ignore[misc]  # GzipFile reads as a BinaryIO but is not declared as one
        else:
            yield stream


def _module(source: str) -> ModuleType:
    """Import a format when it is first used: Parquet's library costs 0.2 s."""
    suffix = ".jsonl" if source == STANDARD_INPUT else Path(source.removesuffix(".gz")).suffix.lower()
    if suffix not in _MODULES:
        raise FileError(source, f"found {suffix or 'no suffix'}, expected {', '.join(KNOWN_SUFFIXES)}")
    return importlib.import_module(f"training.formats.{_MODULES[suffix]}")


def _writing_module(target: str) -> ModuleType:
    module = _module(target)
    if not hasattr(module, "write"):
        raise FileError(target, "can be read, but not written")
    return module
