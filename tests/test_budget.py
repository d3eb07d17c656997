"""Thresholds from a budget: the guarantee holds, and is not given where it can't be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from model.thresholds import Thresholds
from model.verdict import Decision
from training.budget import Budget, cut_for


@pytest.mark.parametrize(("score", "decision"), [(0.0, "allow"), (0.5, "review"), (0.9, "block"), (0.99, "discard")])
def test_a_score_at_a_threshold_is_at_or_above_it(score: float, decision: str) -> None:
    assert Thresholds(review=0.5, block=0.9, discard=0.99).decide(score) == Decision(decision)


@pytest.mark.parametrize("values", [(0.9, 0.5, 0.99), (-0.1, 0.5, 0.9), (0.1, 0.9, 0.5)])
def test_thresholds_out_of_order_are_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="expected 0 <= review"):
        Thresholds(*values)


@pytest.mark.parametrize("budget", [(0.0, 0.1, 0.9), (0.2, 0.1, 0.9), (0.1, 0.2, 1.0)])
def test_a_budget_that_makes_no_sense_is_refused(budget: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="expected 0 < blocked"):
        Budget(*budget)


@pytest.mark.parametrize(("count", "rate"), [(100, 0.1), (1_000, 0.01), (5_000, 0.001)])
def test_the_cut_is_the_lowest_that_the_binomial_allows(count: int, rate: float) -> None:
    ham = np.arange(count, dtype=float)
    cut = cut_for(ham, rate, 0.95)
    lowest = next(k for k in range(1, count + 1) if stats.binom.sf(k - 1, count, 1 - rate) <= 0.05)
    assert cut.is_promised
    assert cut.log_odds == np.nextafter(ham[lowest - 1], np.inf)
    assert cut.ham_at_or_above == count - lowest


def test_the_rate_is_exceeded_no_more_often_than_promised() -> None:
    rng = np.random.default_rng(0)
    exceeded = [1 - stats.norm.cdf(cut_for(rng.normal(size=500), 0.02, 0.95).log_odds) > 0.02 for _ in range(400)]
    assert np.mean(exceeded) <= 0.08


@pytest.mark.parametrize("count", [0, 1, 100, 2_000])
def test_too_little_ham_promises_nothing_and_lies_above_all_of_it(count: int) -> None:
    ham = np.linspace(-5, 5, count)
    cut = cut_for(ham, 0.001, 0.95)
    assert not cut.is_promised
    assert cut.ham_at_or_above == 0
    assert not (ham >= cut.log_odds).any()
