"""JSON Lines: one object a line, UTF-8. A line that is no object is rejected, and the rest goes on."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, BinaryIO

from training.formats.row import Rejected, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MAX_LINE_BYTES = 16 * 2**20
MAX_DEPTH = 100
_UNPRINTABLE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def read(stream: BinaryIO, source: str) -> Iterator[Row | Rejected]:
    """Yield every line that is not blank, in order. At most one line is held in memory."""
    for number, line in bounded_lines(stream):
        if line is None:
            yield Rejected(source, number, f"longer than {MAX_LINE_BYTES:,} bytes")
        elif not line.isspace():
            yield _row(source, number, line)


def write(rows: Iterable[Mapping[str, Any]], stream: BinaryIO) -> None:
    """Write one line a row, as the rows come."""
    for fields in rows:
        stream.write(encoded(fields))


def encoded(fields: Mapping[str, Any]) -> bytes:
    """Return one line of UTF-8 JSON with its newline.

    Lone surrogates and what moves a terminal's cursor or turns its text around are written as their escapes; numbers
    that JSON lacks (NaN, infinity) become null; dates become ISO 8601.
    """
    line = _line(fields, ensure_ascii=False)
    try:
        return _UNPRINTABLE.sub(_escape, line).encode()
    except UnicodeEncodeError:
        return _line(fields, ensure_ascii=True).encode()


def bounded_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Yield numbered lines from 1; a line longer than 16 MiB is skipped over and comes as ``None``."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES):
        number += 1
        if len(line) < MAX_LINE_BYTES or line.endswith(b"\n"):
            yield number, line
        else:
            while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield number, None


def _row(source: str, number: int, line: bytes) -> Row | Rejected:
    try:
        value = _DECODER.decode(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        return Rejected(source, number, f"not UTF-8 at byte {error.start + 1}")
    except json.JSONDecodeError as error:
        return Rejected(source, number, f"not JSON: {error.msg} (column {error.colno})")
    except RecursionError:
        return Rejected(source, number, f"nested more than {MAX_DEPTH} deep")
    except ValueError as error:
        return Rejected(source, number, f"not JSON: {error}")
    if not isinstance(value, dict):
        return Rejected(source, number, f"found {_JSON_NAMES[type(value)]}, expected an object")
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH and _is_deeper_than(value, MAX_DEPTH):
        return Rejected(source, number, f"nested more than {MAX_DEPTH} deep")
    return Row(source, number, value)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {digits[:40]} is out of range")
    return number


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant)
_JSON_NAMES = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


def _is_deeper_than(value: object, limit: int) -> bool:
    """Tell whether arrays and objects nest deeper, without recursion: pickling and writing them would recurse."""
    level = [value]
    for _ in range(limit + 1):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _line(fields: Mapping[str, Any], *, ensure_ascii: bool) -> str:
    try:
        return json.dumps(fields, ensure_ascii=ensure_ascii, allow_nan=False, default=_plain) + "\n"
    except ValueError:
        return json.dumps(_without_nan(fields), ensure_ascii=ensure_ascii, default=_plain) + "\n"


def _plain(value: object) -> str:
    """Write what only Parquet knows: dates as ISO 8601, bytes as hexadecimal, decimals and others as their text."""
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_without_nan(child) for child in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
