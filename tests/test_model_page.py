"""The model page: what it shows of the served version and its rivals, and who may change what is served."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from browser import Browser
from comments import campaign, conversation
from errands import do_jobs

from model import SHIPPED
from model.artifact import load, packed
from model.comment import Comment
from model.thresholds import Thresholds
from service.addresses import pseudonyms_with
from service.moderation import model as model_page
from service.moderation.card import facts, groups
from service.secret import open_secret
from training.accounts import Role
from training.jobs import Jobs
from training.labels import Check, GivenLabel, LabelStore, first_id
from training.made_up.examples import made_up_examples
from training.people import People, Person
from training.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from service.config import Config

PAGE = "/moderate/model"
NOW = datetime.now(UTC)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> \u202e{{ 7 * 7 }} \x1b[31m"
BUDGET_BYTES = 150 * 1024


def label_comments(app: Flask, count: int = 200, site: str = "blog.example") -> None:
    labels = [
        GivenLabel(site, one, "spam" if number < count else "ham", "ann", NOW - timedelta(hours=number % 97))
        for number, one in enumerate([*campaign(count), *conversation(count)])
    ]
    LabelStore(app.extensions["hamgate.store"]).add(labels)


def remember_checks(app: Flask, days: int = 3, a_day: int = 120) -> None:
    checks = []
    for day in range(days):
        at = NOW - timedelta(days=day)
        for number, one in enumerate([*campaign(a_day // 2, day), *conversation(a_day // 2, day)]):
            decided, score = ("block", 0.97) if number % 3 == 0 else ("allow", 0.03)
            check_id = f"{first_id(at)}{day:04x}{number:016x}"
            checks.append(Check(check_id, "blog.example", at, one, score, decided, load_version(app)))
    LabelStore(app.extensions["hamgate.store"]).remember(checks)


def load_version(app: Flask) -> str:
    return re.search(r'"model":"(\w+)"', app.test_client().get("/readyz").text.replace(" ", ""))[1]  # type: ignore[index]


def add_strict(app: Flask, config: Config) -> str:
    """Register a version that blocks everything."""
    model = load(config.model)
    content = packed(model.scorer, Thresholds(1e-12, 1e-9, 1.0), {})
    return Registry(app.extensions["hamgate.store"]).add(content, NOW, "ann")


def test_a_service_without_anything_shows_its_card(app: Flask) -> None:
    page = Browser(app, "ann").get(PAGE)
    assert page.status_code == 200
    assert load_version(app) in page.text
    for said in ("the model file", "Nobody has looked yet", "None yet. A retraining makes one.", "good comments of"):
        assert said in page.text


def test_a_survey_fills_the_page_within_its_budget(app: Flask, config: Config) -> None:
    label_comments(app)
    remember_checks(app)
    browser = Browser(app, "ann")
    assert browser.post(f"{PAGE}/survey").status_code == 303
    assert "Look at the served version" in browser.get(PAGE).text
    (job,) = do_jobs(app, config)
    assert (job.state, job.message) == ("done", "looked at the checks of the last days")
    page = browser.get(PAGE).text
    assert page.count("<svg") == 6
    without_plots = re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    assert f'<th scope="row">{NOW.date()}</th>' in without_plots
    assert "allow 80, block 40" in without_plots
    assert len(page.encode()) + len(browser.get("/static/hamgate.css").data) < BUDGET_BYTES
    assert not re.search(r"<style|style=|<script(?! src=)", page), "the policy of the headers forbids them"


def test_retraining_shows_its_progress_then_a_rival_that_can_be_promoted_and_rolled_back(
    app: Flask, config: Config
) -> None:
    label_comments(app)
    browser = Browser(app, "ann")
    assert browser.post(f"{PAGE}/retrain").status_code == 303
    waiting = browser.get(PAGE).text
    number = re.search(r'data-job="(/moderate/jobs/\d+)"', waiting)
    assert number
    assert '<noscript><meta http-equiv="refresh"' in waiting
    assert browser.get(number[1]).json == {"state": "waiting", "progress": 0.0, "message": "waits for its turn"}
    browser.post(f"{PAGE}/retrain")
    assert "ann has asked for that already; it is under way." in browser.get(PAGE).text
    (job,) = do_jobs(app, config)
    (version,) = (one.version for one in Registry(app.extensions["hamgate.store"]).versions())
    assert job.message == f"made version {version}; the gate lets it pass"
    ended = browser.get(PAGE).text
    assert "data-job" not in ended
    assert f'role="status"><strong>Retraining</strong>, asked for by ann: {job.message}</p>' in ended
    rival = browser.get(f"{PAGE}/versions/{version}").text
    assert "<strong>Retraining</strong>" not in rival
    assert "The gate lets it pass." in rival
    assert "Good" not in rival or "chance" in rival
    assert browser.post(f"{PAGE}/versions/{version}/promote").status_code == 303
    registry = Registry(app.extensions["hamgate.store"])
    assert registry.served() == version
    assert f"Version {version} is served" in browser.get(PAGE).text
    assert browser.post(f"{PAGE}/rollback").status_code == 303
    assert registry.served() is None
    refused = browser.post(f"{PAGE}/rollback")
    assert (refused.status_code, "nothing to roll back" in refused.text) == (409, True)


def test_a_retraining_that_failed_says_why_until_a_moment_has_passed(
    app: Flask, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(app, "ann")
    browser.post(f"{PAGE}/retrain")
    (job,) = do_jobs(app, config)
    assert job.state == "failed"
    said = f'role="alert"><strong>Retraining</strong>, asked for by ann: failed, {job.message}</p>'
    assert said in browser.get(PAGE).text
    browser.post(f"{PAGE}/survey")
    do_jobs(app, config)
    assert said in browser.get(PAGE).text
    monkeypatch.setattr(model_page, "A_MOMENT", timedelta())
    assert said not in browser.get(PAGE).text


def test_a_version_that_the_gate_refuses_is_promoted_with_a_reason_only(app: Flask, config: Config) -> None:
    label_comments(app, 60)
    strict, browser = add_strict(app, config), Browser(app, "ann")
    path = f"{PAGE}/versions/{strict}"
    assert browser.post(f"{path}/promote").status_code == 409, "it has not been compared"
    browser.post(f"{path}/compare")
    do_jobs(app, config)
    page = browser.get(path).text
    assert "The gate says no." in page
    assert 'role="status"><strong>Comparison</strong>, asked for by ann: ' in page
    assert re.search(r'<button type="button" disabled aria-describedby="why-not">Promote</button>', page)
    assert browser.post(f"{path}/promote", reason="  ").status_code == 422
    registry = Registry(app.extensions["hamgate.store"])
    assert registry.served() is None
    assert browser.post(f"{path}/promote", reason=f"I know better {HOSTILE}").status_code == 303
    (promotion,) = registry.promotions()
    assert (promotion.is_forced, promotion.promoted_by) == (True, "ann")
    assert promotion.reason
    assert promotion.reason.startswith("I know better <script>")
    assert "<script>alert" not in browser.get(PAGE).text
    assert "&lt;script&gt;alert" in browser.get(PAGE).text


def test_a_comparison_that_somebody_overtook_promotes_nothing(app: Flask, config: Config) -> None:
    label_comments(app, 60)
    browser, registry = Browser(app, "ann"), Registry(app.extensions["hamgate.store"])
    strict = add_strict(app, config)
    browser.post(f"{PAGE}/versions/{strict}/compare")
    browser.post(f"{PAGE}/retrain")
    do_jobs(app, config)
    other = next(one.version for one in registry.versions() if one.version != strict)
    registry.promote(other, NOW, "bob")
    refused = browser.post(f"{PAGE}/versions/{strict}/promote", reason="now")
    assert (refused.status_code, registry.served()) == (409, other)
    assert "bob has changed what is served" in refused.text
    assert "What is served has changed since. Compare again." in browser.get(f"{PAGE}/versions/{strict}").text


def test_moderators_look_but_change_nothing_and_see_comments_of_their_sites_only(app: Flask, config: Config) -> None:
    store = LabelStore(app.extensions["hamgate.store"])
    secret = "the secret talk of the other blog, which nobody but its own moderators should ever read"
    store.add([GivenLabel("other.example", Comment(text=f"{secret} {HOSTILE}", author="Zoe"), "ham", "bob", NOW)])
    label_comments(app, 40)
    at = first_id(NOW - timedelta(hours=1))
    store.remember([Check(f"{at}{1:020x}", "other.example", NOW, Comment(text=secret), 0.1, "allow", "a" * 16)])
    strict, ann = add_strict(app, config), Browser(app, "ann")
    ann.post(f"{PAGE}/versions/{strict}/compare")
    do_jobs(app, config)
    path = f"{PAGE}/versions/{strict}"
    assert ann.get(path).text.count(secret) == 2
    assert "<script>alert" not in ann.get(path).text
    bob = Browser(app, "bob", Role.MODERATOR, ["blog.example"])
    page = bob.get(path)
    assert page.status_code == 200
    assert secret not in page.text
    assert conversation(1)[0].text[:20] in page.text
    assert ">Promote<" not in page.text
    assert "Retrain" not in bob.get(PAGE).text
    for change in ("retrain", "rollback", f"versions/{strict}/compare", f"versions/{strict}/promote"):
        assert bob.post(f"{PAGE}/{change}").status_code == 403
    assert bob.post(f"{PAGE}/survey").status_code == 303
    key = open_secret(app.extensions["hamgate.store"], config.database, config.secret)
    People(app.extensions["hamgate.store"], pseudonyms_with(key)).erase(Person(author="Zoe"), None, NOW, "ann")
    assert "It has not been compared yet." in ann.get(path).text, "what was found quotes who is erased"


@pytest.mark.parametrize("path", ["model", "model/versions/ab", "jobs/1", "import", "import/1"])
def test_who_is_not_signed_in_sees_nothing(app: Flask, path: str) -> None:
    assert Browser(app).get(f"/moderate/{path}").status_code == 303


def test_a_job_is_stopped_by_who_asked_or_an_admin(app: Flask) -> None:
    jobs, database = Jobs(app.extensions["hamgate.store"]), app.extensions["hamgate.store"]
    number = jobs.ask("retrain", {}, NOW, "ann")
    bob = Browser(app, "bob", Role.MODERATOR, ["blog.example"])
    assert bob.post(f"/moderate/jobs/{number}/stop").status_code == 403
    assert Browser(app, "cem").post(f"/moderate/jobs/{number}/stop").status_code == 303
    stopped = Jobs(database).find(number)
    assert stopped is not None
    assert (stopped.state, stopped.message) == ("failed", "stopped by cem")
    assert bob.get("/moderate/jobs/99").status_code == 404


def test_unknown_versions_are_not_found(app: Flask) -> None:
    assert Browser(app, "ann").get(f"{PAGE}/versions/abcd").status_code == 404


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"trained_on": [], "held_out_sites": "x", "budget": {"block": 1}, "recipe": {"a": []}, "languages": {"en": 3}},
        {
            "trained_on": {"spam": "many", "made_up": [HOSTILE]},
            "base": {"version": [HOSTILE]},
            "languages": {"en": {"spam": "x"}},
        },
    ],
)
def test_a_card_that_says_anything_at_all_is_shown(card: dict[str, object], app: Flask, config: Config) -> None:
    model = load(config.model)
    content = packed(model.scorer, model.thresholds, card)
    version = Registry(app.extensions["hamgate.store"]).add(content, NOW, "ann")
    page = Browser(app, "ann").get(f"{PAGE}/versions/{version}")
    assert page.status_code == 200
    assert "unknown for this version" in page.text
    assert "<script>alert" not in page.text
    assert groups(card) == []


def test_the_shipped_card_reads_as_sentences(small_model_path: Path) -> None:
    model = load(small_model_path)
    said = dict(facts(model.card))
    assert re.fullmatch(r"[\d,]+ spam and [\d,]+ good comments of [\d,]+ sites", said["Trained on"])
    assert all(isinstance(value, str) and "{" not in value for value in said.values())
    assert groups(model.card)[0]["ham"] > 0


def test_the_shipped_card_tells_of_made_up_examples() -> None:
    card = load(SHIPPED).card
    number = len(made_up_examples(0))
    assert card["trained_on"]["made_up"] == number
    assert dict(facts(card))["And on"].startswith(f"{number:,} made-up examples")
    readme = (SHIPPED.parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"{number:,} examples that nobody sent" in readme
