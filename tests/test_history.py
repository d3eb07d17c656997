"""History: what was decided and said is found again, page by page, however much there is."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from browser import Browser
from checks import NOON, SITE, different, held

from model import SHIPPED
from model.artifact import load
from service.moderation.history import PAGE_COMMENTS
from training.accounts import Role
from training.database import Database
from training.history import MAX_ROWS, History, Sought
from training.labels import GivenLabel, LabelStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from model.artifact import Filter
    from training.labels import Check

ALL = Sought(sites=None)


@pytest.fixture(scope="module")
def served() -> Filter:
    return load(SHIPPED)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as opened:
        yield opened


def labels_of(checks: list[Check], label: str, by: str) -> list[GivenLabel]:
    return [GivenLabel(check.site, check.comment, label, by, NOON) for check in checks]  # type: ignore[arg-type]


def test_checks_are_listed_newest_first_and_in_pages(database: Database, served: Filter) -> None:
    checks = [replace(check, reasons=(), sketch=b"") for check in held(served, different(7), "allow")]
    LabelStore(database).remember(checks)
    history, found, before = History(database), [], ""
    for _ in range(3):
        stretch = history.checks(ALL, before, 3)
        found += stretch.found
        before = stretch.before
    assert (found, before) == (checks[::-1], "")


@pytest.mark.parametrize(
    ("sought", "expected"),
    [
        (Sought(sites={"b.example"}), 2),
        (Sought(sites=set()), 0),
        (Sought(sites=None, outcome="block"), 3),
        (Sought(sites={SITE}, outcome="block"), 3),
        (Sought(sites=None, words="KETTLE number"), 2),
        (Sought(sites=None, words="violins author"), 2),
        (Sought(sites=None, since=NOON + timedelta(minutes=1)), 2),
    ],
)
def test_checks_are_sought(database: Database, served: Filter, sought: Sought, expected: int) -> None:
    labels = LabelStore(database)
    labels.remember(held(served, different(5), "allow"))
    labels.remember(held(served, different(3), "block"))
    labels.remember(held(served, different(5)[3:], "allow", "b.example", NOON + timedelta(hours=1)))
    assert len(History(database).checks(sought, "", 50).found) == expected


def test_what_is_rare_is_found_in_steps_of_bounded_size(database: Database, served: Filter) -> None:
    labels = LabelStore(database)
    (rare, common) = held(served, different(2), "allow")
    rows = [replace(common, id=f"{number:032x}") for number in range(1, MAX_ROWS + 500)]
    labels.remember([replace(rare, id=f"{0:032x}", site="rare.example"), *rows])
    history, sought = History(database), Sought(sites={"rare.example"})
    first = history.checks(sought, "", 50)
    assert (first.found, bool(first.before)) == ([], True)
    second = history.checks(sought, first.before, 50)
    assert ([check.site for check in second.found], second.before) == (["rare.example"], "")


def test_what_people_said_is_listed_with_what_was_taken_back(database: Database, served: Filter) -> None:
    labels, checks = LabelStore(database), held(served, different(4))
    labels.add([*labels_of(checks, "spam", "ann"), *labels_of(checks[:1], "ham", "bo")])
    labels.undo(2, 3, "ann", None, NOON)
    history = History(database)
    changes = history.changes(ALL, None, 50).found
    assert [(change.number, change.given.label, change.given.labelled_by) for change in changes] == [
        (5, "ham", "bo"),
        *((number, "spam", "ann") for number in (4, 3, 2, 1)),
    ]
    assert [change.withdrawn_by for change in changes] == [None, None, "ann", "ann", None]
    assert [change.withdrawn_at for change in changes] == [None, None, NOON, NOON, None]
    assert len(history.changes(replace(ALL, by="bo"), None, 50).found) == 1
    assert len(history.changes(replace(ALL, outcome="spam"), 4, 50).found) == 3
    assert history.changes(replace(ALL, sites={"b.example"}), None, 50).found == []


# The pages


@pytest.fixture
def checks(app: Flask, key: str, served: Filter) -> list[Check]:
    del key
    store, now = app.extensions["hamgate.store"], datetime.now(UTC)
    store.add_site("other.example", bytes(32), now)
    made = held(served, different(3), "block", at=now - timedelta(minutes=5))
    elsewhere = held(served, different(2), "allow", "other.example", now - timedelta(minutes=5))
    LabelStore(store).remember([*made, *elsewhere])
    return [*made, *elsewhere]


def test_a_decision_is_corrected_from_the_history(app: Flask, checks: list[Check]) -> None:
    ann = Browser(app, "ann")
    page = ann.get("/moderate/history?outcome=block&age=hour").text
    assert re.findall(r'data-id="(\w+)"', page) == [check.id for check in checks[2::-1]]
    assert ann.send("/moderate/decide", decision=f"ham {checks[0].id}.0").json["undo"] == "1-1"
    page = ann.get("/moderate/history").text
    assert "ann called it ham" in page
    assert f'data-token="{checks[0].id}.1"' in page
    assert 'hamgate_overturned_total{decision="block",label="ham"} 1.0' in ann.get("/metrics").text


def test_what_was_said_is_shown_with_a_way_back_for_who_said_it(app: Flask, checks: list[Check]) -> None:
    ann, bo = Browser(app, "ann"), Browser(app, "bo")
    ann.send("/moderate/decide", decision=f"ham {checks[0].id}.0")
    assert 'value="1-1"' in ann.get("/moderate/history/labels").text
    for nonsense in ("9" * 20, "\u00b2", "-1"):
        assert ann.get(f"/moderate/history/labels?before={nonsense}").status_code == 200
    shown = bo.get("/moderate/history/labels").text
    assert checks[0].comment.text in shown
    assert 'value="1-1"' not in shown
    ann.post("/moderate/undo", labels="1-1")
    assert "Taken back by" in bo.get("/moderate/history/labels").text


def test_a_moderators_history_holds_only_the_sites_of_the_account(app: Flask, checks: list[Check]) -> None:
    ann, moderator = Browser(app, "ann"), Browser(app, "bo", Role.MODERATOR, ["other.example"])
    ann.send("/moderate/decide", decision="ham", chosen=[f"{check.id}.0" for check in checks])
    for path in ("/moderate/history", "/moderate/history/labels"):
        page = moderator.get(path).text
        assert page.count("other.example ·") == 2
        assert SITE not in page


def test_long_histories_are_paged(app: Flask, key: str, served: Filter) -> None:
    del key
    ann, labels = Browser(app, "ann"), LabelStore(app.extensions["hamgate.store"])
    checks = held(served, different(PAGE_COMMENTS + 10), "allow", at=datetime.now(UTC) - timedelta(minutes=5))
    labels.remember(checks)
    labels.add(labels_of(checks, "ham", "import"))
    for path, item in (
        ("/moderate/history?words=number", "<article"),
        ("/moderate/history/labels?by=import", "called it"),
    ):
        page = ann.get(path).text
        onward = re.search(r'rel="next" href="([^"]+)"', page)
        assert onward
        assert (page.count(item), ann.get(html.unescape(onward[1])).text.count(item)) == (PAGE_COMMENTS, 10)
