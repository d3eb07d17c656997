"""Batch scoring: rows in, the same rows with their verdicts out, in order, on one core, many cores or a cluster.

Owns how rows are cut, sent and put together again. Every comment takes the path of a single check, so it gets the
same answer. Leaves reading and writing to ``formats``; joblib does the parallel work.
"""

from __future__ import annotations

import importlib.util
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import joblib

from model.artifact import load
from model.comment import InvalidCommentError
from training.formats.row import Rejected, Row, TrainingError
from training.labelled import comment_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    from model.artifact import Filter
    from model.comment import Comment
    from model.verdict import Verdict

BACKENDS = ("loky", "dask", "ray")
CHUNK_ROWS = 500
CHUNK_CHARACTERS = 1_000_000
SMALL_CHUNKS = 6  # up to 3,000 comments are done before worker processes have started and loaded the model
CHUNKS_PER_JOB = 4  # in a wave; the cores wait for each other once a wave, and two waves are in memory


class MissingBackendError(TrainingError):
    """The software of a parallel backend is not installed."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A row and what the model says of it: the fields ``score``, ``decision``, ``reasons`` and ``model``."""

    row: Row
    verdict: dict[str, Any]

    @property
    def fields(self) -> dict[str, Any]:
        """The row as it came with the verdict's fields; those of an earlier run are replaced."""
        return {**self.row.fields, **self.verdict}


class BatchScorer:
    """Scores any number of rows with one model file, in flat memory.

    ``jobs`` is the number of processes. On a cluster every machine must find the model file under the same path.

    Raises:
        ArtifactError: the model file is refused.
        MissingBackendError: the backend is not installed.
    """

    def __init__(self, model: Path, *, jobs: int | None = None, backend: str = "loky") -> None:
        if backend not in BACKENDS:
            raise ValueError(f"found backend {backend!r}, expected one of {', '.join(BACKENDS)}")
        if backend != "loky" and importlib.util.find_spec(backend) is None:
            raise MissingBackendError(f"{backend} is not installed; pip install 'hamgate[cluster]' brings it")
        self.model = model
        self.jobs = jobs or joblib.cpu_count()
        self.backend = backend
        self.filter = load(model)

    def score(self, rows: Iterable[Row | Rejected]) -> Generator[Scored | Rejected]:
        """Yield one outcome a row, in order; a row that is no comment is rejected, one already rejected passes."""
        chunks = _chunks(rows)
        head = list(islice(chunks, SMALL_CHUNKS))
        is_small = self.backend == "loky" and (self.jobs == 1 or len(head) < SMALL_CHUNKS)
        everything = chain(head, chunks)
        if not is_small:
            yield from self._scored_in_parallel(everything)
            return
        for chunk in everything:
            yield from _joined(chunk, _answers(self.filter, _sent(chunk)))

    def _scored_in_parallel(self, chunks: Iterator[list[Row | Rejected]]) -> Iterator[Scored | Rejected]:
        """Work in waves: while one is scored the next is read, and no more than two are in memory."""
        with _started(self.backend, self.jobs), self._parallel() as parallel:
            running: Iterator[Scored | Rejected] = iter(())
            try:
                while wave := list(islice(chunks, CHUNKS_PER_JOB * self.jobs)):
                    yield from running
                    running = self._wave(parallel, wave)
                yield from running
            finally:  # joblib is loud about a wave that is left half done
                deque(running, maxlen=0)

    def _wave(self, parallel: Any, wave: list[list[Row | Rejected]]) -> Iterator[Scored | Rejected]:
        """Start scoring a wave and return its outcomes to come."""
        task = joblib.delayed(_answers_of_worker)
        answers = parallel(task(self.model, self.filter.version, _sent(chunk)) for chunk in wave)
        return chain.from_iterable(map(_joined, wave, answers))

    def _parallel(self) -> Any:
        return_as = "list" if self.backend == "ray" else "generator"  # ray's backend knows no generators
        with joblib.parallel_config(backend=self.backend):
            return joblib.Parallel(n_jobs=self.jobs, return_as=return_as, batch_size=1, pre_dispatch="all")


def _chunks(rows: Iterable[Row | Rejected]) -> Iterator[list[Row | Rejected]]:
    """Cut rows into lists of up to 500 comments or a million characters, whichever comes first."""
    chunk: list[Row | Rejected] = []
    characters = 0
    for row in rows:
        chunk.append(row)
        if isinstance(row, Row):
            characters += sum(len(value) for value in row.fields.values() if isinstance(value, str))
        if len(chunk) >= CHUNK_ROWS or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _sent(chunk: list[Row | Rejected]) -> list[dict[str, Any]]:
    return [row.fields for row in chunk if isinstance(row, Row)]


def _joined(chunk: list[Row | Rejected], answers: Sequence[dict[str, Any] | str]) -> Iterator[Scored | Rejected]:
    """Put answers back to their rows; an answer that is text says why the row is no comment."""
    coming = iter(answers)
    for row in chunk:
        if isinstance(row, Rejected):
            yield row
            continue
        answer = next(coming)
        yield Rejected(row.source, row.line, answer) if isinstance(answer, str) else Scored(row, answer)


def _answers(model: Filter, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any] | str]:
    """Return each row's verdict as plain fields, which cross process borders cheaply, or what is wrong with it."""
    parsed = [_parsed(fields) for fields in rows]
    verdicts = iter(model.check_many([comment for comment in parsed if not isinstance(comment, str)]))
    return [comment if isinstance(comment, str) else _plain(next(verdicts)) for comment in parsed]


def _answers_of_worker(model: Path, version: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any] | str]:
    return _answers(_loaded(model, version), rows)


@lru_cache(maxsize=1)
def _loaded(model: Path, version: str) -> Filter:
    """Load once a worker process, which may outlive the call and meet another version under the same path."""
    loaded = load(model)
    if loaded.version != version:
        raise TrainingError(f"{model}: found version {loaded.version}, expected {version}")
    return loaded


def _parsed(fields: dict[str, Any]) -> Comment | str:
    try:
        return comment_of(fields)
    except InvalidCommentError as error:
        return str(error)


def _plain(verdict: Verdict) -> dict[str, Any]:
    return {
        "score": verdict.score,
        "decision": verdict.decision.value,
        "reasons": [
            {"feature": reason.feature, "weight": reason.weight, "text": reason.text} for reason in verdict.reasons
        ],
        "model": verdict.model,
    }


@contextmanager
def _started(backend: str, jobs: int) -> Iterator[None]:
    """Connect to the cluster that the environment names (``DASK_SCHEDULER_ADDRESS``, ``RAY_ADDRESS``), or start one.

    loky's worker processes need no start.
    """
    if backend == "dask":
        import dask
        from dask.distributed import Client

        is_remote = dask.config.get("scheduler-address", None) is not None
        with Client() if is_remote else Client(n_workers=jobs, threads_per_worker=1, dashboard_address=None):
            yield
    elif backend == "ray":
        import ray
        from ray.util.joblib import register_ray

        ray.init(log_to_driver=False, configure_logging=False, ignore_reinit_error=True)
        register_ray()
        try:
            yield
        finally:
            ray.shutdown()
    else:
        yield
