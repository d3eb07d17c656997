"""Work beside the service: who may run it, how it is followed, and that none of it ends in silence."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from comments import campaign, conversation
from conftest import stop_service, wait_until

from training.database import Database
from training.jobs import LOST_AFTER, WAITS_AT_MOST, Due, Jobs, UnderWayError
from training.labels import GivenLabel, LabelStore
from training.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Service

    from training.jobs import Job

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as opened:
        yield opened


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database)


def test_a_job_is_asked_for_taken_up_followed_and_done(jobs: Jobs) -> None:
    number = jobs.ask("trial", {"version": "ab"}, NOW, "ann")
    waiting = jobs.find(number)
    assert waiting is not None
    assert (waiting.state, waiting.asked_by, waiting.request, waiting.has_ended) == (
        "waiting",
        "ann",
        {"version": "ab"},
        False,
    )
    assert jobs.outcome(number) is None
    taken = jobs.take("here", NOW + timedelta(seconds=1))
    assert taken is not None
    assert (taken.number, taken.state, taken.host) == (number, "running", "here")
    assert jobs.report(number, 0.25, "halfway to half", NOW + timedelta(seconds=2))
    seen = jobs.find(number)
    assert seen is not None
    assert (seen.progress, seen.message, seen.heard_at) == (0.25, "halfway to half", NOW + timedelta(seconds=2))
    assert jobs.finish(number, "that was it", {"found": 3}, NOW + timedelta(seconds=3))
    done = jobs.newest("trial", ["done"])
    assert done is not None
    assert (done.state, done.progress, done.ended_at) == ("done", 1.0, NOW + timedelta(seconds=3))
    assert jobs.outcome(number) == {"found": 3}
    assert not jobs.report(number, 0.5, "still", NOW)
    assert not jobs.fail(number, "late", NOW)


def test_one_of_a_kind_runs_at_a_time_over_all_hosts(jobs: Jobs) -> None:
    first = jobs.ask("import", {}, NOW, "ann", queue=True)
    second = jobs.ask("import", {}, NOW, "bob", queue=True)
    other = jobs.ask("survey", {}, NOW, "bob")
    numbers = [job and job.number for job in (jobs.take(host, NOW) for host in ("a", "b", "c"))]
    assert numbers == [first, other, None]
    jobs.fail(first, "no", NOW)
    taken = jobs.take("b", NOW)
    assert taken is not None
    assert taken.number == second


def test_a_kind_under_way_is_not_asked_for_twice(jobs: Jobs) -> None:
    jobs.ask("retrain", {}, NOW, "ann")
    with pytest.raises(UnderWayError, match="ann has asked for that already"):
        jobs.ask("retrain", {}, NOW, "bob")
    jobs.take("here", NOW)
    with pytest.raises(UnderWayError):
        jobs.ask("retrain", {}, NOW, "bob")


def test_a_job_that_needs_a_host_waits_for_it(jobs: Jobs) -> None:
    number = jobs.ask("import", {}, NOW, "ann", host="there")
    assert jobs.take("here", NOW) is None
    taken = jobs.take("there", NOW)
    assert taken is not None
    assert taken.number == number


def test_many_hosts_take_up_a_job_once(url: str) -> None:
    with Database(url) as opened:
        for kind in ("a", "b", "c"):
            Jobs(opened).ask(kind, {}, NOW, "ann")
    taken: list[Job] = []

    def take(host: str) -> None:
        with Database(url) as own:
            while (job := Jobs(own).take(host, NOW)) is not None:
                taken.append(job)

    threads = [Thread(target=take, args=(str(index),)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(job.kind for job in taken) == ["a", "b", "c"]


def test_a_job_that_nobody_hears_of_has_failed(jobs: Jobs) -> None:
    silent, waiting = jobs.ask("retrain", {}, NOW, "ann"), jobs.ask("import", {}, NOW, "ann", host="gone")
    jobs.take("here", NOW)
    assert jobs.fail_lost(NOW + LOST_AFTER) == []
    jobs.report(silent, 0.1, "on it", NOW + LOST_AFTER)
    assert jobs.fail_lost(NOW + 2 * LOST_AFTER) == []
    assert jobs.fail_lost(NOW + 2 * LOST_AFTER + timedelta(seconds=1)) == [silent]
    assert jobs.fail_lost(NOW + WAITS_AT_MOST + timedelta(seconds=1)) == [waiting]
    failed = [jobs.find(number) for number in (silent, waiting)]
    assert [job and job.state for job in failed] == ["failed", "failed"]
    assert [job and job.message for job in failed] == [
        "the service that ran it was killed, or its machine stopped; ask again",
        "no host of the service took it up",
    ]
    assert jobs.ask("retrain", {}, NOW, "bob")


def test_the_clock_asks_once_an_interval_whoever_looks(jobs: Jobs) -> None:
    due = Due(timedelta(hours=1), NOW)
    assert not jobs.ask_when_due("survey", {}, NOW + timedelta(minutes=59), "schedule", due)
    assert jobs.ask_when_due("survey", {}, NOW + timedelta(minutes=60), "schedule", due)
    later = NOW + timedelta(minutes=150)
    assert not jobs.ask_when_due("survey", {}, later, "schedule", due), "the first one still waits"
    job = jobs.take("here", later)
    assert job is not None
    jobs.finish(job.number, "", {}, later)
    assert jobs.ask_when_due("survey", {}, later, "schedule", due)
    assert not jobs.ask_when_due("survey", {}, later, "schedule", due)


def test_old_jobs_are_forgotten_and_outcomes_when_somebody_is_erased(jobs: Jobs) -> None:
    old = jobs.ask("trial", {}, NOW, "ann")
    jobs.take("here", NOW)
    jobs.finish(old, "", {"text": "Ann's words"}, NOW)
    new = jobs.ask("trial", {}, NOW, "ann")
    jobs.take("here", NOW)
    jobs.finish(new, "", {"text": "Ann's words"}, NOW + timedelta(days=1))
    assert jobs.forget(NOW + timedelta(hours=1)) == 1
    assert jobs.find(old) is None
    jobs.forget_outcomes()
    assert jobs.find(new) is not None
    assert jobs.outcome(new) is None


def label(service: Service, count: int = 200) -> None:
    with Database(service.database) as database:
        labels = [
            GivenLabel("local", one, "spam" if number < count else "ham", "ann", NOW + timedelta(seconds=number % 97))
            for number, one in enumerate([*campaign(count), *conversation(count)])
        ]
        LabelStore(database).add(labels)


def ended(database: Database, number: int) -> Job:
    def has_ended() -> bool:
        job = Jobs(database).find(number)
        return job is not None and job.has_ended

    wait_until(has_ended, seconds=300)
    job = Jobs(database).find(number)
    assert job is not None
    return job


def test_a_running_service_does_what_was_asked_and_shows_how_far_it_is(start: Callable[..., Service]) -> None:
    service = start()
    label(service, 1_000)
    with Database(service.database) as database:
        jobs, seen = Jobs(database), set[float]()
        number = jobs.ask("retrain", {}, datetime.now(UTC), "ann")

        def has_ended() -> bool:
            job = jobs.find(number)
            seen.add(job.progress if job else -1.0)
            return job is not None and job.has_ended

        wait_until(has_ended, seconds=300)
        job = jobs.find(number)
        assert job is not None
        assert (job.state, job.message.startswith("made version ")) == ("done", True), job.message
        assert len(seen - {0.0, 1.0}) >= 1, seen
        outcome = jobs.outcome(number)
        assert outcome is not None
        (version,) = Registry(database).versions()
        assert (version.version, version.added_by) == (outcome["version"], "ann")
        assert Registry(database).served() is None, "a person promotes"
        assert outcome["gate"]["candidate"] == version.version
        assert outcome["shadow"]["checks"] == 0


def test_a_job_that_cannot_be_done_says_why(start: Callable[..., Service]) -> None:
    service = start()
    with Database(service.database) as database:
        job = ended(database, Jobs(database).ask("retrain", {}, datetime.now(UTC), "ann"))
    assert job.state == "failed"
    assert job.message == "found 0 spam and 0 ham to learn from, expected both; label more comments"


def running_job(service: Service, database: Database) -> tuple[int, int]:
    """Start a job that takes long, and return its number and its process."""
    number = Jobs(database).ask("retrain", {}, datetime.now(UTC), "ann")
    found: list[int] = []

    def has_process() -> bool:
        found.extend(
            child for child in children_of(service.process.pid) if arguments_of(child)[-2:] == ["job", str(number)]
        )
        return bool(found)

    wait_until(has_process)
    return number, found[0]


def children_of(process: int) -> list[int]:
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for listed in lists for child in listed.read_text().split()]


def arguments_of(process: int) -> list[str]:
    return Path(f"/proc/{process}/cmdline").read_bytes().decode().split("\0")[:-1]


def test_a_job_whose_process_is_killed_has_failed(start: Callable[..., Service]) -> None:
    service = start()
    label(service, 1_000)
    with Database(service.database) as database:
        number, process = running_job(service, database)
        assert os.getpriority(os.PRIO_PROCESS, process) == 19
        os.kill(process, signal.SIGKILL)
        job = ended(database, number)
    assert (job.state, job.message) == ("failed", "its process ended without a word, with status -9")


def test_a_job_ends_with_the_service_and_says_so(start: Callable[..., Service]) -> None:
    service = start()
    label(service, 1_000)
    with Database(service.database) as database:
        number, process = running_job(service, database)
        stop_service(service)
        job = Jobs(database).find(number)
        assert job is not None
        assert (job.state, job.message) == ("failed", "the service was stopped while it ran; ask again")
        wait_until(lambda: not Path(f"/proc/{process}").exists())


def test_a_job_of_a_service_that_was_killed_ends_and_fails_after_the_restart(start: Callable[..., Service]) -> None:
    service = start()
    label(service, 1_000)
    with Database(service.database) as database:
        number, process = running_job(service, database)
        service.process.kill()
        service.process.wait()
        wait_until(lambda: not Path(f"/proc/{process}").exists())
        start()
        job = ended(database, number)
        assert (job.state, job.message) == (
            "failed",
            "the service that ran it was killed, or its machine stopped; ask again",
        )


def test_nothing_of_a_comment_is_logged_by_a_job(start: Callable[..., Service]) -> None:
    service = start()
    label(service, 40)
    with Database(service.database) as database:
        ended(database, Jobs(database).ask("retrain", {}, datetime.now(UTC), "ann"))
        wait_until(lambda: any("job 1 (retrain)" in str(line.get("message")) for line in service.lines()))
    log = json.dumps(service.lines())
    assert not [one.text for one in [*campaign(40), *conversation(40)] if one.text[:30] in log]
