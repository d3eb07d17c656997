"""What Prometheus is told of the last survey."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from service.drift import Drift
from service.metrics import Metrics
from training.database import Database
from training.jobs import Jobs

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = {
    "date": "2026-05-01",
    "model": "a" * 16,
    "decisions": {"allow": 70, "block": 30},
    "labelled": 20,
    "missed": 3,
    "wronged": 1,
    "shift": 0.31,
    "from_training": {"score": 0.02, "script": 0.4},
}


def finish_survey(jobs: Jobs, **found: object) -> None:
    number = jobs.ask("survey", {}, NOW, "ann")
    jobs.take("here", NOW)
    survey = {"model": "a" * 16, "days": [DAY, {**DAY, "model": "b" * 16, "labelled": 999}], "signs_of_age": []}
    jobs.finish(number, "", {**survey, **found}, NOW + timedelta(seconds=5))


def told(jobs: Jobs) -> str:
    metrics = Metrics()
    metrics.add(Drift(jobs))
    return metrics.exposition().decode()


def test_drift_and_overturned_decisions_of_the_served_version_are_gauges(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path / 'jobs.sqlite3'}") as database:
        jobs = Jobs(database)
        assert "hamgate_drift" not in told(jobs)
        finish_survey(jobs)
        finish_survey(jobs, signs_of_age=["people overturned more"])
        lines = told(jobs).splitlines()
    for line in (
        "hamgate_model_aged 1.0",
        "hamgate_overturned_share 0.2",
        'hamgate_day_decisions{decision="block"} 30.0',
        'hamgate_drift{against="before",feature="score"} 0.31',
        'hamgate_drift{against="training",feature="script"} 0.4',
        f"hamgate_survey_time_seconds {(NOW + timedelta(seconds=5)).timestamp()}",
    ):
        name, _, value = line.rpartition(" ")
        (found,) = (other for other in lines if other.rpartition(" ")[0] == name)
        assert float(found.rpartition(" ")[2]) == float(value)
