"""What labels teach at once, on top of the model: the same everywhere, undone without trace, and of one site alone."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner
from comments import campaign, conversation
from conftest import wait_until

from model.artifact import load, packed, unpacked
from model.ngrams import grams_of
from model.segments import parts_of
from model.sketch import sketches_of
from service.cli import main
from service.follower import Follower
from service.metrics import Metrics
from service.rulebook import Rulebook
from service.served_model import ServedModel
from training import online as online_module
from training import retrain
from training.database import Database
from training.labels import GivenLabel, LabelStore
from training.lists import ListStore
from training.online import OnlineLayer
from training.registry import Registry
from training.settings import SettingsStore
from training.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from conftest import Service

    from model.artifact import Filter
    from model.comment import Comment
    from service.config import Config
    from training.labels import Label

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SITE = "blog.example"


@pytest.fixture(scope="module")
def model(small_model_path: Path) -> Filter:
    return load(small_model_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LabelStore]:
    with Database(f"sqlite:///{tmp_path / 'labels.sqlite3'}") as database:
        yield LabelStore(database)


def given(comment: Comment, label: Label, by: str = "ann", site: str = SITE) -> GivenLabel:
    return GivenLabel(site, comment, label, by, NOON)


def stream(count: int, seed: int = 0) -> list[GivenLabel]:
    every = [given(one, "spam") for one in campaign(count // 2, seed)]
    every += [given(one, "ham") for one in conversation(count // 2, seed)]
    random.Random(seed).shuffle(every)  # noqa: S311 - a sample, not a secret
    return every


def taught(model: Filter, labels: Sequence[GivenLabel], is_shared: bool = False) -> OnlineLayer:
    layer = OnlineLayer(model.scorer, is_shared)
    for label in labels:
        layer.learn(label)
    return layer


def added(layer: OnlineLayer, comments: Sequence[Comment], site: str = SITE) -> np.ndarray:
    return layer.log_odds(site, grams_of([parts_of(one) for one in comments]))


def test_a_few_labels_teach_a_kind_of_spam_and_no_ham_is_blocked(model: Filter) -> None:
    layer = taught(model, stream(80))

    def learnt(grams: object) -> np.ndarray:
        return layer.log_odds(SITE, grams)  # type: ignore[arg-type]

    spam, ham = campaign(50, seed=5), conversation(50, seed=5)
    assert not any(verdict.decision == "block" for verdict in model.check_many(spam))
    verdicts = model.check_many(spam, learnt)
    assert sum(verdict.decision in ("block", "discard") for verdict in verdicts) >= 40
    assert all(verdict.decision == "allow" for verdict in model.check_many(ham, learnt))
    for verdict in verdicts:
        (reason,) = [reason for reason in verdict.reasons if reason.feature == "labels"]
        assert reason.text == "what people said of this site's comments"
        log_odds = sum(reason.weight for reason in verdict.reasons)
        assert verdict.score == pytest.approx(1 / (1 + np.exp(-log_odds)))


def test_without_labels_nothing_is_added(model: Filter) -> None:
    layer = taught(model, [])
    assert not layer.knows(SITE)
    assert added(layer, campaign(3)).tolist() == [0, 0, 0]


def test_the_same_labels_in_the_same_order_give_the_same_weights(model: Filter) -> None:
    labels, asked = stream(60), campaign(20, seed=5) + conversation(20, seed=5)
    assert added(taught(model, labels), asked).tolist() == added(taught(model, labels), asked).tolist()


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_comment_called_something_else_teaches_that_alone(model: Filter, is_shared: bool) -> None:
    """As if the wrong label had never been, but for what was learnt between the two."""
    labels, asked = stream(20), campaign(20, seed=5) + conversation(20, seed=5)
    for said, meant in (("ham", "spam"), ("spam", "ham")):
        comment = campaign(1, seed=9)[0]
        wrong: GivenLabel = given(comment, said)  # type: ignore[arg-type]
        right: GivenLabel = given(comment, meant)  # type: ignore[arg-type]
        corrected = added(taught(model, [*labels, wrong, right], is_shared), asked)
        never_wrong = added(taught(model, [*labels, right], is_shared), asked)
        assert corrected == pytest.approx(never_wrong, abs=1e-3)
        assert added(taught(model, [*labels, wrong], is_shared), asked) != pytest.approx(never_wrong, abs=1e-3)


def test_a_label_said_twice_counts_once(model: Filter) -> None:
    labels, asked = stream(20), campaign(20, seed=5)
    again = added(taught(model, [*labels, labels[-1]]), asked)
    assert again == pytest.approx(added(taught(model, labels), asked), abs=1e-3)


def test_what_is_remembered_of_steps_is_bounded(model: Filter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online_module, "MAX_STEPS", 2)
    labels = [given(one, "spam") for one in campaign(4)]
    layer = taught(model, labels)
    before = added(layer, campaign(20, seed=5))
    layer.learn(labels[-1])
    assert added(layer, campaign(20, seed=5)) == pytest.approx(before, abs=1e-3)
    layer.learn(labels[0])
    assert added(layer, campaign(20, seed=5)) != pytest.approx(before, abs=1e-3)


def test_what_is_learnt_stays_on_its_site_unless_it_is_shared(model: Filter) -> None:
    labels, asked = stream(60), campaign(20, seed=5)
    assert not added(taught(model, labels), asked, "other.example").any()
    shared = added(taught(model, labels, is_shared=True), asked, "other.example")
    own = added(taught(model, labels), asked)
    assert (shared > 0).all()
    assert shared.mean() < own.mean()


def test_a_version_that_has_learnt_the_labels_leaves_little_to_add(model: Filter) -> None:
    labels = stream(200)
    retrained = unpacked(retrain.retrain(model, enumerate(labels)).content, "candidate")
    asked = campaign(20, seed=5)
    assert added(taught(retrained, labels), asked).mean() < added(taught(model, labels), asked).mean() / 2


def test_a_replay_yields_all_that_was_said_in_order_over_all_sites(store: LabelStore) -> None:
    first, second, third = campaign(3)
    said = [given(first, "spam"), given(second, "spam", site="a.example"), given(first, "ham"), given(third, "ham")]
    for one in said:
        store.add([one])
    assert list(store.replay(10)) == list(enumerate(said, start=1))
    assert [number for number, _ in store.replay(2)] == [2, 3, 4]
    assert [number for number, _ in store.latest()] == [2, 3, 4]


def test_what_is_withdrawn_was_never_said(store: LabelStore, model: Filter) -> None:
    honest = stream(40)
    store.add(honest[:20])
    lies = [given(one, "spam", by="mallory") for one in conversation(30, seed=7)]
    store.add([given(lies[0].comment, "ham"), *lies, given(campaign(1)[0], "ham", by="mallory", site="b.example")])
    store.add(honest[20:])
    asked = campaign(20, seed=5) + conversation(20, seed=7)
    before = added(taught(model, [one for _, one in store.replay(99)]), asked)
    assert store.withdraw("mallory", SITE, NOON, "root") == 30
    assert store.withdraw("mallory", SITE, NOON, "root") == 0
    after = added(taught(model, [one for _, one in store.replay(99)]), asked)
    expected = added(taught(model, [*honest[:20], given(lies[0].comment, "ham"), *honest[20:]]), asked)
    assert after.tolist() == expected.tolist() != before.tolist()
    assert [one.label for one in store.history(SITE, lies[0].comment)] == ["ham"]
    assert "mallory" not in {one.labelled_by for _, one in store.latest() if one.site == SITE}
    assert "mallory" in {one.labelled_by for _, one in store.latest()}
    assert store.add([lies[1]]) == 1


def test_a_running_service_learns_at_once_and_unlearns_what_is_withdrawn(start: Callable[..., Service]) -> None:
    service = start(HAMGATE_WORKERS="2")

    def scores() -> set[float]:
        answers = [service.check(asked.text) for _ in range(10)]
        return {json.loads(answer.body)["score"] for answer in answers}

    asked = campaign(1, seed=5)[0]
    (before,) = scores()
    for one in campaign(20):
        body = {"text": one.text, "label": "spam", "labelled_by": "mallory"}
        assert service.call("POST", "/v1/labels", json.dumps(body).encode()).status == 201
    wait_until(lambda: len(found := scores()) == 1 and min(found) > max(0.9, before), seconds=3)
    done = CliRunner().invoke(main, ["labels", "withdraw", "mallory", "--database", service.database])
    assert done.stderr == "20 labels of mallory withdrawn\n"
    wait_until(lambda: scores() == {before}, seconds=3)


def test_another_version_is_learnt_upon_anew(start: Callable[..., Service], model: Filter, tmp_path: Path) -> None:
    service = start(HAMGATE_WORKERS="2")
    for one in campaign(5):
        body = {"text": one.text, "label": "spam"}
        assert service.call("POST", "/v1/labels", json.dumps(body).encode()).status == 201
    asked = campaign(1, seed=5)[0]

    def answer() -> dict[str, object]:
        found: dict[str, object] = json.loads(service.check(asked.text).body)
        return found

    wait_until(lambda: "labels" in str(answer()["reasons"]), seconds=3)
    (tmp_path / "other.hamgate").write_bytes(packed(model.scorer, model.thresholds, {"name": "other"}))
    run = CliRunner()
    added = run.invoke(main, ["models", "add", str(tmp_path / "other.hamgate"), "--database", service.database])
    version = added.stdout.strip()
    run.invoke(main, ["models", "promote", version, "--force", "--database", service.database])
    wait_until(lambda: all(answer()["model"] == version for _ in range(10)), seconds=3)
    assert "what people said" in str(answer()["reasons"])


def test_labels_count_at_once_also_while_all_others_are_learnt_anew(config: Config) -> None:
    asked = campaign(1, seed=77)[0]
    (sketch,) = sketches_of(grams_of([parts_of(asked)]))
    with Store(config.database) as database:
        labels = LabelStore(database)
        labels.add([given(one, "ham") for one in conversation(4_000)] + [given(campaign(1)[0], "spam", by="bob")])
        rulebook = Rulebook(SettingsStore(database), ListStore(database))
        follower = Follower(labels, Registry(database), ServedModel(config.model, Metrics()), rulebook)
        before = follower.knowledge
        assert before.memory.recall(SITE, sketch) is None
        labels.withdraw("bob", None, NOON, "ann")
        labels.add([given(asked, "spam")])
        wait_until(lambda: follower.knowledge.memory.recall(SITE, sketch) is not None)
        assert follower.knowledge is before
        wait_until(lambda: follower.knowledge is not before)
        assert follower.knowledge.memory.recall(SITE, sketch) is not None
        follower.close()
