"""What the last survey found, for Prometheus: how far comments have moved, and how much of what was decided falls.

A survey reads all remembered checks, in a job of its own; here only what it found is read, once a minute at most.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from training.database import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.jobs import Jobs

READ_EVERY_SECONDS = 60.0
RECENT_DAYS = 7

_log = logging.getLogger("hamgate.drift")


class Drift(Collector):
    """Reads the newest survey and yields gauges; while the database is away, those of before."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._read_at = -READ_EVERY_SECONDS
        self._number = 0
        self._survey: dict[str, Any] | None = None
        self._surveyed_at = 0.0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield what the newest survey found; nothing before the first."""
        if time.monotonic() - self._read_at >= READ_EVERY_SECONDS:
            self._read_at = time.monotonic()
            self._read()
        if self._survey is not None:
            yield from _gauges(self._survey, self._surveyed_at)

    def _read(self) -> None:
        try:
            job = self._jobs.newest("survey", ["done"])
            if job is not None and job.ended_at is not None and job.number != self._number:
                self._survey = self._jobs.outcome(job.number)
                self._number, self._surveyed_at = job.number, job.ended_at.timestamp()
        except StoreError as error:
            _log.error("the last survey can't be read: %s", error)


def _gauges(survey: dict[str, Any], surveyed_at: float) -> Iterator[GaugeMetricFamily]:
    yield _gauge("hamgate_survey_time_seconds", "When the last survey ended, in seconds since 1970.", surveyed_at)
    aged = float(bool(survey["signs_of_age"]))
    yield _gauge("hamgate_model_aged", "1 where the last survey says that the served version has aged.", aged)
    days = [day for day in survey["days"] if day["model"] == survey["model"]]
    labelled = sum(day["labelled"] for day in days[-RECENT_DAYS:])
    if labelled:
        overturned = sum(day["missed"] + day["wronged"] for day in days[-RECENT_DAYS:])
        explained = "Share of the labelled decisions of the version's last 7 days that people overturned."
        yield _gauge("hamgate_overturned_share", explained, overturned / labelled)
    for day in days[-1:]:
        decisions = GaugeMetricFamily(
            "hamgate_day_decisions", "Comments checked on the last day surveyed.", labels=["decision"]
        )
        for decision, count in day["decisions"].items():
            decisions.add_metric([decision], count)
        yield decisions
        yield _drift(day)


def _drift(day: dict[str, Any]) -> GaugeMetricFamily:
    drift = GaugeMetricFamily(
        "hamgate_drift",
        "Population stability index of the last day surveyed: against the version's days before, or its training.",
        labels=["against", "feature"],
    )
    if day["shift"] is not None:
        drift.add_metric(["before", "score"], day["shift"])
    for feature, index in (day["from_training"] or {}).items():
        drift.add_metric(["training", feature], index)
    return drift


def _gauge(name: str, explained: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, explained, value=value)
