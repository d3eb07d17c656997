"""CSV with a header row (RFC 4180, UTF-8). Every cell is text.

Cells are written as they came, never escaped for spreadsheets: a comment that starts with ``=`` comes back unchanged.
Import untrusted comments into a spreadsheet as text.
"""

from __future__ import annotations

import csv
import io
import json
import re
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

from training.formats import json_lines
from training.formats.row import FileError, Rejected, Row, cell_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_UNDECODED = re.compile("[\udc80-\udcff]")


class _Lines:
    """Decoded lines for the csv module, with what is wrong with the record being read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._lines = json_lines.bounded_lines(stream)
        self.number = 0
        self.has_long_line = False

    def __iter__(self) -> Iterator[str]:
        for number, line in self._lines:
            self.number = number
            if line is None:
                self.has_long_line = True
                yield "\n"
            else:
                # Bytes that are not UTF-8 become lone surrogates, so that they cost one record and not the file.
                yield line.decode("utf-8-sig" if number == 1 else "utf-8", "surrogateescape")


def read(stream: BinaryIO, source: str) -> Iterator[Row | Rejected]:
    """Yield the records after the header; a record with more or fewer cells than the header is rejected.

    Raises:
        FileError: there is no usable header.
    """
    csv.field_size_limit(json_lines.MAX_LINE_BYTES)  # the module's own limit, 128 KiB, is less than a long comment
    lines = _Lines(stream)
    records = csv.reader(lines, strict=True)
    header = _header(records, source)
    while True:
        line = lines.number + 1
        try:
            record = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            yield Rejected(source, line, f"not CSV: {error}")
            continue
        if lines.has_long_line:
            lines.has_long_line = False
            yield Rejected(source, line, f"longer than {json_lines.MAX_LINE_BYTES:,} bytes")
        elif record:
            yield _row(source, line, header, record)


def write(rows: Iterable[Mapping[str, Any]], stream: BinaryIO) -> None:
    """Write all rows under the union of their columns; what is no text (lists, numbers) is written as JSON.

    Later rows may bring new columns, so rows wait in a temporary file until the header is known.
    """
    columns: dict[str, None] = {}
    with TemporaryFile() as spool:
        for fields in rows:
            columns.update(dict.fromkeys(fields))
            spool.write(json_lines.encoded(fields))
        spool.seek(0)
        text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="", write_through=True)
        writer = csv.writer(text)
        writer.writerow(columns)
        for line in spool:
            fields = json.loads(line)
            writer.writerow([cell_text(fields.get(column)) for column in columns])
        text.detach()


def _header(records: Iterator[list[str]], source: str) -> list[str]:
    try:
        header = next(records, [])
    except csv.Error as error:
        raise FileError(source, f"the header is not CSV: {error}") from error
    if any(_UNDECODED.search(name) for name in header):
        raise FileError(source, "the header is not UTF-8")
    if len(set(header)) != len(header):
        raise FileError(source, f"the header names a column twice: {', '.join(header)}")
    return header


def _row(source: str, line: int, header: list[str], record: list[str]) -> Row | Rejected:
    if len(record) != len(header):
        return Rejected(source, line, f"found {len(record)} cells, expected {len(header)} as in the header")
    for name, cell in zip(header, record, strict=True):
        if not cell.isascii() and _UNDECODED.search(cell):
            return Rejected(source, line, f"{name}: not UTF-8")
    return Row(source, line, dict(zip(header, record, strict=True)))
