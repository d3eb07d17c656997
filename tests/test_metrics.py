"""What Prometheus is told, by one application and by several workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from conftest import Service, answers, wait_until
from prometheus_client.parser import text_string_to_metric_families

from model.verdict import Decision, Verdict
from service import metrics as metrics_module
from service.metrics import DIRECTORY_VARIABLE, SCORE_BUCKETS, Metrics, MetricsWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask.testing import FlaskClient

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(exposition: str) -> Samples:
    """Read an exposition: sample name and labels to value."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found.get((name, frozenset(labels.items())), 0.0)


def scraped(service: Service) -> Samples:
    return samples(service.call("GET", "/metrics").body.decode())


def workers_of(service: Service) -> set[int]:
    """Return the process ids of the workers; Python's resource tracker is a child too."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(service.process.pid)],
        capture_output=True,
        text=True,
        check=True,
    )
    return {int(line.split()[0]) for line in listed.stdout.splitlines() if "spawn_main" in line}


def test_requests_decisions_scores_and_the_model_are_counted(client: FlaskClient) -> None:
    decision = client.post("/v1/check", json={"text": "hi"}).json["decision"]
    model = client.post("/v1/check/batch", json={"comments": [{"text": "hi"}, {}]}).json["verdicts"][0]["model"]
    client.post("/v1/check", data=b"{")
    client.get("/nope/one")
    client.get("/nope/two")
    found = samples(client.get("/metrics").text)
    assert value(found, "hamgate_requests_total", route="/v1/check", status="200") == 1
    assert value(found, "hamgate_requests_total", route="/v1/check", status="415") == 1
    assert value(found, "hamgate_requests_total", route="/v1/check/batch", status="200") == 1
    assert value(found, "hamgate_requests_total", route="other", status="404") == 2
    assert value(found, "hamgate_request_duration_seconds_count", route="/v1/check") == 2
    assert value(found, "hamgate_decisions_total", decision=decision) == 2
    assert value(found, "hamgate_score_count") == 2
    assert value(found, "hamgate_requests_in_progress") == 1
    assert value(found, "hamgate_model_info", version=model) == 1


def test_what_all_workers_counted_is_added_up(service: Service) -> None:
    before = scraped(service)
    for _ in range(40):
        assert service.check("hi").status == 200
    service.call("POST", "/v1/check/batch", json.dumps({"comments": [{"text": "hi"}] * 25}).encode())
    after = scraped(service)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("hamgate_requests_total", route="/v1/check", status="200") == 40
    assert grown("hamgate_request_duration_seconds_count", route="/v1/check") == 40
    assert grown("hamgate_score_count") == 65
    assert (
        sum(grown("hamgate_decisions_total", decision=name) for name in ("allow", "review", "block", "discard")) == 65
    )


def test_what_is_noted_while_a_worker_writes_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker says when it began to write; its end would promise notes that came too late to be in it."""
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    metrics = Metrics()
    MetricsWriter(metrics)
    (written,) = tmp_path.iterdir()
    moments: list[int] = []

    def observe_all(_: list[float]) -> None:
        moments.append(time.time_ns())
        time.sleep(0.05)

    monkeypatch.setattr(metrics._scores, "observe_all", observe_all)
    metrics.note_verdict(Verdict(Decision.ALLOW, 0.25, (), "0123456789abcdef"))
    began = time.time_ns()
    metrics.write()
    assert began <= written.stat().st_mtime_ns <= moments[0]


@pytest.mark.parametrize("amounts", [[], [0.0, 0.001, 0.0010001, 0.5, 1.0], [0.999, 0.2, 0.2, 7.0]])
def test_many_amounts_at_once_are_counted_as_one_by_one(amounts: list[float]) -> None:
    together, apart = Metrics(), Metrics()
    together._scores.observe_all(amounts)
    for amount in amounts:
        apart._scores.observe(amount)
    one, other = (samples(metrics.exposition().decode()) for metrics in (together, apart))
    scored = [key for key in one if key[0].startswith("hamgate_score") and key[0] != "hamgate_score_created"]
    assert len(scored) > len(SCORE_BUCKETS)
    assert [one[key] for key in scored] == pytest.approx([other[key] for key in scored])


def test_a_writer_outlives_what_goes_wrong(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(metrics_module, "WRITE_EVERY_SECONDS", 0.01)
    metrics, rounds = Metrics(), iter(range(1_000))

    def write() -> None:
        if next(rounds) < 3:
            raise OSError("no space left")

    monkeypatch.setattr(metrics, "write", write)
    writer = MetricsWriter(metrics)
    writer.start()
    wait_until(lambda: next(rounds) > 6)
    writer.close()
    assert caplog.text.count("metrics can't be written") == 1


def test_notes_that_nobody_writes_are_written_when_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_module, "MOST_NOTES", 5)
    metrics = Metrics()
    for number in range(12):
        metrics.note_answered(str(number), "/v1/check", 200, 0.001)
        metrics.note_verdict(Verdict(Decision.ALLOW, 0.25, (), "0123456789abcdef"))
    assert max(len(metrics._answered), len(metrics._judged)) < 5
    found = samples(metrics.exposition().decode())
    assert value(found, "hamgate_requests_total", route="/v1/check", status="200") == 12
    assert value(found, "hamgate_decisions_total", decision="allow") == 12


def test_a_killed_worker_is_replaced_and_its_counts_stay(start: Callable[..., Service]) -> None:
    service = start("--workers", "2")
    for _ in range(20):
        service.check("hi")
    assert value(scraped(service), "hamgate_requests_total", route="/v1/check", status="200") == 20
    before = workers_of(service)
    assert len(before) == 2
    os.kill(min(before), signal.SIGKILL)
    wait_until(lambda: len(workers_of(service) - before) == 1)
    wait_until(lambda: answers(service, "/readyz"))
    found = scraped(service)
    assert value(found, "hamgate_requests_total", route="/v1/check", status="200") == 20
    assert value(found, "hamgate_requests_in_progress") == 1
