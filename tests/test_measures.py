"""The measures against scikit-learn, against hand-worked examples, and the bootstrap against redrawing row by row."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.metrics import precision_recall_curve as sklearn_precision_recall_curve

from training import measures
from training.intervals import ClusterBootstrap, clusters_of, draws, exact_interval

UNHURRIED = settings(deadline=None)  # the first example pays for what the libraries import
# Few distinct values, so that ties are common.
SCORES = arrays.arrays(np.float64, st.integers(1, 30), elements=st.integers(0, 8).map(lambda eighths: eighths / 8))


def _points(x: np.ndarray, y: np.ndarray) -> set[tuple[float, float]]:
    return set(zip(x.round(9).tolist(), y.round(9).tolist(), strict=True))


def _joined(spam: np.ndarray, ham: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat([True, False], [len(spam), len(ham)]), np.concatenate([spam, ham])


@UNHURRIED
@given(SCORES, SCORES)
def test_auc_average_precision_and_brier_score_agree_with_scikit_learn(spam: np.ndarray, ham: np.ndarray) -> None:
    is_spam, scores = _joined(spam, ham)
    assert measures.roc_auc(spam, ham) == pytest.approx(roc_auc_score(is_spam, scores))
    assert measures.average_precision(spam, ham) == pytest.approx(average_precision_score(is_spam, scores))
    assert measures.brier_score(spam, ham) == pytest.approx(brier_score_loss(is_spam, scores))


@UNHURRIED
@given(SCORES, SCORES)
def test_precision_and_recall_agree_with_scikit_learn(spam: np.ndarray, ham: np.ndarray) -> None:
    recall, precision = measures.precision_recall_curve(spam, ham)
    precisions, recalls, _ = sklearn_precision_recall_curve(*_joined(spam, ham))
    assert _points(precision, recall) <= _points(precisions, recalls)
    assert recall[-1] == 1


@UNHURRIED
@given(SCORES, SCORES)
def test_the_area_under_the_roc_curve_is_the_auc(spam: np.ndarray, ham: np.ndarray) -> None:
    blocked, caught = measures.roc_curve(spam, ham)
    assert np.trapezoid(caught, blocked) == pytest.approx(measures.roc_auc(spam, ham))


@UNHURRIED
@given(SCORES, SCORES, st.sampled_from([0.0, 0.001, 0.1, 0.25, 0.5, 1.0]))
def test_no_threshold_within_the_ham_rate_catches_more(spam: np.ndarray, ham: np.ndarray, rate: float) -> None:
    thresholds = [*np.unique(np.concatenate([spam, ham])), math.inf]
    allowed = [t for t in thresholds if np.mean(ham >= t) <= rate]
    assert measures.caught_at(spam, ham, rate) == max(np.mean(spam >= t) for t in allowed)


@pytest.mark.parametrize(
    ("rate", "ham_count", "allowed"),
    [(0.001, 999, 0), (0.001, 1_000, 1), (0.001, 300, 0), (0.01, 300, 3), (0.005, 200, 1), (0.29, 100, 29)],
)
def test_a_ham_rate_allows_whole_comments_only(rate: float, ham_count: int, allowed: int) -> None:
    assert measures.allowed_ham(rate, ham_count) == allowed


def test_spam_that_ties_with_ham_over_the_allowance_is_not_caught() -> None:
    ham = np.array([0.9, 0.9, 0.1, 0.0])
    spam = np.array([0.95, 0.9, 0.5])
    assert measures.caught_at(spam, ham, 0.25) == pytest.approx(1 / 3)
    assert measures.caught_at(spam, ham, 0.5) == 1


def test_reliability_by_hand() -> None:
    curve = measures.reliability(spam=np.array([0.95, 1.0, 0.15]), ham=np.array([0.05, 0.0, 0.19]))
    assert curve.counts.tolist() == [2, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert curve.mean_scores[[0, 1, 9]].tolist() == pytest.approx([0.025, 0.17, 0.975])
    assert curve.spam_shares[[0, 1, 9]].tolist() == [0, 0.5, 1]
    assert np.isnan(curve.mean_scores[2:9]).all()
    assert curve.expected_error == pytest.approx((0.025 + 0.33 + 0.025) / 3)


@UNHURRIED
@given(st.integers(0, 60), st.integers(0, 60))
def test_exact_intervals_agree_with_scipy(hits: int, misses: int) -> None:
    total = hits + misses + 1
    low, high = exact_interval(hits, total)
    expected = binomtest(hits, total).proportion_ci(method="exact")
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_none_of_three_hundred_is_not_none() -> None:
    low, high = exact_interval(0, 300)
    assert low == 0
    assert high == pytest.approx(0.0122, abs=5e-5)


@UNHURRIED
@given(st.data())
def test_the_bootstrap_is_what_redrawing_rows_gives(data: st.DataObject) -> None:
    """Each replicate, built row by row and measured plainly, against the arithmetic on clusters."""
    spam, ham = data.draw(SCORES), data.draw(SCORES)
    is_spam, scores = _joined(spam, ham)
    clusters = data.draw(arrays.arrays(np.int64, len(scores), elements=st.integers(0, 5)))
    clusters[0] = 5
    bootstrap = ClusterBootstrap(is_spam, scores, clusters, seed=1, replicates=40)
    redrawn = []
    for times in draws(6, 40, 1):
        rows = np.repeat(np.arange(len(scores)), times[clusters].astype(int))
        redrawn.append((scores[rows][is_spam[rows]], scores[rows][~is_spam[rows]]))
    both = [(s, h) for s, h in redrawn if len(s) and len(h)]
    some = [(s, h) for s, h in redrawn if len(s) or len(h)]
    _assert_central(bootstrap.roc_auc(), [measures.roc_auc(s, h) for s, h in both])
    for rate in (0.001, 0.2):
        _assert_central(bootstrap.caught_at(rate), [measures.caught_at(s, h, rate) for s, h in both])
    _assert_central(bootstrap.brier_score(), [measures.brier_score(s, h) for s, h in some])
    _assert_central(bootstrap.calibration_error(), [measures.reliability(s, h).expected_error for s, h in some])


def _assert_central(interval: tuple[float, float] | None, values: list[float]) -> None:
    if not values:
        assert interval is None
    else:
        assert interval == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])))


def test_the_bootstrap_reaches_deep_into_the_ham_where_it_must() -> None:
    """One site holds all the high ham: without it, the bar lies far below the first few hundred."""
    ham = np.concatenate([np.full(3_000, 0.9), np.linspace(0, 0.5, 3_000)])
    spam = np.array([0.95, 0.7, 0.7, 0.7])
    is_spam, scores = _joined(spam, ham)
    clusters = np.concatenate([[1, 2, 3, 4], np.zeros(3_000), np.arange(3_000) % 4 + 1]).astype(np.int64)
    low, high = ClusterBootstrap(is_spam, scores, clusters, seed=0).caught_at(0.001) or (math.nan, math.nan)
    assert low == 0
    assert high == 1


def test_intervals_by_site_are_wider_than_by_comment() -> None:
    rng = np.random.default_rng(5)
    sites = np.repeat(np.arange(20), 50)
    is_spam = rng.random(1_000) < 0.5
    scores = 1 / (1 + np.exp(-(2 * is_spam + 2 * rng.normal(size=20)[sites] + rng.normal(size=1_000))))
    by_site = ClusterBootstrap(is_spam, scores, sites, seed=0).roc_auc()
    by_comment = ClusterBootstrap(is_spam, scores, np.arange(1_000), seed=0).roc_auc()
    assert by_site is not None
    assert by_comment is not None
    assert by_site[1] - by_site[0] > 1.5 * (by_comment[1] - by_comment[0])


def test_clusters_are_sites_when_there_are_enough_and_comments_otherwise() -> None:
    assert clusters_of(["e", "a", "b", "c", "d", "a"], seed=0).tolist() == [4, 0, 1, 2, 3, 0]
    assert clusters_of(["a", "b", "a"], seed=0).tolist() == [0, 1, 2]


def test_many_sites_are_dealt_into_few_clusters_without_being_torn() -> None:
    sites = [f"site {number % 700}" for number in range(2_100)]
    clusters = clusters_of(sites, seed=0)
    assert len(set(clusters.tolist())) == 200
    assert len(set(zip(sites, clusters.tolist(), strict=True))) == 700
