import numpy as np
import pytest

from hpstudy.analysis.comparisons.budgets import budget_difference, common, difference_curve, view_budget
from hpstudy.analysis.comparisons.margin import verdict
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.goal import Goal

BOOTSTRAP = Bootstrap(seed=1, resamples=2000, confidence=0.95)


def compare(a, b, goal=Goal.MAXIMIZE, margin=None):
    return budget_difference(
        np.array(a, dtype=float)[:, None], np.array(b, dtype=float)[:, None], 1, goal, BOOTSTRAP, seed=0, margin=margin
    )


def test_a_view_is_described_over_the_searches_that_have_come_so_far():
    found = view_budget(np.array([[1.0, 2.0], [3.0, 6.0], [5.0, np.nan]]), 2, BOOTSTRAP)
    assert (found.searches, found.mean, found.median) == (2, 4, 4)
    assert found.sd == pytest.approx(np.std([2, 6], ddof=1))


def test_a_view_without_searches_at_a_budget_has_no_numbers():
    found = view_budget(np.full((2, 3), np.nan), 3, BOOTSTRAP)
    assert found.searches == 0
    assert np.isnan(found.mean)


def test_the_difference_curve_is_the_difference_of_the_means():
    a, b = np.random.default_rng(0).normal(size=(2, 9, 4))
    np.testing.assert_allclose(difference_curve(a, b, BOOTSTRAP).mean, a.mean(axis=0) - b.mean(axis=0))


def test_what_is_common_to_both_views_cancels():
    shared = np.random.default_rng(1).normal(0, 100, size=(9, 1))
    a, b = np.random.default_rng(0).normal(size=(2, 9, 4))
    plain, noisy = difference_curve(a, b, BOOTSTRAP), difference_curve(a + shared, b + shared, BOOTSTRAP)
    np.testing.assert_allclose(plain.low, noisy.low, atol=1e-9)


def test_a_band_above_zero_is_named_by_its_trials():
    difference = np.tile([0.0, 0.0, 5.0, 5.0], (6, 1)) + np.random.default_rng(0).normal(0, 0.1, (6, 4))
    curve = difference_curve(difference - difference.mean(axis=0) + [0, 0, 5, 5], np.zeros((6, 4)), BOOTSTRAP)
    assert curve.excludes_zero == ((3, 4),)


def test_one_replicate_has_no_band():
    assert difference_curve(np.ones((1, 2)), np.zeros((1, 2)), BOOTSTRAP).band is None


@pytest.mark.parametrize(("goal", "wins", "losses"), [(Goal.MAXIMIZE, 1, 2), (Goal.MINIMIZE, 2, 1)])
def test_wins_follow_the_goal(goal, wins, losses):
    found = compare([3, 1, 1, 5], [2, 2, 2, 5], goal)
    assert (found.wins, found.ties, found.losses) == (wins, 1, losses)


def test_the_mean_difference_keeps_the_metrics_sign_whatever_the_goal():
    assert compare([3, 3, 4], [1, 1, 1], Goal.MINIMIZE).mean == compare([3, 3, 4], [1, 1, 1], Goal.MAXIMIZE).mean > 0


def test_the_effect_is_the_mean_over_the_spread_of_the_differences():
    found = compare([1, 2, 3], [0, 0, 0])
    assert found.effect == pytest.approx(2.0)


def test_the_correlation_of_equal_views_is_one():
    assert compare([1, 2, 3], [2, 3, 4]).correlation == pytest.approx(1)


def test_views_that_do_not_vary_have_no_correlation():
    assert np.isnan(compare([1, 1, 1], [2, 3, 4]).correlation)


def test_without_a_margin_there_is_no_verdict():
    assert compare([1, 2, 3], [0, 0, 0]).verdict is None


@pytest.mark.parametrize(
    ("shift", "spread", "expected"),
    [
        (0.0, 0.1, "equivalent"),
        (3.0, 0.1, "superior"),
        (-3.0, 0.1, "inferior"),
        (0.8, 3.0, "non-inferior"),
        (0.0, 5.0, "inconclusive"),
    ],
)
def test_the_verdict_follows_from_the_interval_and_the_margin(shift, spread, expected):
    noise = np.linspace(-1, 1, 21)
    assert verdict(shift + spread * noise, 1.0, BOOTSTRAP) == expected


def test_a_small_but_certain_gain_within_the_margin_is_equivalent():
    assert verdict(0.1 + 0.01 * np.linspace(-1, 1, 21), 1.0, BOOTSTRAP) == "equivalent"


def test_only_replicates_complete_in_both_views_are_common():
    assert common(np.array([True, True, False]), np.array([False, True, True])).tolist() == [1]
