"""Retraining on the label store: what it learns, whom it believes, and what it leaves as it was."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from comments import campaign, conversation

from model.artifact import load, unpacked
from model.comment import Comment
from training import retrain
from training.holdout import Labelled, held_out, is_held_out
from training.labels import GivenLabel
from training.retrain import NothingToLearnError, changed_scorer, representative

if TYPE_CHECKING:
    from pathlib import Path

    from model.artifact import Filter
    from training.labels import Label

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def base(small_model_path: Path) -> Filter:
    return load(small_model_path)


def given(
    comment: Comment, label: Label, by: str = "ann", at: datetime = NOW, site: str = "blog.example"
) -> GivenLabel:
    return GivenLabel(site, comment, label, by, at)


def labels(spam: int = 150, ham: int = 150, by: str = "ann", seed: int = 0) -> list[tuple[int, GivenLabel]]:
    """A site's labels: spam of one kind, which the base takes for ham, and conversation; in random order."""
    every = [given(comment, "spam", by) for comment in campaign(spam, seed)]
    every += [given(comment, "ham", by) for comment in conversation(ham, seed)]
    random.Random(seed).shuffle(every)  # noqa: S311 - a sample, not a secret
    return [(number, one) for number, one in enumerate(every, start=1)]


def test_it_catches_spam_of_the_kind_that_was_labelled_and_blocks_no_ham(base: Filter) -> None:
    candidate = unpacked(retrain.retrain(base, labels()).content, "candidate")
    spam, ham = campaign(60, seed=9), conversation(60, seed=9)
    before, after = base.scorer.log_odds(spam), candidate.scorer.log_odds(spam)
    assert np.mean(after - before) > 3
    assert np.mean(after > 0) > 0.9
    assert all(verdict.decision == "allow" for verdict in candidate.check_many(ham))


def test_the_same_labels_give_the_same_version(base: Filter) -> None:
    assert retrain.retrain(base, labels()).content == retrain.retrain(base, labels(), jobs=2).content


def test_no_labels_worth_learning_from_are_refused_in_words(base: Filter) -> None:
    with pytest.raises(NothingToLearnError, match="found 0 spam and 32 ham to learn from, expected both"):
        retrain.retrain(base, labels(spam=0, ham=40))
    with pytest.raises(NothingToLearnError, match="found 0 spam and 0 ham"):
        retrain.retrain(base, [])


def test_the_newest_fifth_of_each_site_is_held_out(base: Filter) -> None:
    every = labels() + [(1_000 + number, replace(one, site="other.example")) for number, one in labels(seed=2)]
    card = unpacked(retrain.retrain(base, every).content, "candidate").card
    held = [number for number, one in every if is_held_out(Labelled.of(number, one), held_out(card))]
    assert held == [*range(241, 301), *range(1_241, 1_301)]
    assert "blog.example" not in str(card)
    assert card["base"]["version"] == base.version


def test_a_comment_is_as_old_as_its_date_says_unless_that_lies_after_the_label() -> None:
    def dated(date: str) -> datetime:
        return Labelled.of(1, given(Comment(text="Hi", date=date), "ham")).written_at

    assert dated("2020-02-03T04:05:06Z") == datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert dated("2020-02-03 04:05:06") == datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert [dated(date) for date in ("2031-01-01", "yesterday", "", "0001-01-01T00:00:00+09:00")] == [NOW] * 4


def test_a_campaign_counts_as_three_comments_and_the_newest_stay() -> None:
    copies = [
        given(Comment(text=f"Buy these wonderful pills now! {n}"), "spam", at=NOW + timedelta(n)) for n in range(9)
    ]
    kept = representative([Labelled.of(number, one) for number, one in enumerate(copies)])
    assert [label.number for label in kept] == [6, 7, 8]


def test_old_labels_weigh_less(base: Filter) -> None:
    def learnt(half_life_days: float) -> float:
        """How far the newest fifth's spam moves, after years in which such comments were called ham."""
        old = [given(comment, "ham", at=NOW - timedelta(3_000)) for comment in campaign(60, seed=1)]
        new = [given(comment, "spam") for comment in campaign(40, seed=2)]
        talk = [given(comment, "ham") for comment in conversation(60)]
        every = list(enumerate([*old, *new, *talk]))
        candidate = unpacked(retrain.retrain(base, every, half_life_days).content, "candidate")
        return float(candidate.scorer.log_odds(campaign(30, seed=3)).mean())

    assert learnt(half_life_days=200) > learnt(half_life_days=1e9) + 0.5


def test_whoever_contradicts_everybody_is_left_out(base: Filter) -> None:
    other: dict[Label, Label] = {"spam": "ham", "ham": "spam"}
    honest = [one for by, seed in (("ann", 0), ("bob", 3)) for _, one in labels(by=by, seed=seed)]
    wrong = [replace(one, label=other[one.label]) for _, one in labels(spam=50, ham=50, by="mallory", seed=4)]
    everybody = [*honest, *wrong]
    random.Random(0).shuffle(everybody)  # noqa: S311 - a sample, not a secret
    review = retrain.retrain(base, enumerate(everybody)).review
    weights = {labeller.name: labeller.weight for labeller in review.labellers}
    assert weights == {"ann": 1, "bob": 1, "mallory": 0}
    alone = retrain.retrain(base, enumerate(wrong)).review.labellers
    assert [(labeller.agreement, labeller.weight) for labeller in alone] == [(None, 1)]


def test_who_only_corrects_mistakes_is_believed(base: Filter) -> None:
    corrections = [(2_000 + number, given(comment, "spam", by="cleo")) for number, comment in enumerate(campaign(60))]
    talk = [(number, given(comment, "ham")) for number, comment in enumerate(conversation(200))]
    weights = {one.name: one.weight for one in retrain.retrain(base, talk + corrections).review.labellers}
    assert weights["cleo"] == 1


def test_a_label_that_the_others_speak_against_is_doubtful(base: Filter) -> None:
    every = labels()
    number, one = next((number, one) for number, one in every if one.label == "spam")
    every[number - 1] = (number, replace(one, label="ham"))
    doubtful = retrain.retrain(base, every).review.doubtful
    assert doubtful[0].labelled.number == number
    assert doubtful[0].probability < 0.05
    assert len(doubtful) <= 3


def test_a_scorer_that_nothing_changes_scores_as_before(base: Filter) -> None:
    same = changed_scorer(base.scorer, np.array([5, 77]), np.zeros(2))
    assert same.joint_scale == base.scorer.joint_scale
    comments = campaign(20) + conversation(20)
    assert same.log_odds(comments).tolist() == base.scorer.log_odds(comments).tolist()
