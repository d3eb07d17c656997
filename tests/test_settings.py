"""What operators set for a site holds on every worker and host within a second, is shown, and leaves a history."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from conftest import wait_until

from model.comment import Comment
from model.lists import Line, Subject
from model.thresholds import Thresholds
from model.verdict import Decision
from service.cli import main
from service.recorder import Recorder
from service.rulebook import Rulebook
from training import lists as lists_module
from training.database import Database
from training.labels import Check, GivenLabel, LabelStore, first_id
from training.lists import Added, ListStore, TooManyLinesError
from training.settings import BUDGET, KEEP_CHECKS_DAYS, LOG_ONLY, SettingsStore
from training.statistics import Statistics
from training.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Service
    from flask import Flask
    from flask.testing import FlaskClient
    from postgresql import PostgreSQL

    from service.config import Config

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SITE = "blog.example"
GOOD = "I think the second example lacks a semicolon."
SPAM = {
    "text": "buy cheap viagra http://pills.example/",
    "author": "Cheap Viagra",
    "author_url": "http://pills.example/",
}
EAGER = {"thresholds": {"review": 1e-6, "block": 2e-6, "discard": 0.9999999}}
"""A budget with which nearly everything is blocked."""


def deny(written: str, subject: Subject = Subject.PHRASE, decision: Decision = Decision.BLOCK) -> Line:
    return Line.of(subject, written, decision)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as opened:
        yield opened


def test_the_last_change_holds_and_each_site_has_its_own(database: Database) -> None:
    store = SettingsStore(database)
    assert store.newest() == 0
    store.change(SITE, LOG_ONLY, True, NOON, "ann")
    store.change(SITE, KEEP_CHECKS_DAYS, 3, NOON, "ann")
    store.change(SITE, LOG_ONLY, False, NOON, "ben")
    store.change("other.example", BUDGET, EAGER, NOON, "ben")
    ours, others, untouched = map(store.of, (SITE, "other.example", "third.example"))
    assert (ours.is_log_only, ours.keep_checks_days, ours.thresholds) == (False, 3, None)
    assert others.thresholds == Thresholds(**EAGER["thresholds"])
    assert untouched.thresholds is None
    assert store.sites_changed(0) == [SITE, "other.example"]
    assert store.sites_changed(3) == ["other.example"]
    history = [
        (change.setting, change.value, change.changed_by, change.changed_at) for change in store.history(SITE, 9)
    ]
    assert history == [
        (LOG_ONLY, False, "ben", NOON),
        (KEEP_CHECKS_DAYS, 3, "ann", NOON),
        (LOG_ONLY, True, "ann", NOON),
    ]


def test_what_is_named_is_named_once_and_removed_lines_are_gone(database: Database) -> None:
    store, settings = ListStore(database), SettingsStore(database)
    assert store.add(SITE, [deny("cheap pills"), deny("Cheap pills"), deny("viagra")], NOON, "ann") == Added(2, 0, 0)
    first = settings.newest()
    assert store.add(SITE, [deny("viagra")], NOON, "ben") == Added(0, 0, 1)
    assert settings.newest() == first
    assert store.add(SITE, [deny("viagra", decision=Decision.ALLOW)], NOON, "ben") == Added(0, 1, 0)
    assert [(line.pattern, line.decision) for line in store.lines(SITE)] == [
        ("cheap pills", "block"),
        ("viagra", "allow"),
    ]
    numbers = [line.number for line in store.lines(SITE)]
    assert store.remove("other.example", numbers, NOON, "ben") == 0
    assert store.remove(SITE, numbers[:1], NOON, "ben") == 1
    assert [line.pattern for line in store.lines(SITE)] == ["viagra"]
    assert [change.changed_by for change in settings.history(SITE, 9)] == ["ben", "ben", "ann"]


def test_lines_are_paged_through_searched_and_counted(database: Database) -> None:
    store = ListStore(database)
    store.add(SITE, [deny(f"word{number:03} 100%_") for number in range(250)], NOON, "ann")
    assert [kept.line.pattern[:7] for kept in store.page(SITE, 2, 10)] == ["word239", "word238"]
    assert [kept.line.pattern[:7] for kept in store.page(SITE, 9, containing="WORD007")] == ["word007"]
    assert store.count(SITE, "0%_") == 250
    assert store.count(SITE, "%7%") == 0
    line = store.lines(SITE)[0]
    store.note_matches({line.number: 3}, NOON)
    store.note_matches({line.number: 4, 10**9: 1}, NOON + timedelta(hours=1))
    (kept,) = store.page(SITE, 9, containing="word000")
    assert (kept.matches, kept.matched_at, kept.added_by) == (7, NOON + timedelta(hours=1), "ann")


def test_a_site_has_no_more_lines_than_its_share(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists_module, "MAX_LINES", 3)
    store = ListStore(database)
    store.add(SITE, [deny("one"), deny("two")], NOON, "ann")
    with pytest.raises(TooManyLinesError, match="found 4 lines"):
        store.add(SITE, [deny("three"), deny("four")], NOON, "ann")
    assert len(store.lines(SITE)) == 2
    store.add(SITE, [deny("two", decision=Decision.ALLOW), deny("three")], NOON, "ann")


def test_ten_thousand_lines_come_in_at_once_and_go_at_once(database: Database) -> None:
    store = ListStore(database)
    lines = [deny(f"s{number}.example", Subject.DOMAIN) for number in range(10_000)]
    assert store.add(SITE, lines, NOON, "ann").new == 10_000
    assert store.remove(SITE, [line.number for line in store.lines(SITE)], NOON, "ann") == 10_000


def test_a_site_keeps_its_checks_for_as_few_days_as_it_wants(database: Database) -> None:
    labels, settings, now = LabelStore(database), SettingsStore(database), datetime.now(UTC)
    checks = [
        Check(f"{first_id(at)}{number:020x}", site, at, Comment(text="x"), 0.5, "allow", "m")
        for number, site in enumerate((SITE, "other.example"))
        for at in (now - timedelta(days=1), now - timedelta(days=5))
    ]
    labels.remember(checks)
    settings.change(SITE, KEEP_CHECKS_DAYS, 3, now, "ann")
    rulebook = Rulebook(settings, ListStore(database))
    rulebook.follow()
    recorder = Recorder(labels, Statistics(database), kept_days=30, rulebook=rulebook)
    try:
        wait_until(lambda: labels.check(checks[1].id) is None)
    finally:
        recorder.close()
    assert [labels.check(check.id) is not None for check in checks] == [True, False, True, True]


def follow(app: Flask) -> None:
    """Wait until the application knows of what was set."""
    newest = SettingsStore(app.extensions["hamgate.store"]).newest()
    wait_until(lambda: app.extensions["hamgate.rulebook"]._newest == newest)


def asked(client: FlaskClient, comment: dict[str, Any]) -> Any:
    return client.post("/v1/check", json=comment).get_json()


def feature_texts(verdict: Any, feature: str) -> list[str]:
    return [reason["text"] for reason in verdict["reasons"] if reason["feature"] == feature]


def test_a_line_decides_and_the_reasons_say_which(client: FlaskClient, app: Flask) -> None:
    lists = ListStore(app.extensions["hamgate.store"])
    lists.add(SITE, [deny("semicolon"), deny("pills.example", Subject.DOMAIN, Decision.ALLOW)], NOON, "ann")
    follow(app)
    denied, allowed = asked(client, {"text": GOOD}), asked(client, SPAM)
    assert denied["decision"] == "block"
    assert feature_texts(denied, "list:phrase") == ["this site's deny list: phrase “semicolon”"]
    assert allowed["decision"] == "allow"
    assert feature_texts(allowed, "list:domain") == ["this site's allow list: domain “pills.example”"]
    recorder = app.extensions["hamgate.recorder"]
    recorder.close()
    assert [kept.matches for kept in lists.page(SITE, 9)] == [1, 1]


def test_a_persons_label_of_the_very_comment_beats_a_line_and_a_line_beats_labels_of_others_like_it(
    client: FlaskClient, app: Flask
) -> None:
    store = app.extensions["hamgate.store"]
    long = f"{GOOD} What follows from that for the third one, which has the same form, is left as an exercise, I guess."
    ListStore(store).add(SITE, [deny("semicolon")], NOON, "ann")
    LabelStore(store).add([GivenLabel(SITE, Comment(text=long), "ham", "ann", NOON)])
    follow(app)
    wait_until(lambda: feature_texts(asked(client, {"text": long}), "label"))
    assert asked(client, {"text": long})["decision"] == "allow"
    assert asked(client, {"text": f"{long} Truly."})["decision"] == "block"


def test_a_sites_own_thresholds_decide_for_it_alone(client: FlaskClient, app: Flask) -> None:
    before = client.get("/v1/model").get_json()["thresholds"]
    SettingsStore(app.extensions["hamgate.store"]).change(SITE, BUDGET, EAGER, NOON, "ann")
    follow(app)
    assert asked(client, {"text": GOOD})["decision"] == "block"
    assert client.get("/v1/model").get_json()["thresholds"] == EAGER["thresholds"]
    batch = client.post("/v1/check/batch", json={"comments": [{"text": GOOD}]}).get_json()
    assert batch["verdicts"][0]["decision"] == "block"
    SettingsStore(app.extensions["hamgate.store"]).change(SITE, BUDGET, None, NOON, "ann")
    follow(app)
    assert asked(client, {"text": GOOD})["decision"] == "allow"
    assert client.get("/v1/model").get_json()["thresholds"] == before


def test_where_verdicts_are_only_logged_the_site_is_told_to_allow(client: FlaskClient, app: Flask, key: str) -> None:
    store = app.extensions["hamgate.store"]
    spam = {
        "api_key": key,
        "comment_content": SPAM["text"],
        "comment_author": SPAM["author"],
        "comment_author_url": SPAM["author_url"],
        "blog": "http://b.example/",
    }
    assert asked(client, SPAM)["decision"] in ("block", "discard")
    assert client.post("/1.1/comment-check", data=spam).text == "true"
    SettingsStore(store).change(SITE, LOG_ONLY, True, NOON, "ann")
    follow(app)
    told = asked(client, SPAM)
    assert told["decision"] == "allow"
    assert told["score"] > 0.9
    batch = client.post("/v1/check/batch", json={"comments": [SPAM]}).get_json()["verdicts"]
    assert batch[0]["decision"] == "allow"
    answer = client.post("/1.1/comment-check", data=spam)
    assert (answer.text, "X-akismet-pro-tip" in answer.headers) == ("false", False)
    app.extensions["hamgate.recorder"].close()
    logged = LabelStore(store).check(told["id"])
    assert logged is not None
    assert logged.decision in ("block", "discard")


def test_a_comment_that_is_tried_out_leaves_no_trace(client: FlaskClient, app: Flask) -> None:
    lists = ListStore(app.extensions["hamgate.store"])
    lists.add(SITE, [deny("semicolon")], NOON, "ann")
    follow(app)
    judge = app.extensions["hamgate.judge"]
    for number in range(9):
        tried = judge.check(SITE, Comment(text=GOOD * 3, author=f"Writer {number}"), is_new=False)
        assert tried.decision == "block"
    app.extensions["hamgate.recorder"].close()
    assert [kept.matches for kept in lists.page(SITE, 9)] == [0]
    assert not feature_texts(asked(client, {"text": GOOD * 3, "author": "Ann"}), "campaign")


def run(config: Config, *arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["sites", *arguments, "--database", config.database], input=stdin)


@pytest.mark.usefixtures("key")
def test_an_operator_sets_lists_and_sees_settings_by_command(config: Config, tmp_path: Path) -> None:
    assert run(config, "set", SITE, "--log-only", "--keep-checks-days", "7", "--user", "ann").exit_code == 0
    assert run(config, "lists", "add", SITE, "domain", "spam.example", "pills.example", "--user", "ben").exit_code == 0
    keys = tmp_path / "disallowed_keys.txt"
    keys.write_text("viagra\n\n192.0.2.*\n!!!\nspam.example\n", encoding="utf-8")
    imported = run(config, "lists", "import", SITE, str(keys), "--decision", "review")
    assert imported.exit_code == 1
    assert "line 4: found '!!!'" in imported.stderr
    assert "2 lines added, 1 changed, 0 there already" in imported.stderr
    listed = [line.split("\t")[1:] for line in run(config, "lists", "list", SITE).stdout.splitlines()]
    assert listed == [
        ["review", "domain", "spam.example", "0"],
        ["review", "ip", "192.0.2.0/24", "0"],
        ["review", "phrase", "viagra", "0"],
        ["block", "domain", "pills.example", "0"],
    ]
    number = run(config, "lists", "list", SITE, "--containing", "viagra").stdout.partition("\t")[0]
    assert "1 of 1 lines removed" in run(config, "lists", "remove", SITE, number).stderr
    shown = json.loads(run(config, "settings", SITE).stdout)
    assert (shown["log_only"], shown["keep_checks_days"], shown["lines"]) == (True, 7, 3)
    assert shown["changes"][-1]["changed_by"] == "ann"


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("settings", "other.example"), "there is no site 'other.example'; known: blog.example"),
        (("set", SITE), "nothing to set"),
        (("lists", "add", SITE, "ip", "300.1.1.1"), "expected an IP address"),
        (("lists", "add", SITE, "colour", "red"), "Invalid value"),
        (("budget", SITE, "--blocked", "120%"), "expected a share"),
        (("budget", SITE, "--blocked", "1%", "--reviewed", "0.1%"), "must not be below"),
        (("budget", SITE, "--save"), "need --blocked"),
    ],
)
def test_what_cannot_be_set_is_refused_with_status_2(config: Config, arguments: tuple[str, ...], says: str) -> None:
    ran = run(config, *arguments)
    assert ran.exit_code == 2
    assert says in ran.stderr


def decision(service: Service, text: str) -> Any:
    return json.loads(service.check(text).body)["decision"]


def assert_followed(set_on: Store, asked_of: Service) -> None:
    """Set something in the database of a service; a second later all its workers decide by it."""
    lists, settings = ListStore(set_on), SettingsStore(set_on)
    for change, expected in (
        (lambda: lists.add("local", [deny("semicolon")], NOON, "ann"), "block"),
        (lambda: lists.add("local", [deny("semicolon", decision=Decision.ALLOW)], NOON, "ann"), "allow"),
        (lambda: settings.change("local", BUDGET, EAGER, NOON, "ann"), "allow"),
        (lambda: lists.remove("local", [line.number for line in lists.lines("local")], NOON, "ann"), "block"),
        (lambda: settings.change("local", LOG_ONLY, True, NOON, "ann"), "allow"),
    ):
        change()
        time.sleep(1)
        assert {decision(asked_of, GOOD) for _ in range(20)} == {expected}


def test_every_worker_follows_within_a_second(start: Callable[..., Service]) -> None:
    service = start("--workers", "4")
    with Store(service.database) as store:
        assert_followed(store, service)


def test_every_host_follows_within_a_second(
    start: Callable[..., Service], postgresql: PostgreSQL, tmp_path: Path
) -> None:
    database = postgresql.new_database()
    service = start("--workers", "2", HAMGATE_DATABASE=database, XDG_DATA_HOME=str(tmp_path))
    with Store(database) as store:
        assert_followed(store, service)
