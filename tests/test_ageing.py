"""Drift against the training and the days before, and when a version is called aged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from comments import campaign, conversation

from model.comment import Comment
from training.ageing import drifts, overturn_rate, signs_of_age
from training.distribution import DRIFTING, Distribution, Reference, distributions
from training.figures import drift
from training.survey import weeks
from training.traffic import Day
from training.traits import script_of, traits_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SPAM, HAM = (
    Distribution.of(made(400), scores) for made, scores in ((campaign, [0.95] * 400), (conversation, [0.05] * 400))
)
TRAINED = Reference(SPAM, HAM)


def day(number: int, distribution: Distribution, outcomes: dict[str, int] | None = None) -> Day:
    at = date(2026, 5, 1) + timedelta(days=number)
    return Day(at.isoformat(), "a" * 16, {"allow": distribution.total}, outcomes or {}, distribution)


def mixed(spam: int, ham: int, score: float = 0.95) -> Distribution:
    return Distribution.of([*campaign(spam), *conversation(ham)], [score] * spam + [0.05] * ham)


@pytest.mark.parametrize(
    ("comment", "traits"),
    [
        (Comment(text="Hi"), {"length": "short", "links": "0", "script": "latin", "author_url": "none"}),
        (
            Comment(text="Привет " * 20, author_url="http://a.example"),
            {"length": "medium", "script": "cyrillic", "author_url": "given"},
        ),
        (Comment(text="http://a.example http://b.example http://c.example http://d.example"), {"links": "3 or more"}),
        (Comment(text="1 2 3 \u0301"), {"script": "none"}),
        (Comment(text="很好 OK"), {"script": "cjk"}),
    ],
)
def test_traits_are_what_strikes_one(comment: Comment, traits: dict[str, str]) -> None:
    assert traits_of(comment).items() >= traits.items()


def test_a_letter_without_a_name_is_no_script() -> None:
    assert script_of("\U000323b0\ue000") in ("none", "cjk")


@pytest.mark.parametrize(("spam", "ham"), [(10, 390), (200, 200), (399, 1)])
def test_more_or_less_spam_of_the_kind_that_was_trained_on_is_no_drift(spam: int, ham: int) -> None:
    shifts = TRAINED.shifts(mixed(spam, ham))
    assert shifts is not None
    assert max(shifts.values()) < 0.05, shifts


def test_spam_of_another_kind_is_drift_in_what_has_changed() -> None:
    links = [Comment(text=f"{one.text} http://a.example http://b.example http://c.example") for one in campaign(200)]
    shifts = TRAINED.shifts(Distribution.of([*links, *conversation(200)], [0.55] * 200 + [0.05] * 200))
    assert shifts is not None
    assert min(shifts["score"], shifts["links"]) > DRIFTING > max(shifts["script"], shifts["author_url"]), shifts


def test_too_few_comments_say_nothing() -> None:
    assert TRAINED.shifts(mixed(40, 59)) is None


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"distributions": 1},
        {"distributions": {"spam": {}}},
        {"distributions": {"spam": {"score": {"1": "x"}}, "ham": 1}},
        {"distributions": {"spam": {"score": {"1": -1}}, "ham": {"score": {"1": 2}}}},
    ],
)
def test_a_card_that_says_nothing_usable_of_its_training_has_no_reference(card: dict[str, Any]) -> None:
    assert Reference.from_card(card) is None


def test_what_a_card_says_of_its_training_is_read_back() -> None:
    card = distributions(
        [*campaign(30), *conversation(20)], np.array([0.95] * 30 + [0.05] * 20), [True] * 30 + [False] * 20
    )
    found = Reference.from_card(card)
    assert found is not None
    assert (found.spam.histogram()[9], found.ham.histogram()[0]) == (30, 20)


def test_a_day_whose_scores_have_shifted_is_drifting() -> None:
    found = drifts([day(0, mixed(60, 140)), day(1, mixed(62, 138)), day(2, mixed(160, 40))], {})
    assert [one.is_drifting for one in found] == [False, False, True]
    assert (found[0].shift, found[0].from_training) == (None, None)
    assert found[1].shift == pytest.approx(0, abs=0.01)


def aged(days: Sequence[Day], reference: Reference | None = None) -> list[str]:
    return signs_of_age(drifts(days, {"a" * 16: reference}))


def test_one_odd_day_is_no_age_and_three_are() -> None:
    steady = [day(number, mixed(60, 140)) for number in range(10)]
    odd = [day(number, mixed(150, 50)) for number in range(10, 13)]
    assert aged([*steady, odd[0]]) == []
    (sign,) = aged([*steady, *odd])
    assert sign == "on 3 of the last 7 days scores were unlike those of the days before"


def test_a_version_whose_traffic_is_unlike_its_training_is_named() -> None:
    days = [day(number, mixed(100, 100, score=0.55)) for number in range(7)]
    assert aged(days, TRAINED) == ["on 7 of the last 7 days scores were unlike those it was trained on"]
    assert aged(days) == []


@pytest.mark.parametrize(
    ("before", "now", "is_named"), [((2, 98), (12, 38), True), ((2, 98), (3, 47), False), ((1, 5), (9, 30), False)]
)
def test_a_version_that_people_overturn_more_often_is_named(
    before: tuple[int, int], now: tuple[int, int], is_named: bool
) -> None:
    some = mixed(60, 140)
    days = [day(number, some) for number in range(9)]
    for index, (wrong, right) in ((0, before), (8, now)):
        days[index] = replace(days[index], outcomes={"spam allow": wrong, "ham allow": right})
    signs = aged(days)
    assert bool(signs) == is_named
    if is_named:
        assert signs == ["people overturned 12 of 50 labelled decisions of the last 7 days, 2 of 100 before"]


def test_the_rate_of_overturned_decisions_is_of_those_labelled() -> None:
    labelled = {"spam allow": 2, "ham review": 1, "ham block": 1, "spam block": 10, "ham allow": 6}
    assert overturn_rate([day(0, SPAM, labelled), day(1, SPAM)]) == 4 / 20
    assert overturn_rate([day(0, SPAM)]) is None


def test_weeks_sum_up_what_people_said() -> None:
    labelled = {"spam allow": 2, "spam block": 8, "ham review": 1, "ham block": 3, "ham allow": 16}
    first, second = weeks([day(0, HAM), day(1, HAM, labelled), day(5, HAM)])  # 1 May 2026 is a Friday
    assert (first.week, first.checks, first.labelled) == ("2026-W18", 800, 30)
    shares = (first.spam_missed, first.ham_held, first.ham_blocked)
    assert [(share.count, share.total) for share in shares] == [(2, 10), (1, 20), (3, 20)]
    assert first.spam_missed.low is not None
    assert 0 < first.spam_missed.low < 0.2
    assert (second.week, second.spam_missed.value) == ("2026-W19", None)


def test_days_of_which_no_drift_is_known_are_drawn_without_a_complaint() -> None:
    assert "Drift by day" in drift(["2026-01-02", "2026-01-03"], {})
