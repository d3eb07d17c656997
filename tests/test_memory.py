"""What a person said of a comment holds for it and its near-duplicates, on every worker and host, within a second."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from conftest import wait_until
from hypothesis import given, settings
from hypothesis import strategies as st

from model import SHIPPED
from model.artifact import Filter, load, log_odds_of
from model.comment import Comment
from model.ngrams import grams_of
from model.segments import parts_of
from model.sketch import similarities, sketches_of
from model.verdict import TAUGHT, Reason
from service.follower import INTERVAL_SECONDS, Follower
from service.metrics import Metrics
from service.rulebook import Rulebook
from service.served_model import ServedModel
from training import memory as memory_module
from training.database import Database
from training.labels import GivenLabel, LabelStore
from training.lists import ListStore
from training.memory import Memory
from training.registry import Registry
from training.settings import SettingsStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Service
    from postgresql import PostgreSQL

    from training.labelled import Label

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
CAMPAIGN = (
    "Hello, I found your {} while looking for something else and have to say that it is {} well written. If you ever"
    " need reliable proxies for your work, have a look at {}, they have been {} to me for years and cost nothing."
)
SPUN = [
    CAMPAIGN.format("blog", "very", "http://proxies-one.example/", "good"),
    CAMPAIGN.format("site", "really", "http://two-proxies.example/", "kind"),
    CAMPAIGN.format("page", "quite", "http://best3.example/", "fair"),
]


@pytest.fixture(scope="module")
def model() -> Filter:
    return load(SHIPPED)


def sketch_of(comment: Comment) -> bytes:
    return sketches_of(grams_of([parts_of(comment)]))[0]


def label(comment: Comment, said: Label, site: str = "blog.example") -> GivenLabel:
    return GivenLabel(site, comment, said, "ann", NOON)


def said_of(memory: Memory, site: str, sketch: bytes) -> Label | None:
    recalled = memory.recall(site, sketch)
    return None if recalled is None else recalled.label


def test_a_campaign_with_changed_names_links_and_words_is_one() -> None:
    memory = Memory()
    memory.learn(1, label(Comment(text=SPUN[0], author="Ann"), "spam"))
    for number, text in enumerate(SPUN):
        assert said_of(memory, "blog.example", sketch_of(Comment(text=text, author=f"Writer {number}"))) == "spam"


def test_different_comments_of_one_writer_are_not_alike() -> None:
    memory = Memory()
    memory.learn(1, label(Comment(text="I think the second example lacks a semicolon.", author="Ann"), "spam"))
    other = Comment(text="Thanks, with the new version it works on my machine as well.", author="Ann")
    assert said_of(memory, "blog.example", sketch_of(other)) is None


def test_a_popular_phrase_is_not_condemned_with_one_who_used_it() -> None:
    memory = Memory()
    spam = Comment(text="Great post!", author="Cheap Jerseys", author_url="http://cheap-jerseys.example/nfl")
    memory.learn(1, label(spam, "spam"))
    assert said_of(memory, "blog.example", sketch_of(Comment(text="Great post!", author="Ann"))) is None


def test_the_later_label_of_a_comment_holds_and_each_site_has_its_own() -> None:
    memory, comment = Memory(), Comment(text=SPUN[0])
    memory.learn(1, label(comment, "spam"))
    memory.learn(2, label(comment, "ham"))
    memory.learn(3, label(comment, "spam", site="other.example"))
    assert said_of(memory, "blog.example", sketch_of(comment)) == "ham"
    assert said_of(memory, "other.example", sketch_of(comment)) == "spam"
    assert said_of(memory, "third.example", sketch_of(comment)) is None


def test_of_two_labels_that_of_the_more_similar_comment_holds() -> None:
    memory = Memory()
    memory.learn(1, label(Comment(text=SPUN[0]), "ham"))
    memory.learn(2, label(Comment(text=SPUN[1]), "spam"))
    assert said_of(memory, "blog.example", sketch_of(Comment(text=SPUN[0]))) == "ham"
    assert said_of(memory, "blog.example", sketch_of(Comment(text=SPUN[1]))) == "spam"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "MAX_LABELS", 3)
    memory = Memory()
    texts = ("I like apples", "Where do pears grow?", "Our old plum tree fell", "Never had fresh figs")
    comments = [Comment(text=text) for text in texts]
    for number, comment in enumerate(comments):
        memory.learn(number, label(comment, "spam"))
    assert [said_of(memory, "blog.example", sketch_of(comment)) for comment in comments] == [None] + ["spam"] * 3


def test_no_site_pushes_out_what_another_has_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "MAX_LABELS", 3)
    memory, comment = Memory(), Comment(text=SPUN[0])
    memory.learn(1, label(comment, "spam"))
    for number in range(2, 10):
        memory.learn(number, label(Comment(text=f"{number} is a number"), "ham", site="loud.example"))
    assert said_of(memory, "blog.example", sketch_of(comment)) == "spam"


def test_a_comment_that_its_campaign_has_crowded_out_is_forgotten_without_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "MAX_LABELS", 20)
    memory = Memory()
    texts = [CAMPAIGN.format("blog", "very", f"http://proxies-{number}.example/", "good") for number in range(60)]
    for number, text in enumerate(texts):
        memory.learn(2 * number, label(Comment(text=text), "spam"))
        memory.learn(2 * number + 1, label(Comment(text=texts[0]), "spam"))
    assert said_of(memory, "blog.example", sketch_of(Comment(text=texts[0]))) == "spam"
    assert said_of(memory, "blog.example", sketch_of(Comment(text=SPUN[1]))) == "spam"


def test_only_the_very_same_comment_has_the_same_sketch() -> None:
    text = "A long comment about the second example, which lacks a semicolon, and about what follows from that. " * 5
    sketches = {sketch_of(Comment(text=f"{text}{end}")) for end in ("", "x", "http://a.example/", "http://b.example/")}
    assert len(sketches) == 4


def test_a_copy_with_something_added_is_like_the_comment_and_not_the_same() -> None:
    good = (
        "Thanks for the write-up. In step 3 the path should be /etc/nginx/conf.d, at least on Debian 12; after that it"
        " worked. I had the same trouble with the older release, where the service would not start at all."
    )
    memory = Memory()
    memory.learn(1, label(Comment(text=good, author="Martin"), "ham"))
    assert memory.recall("blog.example", sketch_of(Comment(text=good, author="Martin"))) == ("ham", True, True)
    copy = Comment(text=f"{good} http://cheap-viagra.example/", author="Martin")
    assert memory.recall("blog.example", sketch_of(copy)) == ("ham", False, True)


@pytest.mark.parametrize("taught", [0.0, -20.0])
def test_what_is_only_like_a_good_comment_and_would_be_blocked_is_held_and_not_shown(
    model: Filter, taught: float
) -> None:
    spam = Comment(
        text="buy cheap viagra http://pills.example/", author="Cheap Viagra", author_url="http://pills.example/"
    )
    verdict = model.check(spam)
    assert verdict.decision in ("block", "discard")
    verdict = model.with_reason(verdict, Reason(TAUGHT, taught, "what its original's label taught"))
    held = model.overruled(verdict, False, is_same=False)
    assert held.decision == "review"
    assert model.overruled(verdict, False, is_same=True).decision == "allow"
    assert sum(reason.weight for reason in held.reasons) == pytest.approx(log_odds_of(held.score), abs=1e-3)


@pytest.mark.parametrize("taught", [0.0, 20.0])
def test_what_is_only_like_spam_and_would_be_allowed_is_held_and_not_blocked(model: Filter, taught: float) -> None:
    honest = "I lost all my photos to a failed disk, but a shop got back my files in 48 hours."
    verdict = model.check(Comment(text=honest, author="Jo"))
    assert verdict.decision == "allow"
    verdict = model.with_reason(verdict, Reason(TAUGHT, taught, "what the label of the other taught"))
    held = model.overruled(verdict, True, is_same=False)
    assert held.decision == "review"
    assert model.overruled(verdict, True, is_same=False, is_sure=True).decision in ("block", "discard")
    assert model.overruled(verdict, True, is_same=True).decision in ("block", "discard")
    assert sum(reason.weight for reason in held.reasons) == pytest.approx(log_odds_of(held.score), abs=1e-3)


def test_where_nothing_is_held_what_is_only_like_spam_is_judged_by_the_model(model: Filter) -> None:
    strict = model.deciding_by(replace(model.thresholds, review=model.thresholds.block))
    verdict = strict.check(Comment(text="Our choir meets on Fridays, bring a cake if you like.", author="Jo"))
    assert strict.overruled(verdict, True, is_same=False).decision == "allow"


def test_a_campaign_with_changed_names_links_and_words_is_nearly_the_same() -> None:
    memory = Memory()
    memory.learn(1, label(Comment(text=SPUN[0], author="Ann"), "spam"))
    for text in SPUN[1:]:
        assert memory.recall("blog.example", sketch_of(Comment(text=text, author="Bob"))) == ("spam", False, True)


def test_only_several_labels_of_what_is_merely_like_it_are_no_slip() -> None:
    memory = Memory()
    evening = "Our chess evening is moved to {}, bring {} if you {}."
    asked = sketch_of(Comment(text=evening.format("Monday", "a friend", "dare"), author="Ines"))
    moved = [("Friday", "a cake", "like"), ("Tuesday", "some tea", "wish"), ("Sunday", "your clock", "can")]
    for number, words in enumerate(moved):
        memory.learn(number, label(Comment(text=evening.format(*words), author="Ruth"), "spam"))
        assert memory.recall("blog.example", asked) == ("spam", False, number == 2)
    memory.learn(3, label(Comment(text=evening.format("Thursday", "a bottle", "drink"), author="Ruth"), "ham"))
    recalled = memory.recall("blog.example", asked)
    assert recalled
    assert not recalled.is_sure


def test_what_is_like_spam_and_would_be_held_is_blocked(model: Filter) -> None:
    verdict = model.check(Comment(text="Thanks!", author="Jo"))
    doubtful = model.with_reason(verdict, Reason("haste", log_odds_of(0.9) - log_odds_of(verdict.score), "made up"))
    assert doubtful.decision == "review"
    assert model.overruled(doubtful, True, is_same=False).decision == "block"


def test_following_labels_survives_a_database_that_fails_for_a_while(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path / 'l.sqlite3'}") as database:
        store = LabelStore(database)
        store.add([label(Comment(text=SPUN[0]), "spam")])
        rename(database, "labels", "gone")
        rulebook = Rulebook(SettingsStore(database), ListStore(database))
        follower = Follower(store, Registry(database), ServedModel(SHIPPED, Metrics()), rulebook)
        try:
            assert said_of(follower.knowledge.memory, "blog.example", sketch_of(Comment(text=SPUN[0]))) is None
            rename(database, "gone", "labels")
            wait_until(
                lambda: said_of(follower.knowledge.memory, "blog.example", sketch_of(Comment(text=SPUN[0]))) == "spam"
            )
            rename(database, "labels", "gone")
            time.sleep(2 * INTERVAL_SECONDS)
            rename(database, "gone", "labels")
            store.add([label(Comment(text=SPUN[0]), "ham")])
            wait_until(
                lambda: said_of(follower.knowledge.memory, "blog.example", sketch_of(Comment(text=SPUN[0]))) == "ham"
            )
        finally:
            follower.close()


def rename(database: Database, table: str, name: str) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_a_comment_is_like_itself(text: str) -> None:
    sketch = sketch_of(Comment(text=text))
    assert similarities(sketch, [sketch, sketch]) == [1.0, 1.0]


@pytest.mark.parametrize("text", [SPUN[0], "Thanks, that helped!", "", "buy cheap viagra http://pills.example/"])
@pytest.mark.parametrize("is_spam", [True, False])
def test_a_person_overrules_the_model_and_the_reasons_still_add_up(model: Filter, text: str, is_spam: bool) -> None:
    verdict = model.overruled(model.check(Comment(text=text)), is_spam)
    assert (verdict.decision in ("block", "discard")) if is_spam else (verdict.decision == "allow")
    assert sum(reason.weight for reason in verdict.reasons) == pytest.approx(log_odds_of(verdict.score), abs=1e-3)
    assert any(reason.feature == "label" for reason in verdict.reasons)


def decision(service: Service, text: str) -> Any:
    return json.loads(service.check(text).body)["decision"]


def assert_within_a_second(service: Service, text: str, decisions: tuple[str, ...]) -> None:
    """Whoever of the workers answers, a second after the label the decision is one of these."""
    time.sleep(1)
    assert all(decision(service, text) in decisions for _ in range(20))


def say(service: Service, text: str, said: str) -> None:
    assert service.call("POST", "/v1/labels", json.dumps({"text": text, "label": said}).encode()).status == 201


def test_a_label_takes_effect_on_every_worker_and_survives_a_restart(start: Callable[..., Service]) -> None:
    service = start("--workers", "4")
    say(service, "The second example lacks a semicolon, I think.", "spam")
    assert_within_a_second(service, "The second example lacks a semicolon, I think.", ("block", "discard"))
    say(service, "The second example lacks a semicolon, I think.", "ham")
    assert_within_a_second(service, "The second example lacks a semicolon, I think.", ("allow",))
    service.process.terminate()
    service.process.wait()
    say(again := start("--workers", "2"), SPUN[0], "ham")
    assert_within_a_second(again, SPUN[1], ("allow",))


def test_a_label_given_to_one_host_takes_effect_on_another(
    start: Callable[..., Service], postgresql: PostgreSQL, tmp_path: Path
) -> None:
    database = postgresql.new_database()
    one = start("--workers", "2", HAMGATE_DATABASE=database, XDG_DATA_HOME=str(tmp_path))
    other = start("--workers", "2", HAMGATE_DATABASE=database, XDG_DATA_HOME=str(tmp_path))
    say(one, "The second example lacks a semicolon, I think.", "spam")
    assert_within_a_second(other, "The second example lacks a semicolon, I think.", ("block", "discard"))
    say(other, "The second example lacks a semicolon, I think.", "ham")
    assert_within_a_second(one, "The second example lacks a semicolon, I think.", ("allow",))
