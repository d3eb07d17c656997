"""``POST /v1/labels`` and ``hamgate import``: what they take, and that what they acknowledge is there."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from conftest import stop_service
from test_exports import comment, wxr
from test_memory import rename

from model.comment import Comment
from model.verdict import Decision, Verdict
from service import recorder as recorder_module
from service.auth import digest_of, make_key
from service.cli import main
from service.recorder import Recorder
from service.rulebook import Rulebook
from training.database import Database, DatabaseUnusableError
from training.labels import LabelStore, first_id
from training.lists import ListStore
from training.settings import SettingsStore
from training.statistics import Statistics
from training.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Service
    from flask import Flask
    from flask.testing import FlaskClient

    from service.config import Config
    from training.labels import GivenLabel


@pytest.fixture
def labels(config: Config) -> Iterator[LabelStore]:
    with Database(config.database) as database:
        yield LabelStore(database)


def all_labels(store: LabelStore) -> list[GivenLabel]:
    return [given for _, given in store.latest()]


def test_a_comment_is_labelled_by_the_id_of_its_check(client: FlaskClient, labels: LabelStore) -> None:
    verdict = client.post("/v1/check", json={"text": "Hi", "author": "Bo", "user_ip": "192.0.2.1"}).json
    reply = client.post("/v1/labels", json={"id": verdict["id"], "label": "spam", "labelled_by": "ann"})
    assert (reply.status_code, reply.json) == (201, {"label": "spam"})
    (given,) = all_labels(labels)
    assert given.comment == replace(Comment(text="Hi", author="Bo"), user_ip=given.comment.user_ip)
    assert re.fullmatch("keyed-[0-9a-f]{32}", given.comment.user_ip)
    assert (given.site, given.label, given.labelled_by) == ("blog.example", "spam", "ann")


def test_a_comment_of_a_batch_is_labelled_by_its_id(client: FlaskClient, labels: LabelStore) -> None:
    answer = client.post("/v1/check/batch", json={"comments": [{"text": "Hi"}, {"text": "Ho"}]}).json
    assert client.post("/v1/labels", json={"id": answer["verdicts"][1]["id"], "label": "ham"}).status_code == 201
    assert [given.comment.text for given in all_labels(labels)] == ["Ho"]


def test_a_comment_is_labelled_by_sending_it(client: FlaskClient, labels: LabelStore) -> None:
    assert client.post("/v1/labels", json={"text": "Hi", "author": "Bo", "label": "ham"}).status_code == 201
    assert all_labels(labels)[0].comment == Comment(text="Hi", author="Bo")


def test_a_site_can_follow_what_people_say_of_a_check(client: FlaskClient) -> None:
    verdict = client.post("/v1/check", json={"text": "Hi", "author": "Bo"}).json
    shown = {name: verdict[name] for name in ("id", "decision", "score", "model")}
    assert client.get(f"/v1/checks/{verdict['id']}").json == shown | {"label": None}
    for label in ("spam", "ham"):
        client.post("/v1/labels", json={"id": verdict["id"], "label": label})
        assert client.get(f"/v1/checks/{verdict['id']}").json == shown | {"label": label}


def test_a_check_is_followed_over_http_with_no_body(service: Service) -> None:
    verdict = service.check("Has the bell been polished?").json()
    reply = service.call("GET", f"/v1/checks/{verdict['id']}")
    assert (reply.status, reply.json()["label"]) == (200, None)


@pytest.mark.parametrize("check_id", ["0" * 32, "f" * 32, "x", "%00", "..%2F..", "a" * 5_000])
def test_a_check_that_is_not_there_is_not_found(client: FlaskClient, check_id: str) -> None:
    reply = client.get(f"/v1/checks/{check_id}")
    assert (reply.status_code, reply.content_type) == (404, "application/problem+json")


def test_nobody_sees_the_check_of_another_site(client: FlaskClient, app: Flask, config: Config) -> None:
    verdict = client.post("/v1/check", json={"text": "Hi"}).json
    other = make_key()
    with Store(config.database) as store:
        store.add_site("other.example", digest_of(other), datetime.now(UTC))
    assert client.get(f"/v1/checks/{verdict['id']}").status_code == 200
    stranger = app.test_client()
    for headers, status in (({"Authorization": f"Bearer {other}"}, 404), ({}, 401)):
        assert stranger.get(f"/v1/checks/{verdict['id']}", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "Hi"}, "label"),
        ({"text": "Hi", "label": "bad"}, "label"),
        ({"text": "Hi", "label": 1}, "label"),
        ({"label": "spam"}, "text"),
        ({"text": 5, "label": "spam"}, "text"),
        ({"id": 5, "label": "spam"}, "id"),
        ({"text": "Hi", "label": "spam", "labelled_by": 5}, "labelled_by"),
        ([], "body"),
    ],
)
def test_a_wrong_field_is_named(client: FlaskClient, body: Any, field: str) -> None:
    reply = client.post("/v1/labels", json=body)
    assert (reply.status_code, reply.json["field"]) == (422, field)


def test_without_a_key_nothing_is_labelled(app: Flask, labels: LabelStore) -> None:
    assert app.test_client().post("/v1/labels", json={"text": "Hi", "label": "ham"}).status_code == 401
    assert all_labels(labels) == []


@pytest.mark.parametrize("check_id", ["nothing", "0" * 32, "f" * 32, "f" * 31, "\x00", "é" * 32, "' OR 1=1 --"])
def test_an_unknown_id_is_not_found(client: FlaskClient, check_id: str) -> None:
    assert client.post("/v1/labels", json={"id": check_id, "label": "ham"}).status_code == 404


def test_an_id_of_just_now_that_never_comes_does_not_keep_anybody_waiting_for_ever(client: FlaskClient) -> None:
    soon = first_id(datetime.now(UTC)) + "0" * 20
    assert client.post("/v1/labels", json={"id": soon, "label": "ham"}).status_code == 404


def test_another_sites_id_is_not_found(client: FlaskClient, app: Flask, labels: LabelStore) -> None:
    verdict = client.post("/v1/check", json={"text": "Hi"}).json
    key = make_key()
    app.extensions["hamgate.store"].add_site("other.example", digest_of(key), datetime.now(UTC))
    headers = {"Authorization": f"Bearer {key}"}
    reply = client.post("/v1/labels", json={"id": verdict["id"], "label": "ham"}, headers=headers)
    assert reply.status_code == 404
    assert all_labels(labels) == []


def test_a_database_that_is_gone_is_a_503_and_no_acknowledgement(client: FlaskClient, app: Flask) -> None:
    client.post("/v1/check", json={"text": "Hi"})
    with app.extensions["hamgate.store"].transaction() as connection:
        connection.exec_driver_sql("DROP TABLE labels")
    reply = client.post("/v1/labels", json={"text": "Hi", "label": "ham"})
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "5")
    assert "sqlite" not in reply.get_data(as_text=True)


def test_checks_that_are_not_kept_can_not_be_labelled_by_id(start: Callable[..., Service]) -> None:
    service = start("--keep-checks-days", "0")
    verdict = json.loads(service.check("Hi").body)
    assert service.call("POST", "/v1/labels", json.dumps({"id": verdict["id"], "label": "ham"}).encode()).status == 404


def test_every_worker_knows_the_checks_of_the_others(start: Callable[..., Service]) -> None:
    service = start("--workers", "3")
    for number in range(12):
        verdict = json.loads(service.check(f"Hi {number}").body)
        body = json.dumps({"id": verdict["id"], "label": "ham"}).encode()
        assert service.call("POST", "/v1/labels", body).status == 201


def test_a_check_answered_just_before_the_end_is_remembered(start: Callable[..., Service]) -> None:
    service = start()
    verdict = json.loads(service.check("Hi").body)
    assert stop_service(service) == 0
    with Database(service.database) as database:
        assert LabelStore(database).check(verdict["id"]) is not None


def test_checks_wait_for_a_database_that_fails_for_a_while_and_take_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "MAX_WAITING_BYTES", 2_500)
    verdict = Verdict(Decision.ALLOW, 0.1, (), "0" * 16)
    with Database(f"sqlite:///{tmp_path / 'l.sqlite3'}") as database:
        rulebook = Rulebook(SettingsStore(database), ListStore(database))
        recorder = Recorder(LabelStore(database), Statistics(database), kept_days=1, rulebook=rulebook)
        rename(database, "checks", "gone")
        ids = [first_id(datetime.now(UTC)) + f"{number:020}" for number in range(5)]
        for check_id in ids:
            recorder.record(check_id, "blog.example", Comment(text="x" * 40), verdict)
            time.sleep(2 * recorder_module.MAX_PAUSE_SECONDS)
        rename(database, "gone", "checks")
        recorder.close()
        kept = [check_id for check_id in ids if LabelStore(database).check(check_id)]
    assert kept == ids[-2:]


def test_what_could_not_be_written_is_older_than_what_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = Verdict(Decision.ALLOW, 0.1, (), "0" * 16)
    with Database(f"sqlite:///{tmp_path / 'l.sqlite3'}") as database:
        rulebook = Rulebook(SettingsStore(database), ListStore(database))
        monkeypatch.setattr(recorder_module, "MIN_PAUSE_SECONDS", 60)
        recorder = Recorder(LabelStore(database), Statistics(database), kept_days=1, rulebook=rulebook)
        ids = [first_id(datetime.now(UTC)) + f"{number:020}" for number in range(6)]

        def record(check_id: str) -> None:
            recorder.record(check_id, "blog.example", Comment(text="Hi"), verdict)

        def fails(checks: object) -> None:
            record(ids[3])
            record(ids[4])
            raise DatabaseUnusableError("away")

        for check_id in ids[:3]:
            record(check_id)
        with monkeypatch.context() as patched:
            patched.setattr(recorder._labels, "keep", fails)
            recorder._write()
        monkeypatch.setattr(recorder_module, "MAX_WAITING_BYTES", 3 * recorder._waiting[0].size)
        record(ids[5])
        recorder.close()
        assert [check_id for check_id in ids if LabelStore(database).check(check_id)] == ids[3:]


def test_a_database_that_fails_is_asked_less_often_than_one_that_is_quick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Database(f"sqlite:///{tmp_path / 'l.sqlite3'}") as database:
        rulebook = Rulebook(SettingsStore(database), ListStore(database))
        recorder = Recorder(LabelStore(database), Statistics(database), kept_days=1, rulebook=rulebook)
        took = 2 * recorder_module.MIN_PAUSE_SECONDS / recorder_module.PAUSE_PER_WRITING
        assert recorder._pause_after(0) == recorder_module.MIN_PAUSE_SECONDS
        assert recorder._pause_after(took) == pytest.approx(2 * recorder_module.MIN_PAUSE_SECONDS)
        assert recorder._pause_after(60) == recorder_module.MAX_PAUSE_SECONDS
        monkeypatch.setattr(recorder, "_fails", True)
        assert recorder._pause_after(0) == recorder_module.MAX_PAUSE_SECONDS
        recorder.close()


def test_a_site_that_can_not_be_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text('{"text": "Hi", "label": "ham"}\n')
    arguments = [str(file), "--site", "No Site", "--database", f"sqlite:///{tmp_path / 'l.sqlite3'}"]
    outcome = CliRunner().invoke(main, ["import", *arguments])
    assert outcome.exit_code == 2
    assert "found site name 'No Site'" in outcome.stderr


def run_import(url: str, *files: Path) -> Any:
    arguments = [*map(str, files), "--site", "blog.example", "--database", url]
    return CliRunner().invoke(main, ["import", *arguments])


def test_an_export_is_imported_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    export, url = tmp_path / "blog.xml", f"sqlite:///{tmp_path / 'l.sqlite3'}"
    states = ["1", "spam", "0", "trash"]
    export.write_text(wxr(*(comment(id=str(n), text=f"Nice {n}", approved=state) for n, state in enumerate(states))))
    first, second = run_import(url, export), run_import(url, export)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "2 labels added, 0 there already, 2 without a label" in first.stderr
    assert "0 labels added, 2 there already, 2 without a label" in second.stderr
    with Database(url) as database:
        given = all_labels(LabelStore(database))
    assert [(label.comment.text, label.label) for label in given] == [("Nice 0", "ham"), ("Nice 1", "spam")]
    assert {(label.site, label.labelled_by) for label in given} == {("blog.example", "wordpress")}


def test_labels_of_a_site_that_is_not_there_are_imported_and_that_is_said(tmp_path: Path) -> None:
    export, url = tmp_path / "blog.xml", f"sqlite:///{tmp_path / 'l.sqlite3'}"
    export.write_text(wxr(comment(id="1", text="Nice", approved="1")))
    first = run_import(url, export)
    assert CliRunner().invoke(main, ["sites", "add", "blog.example", "--database", url]).exit_code == 0
    second = run_import(url, export)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "there is no site blog.example yet" in first.stderr
    assert "there is no site" not in second.stderr


def test_a_broken_export_is_imported_up_to_where_it_breaks(tmp_path: Path) -> None:
    export, url = tmp_path / "blog.xml", f"sqlite:///{tmp_path / 'l.sqlite3'}"
    whole = wxr(*(comment(id=str(n), text=f"Nice {n}") for n in range(3)))
    export.write_text(whole[: whole.index("Nice 2")])
    outcome = run_import(url, export)
    assert outcome.exit_code == 1
    assert "broken XML" in outcome.stderr
    assert "2 labels added" in outcome.stderr


def test_who_said_so_and_when_comes_from_the_file(tmp_path: Path) -> None:
    file, url = tmp_path / "labels.jsonl", f"sqlite:///{tmp_path / 'l.sqlite3'}"
    row = {"text": "Hi", "label": "ham", "labelled_by": "ann", "labelled_at": "2026-01-02T13:00:00+01:00"}
    file.write_text(json.dumps(row) + "\nno JSON\n")
    assert run_import(url, file).exit_code == 1
    with Database(url) as database:
        (given,) = all_labels(LabelStore(database))
    assert (given.labelled_by, given.labelled_at.isoformat()) == ("ann", "2026-01-02T12:00:00+00:00")
