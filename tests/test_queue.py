"""The queue and what is decided in it: what waits, in which order, who may decide, and that nobody is overwritten."""

from __future__ import annotations

import html
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from browser import Browser
from checks import NOON, SITE, alike, different, held
from conftest import wait_until

from model import SHIPPED
from model.artifact import load
from model.comment import Comment
from model.sketch import BINS, BYTES_OF_BAND
from model.verdict import Reason
from service.auth import digest_of as digest_of_key
from service.moderation.queue import PAGE_COMMENTS
from training.accounts import Role
from training.database import Database
from training.doubts import BANDS, MAX_OF_BAND
from training.forgetting import hash_stored
from training.labels import Answer, Check, GivenLabel, LabelStore
from training.pseudonyms import Pseudonyms
from training.queue import Queue, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from model.artifact import Filter

ALL = Wanted(sites=None)
SKETCH_BYTES = 4 * (BINS + 2)


@pytest.fixture(scope="module")
def served() -> Filter:
    return load(SHIPPED)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as opened:
        yield opened


def waiting(queue: Queue, wanted: Wanted = ALL) -> list[str]:
    return [queued.check.id for queued in queue.page(wanted, "urgent", "", 100)]


def test_only_what_was_held_waits_with_its_reasons(database: Database, served: Filter) -> None:
    labels, queue = LabelStore(database), Queue(database)
    (one,) = held(served, different(1))
    labels.remember([one, *held(served, different(3), "allow"), *held(served, different(3), "block")])
    (queued,) = queue.page(ALL, "urgent", "", 10)
    assert queued.check.reasons == queue.reasons(one.id) == one.reasons
    assert (queued.alike, queue.count(ALL, 10)) == (1, 1)


def test_a_label_settles_a_comment_wherever_it_comes_from_and_an_undo_brings_it_back(
    database: Database, served: Filter
) -> None:
    labels, queue = LabelStore(database), Queue(database)
    (check,) = held(served, different(1))
    labels.remember([check])
    labels.add([GivenLabel(SITE, check.comment, "spam", "import", NOON)])
    assert waiting(queue) == []
    assert labels.undo(1, 1, "ann", None, NOON) == 0
    assert labels.undo(1, 1, "import", frozenset({"other.example"}), NOON) == 0
    assert labels.undo(1, 1, "import", None, NOON) == 1
    assert waiting(queue) == [check.id]


def test_the_most_uncertain_come_first_and_one_of_many_alike_before_its_equals(
    database: Database, served: Filter
) -> None:
    labels, queue = LabelStore(database), Queue(database)
    sure, unsure, equal = held(served, different(3), scores=[0.97, 0.5, 0.9])
    many = held(served, alike(4), at=NOON + timedelta(hours=1), scores=[0.9] * 4)
    labels.remember([sure, unsure, equal, *many])
    order = waiting(queue)
    assert order.index(many[-1].id) < order.index(equal.id) < order.index(sure.id)
    assert order.index(unsure.id) < order.index(equal.id)


def test_what_is_nearly_the_same_is_one_campaign_of_its_site(database: Database, served: Filter) -> None:
    labels, queue = LabelStore(database), Queue(database)
    many = held(served, alike(6))
    labels.remember(many[:3])
    labels.remember([*many[3:], *held(served, different(3)), *held(served, alike(2), site="other.example")])
    found = {queued.check.id: queued for queued in queue.page(ALL, "newest", "", 100)}
    assert {(found[check.id].campaign, found[check.id].alike) for check in many} == {(many[0].id, 6)}
    assert sorted(queued.alike for queued in found.values()) == [1, 1, 1, 2, 2, *[6] * 6]
    assert set(waiting(queue, Wanted(sites=None, campaign=many[0].id))) == {check.id for check in many}


def test_however_long_a_campaign_is_its_first_comment_alone_is_looked_up(database: Database, served: Filter) -> None:
    labels, queue = LabelStore(database), Queue(database)
    same = held(served, alike(1) * 40, scores=[0.9] * 40)
    labels.remember(same[:20])
    labels.remember(same[20:])
    assert [queued.check.id for queued in queue.page(ALL, "urgent", "", 100)] == [check.id for check in reversed(same)]
    assert {queued.campaign for queued in queue.page(ALL, "newest", "", 100)} == {same[0].id}
    with database.transaction() as connection:
        known = connection.exec_driver_sql("SELECT check_id FROM queue WHERE band0 IS NOT NULL").scalars().all()
    assert known == [same[0].id]


def test_of_many_campaigns_with_a_band_in_common_the_newest_are_compared(database: Database) -> None:
    band, rest = os.urandom(BYTES_OF_BAND), SKETCH_BYTES - BYTES_OF_BAND
    many = held_as([band + os.urandom(rest) for _ in range(2 * MAX_OF_BAND)], first=0)
    others = os.urandom((BANDS - 1) * BYTES_OF_BAND)  # bands that none of the many has
    oldest, newest = (band + others + one.sketch[BANDS * BYTES_OF_BAND :] for one in (many[0], many[-1]))
    late = held_as([oldest, newest], first=len(many))
    labels, queue = LabelStore(database), Queue(database)
    labels.remember(many)
    labels.remember(late)
    campaigns = [queued.campaign for queued in queue.page(ALL, "newest", "", 2)]
    assert campaigns == [many[-1].id, late[0].id]


def test_what_may_be_alike_is_looked_up_by_its_bands(tmp_path: Path, served: Filter) -> None:
    asked: list[tuple[str, Any]] = []
    with Database(f"sqlite:///{tmp_path / 'q.sqlite3'}") as database:
        labels = LabelStore(database)
        labels.remember(held(served, [*different(3), *alike(3)]))
        with database.transaction() as connection:
            note = connection.engine
        sa.event.listen(note, "before_cursor_execute", lambda _c, _k, said, values, *_: asked.append((said, values)))
        labels.remember(held(served, alike(2), at=NOON + timedelta(hours=1)))
        looks = [(said, values) for said, values in asked if said.startswith("SELECT") and "FROM queue" in said]
        with database.transaction() as connection:
            plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", values).all() for said, values in looks]
    assert "queue_by_band3" in str(plans)
    assert "SCAN queue" not in str(plans)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(sites={"b.example"}), [1]),
        (Wanted(sites=set()), []),
        (Wanted(sites=None, words="KETTLE"), [0]),
        (Wanted(sites=None, words="kettle bo"), [0]),
        (Wanted(sites=None, words="kettle cy"), []),
        (Wanted(sites=None, words="чай"), [1]),
        (Wanted(sites=None, words="100%"), [1]),
        (Wanted(sites=None, words="1_0"), []),
        (Wanted(sites=None, feature="links"), [1]),
        (Wanted(sites=None, feature="link"), []),
        (Wanted(sites=None, since=NOON + timedelta(minutes=30)), [1]),
    ],
)
def test_the_queue_is_searched_and_filtered(
    database: Database, served: Filter, wanted: Wanted, expected: list[int]
) -> None:
    labels = LabelStore(database)
    (tea,) = held(served, [Comment(text="A broken kettle\x00", author="Bo")])
    (link,) = held(served, [Comment(text="ЧАЙ 100%", author="Cy")], site="b.example", at=NOON + timedelta(hours=1))
    checks = [replace(tea, reasons=()), replace(link, reasons=(Reason("links", 2.0, "links"),))]
    labels.remember(checks)
    assert waiting(Queue(database), wanted) == [checks[place].id for place in expected]


def test_pages_of_the_queue_hold_everything_once(database: Database, served: Filter) -> None:
    labels, queue = LabelStore(database), Queue(database)
    checks = held(served, different(25), scores=[0.5, 0.8, 0.8, 0.9, 0.6] * 5)
    labels.remember(checks)
    for order in ("urgent", "newest"):
        found: list[str] = []
        while page := queue.page(ALL, order, found[-1] if found else "", 4):  # type: ignore[arg-type]
            found += [queued.check.id for queued in page]
        assert sorted(found) == sorted(check.id for check in checks)


def test_what_is_forgotten_or_too_long_to_be_kept_waits_no_more(database: Database, served: Filter) -> None:
    labels, queue = LabelStore(database), Queue(database)
    (long,) = held(served, [Comment(text="x" * 300_000)])
    labels.remember([*held(served, different(2)), long])
    assert len(waiting(queue)) == 2
    labels.forget_checks(NOON + timedelta(seconds=1))
    assert len(waiting(queue)) == 1
    with database.transaction() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM queue").scalar_one() == 1


def test_what_waited_while_the_database_was_away_is_written_however_much_it_is(database: Database) -> None:
    """Databases take so many values in one statement, 65,535 and fewer."""
    (first,) = held_as([os.urandom(SKETCH_BYTES)], first=0)
    many = held_as([os.urandom(SKETCH_BYTES) for _ in range(17_000)] + [first.sketch], first=1)
    labels, queue = LabelStore(database), Queue(database)
    labels.remember([first])
    labels.remember(many)
    assert queue.count(ALL, 100_000) == 1 + len(many)
    assert len(queue.page(Wanted(sites=None, campaign=first.id), "newest", "", 10)) == 2


def held_as(sketches: list[bytes], first: int) -> list[Check]:
    """Make checks that were held, with these sketches."""
    return [
        Check(f"{number:032x}", SITE, NOON, Comment(text=str(number)), 0.9, "review", "0" * 16, sketch=sketch)
        for number, sketch in enumerate(sketches, first)
    ]


def test_an_answer_to_what_was_seen_is_added_and_one_to_what_has_changed_is_not(database: Database) -> None:
    labels = LabelStore(database)
    ann = GivenLabel(SITE, Comment(text="tea"), "spam", "ann", NOON)
    bo = replace(ann, label="ham", labelled_by="bo")
    (first,) = labels.answer([Answer(ann, 0)])
    assert (first.number, first.meanwhile) == (1, None)
    (second,) = labels.answer([Answer(bo, 0)])
    assert second.number is None
    assert second.meanwhile is not None
    assert second.meanwhile.given == ann
    (same,) = labels.answer([Answer(ann, 1)])
    assert (same.number, same.meanwhile) == (None, None)
    (third,) = labels.answer([Answer(bo, 1)])
    assert third.number == 2
    assert labels.undo(2, 2, "bo", None, NOON) == 1
    assert labels.history(SITE, ann.comment) == [ann]


# The page


@pytest.fixture
def checks(app: Flask, key: str, served: Filter) -> list[Check]:
    """Three checks that wait on one site, and one on another."""
    del key
    store = app.extensions["hamgate.store"]
    now = datetime.now(UTC) - timedelta(minutes=5)
    store.add_site("other.example", digest_of_key("other"), now)
    made = [*held(served, different(3), at=now), *held(served, different(1), site="other.example", at=now)]
    LabelStore(store).remember(made)
    return made


def said(app: Flask) -> list[tuple[str, str, str]]:
    labels = LabelStore(app.extensions["hamgate.store"])
    return [(given.site, given.label, given.labelled_by) for _, given in labels.latest()]


def shown_ids(browser: Browser, path: str = "/moderate/") -> list[str]:
    return re.findall(r'data-id="(\w+)"', browser.get(path).text)


def test_a_moderator_decides_and_takes_it_back(app: Flask, checks: list[Check]) -> None:
    ann = Browser(app, "ann")
    one = checks[0].id
    answer = ann.send("/moderate/decide", decision=f"spam {one}.0").json
    assert answer == {"said": "Called spam: 1 comment.", "ids": [one], "undo": "1-1", "refused": 0}
    assert said(app) == [(SITE, "spam", "ann")]
    assert one not in shown_ids(ann)
    assert ann.send("/moderate/undo", labels="1-1").json["undone"] == 1
    assert said(app) == []
    assert one in shown_ids(ann)
    assert ann.send("/moderate/undo", labels="1-1").json["said"] == "That was taken back already."


def test_without_scripts_forms_do_the_same(app: Flask, checks: list[Check]) -> None:
    ann = Browser(app, "ann")
    fields = {"decision": "ham", "chosen": [f"{check.id}.0" for check in checks[:2]], "back": "/moderate/?site=x"}
    answer = ann.post("/moderate/decide", **fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/moderate/?site=x")
    page = ann.get("/moderate/").text
    assert "Called ham: 2 comments." in page
    undo = re.search(r'name="labels" value="([\d-]+)"', page)
    assert undo
    assert ann.post("/moderate/undo", labels=undo[1], back="//evil.example").headers["Location"] == "/"
    assert "Taken back: 2 comments." in ann.get("/moderate/").text
    assert len(shown_ids(ann)) == 4


def test_an_undo_leaves_verdicts_exactly_as_they_were(app: Flask, checks: list[Check], client: FlaskClient) -> None:
    ann = Browser(app, "ann")
    near = {"text": checks[0].comment.text + " indeed, so it is", "author": checks[0].comment.author}

    def verdict() -> dict[str, float]:
        answer = client.post("/v1/check", json=near).get_json()
        return {reason["feature"]: reason["weight"] for reason in answer["reasons"]}

    ann.send("/moderate/decide", decision=f"ham {checks[1].id}.0")
    wait_until(lambda: verdict().get("labels", 0.0) < -0.1, seconds=5)
    before = verdict()
    ann.send("/moderate/decide", decision=f"spam {checks[0].id}.0")
    wait_until(lambda: verdict().get("label", 0.0) > 0.1, seconds=5)
    ann.send("/moderate/undo", labels="2-2")
    wait_until(lambda: verdict() == before, seconds=5)


def test_what_was_decided_meanwhile_is_said_and_not_overwritten(app: Flask, checks: list[Check]) -> None:
    ann, bo = Browser(app, "ann"), Browser(app, "bo")
    ann.send("/moderate/decide", decision=f"spam {checks[0].id}.0")
    answer = bo.send("/moderate/decide", decision="ham", chosen=[f"{check.id}.0" for check in checks[:2]]).json
    assert answer["said"] == "Called ham: 1 comment. ann has called one spam meanwhile; that is left as it is."
    assert (answer["refused"], answer["undo"]) == (1, "2-2")
    assert said(app) == [(SITE, "spam", "ann"), (SITE, "ham", "bo")]
    assert bo.send("/moderate/decide", decision=f"ham {checks[0].id}.1").json["undo"] == "3-3"


def test_saying_the_same_as_somebody_else_is_no_quarrel(app: Flask, checks: list[Check]) -> None:
    ann, bo = Browser(app, "ann"), Browser(app, "bo")
    again = replace(checks[0], id="f" * 32)
    LabelStore(app.extensions["hamgate.store"]).remember([again])
    both = [f"{checks[0].id}.0", f"{again.id}.0"]
    assert ann.send("/moderate/decide", decision="spam", chosen=both).json["said"] == "Called spam: 2 comments."
    answer = bo.send("/moderate/decide", decision="spam", chosen=both).json
    assert (answer["said"], answer["undo"], answer["refused"]) == ("Somebody has said so already.", "", 0)
    assert said(app) == [(SITE, "spam", "ann")]


def test_nobody_takes_back_what_somebody_else_said(app: Flask, checks: list[Check]) -> None:
    ann, bo = Browser(app, "ann"), Browser(app, "bo")
    ann.send("/moderate/decide", decision=f"spam {checks[0].id}.0")
    assert bo.send("/moderate/undo", labels="1-1").json["undone"] == 0
    assert bo.send("/moderate/undo", labels="0-999999999999999999").json["undone"] == 0
    assert len(said(app)) == 1


def test_all_of_a_campaign_are_settled_at_once(app: Flask, checks: list[Check], served: Filter) -> None:
    ann = Browser(app, "ann")
    many = held(served, alike(7), at=datetime.now(UTC) - timedelta(minutes=1))
    LabelStore(app.extensions["hamgate.store"]).remember(many)
    assert "7 alike wait here" in ann.get("/moderate/").text
    answer = ann.send("/moderate/decide", decision=f"spam campaign {many[0].id}").json
    assert (answer["said"], answer["undo"]) == ("Called spam: 7 comments.", "1-7")
    assert set(shown_ids(ann)) == {check.id for check in checks}
    assert ann.send("/moderate/undo", labels="1-7").json["undone"] == 7


def test_a_moderator_sees_and_decides_nothing_of_other_sites(app: Flask, checks: list[Check]) -> None:
    moderator = Browser(app, "bo", Role.MODERATOR, [SITE])
    other = checks[3]
    assert set(shown_ids(moderator)) == {check.id for check in checks[:3]}
    assert "other.example" not in moderator.get("/moderate/").text
    for path in (
        "/moderate/?site=other.example",
        "/moderate/history?site=other.example",
        "/moderate/history/labels?site=other.example",
        f"/moderate/comments/{other.id}",
    ):
        assert moderator.get(path).status_code == 404, path
    assert shown_ids(moderator, f"/moderate/?campaign={other.id}") == []
    assert other.id not in shown_ids(moderator, "/moderate/history")
    for decision in (f"spam {other.id}.0", f"spam campaign {other.id}"):
        assert moderator.send("/moderate/decide", decision=decision).status_code in (404, 422)
    both = [f"{other.id}.0", f"{checks[0].id}.0"]
    assert moderator.send("/moderate/decide", decision="spam", chosen=both).json["ids"] == [checks[0].id]
    assert said(app) == [(SITE, "spam", "bo")]


def test_a_moderator_who_lost_a_site_takes_back_nothing_there(app: Flask, checks: list[Check]) -> None:
    admin, moderator = Browser(app, "ann"), Browser(app, "bo", Role.MODERATOR, [SITE])
    moderator.send("/moderate/decide", decision=f"spam {checks[0].id}.0")
    admin.post("/moderate/accounts/bo/access", role="moderator", site="other.example")
    assert moderator.send("/moderate/undo", labels="1-1").json["undone"] == 0


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 422),
        ({"decision": "eggs"}, 422),
        ({"decision": "spam"}, 422),
        ({"decision": "spam nothing"}, 422),
        ({"decision": "spam campaign \x00"}, 422),
        ({"decision": "spam " + "a" * 32 + ".0"}, 404),
        ({"decision": "ham", "chosen": ["x", "y" * 10_000]}, 422),
    ],
)
def test_what_is_no_decision_is_refused(app: Flask, fields: dict[str, str], status: int) -> None:
    assert Browser(app, "ann").send("/moderate/decide", **fields).status_code == status


@pytest.mark.parametrize("labels", ["", "1", "1-", "x-y", "-1--1", "1-" + "9" * 19])
def test_what_is_no_range_of_labels_is_refused(app: Flask, labels: str) -> None:
    assert Browser(app, "ann").send("/moderate/undo", labels=labels).status_code == 422


def test_long_queues_are_paged(app: Flask, served: Filter) -> None:
    ann = Browser(app, "ann")
    store = LabelStore(app.extensions["hamgate.store"])
    store.remember(held(served, different(PAGE_COMMENTS + 5), at=datetime.now(UTC) - timedelta(hours=2)))
    page = ann.get("/moderate/?words=number&age=day").text
    onward = re.search(r'rel="next" href="([^"]+)"', page)
    assert onward
    first, second = re.findall(r'data-id="(\w+)"', page), shown_ids(ann, html.unescape(onward[1]))
    assert (len(first), len(second), len({*first, *second})) == (PAGE_COMMENTS, 5, PAGE_COMMENTS + 5)
    assert shown_ids(ann, "/moderate/?age=hour") == []


@pytest.mark.parametrize(
    "query",
    [
        "after=x",
        "after=%00",
        "order=x",
        "age=x",
        "reason=%25",
        "words=%00%ff%27%22",
        "campaign=%00",
        "_external=1&_scheme=javascript",
        "endpoint=x",
        "site=",
    ],
)
def test_whatever_is_asked_for_is_answered(app: Flask, checks: list[Check], query: str) -> None:
    del checks
    ann = Browser(app, "ann")
    for path in ("/moderate/", "/moderate/history", "/moderate/history/labels"):
        assert ann.get(f"{path}?{query}&before={query}").status_code == 200


def test_a_check_over_http_that_is_held_waits_in_the_queue(app: Flask, client: FlaskClient, served: Filter) -> None:
    ann = Browser(app, "ann")
    words = "Great post about cheap watches: buy replicas online at a discount, see http://watches.example/"
    texts = [words[:count] for count in range(20, len(words) + 1, 5)]
    comments = [
        Comment(text=text, author=author, author_url=url)
        for text in texts
        for author in ("Bo", "Cheap Watches")
        for url in ("", "http://x.example/")
    ]
    verdicts = zip(comments, served.check_many(comments), strict=True)
    doubtful = next(comment for comment, verdict in verdicts if verdict.decision == "review")
    held_one = client.post(
        "/v1/check", json={"text": doubtful.text, "author": doubtful.author, "author_url": doubtful.author_url}
    ).get_json()
    shown_one = client.post("/v1/check", json={"text": "Thanks, that helped."}).get_json()
    assert (held_one["decision"], shown_one["decision"]) == ("review", "allow")
    wait_until(lambda: shown_ids(ann) == [held_one["id"]], seconds=5)
    both = {held_one["id"], shown_one["id"]}
    wait_until(lambda: set(shown_ids(ann, "/moderate/history")) == both, seconds=5)  # the other may be written later


def test_a_settled_comment_stays_settled_when_its_addresses_are_hashed_later(
    database: Database, served: Filter
) -> None:
    labels, queue = LabelStore(database), Queue(database)
    comments = [replace(comment, author_email="bo@mail.example", user_ip="192.0.2.1") for comment in different(2)]
    settled, open_one = held(served, comments)
    labels.remember([settled, open_one])
    labels.add([GivenLabel(SITE, settled.comment, "spam", "ann", NOON)])
    hash_stored(database, Pseudonyms(b"key"))
    assert waiting(queue) == [open_one.id]
    labels.add([GivenLabel(SITE, Pseudonyms(b"key").of(open_one.comment), "ham", "ann", NOON)])
    assert waiting(queue) == []
