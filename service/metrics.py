"""What Prometheus is told: requests, latencies, decisions, scores and the model's version.

Owns names, labels and buckets, and adding up what several worker processes count in ``PROMETHEUS_MULTIPROC_DIR``
(https://prometheus.github.io/client_python/multiprocess/). Leaves making and emptying that directory to ``server``.

Requests and verdicts are noted in memory, and counted in that directory a few times a second, since counting one there
takes a tenth of the time that a check takes. Who asks for the metrics waits until all workers have written what they
had noted; a worker that is killed takes the notes of the last moment with it.
"""

from __future__ import annotations

import logging
import os
import time
from bisect import bisect_left
from collections import Counter as Tally
from collections import defaultdict, deque
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from service.background import Background

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from model.verdict import Verdict

PATH = "/metrics"
DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_BUCKETS_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
SCORE_BUCKETS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1)
WRITE_EVERY_SECONDS = 0.25
MOST_NOTES = 10_000
"""Where nobody writes them in time, they are written when there are so many."""
PATIENCE_SECONDS = 2.0
"""So long the other workers have to write theirs."""

_log = logging.getLogger("hamgate.metrics")


class Metrics:
    """The counters of one worker. Labelled children are kept, for finding one costs more than counting."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._shared = CollectorRegistry()
        self._lock = Lock()
        self._being_answered: set[str] = set()
        self._answered: deque[tuple[str, int, float]] = deque()
        self._judged: deque[tuple[str, float]] = deque()
        self._in_progress = Gauge(
            "hamgate_requests_in_progress",
            "Requests being answered.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._requests = Counter("hamgate_requests", "Requests answered.", ["route", "status"], registry=self._registry)
        self._seconds = _Histogram(
            "hamgate_request_duration_seconds",
            "Time from the whole request to the answer.",
            ["route"],
            registry=self._registry,
            buckets=LATENCY_BUCKETS_SECONDS,
        )
        self._decisions = Counter("hamgate_decisions", "Comments checked.", ["decision"], registry=self._registry)
        self._scores = _Histogram(
            "hamgate_score", "Scores of the comments checked.", registry=self._registry, buckets=SCORE_BUCKETS
        )
        self._model = Gauge(
            "hamgate_model_info",
            "1 for the version of the served model.",
            ["version"],
            registry=self._registry,
            multiprocess_mode="livemax",
        )
        self._model_trouble = Gauge(
            "hamgate_model_trouble",
            "1 where the promoted version can't be loaded, so that an older one is served.",
            registry=self._registry,
            multiprocess_mode="livemax",
        )
        self._overturned = Counter(
            "hamgate_overturned",
            "Decisions that a label of the same check contradicts.",
            ["decision", "label"],
            registry=self._registry,
        )
        self._callbacks = Counter(
            "hamgate_callbacks", "Messages to sites of changed verdicts.", ["outcome"], registry=self._registry
        )

    def note_begun(self, request_id: str) -> None:
        """Note that a request is being answered."""
        self._being_answered.add(request_id)

    def note_answered(self, request_id: str, route: str, status: int, seconds: float) -> None:
        """Note an answered request; ``route`` must come from a bounded set."""
        self._being_answered.discard(request_id)
        self._answered.append((route, status, seconds))
        if len(self._answered) >= MOST_NOTES:
            self.write()

    def note_verdict(self, verdict: Verdict) -> None:
        """Note a checked comment."""
        self._judged.append((verdict.decision, verdict.score))
        if len(self._judged) >= MOST_NOTES:
            self.write()

    def write(self) -> None:
        """Count what was noted until now where all workers count."""
        with self._lock:
            began = time.time_ns()
            requests, seconds_of = Tally[tuple[str, int]](), defaultdict[str, list[float]](list)
            decisions, scores = Tally[str](), list[float]()
            for _ in range(len(self._answered)):
                route, status, seconds = self._answered.popleft()
                requests[route, status] += 1
                seconds_of[route].append(seconds)
            for _ in range(len(self._judged)):
                decision, score = self._judged.popleft()
                decisions[decision] += 1
                scores.append(score)
            for (route, status), count in requests.items():
                self._requests.labels(route, status).inc(count)
            for route, taken in seconds_of.items():
                self._seconds.labels(route).observe_all(taken)
            for decision, count in decisions.items():
                self._decisions.labels(decision).inc(count)
            self._scores.observe_all(scores)
            self._in_progress.set(len(self._being_answered))
            directory = _directory()
            if directory is not None:
                with suppress(OSError):  # nobody waits for who has no writer, or at the end, when all of it is gone
                    os.utime(_written_file(directory), ns=(began, began))

    def count_label(self, decision: str, label: str) -> None:
        """Count a label of a check, if it says that the decision was wrong."""
        if (decision == "allow") != (label == "ham"):
            self._overturned.labels(decision, label).inc()

    def count_callback(self, outcome: str) -> None:
        """Count an attempt to tell a site of changed verdicts."""
        self._callbacks.labels(outcome).inc()

    def name_model(self, version: str, before: str | None = None) -> None:
        """Say which model this worker serves, and no longer."""
        if before is not None:
            self._model.labels(before).set(0)
        self._model.labels(version).set(1)

    def note_model_trouble(self, is_troubled: bool) -> None:
        """Say whether an older model than the promoted one is served."""
        self._model_trouble.set(int(is_troubled))

    def add(self, collector: Collector) -> None:
        """Have told what is the same whichever worker is asked."""
        self._shared.register(collector)

    def exposition(self) -> bytes:
        """Write down what all workers counted, in Prometheus's text format."""
        return self._counted() + generate_latest(self._shared)

    def _counted(self) -> bytes:
        self.write()
        directory = _directory()
        if directory is None:
            return generate_latest(self._registry)
        _wait_for_others(directory)
        _forget_the_dead(directory)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(directory))  # type: ignore[no-untyped-call]  # the library leaves it untyped
        return generate_latest(registry)


class _Histogram(Histogram):
    """Counts many amounts at once: to look for a count's place in the shared file takes longer than to count."""

    def observe_all(self, amounts: list[float]) -> None:
        """Observe each of the amounts."""
        for place, count in Tally(bisect_left(self._upper_bounds, amount) for amount in amounts).items():
            self._buckets[place].inc(count)
        self._sum.inc(sum(amounts))


class MetricsWriter(Background):
    """Writes a worker's notes; when it is closed, the last ones."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__("metrics")
        self._metrics = metrics
        self._fails = False
        directory = _directory()
        if directory is not None:
            _written_file(directory).touch()

    def _work(self) -> None:
        while not self._stopping.wait(WRITE_EVERY_SECONDS):
            self._write()
        self._write()

    def _write(self) -> None:
        try:
            self._metrics.write()
            self._fails = False
        except Exception:
            if not self._fails:
                _log.exception("metrics can't be written")
            self._fails = True


_WRITTEN = "written-"
"""Begins the name of a worker's file that says by its time when the worker last began to write, and ends with its
process's id. What is noted while it writes is in the next writing."""


def _directory() -> Path | None:
    directory = os.environ.get(DIRECTORY_VARIABLE)
    return None if directory is None else Path(directory)


def _written_file(directory: Path) -> Path:
    return directory / f"{_WRITTEN}{os.getpid()}"


def _wait_for_others(directory: Path) -> None:
    """Wait until every other worker that lives has written since now, or seems not to be able to."""
    now, ends, own = time.time_ns(), time.monotonic() + PATIENCE_SECONDS, _written_file(directory)
    others = [path for path in directory.glob(f"{_WRITTEN}*") if path != own]
    while time.monotonic() < ends:
        late = (path for path in others if path.stat().st_mtime_ns < now)
        if not any(_lives(int(path.name.removeprefix(_WRITTEN))) for path in late):
            return
        time.sleep(WRITE_EVERY_SECONDS / 10)


def _forget_the_dead(directory: Path) -> None:
    """Drop the gauges of workers that are gone, however they went; their counters stay in the sums."""
    for path in directory.glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not _lives(pid):
            mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]  # the library leaves it untyped


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
