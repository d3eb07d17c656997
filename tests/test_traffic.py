"""What remembered checks tell: how a version would have decided them, and how the served one ages."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from comments import campaign, conversation
from conftest import wait_until

from model.artifact import Filter, load, packed
from model.comment import Comment
from model.thresholds import Thresholds
from service.cli import main
from training.database import Database
from training.diary import Diary
from training.labels import Check, GivenLabel, LabelStore, first_id
from training.registry import Registry
from training.traffic import SAMPLED_AN_HOUR, days, disagreements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Service

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(f"sqlite:///{tmp_path / 'checks.sqlite3'}") as opened:
        yield opened


def check(number: int, comment: Comment, at: datetime = NOON, score: float = 0.1, decision: str = "allow") -> Check:
    return Check(f"{first_id(at)}{number:020x}", "blog.example", at, comment, score, decision, "a" * 16)


def test_checks_come_back_in_order_from_a_moment_on(database: Database) -> None:
    store = LabelStore(database)
    every = [check(number, Comment(text=str(number)), NOON + timedelta(seconds=number)) for number in range(250)]
    store.remember(list(reversed(every)))
    assert list(store.checks(NOON - timedelta(seconds=1))) == every
    assert list(store.checks(NOON + timedelta(seconds=200))) == every[200:]


def test_a_shadow_names_what_it_would_decide_otherwise(small_model_path: Path) -> None:
    model = load(small_model_path)
    strict = Filter(model.scorer, Thresholds(review=1e-12, block=1e-9, discard=1.0), {}, "strict")
    checks = [check(number, one) for number, one in enumerate(conversation(300))]
    counts: Counter[str] = Counter()
    found = list(disagreements(strict, checks, counts))
    assert counts == {"allow -> block": 300}
    assert [one.check for one in found] == checks
    assert list(disagreements(model, checks, counts)) == []


def test_a_day_counts_decisions_and_what_people_overturned() -> None:
    spam, ham, right, other = campaign(2) + conversation(2)
    checks = [
        check(1, spam),
        check(2, ham, decision="block", score=0.99),
        check(3, right),
        check(4, other, NOON + timedelta(days=1)),
    ]
    labels = [
        GivenLabel("blog.example", one, said, "ann", NOON)
        for one, said in ((spam, "spam"), (ham, "ham"), (right, "ham"))
    ]
    first, second = days(checks, labels)
    assert (first.checks, first.decisions, first.labelled) == (3, {"allow": 2, "block": 1}, 3)
    assert (first.missed, first.wronged) == (1, 1)
    assert (first.said("spam"), first.said("ham"), first.said("ham", "block", "discard")) == (1, 2, 1)
    assert (second.labelled, second.missed, second.wronged) == (0, 0, 0)


def test_scores_of_all_checks_and_traits_of_some_of_each_hour_are_counted() -> None:
    at = [NOON + timedelta(minutes=minute) for minute in range(120)]
    checks = [check(number, Comment(text="Hi"), at[number % 120]) for number in range(480)]
    (day,) = days(sorted(checks, key=lambda one: one.id), [])
    assert day.distribution.counts["score"] == {"1": 480}
    assert day.distribution.counts["length"] == {"short": 2 * SAMPLED_AN_HOUR}


def test_the_diary_keeps_days_whose_checks_are_forgotten(url: str) -> None:
    with Database(url) as opened:
        diary, whole = Diary(opened), [check(number, one) for number, one in enumerate(conversation(9))]
        later = check(99, Comment(text="Hi"), NOON + timedelta(days=1), decision="block")
        diary.note(days([*whole[:3], later], []))
        diary.note(days([*whole, later], [GivenLabel("blog.example", whole[0].comment, "spam", "ann", NOON)]))
        diary.note(days([*whole[5:], later], []))
        first, second = diary.days(NOON.date().isoformat())
        assert (first.checks, first.missed, first.distribution.total) == (9, 1, 9)
        assert second.decisions == {"block": 1}
        assert diary.days(second.date) == [second]


def test_the_commands_print_json_lines(database: Database, tmp_path: Path, small_model_path: Path) -> None:
    model = load(small_model_path)
    url = f"sqlite:///{tmp_path / 'checks.sqlite3'}"
    strict = Thresholds(review=1e-12, block=1e-9, discard=1.0)
    version = Registry(database).add(packed(model.scorer, strict, {}), NOON, "ann")
    LabelStore(database).remember([check(number, one) for number, one in enumerate(conversation(3))])
    shadow = CliRunner().invoke(main, ["models", "shadow", version[:5], "--days", "5", "--database", url])
    assert shadow.exit_code == 0, shadow.output
    (first, *_) = lines = [json.loads(line) for line in shadow.stdout.splitlines()]
    assert len(lines) == 3
    assert (first["was"], first["would_be"], first["text"]) == ("allow", "block", conversation(1)[0].text)
    assert shadow.stderr == "allow -> block: 3\n"
    report = tmp_path / "report"
    drift = CliRunner().invoke(main, ["models", "drift", "--days", "5", "--report", str(report), "--database", url])
    (day,) = [json.loads(line) for line in drift.stdout.splitlines()]
    assert (day["date"], day["checks"], day["is_drifting"]) == (NOON.date().isoformat(), 3, False)
    page = (report / "index.html").read_text(encoding="utf-8")
    assert "Nothing says that this version has aged." in page
    assert day["date"] in page
    assert json.loads((report / "drift.json").read_text(encoding="utf-8"))["days"] == [day]


def test_a_label_that_overturns_a_decision_is_counted(start: Callable[..., Service]) -> None:
    service = start()

    def overturned() -> str:
        text = service.call("GET", "/metrics").body.decode()
        return "\n".join(line for line in text.splitlines() if line.startswith("hamgate_overturned_total"))

    for said in ("ham", "spam"):
        check_id = json.loads(service.check("Thanks, that was it.").body)["id"]
        label = json.dumps({"id": check_id, "label": said}).encode()
        assert service.call("POST", "/v1/labels", label).status == 201
    assert overturned() == 'hamgate_overturned_total{decision="allow",label="spam"} 1.0'


def test_retraining_by_the_clock_registers_and_serves_a_version(start: Callable[..., Service]) -> None:
    service = start("--retrain-every", "0.002")  # 7 seconds
    for number, one in enumerate([*campaign(200), *conversation(200)]):
        label = "spam" if number < 200 else "ham"
        comment = {"text": one.text, "label": label, "date": f"2025-01-01T{number % 24:02}:{number % 60:02}:00Z"}
        assert service.call("POST", "/v1/labels", json.dumps(comment).encode()).status == 201
    before = json.loads(service.call("GET", "/v1/model").body)["version"]
    wait_until(lambda: json.loads(service.call("GET", "/v1/model").body)["version"] != before, seconds=300)
    with Database(service.database) as database:
        (promotion, *_) = Registry(database).promotions()
        assert promotion.promoted_by == "schedule"
    wait_until(lambda: any("(retrain) done: made version" in str(line) for line in service.lines()), seconds=30)
