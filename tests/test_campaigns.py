"""Campaigns seen before anybody labels them, and popular phrases that are none."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from model import SHIPPED
from model.artifact import load
from model.comment import Comment
from training import campaigns as campaigns_module
from training.campaigns import Campaigns

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from model.artifact import Filter

SITE = "blog.example"
TEXT = "My brother recommended I might like this web site. He was totally right, this made my day, {} times over."


@pytest.fixture(scope="module")
def model() -> Filter:
    return load(SHIPPED)


def others(model: Filter, campaigns: Campaigns, comment: Comment, at: float = 0.0, site: str = SITE) -> int:
    """Tell how many others are said to have sent it."""
    reason = campaigns.reason(site, comment, model.check(comment).sketch, at)
    return 0 if reason is None else int(reason.text.split()[0])


def sent(number: int, author: str, permalink: str = "") -> Comment:
    return Comment(text=TEXT.format(number), author=author, permalink=permalink)


def test_the_third_author_of_nearly_the_same_text_belongs_to_a_campaign(model: Filter) -> None:
    campaigns = Campaigns()
    counts = [others(model, campaigns, sent(n, name)) for n, name in enumerate(("Ann", "Bob", "Cy", "Di"))]
    assert counts == [0, 0, 2, 3]
    assert others(model, campaigns, Comment(text=TEXT[::-1], author="Eve")) == 0


def test_many_posts_count_like_many_authors_but_one_person_may_send_twice(model: Filter) -> None:
    campaigns = Campaigns()
    assert [others(model, campaigns, sent(1, "Ann", f"/post/{n}")) for n in range(4)] == [0, 0, 2, 3]
    again = Campaigns()
    assert [others(model, again, sent(n, "Ann", "/post")) for n in range(4)] == [0, 0, 0, 0]


def test_what_everybody_says_is_no_campaign(model: Filter) -> None:
    campaigns = Campaigns()
    for text in ("First!", "Great post!", "Thank you so much for sharing this with us all!"):
        assert [others(model, campaigns, Comment(text=text, author=f"author {n}")) for n in range(9)] == [0] * 9


def test_a_day_later_and_on_another_site_it_is_forgotten(model: Filter) -> None:
    campaigns = Campaigns()
    for number, name in enumerate(("Ann", "Bob", "Cy")):
        others(model, campaigns, sent(number, name))
    assert others(model, campaigns, sent(1, "Di"), site="other.example") == 0
    assert others(model, campaigns, sent(1, "Di"), at=86_401.0) == 0


LINK = "https://cheap-roofs.example/offers"


def linked(name: str, url: str = LINK, kind: str = "", permalink: str = "") -> Comment:
    return Comment(text=f"Fine, {name[::-1]}.", author=name, author_url=url, type=kind, permalink=permalink)


def test_the_third_name_with_the_same_link_belongs_to_a_campaign(model: Filter) -> None:
    campaigns = Campaigns()
    names = ("roof repair", "Cheap Gutters", "Ann Lee", "gutters cheap", "Cheap Gutters", "Bob")
    assert [others(model, campaigns, linked(name)) for name in names] == [0, 0, 2, 2, 2, 4]
    written_otherwise = linked("Cy", " HTTP://www.Cheap-Roofs.example/offers/ ")
    assert others(model, campaigns, written_otherwise) == 5
    assert others(model, campaigns, linked("Di", "https://cheap-roofs.example")) == 0
    reason = campaigns.reason(SITE, linked("Eve"), model.check(linked("Eve")).sketch, 0.0)
    assert reason is not None
    assert reason == ("campaign", 2.0, "6 others gave the same link within a month")


def test_what_weighs_more_is_told(model: Filter) -> None:
    campaigns = Campaigns()
    for number, name in enumerate(("Ann", "Bob", "Cy", "Di")):
        comment = replace(sent(number, name), author_url=LINK)
        reason = campaigns.reason(SITE, comment, model.check(comment).sketch, 0.0)
    assert reason == ("campaign", 3.0, "3 others sent nearly the same text within a day")


def test_of_a_huge_name_only_the_beginning_is_read(model: Filter) -> None:
    campaigns = Campaigns()
    names = [f"{name}{' ' * 200}the-same-end" for name in ("Ann", "Bob", "Cy")]
    assert [others(model, campaigns, linked(name)) for name in names] == [0, 0, 2]


def test_one_person_the_site_itself_and_pings_are_no_campaign(model: Filter) -> None:
    for kind in (
        [linked(name) for name in ("Bob Harper", "Robert Harper", "R. Harper", "harper")],
        [linked(name, permalink="https://www.cheap-roofs.example/post") for name in ("Ann", "Bob", "Cy", "Di")],
        [linked(name, kind="pingback") for name in ("A post", "Its sequel", "Another day", "Links")],
        [linked(name, "n/a") for name in ("Ann", "Bob", "Cy", "Di")],
        [linked("", LINK)] * 4,
    ):
        campaigns = Campaigns()
        assert [others(model, campaigns, comment) for comment in kind] == [0] * 4


def test_a_link_is_forgotten_after_a_month_and_on_another_site(model: Filter) -> None:
    campaigns = Campaigns()
    for name in ("Ann", "Bob", "Cy"):
        others(model, campaigns, linked(name))
    assert others(model, campaigns, linked("Di"), site="other.example") == 0
    assert others(model, campaigns, linked("Eve"), at=29 * 86_400.0) == 3
    assert others(model, campaigns, linked("Fay"), at=31 * 86_400.0) == 0


def test_without_a_sender_nothing_can_be_told(model: Filter) -> None:
    campaigns = Campaigns()
    assert [others(model, campaigns, Comment(text=TEXT)) for _ in range(4)] == [0] * 4


def test_what_is_remembered_is_bounded(model: Filter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns_module, "MAX_BANDS", 60)
    campaigns = Campaigns()
    for number in range(50):
        others(model, campaigns, Comment(text=f"{number} {TEXT[number:]} {TEXT[:number]}", author=f"author {number}"))
        others(model, campaigns, linked(f"name {number}", f"https://{number}.example"))
    for recent in (campaigns._texts[SITE], campaigns._links[SITE]):
        assert 0 < len(recent._younger) <= 64
        assert len(recent._older) <= 64


def test_a_service_raises_the_score_and_says_why_until_somebody_calls_it_ham(client: FlaskClient) -> None:
    def check(number: int) -> dict[str, object]:
        body = {"text": TEXT.format(number), "author": f"author {number}"}
        found: dict[str, object] = client.post("/v1/check", json=body).get_json()
        return found

    first, _, third = (check(number) for number in range(3))
    assert isinstance(third["score"], float)
    assert isinstance(first["score"], float)
    assert third["score"] > first["score"]
    assert "2 others sent nearly the same text within a day" in json.dumps(third)
    assert "campaign" not in json.dumps(first)


def test_a_huge_name_is_not_remembered(model: Filter) -> None:
    campaigns = Campaigns()
    tracemalloc.start()
    for number in range(20):
        comment = Comment(text=TEXT.format(number), author=f"{number}" + "x" * 1_000_000)
        campaigns.reason(SITE, comment, model.check(sent(number, "Ann")).sketch, 0.0)
        del comment
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 5_000_000
