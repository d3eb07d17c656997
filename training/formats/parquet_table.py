"""Parquet: typed columns. Types survive from Parquet to Parquet (whole numbers as 64 bit, times to the microsecond)."""

from __future__ import annotations

from itertools import islice
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from training.formats.row import FileError, Rejected, Row, cell_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

READ_ROWS = 1_000
WRITE_ROWS = 10_000


def read(stream: BinaryIO, source: str) -> Iterator[Row | Rejected]:
    """Yield rows in order, a thousand in memory at a time; lines are counted from 1.

    Raises:
        FileError: the file is damaged or no Parquet file.
    """
    line = 0
    try:
        with pq.ParquetFile(stream, pre_buffer=False) as file:
            for batch in file.iter_batches(READ_ROWS, use_threads=False):
                for fields in _rows(batch):
                    line += 1
                    yield Rejected(source, line, fields) if isinstance(fields, str) else Row(source, line, fields)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FileError(source, f"not readable as Parquet: {error}") from error


def write(rows: Iterable[Mapping[str, Any]], stream: BinaryIO) -> None:
    """Write all rows under the union of their columns.

    A column whose values have no common type is written as text, what is no text as JSON. Later rows may bring new
    columns and types, so rows wait in a temporary file until the schema is known.
    """
    types: dict[str, pa.DataType] = {}
    tables = 0
    pending = iter(rows)
    with TemporaryFile() as spool:
        while chunk := list(islice(pending, WRITE_ROWS)):
            table = _table(chunk)
            with pa.ipc.new_stream(spool, table.schema) as arrow:
                arrow.write_table(table)
            for field in table.schema:
                types[field.name] = _common(types.get(field.name, pa.null()), field.type)
            tables += 1
        schema = pa.schema([(name, _writable(kind)) for name, kind in types.items()])
        spool.seek(0)
        with pq.ParquetWriter(stream, schema) as writer:
            for _ in range(tables):
                with pa.ipc.open_stream(spool) as arrow:
                    writer.write_table(_conformed(arrow.read_all(), schema))


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any] | str]:
    """Decode a batch; where a row can't be decoded, say why instead."""
    columns = [_microseconds(column) for column in batch.columns]
    readable = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
    try:
        rows: list[dict[str, Any] | str] = readable.to_pylist()
    except (ValueError, OverflowError):  # text that is not UTF-8, or a date beyond Python's
        return [_row(readable.slice(index, 1)) for index in range(len(readable))]
    return rows


def _row(batch_of_one: pa.RecordBatch) -> dict[str, Any] | str:
    try:
        (row,) = batch_of_one.to_pylist()
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start + 1}"
    except (ValueError, OverflowError) as error:
        return f"not readable: {error}"
    return dict(row)


def _microseconds(column: pa.Array) -> pa.Array:
    """Cut nanoseconds, which Python's datetime lacks."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column


def _table(rows: list[Mapping[str, Any]]) -> pa.Table:
    names = dict.fromkeys(name for fields in rows for name in fields)
    return pa.table({name: _column([fields.get(name) for fields in rows]) for name in names})


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (ValueError, TypeError, OverflowError):  # mixed types, numbers beyond 64 bit, or lone surrogates
        return _as_text(values)


def _as_text(values: list[Any]) -> pa.Array:
    cells = (cell_text(value) for value in values)
    return pa.array([cell and cell.encode("utf-8", "replace").decode() for cell in cells], pa.string())


def _common(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    schemas = [pa.schema([("column", kind)]) for kind in (left, right)]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field("column").type
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.string()


def _writable(kind: pa.DataType) -> pa.DataType:
    """Parquet has neither objects without fields nor columns without a type: they become text."""
    return pa.string() if pa.types.is_null(kind) or _has_empty_struct(kind) else kind


def _has_empty_struct(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind) and kind.num_fields == 0:
        return True
    if not pa.types.is_nested(kind):
        return False
    return any(_has_empty_struct(kind.field(i).type) for i in range(kind.num_fields))


def _conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(pa.nulls(len(table), field.type))
        else:
            columns.append(_conformed_column(table.column(field.name), field.type))
    return pa.table(columns, schema=schema)


def _conformed_column(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | pa.Array:
    if pa.types.is_string(kind) and not pa.types.is_null(column.type):
        return column if pa.types.is_string(column.type) else _as_text(column.to_pylist())
    try:
        return column.cast(kind)
    except pa.ArrowInvalid:  # a whole number that the common floating-point type can't hold exactly
        return column.cast(kind, safe=False)
