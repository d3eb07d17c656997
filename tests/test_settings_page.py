"""The pages of settings and lists: what an admin sees before it is saved, and what is saved; others get nowhere."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browser import Browser
from conftest import wait_until

from model.comment import Comment
from model.lists import Line, Subject
from model.verdict import Decision
from service.auth import digest_of
from service.moderation.settings import in_words
from training.accounts import Role
from training.callbacks import AllowedHost, CallbackHosts
from training.consequences import Estimate
from training.labels import Check, GivenLabel, LabelStore, first_id
from training.lists import ListStore
from training.settings import BUDGET, SettingsStore

if TYPE_CHECKING:
    from flask import Flask

    from training.store import Store

SITE = "blog.example"
HOSTILE = "<script>alert(1)</script>\u202e\"'{{7*7}}"
pytestmark = pytest.mark.usefixtures("key")


@pytest.fixture
def store(app: Flask) -> Store:
    opened: Store = app.extensions["hamgate.store"]
    return opened


@pytest.fixture
def admin(app: Flask) -> Browser:
    return Browser(app, "ann")


def remember_traffic(store: Store, count: int = 2_000, days: int = 20) -> None:
    """Remember checks as a site has them: good and spam in equal parts, calibrated."""
    rng, now = np.random.default_rng(0), datetime.now(UTC)
    log_odds = np.where(rng.random(count) < 0.5, rng.normal(4, np.sqrt(8), count), rng.normal(-4, np.sqrt(8), count))
    times = [now - timedelta(days=days * number / count) for number in range(count)]
    checks = [
        Check(f"{first_id(at)}{number:020x}", SITE, at, Comment(text="x"), 1 / (1 + np.exp(-one)), "allow", "m")
        for number, (at, one) in enumerate(zip(times, log_odds.tolist(), strict=True))
    ]
    LabelStore(store).remember(checks)


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (Estimate(12.3), "about 12 a week"),
        (Estimate(12.3, 8.2, 17.0), "about 12 a week (8.2 to 17)"),
        (Estimate(0.5, 0.0, 1.0), "about 2.2 a month (0 to 4.3)"),
        (Estimate(0.05), "about 2.6 a year"),
        (Estimate(1.0), "about 1 a week"),
        (Estimate(0.0), "fewer than one a year"),
        (Estimate(0.0, 0.0, 0.5), "at most 2.2 a month"),
        (Estimate(0.0, 0.0, 0.01), "fewer than one a year"),
    ],
)
def test_how_often_is_said_in_words(estimate: Estimate, words: str) -> None:
    assert in_words(estimate) == words


def test_what_happens_is_named_in_its_number() -> None:
    assert in_words(Estimate(0.5), "good comment") == "about 2.2 good comments a month"
    assert in_words(Estimate(1.0), "good comment") == "about 1 good comment a week"
    assert in_words(Estimate(0.0), "good comment") == "fewer than one good comment a year"


def test_with_little_traffic_the_page_says_so_and_promises_what_the_model_does(admin: Browser) -> None:
    page = text_of(admin.get("/moderate/settings").text)
    assert "Not enough traffic yet to say what a budget means here: 0 comments" in page
    assert page.count("not enough traffic yet") == 6
    assert "No budget is set" in page


def test_a_budget_is_shown_with_what_it_means_before_it_is_saved(admin: Browser, store: Store) -> None:
    remember_traffic(store)
    page = text_of(admin.get(f"/moderate/settings?site={SITE}").text)
    assert "Estimated on 2,000 comments of the last 20.0 days" in page
    said = r"now, about [\d.]+ good comments a week are held and .+ a \w+ are blocked; \d+\s% of spam never reaches you"
    assert re.search(said, page)
    looked = text_of(admin.get(f"/moderate/settings?site={SITE}&blocked=0.01").text)
    assert "What 1 % would change" in looked
    assert "not enough labelled ham of this site's own yet: 0 of 299" in looked
    assert SettingsStore(store).of(SITE).budget is None
    assert admin.post("/moderate/settings/budget", site=SITE, blocked="0.01").status_code == 303
    settings = SettingsStore(store).of(SITE)
    assert settings.budget is not None
    assert settings.budget["blocked"] == 0.01
    assert settings.thresholds is not None
    assert [change.changed_by for change in SettingsStore(store).history(SITE, 9)] == ["ann"]
    assert "In force: a budget of 1 %" in text_of(admin.get("/moderate/settings").text)
    assert admin.post("/moderate/settings/budget", site=SITE, blocked="").status_code == 303
    assert SettingsStore(store).of(SITE).budget is None


def test_labels_of_the_site_make_the_promise_its_own(admin: Browser, app: Flask, store: Store) -> None:
    words = ["apple", "pear", "plum", "fig", "quince", "cherry", "grape", "lemon", "olive", "melon"]
    labels = [
        GivenLabel(
            SITE,
            Comment(text=f"I grow {words[n % 10]} trees, {n} by now, and {words[n // 10 % 10]}"),
            "ham",
            "ann",
            datetime.now(UTC),
        )
        for n in range(310)
    ]
    LabelStore(store).add(labels)
    wait_until(lambda: len(app.extensions["hamgate.follower"].knowledge.foresight.of(SITE).ham) == 310)
    looked = text_of(admin.get(f"/moderate/settings?site={SITE}&blocked=0.01").text)
    assert "at most 1 % of good comments, with 95 % confidence, by 310 good comments of this site's own" in looked
    assert "yes, by this site’s own comments" in looked


def test_a_comment_is_tried_and_nothing_of_it_is_kept(admin: Browser, app: Flask, store: Store) -> None:
    ListStore(store).add(SITE, [Line.of(Subject.PHRASE, "semicolon", Decision.BLOCK)], datetime.now(UTC), "ann")
    wait_until(lambda: app.extensions["hamgate.rulebook"].of(SITE) is not None)
    tried = admin.post("/moderate/settings/try", site=SITE, text="It lacks a semicolon.", author=HOSTILE)
    assert tried.status_code == 200
    assert "block , score" in text_of(tried.text)
    assert "this site's deny list: phrase “semicolon”" in text_of(tried.text)
    assert "<script>alert" not in tried.text
    app.extensions["hamgate.recorder"].close()
    assert LabelStore(store).last_checked(SITE) is None
    assert ListStore(store).page(SITE, 1)[0].matches == 0


def test_a_key_is_rotated_once_somebody_is_sure_and_shown_once(admin: Browser, store: Store, key: str) -> None:
    refused = admin.post("/moderate/settings/key", site=SITE)
    assert "Say that you are sure" in refused.text
    assert store.site_with_key(digest_of(key)) is not None
    shown = re.search(
        r'<code class="wrap">(\w{12})</code>', admin.post("/moderate/settings/key", site=SITE, sure="yes").text
    )
    assert shown
    assert store.site_with_key(digest_of(key)) is None
    assert store.site_with_key(digest_of(shown[1])) is not None
    assert shown[1] not in admin.get("/moderate/settings").text


def test_what_a_site_is_told_and_retention_are_saved_and_only_changes_are_noted(admin: Browser, store: Store) -> None:
    for _ in range(2):
        admin.post("/moderate/settings/site", site=SITE, log_only="yes", keep_checks_days="7")
    settings = SettingsStore(store).of(SITE)
    assert (settings.is_log_only, settings.keep_checks_days) == (True, 7)
    assert len(SettingsStore(store).history(SITE, 9)) == 2
    admin.post("/moderate/settings/site", site=SITE, keep_checks_days="")
    assert (SettingsStore(store).of(SITE).is_log_only, SettingsStore(store).of(SITE).keep_checks_days) == (False, None)


def test_hosts_of_callbacks_are_allowed_and_removed(admin: Browser, store: Store) -> None:
    path, host = "/moderate/settings/callbacks", "blog.example:8080"
    assert admin.post(path, site=SITE, host="Blog.Example:8080", private="yes").status_code == 303
    assert CallbackHosts(store).of(SITE) == [AllowedHost(host, is_private=True)]
    assert "Remove blog.example:8080" in admin.get("/moderate/settings").text
    refused = admin.post(path, site=SITE, host=f"http://{HOSTILE}/")
    assert refused.status_code == 422
    assert "expected a host" in refused.text
    assert "<script>alert" not in refused.text
    assert admin.post(path, site=SITE, host=host, what="remove").status_code == 303
    assert CallbackHosts(store).of(SITE) == []
    done = [change.value for change in SettingsStore(store).history(SITE, 9)]
    assert done == ["blog.example:8080 removed", "blog.example:8080 added"]


def test_lines_are_pasted_searched_and_removed(admin: Browser, store: Store) -> None:
    pasted = "viagra\n\n!!!\n192.0.2.0/24\n<b>bold</b>\n"
    answer = admin.post("/moderate/lists/add", site=SITE, decision="review", subject="", lines=pasted)
    assert answer.status_code == 422
    assert "3 lines added, 0 changed, 0 there already. 1 can't be used." in text_of(answer.text)
    assert "Line 3: found '!!!'" in text_of(answer.text)
    again = admin.post("/moderate/lists/add", site=SITE, decision="block", subject="domain", lines="spam.example")
    assert again.status_code == 303
    page = admin.get("/moderate/lists")
    assert "<b>bold" not in page.text
    assert "4 lines" in page.text
    found = admin.get(f"/moderate/lists?site={SITE}&containing=VIAG")
    assert "1 lines that contain" in text_of(found.text)
    number = re.search(r'name="line" value="(\d+)"', found.text)
    assert number
    assert admin.post("/moderate/lists/remove", site=SITE, line=number[1]).status_code == 303
    assert sorted(line.pattern for line in ListStore(store).lines(SITE)) == [
        "192.0.2.0/24",
        "<b>bold</b>",
        "spam.example",
    ]


def test_ten_thousand_lines_are_pasted_at_once_and_paged_through(admin: Browser, store: Store) -> None:
    pasted = "\n".join(f"spam{number} word{number}" for number in range(10_000))
    assert (
        admin.post("/moderate/lists/add", site=SITE, decision="block", subject="phrase", lines=pasted).status_code
        == 303
    )
    assert ListStore(store).count(SITE) == 10_000
    page = admin.get(f"/moderate/lists?site={SITE}&page=100")
    assert page.text.count('name="line"') == 100
    assert len(page.data) < 150 * 1024


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/moderate/settings/budget", {"blocked": "0.5"}, 422),
        ("/moderate/settings/budget", {"blocked": "nan"}, 422),
        ("/moderate/settings/site", {"keep_checks_days": "-1"}, 422),
        ("/moderate/settings/site", {"keep_checks_days": "1e9"}, 422),
        ("/moderate/settings/site", {"keep_checks_days": "9" * 5_000}, 422),
        ("/moderate/settings/site", {"keep_checks_days": "\u0664"}, 422),
        ("/moderate/lists/add", {"decision": "eat", "subject": "", "lines": "x"}, 422),
        ("/moderate/lists/add", {"decision": "block", "subject": "colour", "lines": "x"}, 422),
        ("/moderate/lists/add", {"decision": "block", "subject": "phrase", "lines": "m" * 400_000}, 422),
        ("/moderate/lists/add", {"decision": "block", "subject": "", "lines": "m" * 1_000_000}, 422),
        ("/moderate/lists/add", {"decision": "block", "subject": "", "lines": HOSTILE}, 303),
        ("/moderate/lists/remove", {"line": ["x", "-1", "9" * 30, "\u0663"]}, 303),
        ("/moderate/settings/try", {"text": "\x00\ufffe"}, 200),
        ("/moderate/settings/try", {"text": HOSTILE * 1_000, "user_ip": "::%\x00"}, 200),
    ],
)
def test_whatever_a_form_holds_is_answered(admin: Browser, path: str, fields: dict[str, Any], status: int) -> None:
    answer = admin.post(path, **{"site": SITE, **fields})
    assert answer.status_code == status
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("query", ["site=other.example", "site=blog.example%00", "site=..%2F"])
@pytest.mark.parametrize("page", ["settings", "lists"])
def test_a_site_that_is_not_there_is_not_found(admin: Browser, page: str, query: str) -> None:
    assert admin.get(f"/moderate/{page}?{query}").status_code == 404


@pytest.mark.parametrize(
    "query", ["page=0", "page=99999", "page=-3", "page=x", "containing=%00%25", "page=" + "9" * 50]
)
def test_any_page_and_search_of_lines_is_answered(admin: Browser, query: str) -> None:
    assert admin.get(f"/moderate/lists?site={SITE}&{query}").status_code == 200


POSTS = [
    "settings/budget",
    "settings/callbacks",
    "settings/site",
    "settings/key",
    "settings/try",
    "lists/add",
    "lists/remove",
]


@pytest.mark.parametrize("path", POSTS)
def test_moderators_strangers_and_forged_forms_change_nothing(app: Flask, admin: Browser, path: str) -> None:
    moderator, stranger = Browser(app, "mo", Role.MODERATOR, [SITE]), Browser(app)
    fields = {"site": SITE, "sure": "yes", "log_only": "yes", "blocked": "0.01", "decision": "block", "lines": "x"}
    fields["host"] = "blog.example"
    assert moderator.post(f"/moderate/{path}", **fields).status_code == 403
    assert stranger.post(f"/moderate/{path}", **fields).status_code == 401
    assert admin.client.post(f"/moderate/{path}", data=fields).status_code == 403
    assert admin.post(f"/moderate/{path}", **{**fields, "site": "other.example"}).status_code == 404


@pytest.mark.parametrize("path", ["settings", "lists"])
def test_moderators_and_strangers_see_nothing(app: Flask, path: str) -> None:
    assert Browser(app, "mo", Role.MODERATOR, [SITE]).get(f"/moderate/{path}?site={SITE}").status_code == 403
    assert Browser(app).get(f"/moderate/{path}").status_code == 303


def test_a_budget_chosen_with_another_model_is_to_be_looked_at_again(admin: Browser, store: Store) -> None:
    admin.post("/moderate/settings/budget", site=SITE, blocked="0.001")
    kept = SettingsStore(store).of(SITE).budget
    assert kept is not None
    assert "another is served now" not in admin.get("/moderate/settings").text
    SettingsStore(store).change(SITE, BUDGET, {**kept, "model": "0" * 16}, datetime.now(UTC), "ann")
    assert "another is served now" in admin.get("/moderate/settings").text
