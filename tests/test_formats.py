"""Readers and writers: rows come back as they were, and one bad line costs one line."""

from __future__ import annotations

import datetime
import gzip
import io
import json
import os
import threading
import tracemalloc
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.formats import csv_table, json_lines, parquet_table
from training.formats.files import read_rows, write_rows
from training.formats.row import FileError, Rejected, Row
from training.labelled import LabelledComment, read_labelled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRITABLE_SUFFIXES = (".jsonl", ".ndjson", ".csv", ".parquet")
UNHURRIED = settings(deadline=None)  # the first example pays for what the libraries import
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)


def _read(module: Any, content: bytes) -> list[Row | Rejected]:
    return list(module.read(io.BytesIO(content), "f"))


def _written(module: Any, rows: list[dict[str, Any]]) -> bytes:
    stream = io.BytesIO()
    module.write(rows, stream)
    return stream.getvalue()


def _fields(outcomes: list[Row | Rejected]) -> list[dict[str, Any]]:
    assert all(isinstance(outcome, Row) for outcome in outcomes), outcomes
    return [outcome.fields for outcome in outcomes if isinstance(outcome, Row)]


@UNHURRIED
@given(st.lists(st.dictionaries(st.text(), JSON_VALUES)))
def test_json_lines_come_back_as_they_were(rows: list[dict[str, Any]]) -> None:
    assert _fields(_read(json_lines, _written(json_lines, rows))) == rows


@UNHURRIED
@given(st.data())
def test_csv_text_comes_back_as_it_was(data: st.DataObject) -> None:
    columns = data.draw(st.lists(NAMES, min_size=2, unique=True))
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(columns, TEXT)), min_size=1))
    assert _fields(_read(csv_table, _written(csv_table, rows))) == rows


@UNHURRIED
@given(st.data())
def test_parquet_text_and_numbers_come_back_as_they_were(data: st.DataObject) -> None:
    columns = data.draw(st.lists(NAMES, min_size=1, unique=True))
    kinds = st.sampled_from([TEXT, st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.booleans()])
    column_kinds = {column: data.draw(kinds) | st.none() for column in columns}
    rows = data.draw(st.lists(st.fixed_dictionaries(column_kinds), min_size=1))
    assert _fields(_read(parquet_table, _written(parquet_table, rows))) == rows


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"text": "x"', "not JSON"),
        (b"text", "not JSON"),
        (b'{"text": "\xff"}', "not UTF-8 at byte 11"),
        (b'{"text": "\xed\xa0\x80"}', "not UTF-8"),
        (b"[1]", "found an array, expected an object"),
        (b'"text"', "found a string, expected an object"),
        (b"12", "found a number, expected an object"),
        (b"true", "found a boolean, expected an object"),
        (b"null", "found null, expected an object"),
        (b'{"text": "x", "n": NaN}', "NaN is no JSON number"),
        (b'{"text": "x", "n": 1e999}', "1e999 is out of range"),
        (b'{"text": "x", "n": ' + b"9" * 5_000 + b"}", "not JSON"),
        (b'{"text": "x"} {"text": "y"}', "not JSON: Extra data"),
        (b'{"text": "x\x00"}', "not JSON"),
        (b"[" * 100_000, "nested more than 100 deep"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "nested more than 100 deep"),
    ],
)
def test_a_line_that_is_no_object_is_rejected_and_the_rest_goes_on(line: bytes, problem: str) -> None:
    first, bad, last = _read(json_lines, b'{"text": "a"}\n' + line + b'\n{"text": "b"}')
    assert (first, last) == (Row("f", 1, {"text": "a"}), Row("f", 3, {"text": "b"}))
    assert isinstance(bad, Rejected)
    assert bad.line == 2
    assert problem in bad.problem


def test_many_brackets_that_do_not_nest_are_fine() -> None:
    fields = {"text": "[" * 500, "links": [[] for _ in range(500)]}
    assert _fields(_read(json_lines, json.dumps(fields).encode())) == [fields]


def test_blank_lines_are_skipped_and_counted() -> None:
    assert [row.line for row in _read(json_lines, b'\n{"text": "a"}\r\n  \n\n{"text": "b"}\n')] == [2, 5]


def test_a_byte_order_mark_is_not_part_of_the_first_row() -> None:
    assert _read(json_lines, b'\xef\xbb\xbf{"text": "a"}') == [Row("f", 1, {"text": "a"})]
    assert _read(csv_table, b"\xef\xbb\xbftext,lang\na,en\n") == [Row("f", 2, {"text": "a", "lang": "en"})]


def test_a_line_longer_than_the_limit_is_skipped_over() -> None:
    long = b'{"text": "' + b"a" * 2 * json_lines.MAX_LINE_BYTES + b'"}\n'
    outcomes = _read(json_lines, b'{"text": "a"}\n' + long + b'{"text": "b"}\n')
    assert [type(outcome) for outcome in outcomes] == [Row, Rejected, Row]
    assert [outcome.line for outcome in outcomes] == [1, 2, 3]
    in_a_table = _read(csv_table, b"text,lang\na,en\n" + long + b"b,en\n")
    assert [type(outcome) for outcome in in_a_table] == [Row, Rejected, Row]
    assert [outcome.line for outcome in in_a_table] == [2, 3, 4]


def test_lone_surrogates_survive_json_lines_and_are_replaced_where_only_text_fits() -> None:
    rows = [{"text": "\ud800 ж"}]
    assert _fields(_read(json_lines, _written(json_lines, rows))) == rows
    assert _fields(_read(csv_table, _written(csv_table, rows))) == [{"text": "? ж"}]
    assert _fields(_read(parquet_table, _written(parquet_table, rows))) == [{"text": "? ж"}]


def test_json_lines_are_readable_in_any_script() -> None:
    assert _written(json_lines, [{"text": "привет 你好"}]) == '{"text": "привет 你好"}\n'.encode()


def test_values_that_json_lacks_become_null_or_text() -> None:
    moment = datetime.datetime(2024, 5, 1, 12, 30, tzinfo=datetime.UTC)
    fields = {"at": moment, "raw": b"\x00\xff", "rate": float("nan"), "more": [float("inf"), 1.5]}
    assert _fields(_read(json_lines, _written(json_lines, [fields]))) == [
        {"at": "2024-05-01T12:30:00+00:00", "raw": "00ff", "rate": None, "more": [None, 1.5]}
    ]


def test_a_csv_record_is_named_by_the_line_it_starts_on() -> None:
    content = b'text,lang\r\n"two\r\nlines",en\r\nshort\r\n"say ""hi""",de\r\n'
    assert _read(csv_table, content) == [
        Row("f", 2, {"text": "two\r\nlines", "lang": "en"}),
        Rejected("f", 4, "found 1 cells, expected 2 as in the header"),
        Row("f", 5, {"text": 'say "hi"', "lang": "de"}),
    ]


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (b"\xff,en", "text: not UTF-8"),
        (b"a,b,c", "found 3 cells, expected 2"),
        (b'"a"b,en', "not CSV"),
    ],
)
def test_a_bad_csv_record_is_rejected_and_the_rest_goes_on(record: bytes, problem: str) -> None:
    first, bad, last = _read(csv_table, b"text,lang\na,en\n" + record + b"\nb,en\n")
    assert (first, last) == (Row("f", 2, {"text": "a", "lang": "en"}), Row("f", 4, {"text": "b", "lang": "en"}))
    assert isinstance(bad, Rejected)
    assert bad.line == 3
    assert problem in bad.problem


def test_a_quote_that_never_closes_is_rejected_where_it_opens() -> None:
    _, bad = _read(csv_table, b'text,lang\na,en\n"open,en\nb,en\n')
    assert bad == Rejected("f", 3, "not CSV: unexpected end of data")


def test_a_long_comment_fits_a_csv_cell() -> None:
    long = "word " * 100_000
    assert _fields(_read(csv_table, _written(csv_table, [{"text": long, "lang": "en"}])))[0]["text"] == long


@pytest.mark.parametrize("header", [b"text,text\n", b'"te"xt,lang\n', b"text,\xff\n"])
def test_a_csv_file_without_a_usable_header_is_refused(header: bytes) -> None:
    with pytest.raises(FileError, match="header"):
        _read(csv_table, header + b"a,b\n")


def test_csv_cells_are_not_altered_for_spreadsheets() -> None:
    assert b"\r\n=1+1,en\r\n" in _written(csv_table, [{"text": "=1+1", "lang": "en"}])


def test_tables_hold_the_union_of_all_columns() -> None:
    rows = [{"text": "a"}, {"text": "b", "n": 1}, {"m": [1, {"k": None}], "text": "c"}]
    cells = [
        {"text": "a", "n": "", "m": ""},
        {"text": "b", "n": "1", "m": ""},
        {"text": "c", "n": "", "m": '[1, {"k": null}]'},
    ]
    assert _fields(_read(csv_table, _written(csv_table, rows))) == cells
    mixed = _fields(_read(parquet_table, _written(parquet_table, rows)))
    assert mixed == [
        {"text": "a", "n": None, "m": None},
        {"text": "b", "n": 1, "m": None},
        {"text": "c", "n": None, "m": '[1, {"k": null}]'},
    ]


@pytest.mark.parametrize(
    ("early", "late", "expected"),
    [
        (1, "a", ["1", "a"]),
        (1, 2.5, [1.0, 2.5]),
        (None, True, [None, True]),
        ([], [{"feature": "x"}], [[], [{"feature": "x"}]]),
        ({"a": 1}, "a", ['{"a": 1}', "a"]),
        ({}, None, ["{}", None]),
        (None, None, [None, None]),
        (2**70, 1, [str(2**70), "1"]),
        (2**60 + 1, 0.5, [2.0**60, 0.5]),
    ],
)
def test_parquet_columns_find_a_common_type_across_chunks(early: Any, late: Any, expected: list[Any]) -> None:
    rows = [{"x": early}] * parquet_table.WRITE_ROWS + [{"x": late}]
    values = [fields["x"] for fields in _fields(_read(parquet_table, _written(parquet_table, rows)))]
    assert [values[0], values[-1]] == expected


def test_parquet_types_survive() -> None:
    table = pa.table(
        {
            "text": pa.array(["a", None]).dictionary_encode(),
            "at": pa.array([1_714_566_600_123_456_789, None], pa.timestamp("ns", "UTC")),
            "day": pa.array([datetime.date(2024, 5, 1), None]),
            "tags": [["x"], []],
            "raw": [b"\xff", None],
        }
    )
    stream = io.BytesIO()
    pq.write_table(table, stream)
    rows = _fields(_read(parquet_table, stream.getvalue()))
    assert rows[0]["at"].microsecond == 123_456
    again = _fields(_read(parquet_table, _written(parquet_table, rows)))
    assert again == rows


def test_a_parquet_row_that_python_cannot_hold_is_rejected_and_the_rest_goes_on() -> None:
    not_text = pa.array([b"a", b"\xff", b"c", b"d"]).view(pa.string())
    stream = io.BytesIO()
    pq.write_table(pa.table({"text": not_text, "at": pa.array([0, 0, 2**62, 0], pa.timestamp("us"))}), stream)
    first, not_utf8, too_late, last = _read(parquet_table, stream.getvalue())
    assert isinstance(first, Row)
    assert not_utf8 == Rejected("f", 2, "not UTF-8 at byte 1")
    assert isinstance(too_late, Rejected)
    assert too_late.line == 3
    assert isinstance(last, Row)
    assert (last.line, last.fields["text"]) == (4, "d")


@UNHURRIED
@given(st.binary(max_size=200) | st.text('{}[]",:x\\\n\r0', max_size=60).map(str.encode))
def test_any_bytes_are_rows_or_rejected_or_refused(content: bytes) -> None:
    for module in (json_lines, csv_table, parquet_table):
        try:
            outcomes = _read(module, content)
        except FileError:
            assert module is not json_lines
        else:
            lines = [outcome.line for outcome in outcomes]
            assert lines == sorted(set(lines))


def test_no_rows_make_a_valid_file_of_each_kind(tmp_path: Path) -> None:
    for suffix in WRITABLE_SUFFIXES:
        target = str(tmp_path / f"empty{suffix}")
        write_rows([], target)
        assert list(read_rows(target)) == []


@pytest.mark.parametrize("name", ["c.jsonl", "c.ndjson", "c.csv", "c.parquet", "c.jsonl.gz", "c.csv.gz", "C.JSONL"])
def test_a_file_is_read_and_written_by_its_suffix(name: str, tmp_path: Path) -> None:
    rows = [{"text": "one", "lang": "en"}, {"text": "两", "lang": "zh"}]
    target = str(tmp_path / name)
    write_rows(rows, target)
    assert _fields(list(read_rows(target))) == rows
    if name.endswith(".gz"):
        with gzip.open(target) as stream:
            assert "两".encode() in stream.read()


def test_the_same_rows_make_the_same_compressed_bytes(tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write_rows([{"text": "one"}], str(tmp_path / name))
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    for name in ("comments.xlsx", "comments"):
        with pytest.raises(FileError, match=r"expected \.jsonl, \.ndjson, \.csv, \.parquet"):
            next(read_rows(str(tmp_path / name)))


def _damaged() -> Iterator[tuple[str, bytes]]:
    compressed = gzip.compress(_written(json_lines, [{"text": str(number)} for number in range(10_000)]))
    yield "cut.jsonl.gz", compressed[:-20]
    yield "flipped.jsonl.gz", compressed[:500] + b"\x00\x00\x00" + compressed[503:]
    yield "not.jsonl.gz", b'{"text": "a"}\n'
    yield "not.parquet", b"PAR1 but no more"
    table = _written(parquet_table, [{"text": "a" * 500}])
    yield "cut.parquet", table[:-30]


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    for name, content in _damaged():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileError, match=name):
            list(read_rows(str(tmp_path / name)))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name in ("missing.jsonl", "missing.parquet", "folder.csv"):
        with pytest.raises(FileError, match=name):
            next(read_rows(str(tmp_path / name)))


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    def failing() -> Iterator[dict[str, Any]]:
        yield {"text": "new"}
        raise RuntimeError("half way")

    for suffix in WRITABLE_SUFFIXES:
        target = tmp_path / f"out{suffix}"
        target.write_bytes(b"old")
        with pytest.raises(RuntimeError, match="half way"):
            write_rows(failing(), str(target))
        assert target.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"out{suffix}" for suffix in WRITABLE_SUFFIXES)


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    write_rows([{"text": "a"}], str(pipe))
    reader.join(timeout=10)
    assert received == [b'{"text": "a"}\n']
    assert pipe.is_fifo()


class _Endless(io.RawIOBase):
    """A file of so many equal lines that no one ever wrote."""

    def __init__(self, line: bytes, lines: int) -> None:
        self._line = line
        self._left = lines * len(line)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self._left) // len(self._line) * len(self._line)
        buffer[:size] = self._line * (size // len(self._line))
        self._left -= size
        return size


@pytest.mark.parametrize("module", [json_lines, csv_table], ids=["JSON Lines", "CSV"])
def test_reading_takes_no_more_memory_for_a_longer_file(module: Any) -> None:
    line = b'{"text": "' + b"a" * 1_000 + b'"}\n' if module is json_lines else b"b" * 1_000 + b",en\n"
    stream = io.BufferedReader(_Endless(line, 20_000), 64 * 1024)
    tracemalloc.start()
    try:
        rows = sum(1 for _ in module.read(stream, "f"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows >= 19_999
    assert peak < 2_000_000


def test_a_labelled_comment_knows_its_groups() -> None:
    row = {"text": "t", "label": "ham", "site": "s", "thread": 12, "label_source": "moderator", "akismet": None}
    labelled = LabelledComment.from_mapping(row)
    assert (labelled.comment.text, labelled.label, labelled.site) == ("t", "ham", "s")
    assert (labelled.thread, labelled.label_source) == ("12", "moderator")


def test_labelled_comments_of_a_file_without_sites_belong_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "my_blog.jsonl"
    path.write_text(
        '{"text": "a", "label": "spam"}\n{"text": "b", "label": null}\n{"text": "c", "label": ""}\n'
        '{"text": "d", "label": "Spam"}\n{"label": "ham"}\n{"text": 5}\n'
    )
    outcomes = list(read_labelled(str(path)))
    labelled = [outcome for outcome in outcomes if isinstance(outcome, LabelledComment)]
    assert [(one.label, one.site) for one in labelled] == [("spam", "my_blog"), (None, "my_blog"), (None, "my_blog")]
    assert [str(outcome) for outcome in outcomes if isinstance(outcome, Rejected)] == [
        f"{path}:4: label: found 'Spam', expected spam, ham or nothing",
        f"{path}:5: text: missing; it is the one required field",
        f"{path}:6: text: found int, expected a string",
    ]


def test_a_date_column_may_hold_dates() -> None:
    labelled = LabelledComment.from_mapping({"text": "t", "date": datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)})
    assert labelled.comment.date == "2024-05-01T00:00:00+00:00"
