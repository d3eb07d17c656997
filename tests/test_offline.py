"""The commands as an operator runs them: what comes out where, and with which exit status."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from model.artifact import load
from model.comment import Comment
from service.offline import evaluate, score
from training.formats.files import read_rows, write_rows
from training.formats.row import Row

if TYPE_CHECKING:
    from pathlib import Path

    import click

LABELLED = [
    {"text": "I solved it with a longer cable, thanks.", "author": "Ann", "lang": "en", "label": "ham", "site": "a"},
    {
        "text": "Cheap SEO services http://rank.example",
        "author": "Best SEO",
        "lang": "en",
        "label": "spam",
        "site": "a",
    },
    {"text": "谢谢,问题解决了", "author": "李", "lang": "zh", "label": "ham", "site": "b"},
    {"text": "Casino bonus! http://win.example", "author": "Casino", "lang": "en", "label": "spam", "site": "b"},
]
ADDED = {"score", "decision", "reasons", "model"}


@pytest.fixture
def comments(tmp_path: Path) -> Path:
    path = tmp_path / "comments.jsonl"
    write_rows(LABELLED, str(path))
    return path


def _run(command: click.Command, *arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], input=stdin)


def _lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_scores_go_to_standard_output_and_nothing_else_does(comments: Path, small_model_path: Path) -> None:
    ran = _run(score, comments, "--model", small_model_path)
    assert ran.exit_code == 0
    assert ran.stderr == ""
    rows = _lines(ran.stdout)
    assert [{name: row[name] for name in row.keys() - ADDED} for row in rows] == LABELLED
    model = load(small_model_path)
    for row in rows:
        verdict = model.check(Comment.from_mapping(row))
        assert (row["score"], row["decision"], row["model"]) == (verdict.score, verdict.decision, model.version)
        assert [reason["feature"] for reason in row["reasons"]] == [reason.feature for reason in verdict.reasons]


def test_the_shipped_model_is_the_default(comments: Path) -> None:
    ran = _run(score, comments)
    assert ran.exit_code == 0
    assert len(_lines(ran.stdout)) == len(LABELLED)


@pytest.mark.parametrize("source", ["c.jsonl", "c.csv", "c.parquet", "c.jsonl.gz"])
@pytest.mark.parametrize("target", ["out.jsonl", "out.csv", "out.parquet", "out.csv.gz"])
def test_any_format_in_and_any_format_out(source: str, target: str, tmp_path: Path, small_model_path: Path) -> None:
    write_rows(LABELLED, str(tmp_path / source))
    ran = _run(score, tmp_path / source, "-o", tmp_path / target, "--model", small_model_path)
    assert (ran.exit_code, ran.stdout) == (0, "")
    rows = [row.fields for row in read_rows(str(tmp_path / target)) if isinstance(row, Row)]
    assert [{name: row[name] for name in row.keys() - ADDED} for row in rows] == LABELLED
    assert all(set(row) >= ADDED for row in rows)


def test_reasons_are_json_text_in_csv_and_structures_in_parquet(comments: Path, small_model_path: Path) -> None:
    expected = [row["reasons"] for row in _lines(_run(score, comments, "--model", small_model_path).stdout)]
    table, typed = comments.with_name("out.csv"), comments.with_name("out.parquet")
    _run(score, comments, "-o", table, "--model", small_model_path)
    _run(score, comments, "-o", typed, "--model", small_model_path)
    cells = [row["reasons"] for row in csv.DictReader(io.StringIO(table.read_text("utf-8")))]
    assert [json.loads(cell) for cell in cells] == expected
    assert pq.read_table(typed).column("reasons").to_pylist() == expected


def test_rejected_lines_are_named_and_the_rest_is_scored(comments: Path, small_model_path: Path) -> None:
    with comments.open("ab") as stream:
        stream.write(b'{"text": 5}\nno json\n{"text": "last"}\n')
    ran = _run(score, comments, "--model", small_model_path)
    assert ran.exit_code == 1
    assert [row["text"] for row in _lines(ran.stdout)] == [*(row["text"] for row in LABELLED), "last"]
    assert ran.stderr.splitlines() == [
        f"{comments}:5: text: found int, expected a string",
        f"{comments}:6: not JSON: Expecting value (column 1)",
        "2 rejected lines",
    ]


def test_a_dash_is_json_lines_on_standard_input(small_model_path: Path) -> None:
    ran = _run(score, "-", "--model", small_model_path, stdin=b'{"text": "a"}\n{}\n')
    assert ran.exit_code == 1
    assert [row["text"] for row in _lines(ran.stdout)] == ["a"]
    assert "-:2: text: missing" in ran.stderr


def test_several_files_are_one_stream(comments: Path, small_model_path: Path) -> None:
    other = comments.with_name("other.csv")
    write_rows([{"text": "from a table", "lang": "en"}], str(other))
    ran = _run(score, comments, other, "--model", small_model_path)
    assert [row["text"] for row in _lines(ran.stdout)] == [*(row["text"] for row in LABELLED), "from a table"]


def test_a_file_can_be_scored_in_place(comments: Path, small_model_path: Path) -> None:
    assert _run(score, comments, "-o", comments, "--model", small_model_path).exit_code == 0
    assert len(_lines(comments.read_text("utf-8"))) == len(LABELLED)


@pytest.mark.parametrize("command", [score, evaluate], ids=lambda command: command.name)
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "Missing argument"),
        (["missing.jsonl"], "missing.jsonl: No such file"),
        (["comments.xlsx"], "expected .jsonl, .ndjson, .csv, .parquet"),
        (["comments.jsonl", "missing.csv"], "missing.csv: No such file"),
        (["broken.parquet"], "broken.parquet: not readable as Parquet"),
        (["comments.jsonl", "--model", "comments.jsonl"], "comments.jsonl"),
        (["comments.jsonl", "--model", "missing.hamgate"], "missing.hamgate"),
        (["comments.jsonl", "--jobs", "0"], "--jobs"),
        (["comments.jsonl", "--backend", "threads"], "--backend"),
    ],
)
def test_unusable_input_ends_with_2_and_no_output(
    command: click.Command,
    arguments: list[str],
    problem: str,
    comments: Path,
    small_model_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(comments.parent)
    comments.with_name("broken.parquet").write_bytes(b"PAR1")
    ran = _run(command, "--model", small_model_path, *arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert problem in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_missing_file_stops_the_work_on_the_files_before_it(tmp_path: Path, small_model_path: Path) -> None:
    many = tmp_path / "many.jsonl"
    many.write_bytes(b'{"text": "a"}\n' * 4_000)
    ran = _run(score, many, tmp_path / "missing.jsonl", "--model", small_model_path, "--jobs", 1)
    assert (ran.exit_code, ran.stdout) == (2, "")


@pytest.mark.parametrize("output", ["out.xlsx", "no/such/folder/out.csv"])
def test_an_output_that_cannot_be_written_ends_with_2(output: str, comments: Path, small_model_path: Path) -> None:
    ran = _run(score, comments, "-o", comments.parent / output, "--model", small_model_path)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert output in ran.stderr


def test_evaluate_writes_json_that_counts_what_score_decided(comments: Path, small_model_path: Path) -> None:
    ran = _run(evaluate, comments, "--model", small_model_path)
    assert ran.exit_code == 0
    assert ran.stderr == ""
    measured = json.loads(ran.stdout)
    assert measured["model"] == load(small_model_path).version
    assert (measured["pooled"]["spam"], measured["pooled"]["ham"]) == (2, 2)
    assert measured["files"][0]["path"] == str(comments)
    assert set(measured["by_source"]) == {"comments"}
    assert set(measured["by_site"]) == {"a", "b"}
    assert set(measured["by_language"]) == {"en", "zh"}
    stopped = [
        row for row in _lines(_run(score, comments, "--model", small_model_path).stdout) if _is_stopped_spam(row)
    ]
    assert measured["pooled"]["at_thresholds"]["block"]["spam_caught"]["count"] == len(stopped)


def _is_stopped_spam(row: dict[str, Any]) -> bool:
    return row["label"] == "spam" and row["decision"] in ("block", "discard")


def test_evaluate_skips_unlabelled_rows_and_names_wrong_labels(comments: Path, small_model_path: Path) -> None:
    with comments.open("ab") as stream:
        stream.write(b'{"text": "x"}\n{"text": "y", "label": "maybe"}\n')
    ran = _run(evaluate, comments, "--model", small_model_path)
    assert ran.exit_code == 1
    assert f"{comments}:6: label: found 'maybe'" in ran.stderr
    (file,) = json.loads(ran.stdout)["files"]
    assert (file["labelled"], file["unlabelled"], file["rejected"]) == (4, 1, 1)


def test_evaluate_without_a_single_label_ends_with_2(tmp_path: Path, small_model_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"text": "x"}\n')
    ran = _run(evaluate, path, "--model", small_model_path)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "no labelled comment" in ran.stderr


def test_a_report_holds_no_comment_unless_asked(comments: Path, small_model_path: Path) -> None:
    folder = comments.parent / "report"
    assert _run(evaluate, comments, "--model", small_model_path, "--report", folder).exit_code == 0
    text = (folder / "index.html").read_text("utf-8")
    assert not any(row["text"] in text for row in LABELLED)
    assert "Best SEO" not in text
    assert (
        _run(evaluate, comments, "--model", small_model_path, "--report", folder, "--show-mistakes", 1).exit_code == 0
    )
    text = (folder / "index.html").read_text("utf-8")
    assert sum(row["text"] in text for row in LABELLED) == 2


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    heavy = "numpy", "scipy", "sklearn", "pyarrow", "matplotlib", "joblib", "model.artifact"
    code = f"import sys, service.offline; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
