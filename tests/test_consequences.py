"""A site's thresholds keep its budget where its own labels can promise that, and say what they mean on its traffic."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from comments import campaign, conversation

from model import SHIPPED
from model.artifact import Filter, load, log_odds_of, probability
from model.comment import Comment
from model.thresholds import Thresholds
from training.budget import Budget
from training.consequences import (
    BUDGETS,
    HELD_PER_BLOCKED,
    MIN_BLOCK,
    MIN_CHECKS,
    MIN_LABELS,
    Site,
    Traffic,
    choose,
    consequences,
)
from training.database import Database
from training.foresight import Foretold, replayed
from training.labels import Check, GivenLabel, LabelStore, first_id

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SITE = "blog.example"
NOTHING = Foretold(np.array([]), np.array([]))


@pytest.fixture(scope="module")
def model() -> Filter:
    return load(SHIPPED)


def scores(mean: float, count: int, seed: int = 0) -> Any:
    """Make scores whose log-odds are normal around a mean, as those of one label are."""
    log_odds = np.random.default_rng(seed).normal(mean, 2, count)
    return 1 / (1 + np.exp(-log_odds))


def budget(blocked: float) -> Budget:
    return Budget(blocked, blocked * HELD_PER_BLOCKED)


def test_without_labels_the_models_own_budget_gives_the_models_own_thresholds(model: Filter) -> None:
    of_card = model.card["budget"]
    choice = choose(Budget(of_card["ham_blocked_at_most"], of_card["ham_reviewed_at_most"]), model, NOTHING)
    assert choice.thresholds == model.thresholds
    assert (choice.block.basis, choice.block.is_promised) == ("model", True)
    needed = math.ceil(math.log(0.05) / math.log1p(-of_card["ham_blocked_at_most"]))
    assert f"not enough labelled ham of this site's own yet: 0 of {needed:,}" in choice.block.sentence


def test_the_larger_the_budget_the_lower_the_thresholds(model: Filter) -> None:
    chosen = [choose(budget(rate), model, NOTHING).thresholds for rate in BUDGETS]
    assert [one.block for one in chosen] == sorted((one.block for one in chosen), reverse=True)
    assert [one.review for one in chosen] == sorted((one.review for one in chosen), reverse=True)
    assert all(one.review < one.block <= one.discard for one in chosen)
    assert len({one.block for one in chosen}) == len(BUDGETS)


@pytest.mark.parametrize("rate", [0.001, 0.002, 0.01])
def test_where_there_is_ham_enough_the_budget_is_kept_as_often_as_promised(model: Filter, rate: float) -> None:
    population = scores(-1.0, 200_000, seed=1)
    broken = 0
    for seed in range(200):
        labelled = np.random.default_rng(seed).choice(population, 4_000)
        choice = choose(budget(rate), model, Foretold(labelled, np.array([])))
        assert choice.block.basis == "site"
        broken += float((population >= choice.thresholds.block).mean()) > rate
    assert broken <= 20, "of 200 times, 5 % are 10, and more than 20 come by chance once in a thousand"


@pytest.mark.parametrize(("count", "basis"), [(298, "model"), (299, "site")])
def test_a_promise_takes_as_much_ham_as_is_said(model: Filter, count: int, basis: str) -> None:
    ham = scores(-4.0, count)
    choice = choose(Budget(0.01, 0.1), model, Foretold(ham, np.array([])))
    assert choice.block.needed == 299
    assert choice.block.basis == basis
    if basis == "model":
        assert "298 of 299" in choice.block.sentence


def test_where_the_sites_ham_scores_high_the_models_threshold_is_raised_and_nothing_is_promised(model: Filter) -> None:
    ham = np.concatenate([scores(-4.0, 60), np.full(10, 0.99)])
    choice = choose(budget(0.001), model, Foretold(ham, np.array([])))
    assert choice.block.basis == "site's ham, not promised"
    assert choice.thresholds.block > 0.99
    assert choice.block.ham_at_or_above == 0
    assert choice.block.sentence.startswith("not promised")


def test_the_first_labels_which_are_of_what_was_held_move_no_threshold(model: Filter) -> None:
    for rate in BUDGETS:
        few = choose(budget(rate), model, Foretold(np.full(MIN_LABELS - 1, 0.99), np.array([])))
        assert "site's ham, not promised" not in (few.block.basis, few.review.basis)
        assert few.block.score == choose(budget(rate), model, NOTHING).block.score


def test_no_budget_blocks_what_is_probably_good(model: Filter) -> None:
    choice = choose(Budget(0.01, 0.1), model, Foretold(np.full(5_000, 1e-4), np.array([])))
    assert choice.thresholds.block == MIN_BLOCK
    assert choice.block.is_promised


def test_discarding_stays_as_far_above_blocking_as_it_was(model: Filter) -> None:
    for rate in BUDGETS:
        chosen = choose(budget(rate), model, NOTHING).thresholds
        assert chosen.discard >= model.thresholds.discard
        assert chosen.discard > chosen.block


def test_what_a_budget_means_is_what_is_counted(model: Filter) -> None:
    rng = np.random.default_rng(3)
    is_spam = rng.random(6_000) < 0.5
    # Calibrated, since the variance is half the distance of the means.
    log_odds = np.where(is_spam, rng.normal(2, 2, 6_000), rng.normal(-2, 2, 6_000))
    traffic = Traffic(1 / (1 + np.exp(-log_odds)), days=21)
    thresholds = Thresholds(0.6, 0.9, 0.999)
    blocked, held = traffic.scores >= 0.9, (traffic.scores >= 0.6) & (traffic.scores < 0.9)
    truth = {
        "good_held": (held & ~is_spam).sum() / 3,
        "good_blocked": (blocked & ~is_spam).sum() / 3,
        "spam_allowed": (is_spam & ~blocked & ~held).sum() / 3,
        "spam_blocked": (blocked & is_spam).sum() / is_spam.sum(),
    }
    labelled = Foretold(traffic.scores[:1_000][~is_spam[:1_000]], traffic.scores[:1_000][is_spam[:1_000]])
    for foretold in (NOTHING, labelled):
        meaning = consequences(thresholds, traffic, foretold)
        counted = 2_000, held.sum() / 3, blocked.sum() / 3
        assert (meaning.comments, meaning.held, meaning.blocked) == pytest.approx(counted)
        for name, true in truth.items():
            estimate = getattr(meaning, name)
            if foretold is labelled:
                assert estimate.low < true < estimate.high, name
            else:
                assert estimate.value == pytest.approx(true, rel=0.35), name
                assert estimate.low is None


def test_nothing_is_said_of_too_little_traffic(model: Filter) -> None:
    for count, days in ((MIN_CHECKS - 1, 9.0), (5_000, 0.2), (0, 0.0)):
        traffic = Traffic(scores(0, count), days)
        assert Site(model, NOTHING, traffic).meaning(model.thresholds) is None
        assert traffic.sentence.startswith("Not enough traffic yet")
    assert Traffic(scores(0, 100), 3).sentence.startswith("Estimated on 100 comments")


def test_comments_are_scored_before_they_are_learnt_and_a_second_label_does_not_flatter(model: Filter) -> None:
    comments = campaign(40)
    labels = [(n, GivenLabel(SITE, comment, "spam", "ann", NOON)) for n, comment in enumerate(comments, 1)]
    again = [(len(labels) + 1, GivenLabel(SITE, comments[0], "ham", "ben", NOON))]
    foretold = replayed(model, labels + again).of(SITE)
    assert len(foretold.spam) == len(comments) - 1
    assert foretold.ham.tolist() == [pytest.approx(probability(log_odds_of(model.check(comments[0]).score)))]
    assert foretold.spam[-10:].mean() > foretold.spam[:10].mean(), "the layer learns the campaign meanwhile"


def test_labels_that_a_version_was_trained_on_tell_nothing_of_it(model: Filter, tmp_path: Path) -> None:
    from model.artifact import unpacked
    from training.retrain import retrain

    comments = [*campaign(30), *conversation(30)]
    labels = [
        (n, GivenLabel(SITE, comment, "spam" if n <= 30 else "ham", "ann", NOON + timedelta(minutes=n)))
        for n, comment in enumerate(comments, 1)
    ]
    retrained = unpacked(retrain(model, labels).content, "retrained")
    foretold = replayed(retrained, labels).of(SITE)
    assert (len(foretold.ham), len(foretold.spam)) == (12, 0)
    assert choose(budget(0.001), retrained, foretold).block.is_promised is False


def test_traffic_is_the_sites_own_and_of_late(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path / 'c.sqlite3'}") as database:
        labels, now = LabelStore(database), datetime.now(UTC)
        labels.remember(
            [
                Check(f"{first_id(at)}{number:020x}", site, at, Comment(text="x"), 0.25, "allow", "m")
                for number, (site, days) in enumerate([(SITE, 40), (SITE, 14), (SITE, 3), ("other.example", 3)])
                for at in [now - timedelta(days=days)]
            ]
        )
        traffic = Traffic.of(labels, SITE, now)
        assert traffic.scores.tolist() == [0.25, 0.25]
        assert traffic.days == pytest.approx(14, abs=0.01)
        assert labels.last_checked(SITE) == pytest.approx(now - timedelta(days=3), abs=timedelta(seconds=1))
        assert labels.last_checked("third.example") is None
