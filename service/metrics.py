"""What Prometheus is told: requests, latencies, decisions, scores and the model's version.

Owns names, labels and buckets, and adding up what several worker processes count in ``PROMETHEUS_MULTIPROC_DIR``
(https://prometheus.github.io/client_python/multiprocess/). Leaves making and emptying that directory to ``server``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from model.verdict import Verdict

PATH = "/metrics"
DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_BUCKETS_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
SCORE_BUCKETS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1)


class Metrics:
    """The counters of one worker. Labelled children are kept, for finding one costs more than counting."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._shared = CollectorRegistry()
        self.in_progress = Gauge(
            "hamgate_requests_in_progress",
            "Requests being answered.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._requests = Counter("hamgate_requests", "Requests answered.", ["route", "status"], registry=self._registry)
        self._seconds = Histogram(
            "hamgate_request_duration_seconds",
            "Time from the whole request to the answer.",
            ["route"],
            registry=self._registry,
            buckets=LATENCY_BUCKETS_SECONDS,
        )
        self._decisions = Counter("hamgate_decisions", "Comments checked.", ["decision"], registry=self._registry)
        self._scores = Histogram(
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
        self._requests_of: dict[tuple[str, int], Counter] = {}
        self._seconds_of: dict[str, Histogram] = {}
        self._decisions_of: dict[str, Counter] = {}

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request; ``route`` must come from a bounded set."""
        requests = self._requests_of.get((route, status))
        if requests is None:
            requests = self._requests_of[route, status] = self._requests.labels(route, status)
        latency = self._seconds_of.get(route)
        if latency is None:
            latency = self._seconds_of[route] = self._seconds.labels(route)
        requests.inc()
        latency.observe(seconds)

    def count_verdict(self, verdict: Verdict) -> None:
        """Count a checked comment."""
        decisions = self._decisions_of.get(verdict.decision)
        if decisions is None:
            decisions = self._decisions_of[verdict.decision] = self._decisions.labels(verdict.decision)
        decisions.inc()
        self._scores.observe(verdict.score)

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
        directory = os.environ.get(DIRECTORY_VARIABLE)
        if directory is None:
            return generate_latest(self._registry)
        _forget_the_dead(Path(directory))
        registry = CollectorRegistry()
        MultiProcessCollector(registry, directory)  # type: ignore[no-untyped-call]  # the library leaves it untyped
        return generate_latest(registry)


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
