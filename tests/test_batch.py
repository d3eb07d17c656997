"""Batch scoring: one answer a row, in order, the same as a single check, however the work is spread."""

from __future__ import annotations

import importlib.util
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.artifact import ArtifactError, load
from model.comment import Comment
from training.batch import CHUNK_ROWS, SMALL_CHUNKS, BatchScorer, MissingBackendError, Scored
from training.formats.row import Rejected, Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXTS = (
    "Thank you, that helped me with my own build.",
    "Cheap loans and casino bonus at http://win-big.example/?x=1",
    "你好,写得很好",
    "",
)


def _rows(count: int) -> list[Row | Rejected]:
    return [Row("f", line, {"text": f"{TEXTS[line % 4]} {line}", "extra": line}) for line in range(1, count + 1)]


@pytest.fixture(scope="module")
def scorer(small_model_path: Path) -> BatchScorer:
    return BatchScorer(small_model_path, jobs=1)


FIELDS = st.fixed_dictionaries(
    {"text": st.text()},
    optional={
        "author": st.text(),
        "author_url": st.text(),
        "honeypot": st.none() | st.text(),
        "unknown": st.integers(),
    },
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(FIELDS, max_size=8))
def test_a_row_gets_the_answer_of_a_single_check(scorer: BatchScorer, rows: list[dict[str, Any]]) -> None:
    outcomes = list(scorer.score([Row("f", line, fields) for line, fields in enumerate(rows)]))
    for fields, outcome in zip(rows, outcomes, strict=True):
        verdict = scorer.filter.check(Comment.from_mapping(fields))
        assert isinstance(outcome, Scored)
        assert outcome.fields == {
            **fields,
            "score": verdict.score,
            "decision": verdict.decision.value,
            "reasons": [{"feature": r.feature, "weight": r.weight, "text": r.text} for r in verdict.reasons],
            "model": verdict.model,
        }


def test_rows_that_are_no_comments_keep_their_place(scorer: BatchScorer) -> None:
    rows = [
        Row("f", 1, {"text": "a"}),
        Rejected("f", 2, "not JSON"),
        Row("f", 3, {"author": "b"}),
        Row("f", 4, {"text": "c", "author": 5}),
        Row("f", 5, {"text": "d"}),
    ]
    outcomes = list(scorer.score(rows))
    assert [type(outcome) for outcome in outcomes] == [Scored, Rejected, Rejected, Rejected, Scored]
    assert [str(outcome) for outcome in outcomes if isinstance(outcome, Rejected)] == [
        "f:2: not JSON",
        "f:3: text: missing; it is the one required field",
        "f:4: author: found int, expected a string",
    ]


def test_a_second_run_replaces_the_answers_of_the_first(scorer: BatchScorer) -> None:
    old = {"text": "a", "score": 2.0, "decision": "none", "reasons": "old", "model": "old"}
    (outcome,) = scorer.score([Row("f", 1, old)])
    (fresh,) = scorer.score([Row("f", 1, {"text": "a"})])
    assert isinstance(outcome, Scored)
    assert isinstance(fresh, Scored)
    assert outcome.fields == fresh.fields


def test_many_processes_give_the_answers_of_one_in_the_same_order(small_model_path: Path, scorer: BatchScorer) -> None:
    rows = _rows(CHUNK_ROWS * (SMALL_CHUNKS + 12))
    rows[17] = Rejected("f", 18, "not JSON")
    rows[4_000] = Row("f", 4_001, {"text": None})
    in_parallel = list(BatchScorer(small_model_path, jobs=2).score(rows))
    assert in_parallel == list(scorer.score(rows))
    assert len(in_parallel) == len(rows)


def test_whoever_has_had_enough_may_stop(small_model_path: Path) -> None:
    outcomes = BatchScorer(small_model_path, jobs=2).score(iter(_rows(CHUNK_ROWS * 40)))
    assert isinstance(next(outcomes), Scored)
    outcomes.close()


def test_memory_does_not_grow_with_the_input(scorer: BatchScorer) -> None:
    def stream(count: int) -> Iterator[Row]:
        for line in range(count):
            yield Row("f", line, {"text": "a comment", "post_text": f"{line} " * 2_000})

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            assert sum(1 for _ in scorer.score(stream(count))) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # what is made once, is made
    few, many = peak(1_200), peak(4_800)
    assert many < 1.3 * few


def test_a_missing_or_damaged_model_is_refused_at_once(tmp_path: Path) -> None:
    damaged = tmp_path / "model.hamgate"
    damaged.write_bytes(b"no model")
    for path in (damaged, tmp_path / "missing.hamgate"):
        with pytest.raises((ArtifactError, OSError)):
            BatchScorer(path)


def test_an_unknown_backend_is_refused_with_the_known_ones(small_model_path: Path) -> None:
    with pytest.raises(ValueError, match="loky, dask, ray"):
        BatchScorer(small_model_path, backend="threads")


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_backend_that_is_not_installed_is_named_with_its_cure(backend: str, small_model_path: Path) -> None:
    if importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is installed")
    with pytest.raises(MissingBackendError, match=rf"{backend} is not installed.*hamgate\[cluster\]"):
        BatchScorer(small_model_path, backend=backend)


@pytest.mark.parametrize("backend", ["dask", "ray"])
@pytest.mark.filterwarnings("default")  # theirs, not ours
def test_a_cluster_gives_the_answers_of_one_process(backend: str, small_model_path: Path, scorer: BatchScorer) -> None:
    pytest.importorskip(backend)
    rows = _rows(3 * CHUNK_ROWS)
    assert list(BatchScorer(small_model_path, jobs=2, backend=backend).score(rows)) == list(scorer.score(rows))


def test_the_scorer_serves_the_model_of_the_file(small_model_path: Path, scorer: BatchScorer) -> None:
    assert scorer.filter.version == load(small_model_path).version
