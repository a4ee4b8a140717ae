from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis.comparisons.margin import one_sided, verdict
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.pairing import improvement, unpaired, win_share
from hpstudy.goal import Goal

BOOTSTRAP = Bootstrap(seed=1, resamples=2000, confidence=0.95)


def test_the_unpaired_interval_is_welchs():
    a, b = np.random.default_rng(0).normal(size=(2, 9)) * [[1], [4]]
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    found = unpaired(a, b, 0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("exponent", [-500, -100, 100, 500])
def test_the_unpaired_interval_has_the_unit_of_its_values(exponent):
    a, b = np.random.default_rng(0).normal(size=(2, 9)) * [[1], [4]]
    plain, scaled = unpaired(a, b, 0.95), unpaired(a * 2.0**exponent, b * 2.0**exponent, 0.95)
    assert scaled == replace(plain, low=plain.low * 2.0**exponent, high=plain.high * 2.0**exponent)


def test_pairing_takes_away_the_variance_that_both_views_share():
    rng = np.random.default_rng(1)
    shared = rng.normal(0, 3, 5000)
    a, b = rng.normal(size=(2, 5000)) + shared
    assert unpaired(a, b, 0.95).reduction == pytest.approx(9 / 10, abs=0.01)


def test_views_that_move_against_each_other_lose_by_pairing():
    a = np.array([1.0, 2.0, 4.0])
    assert unpaired(a, -a, 0.95).reduction == pytest.approx(-1)


def test_views_that_do_not_vary_have_no_reduction_and_an_interval_without_width():
    found = unpaired(np.full(3, 2.0), np.full(3, 1.5), 0.95)
    assert (found.low, found.high) == (0.5, 0.5)
    assert np.isnan(found.reduction)


def test_one_replicate_has_no_unpaired_interval():
    assert np.isnan(unpaired(np.ones(1), np.zeros(1), 0.95).low)


@pytest.mark.parametrize(("goal", "share"), [(Goal.MAXIMIZE, 2.5 / 4), (Goal.MINIMIZE, 1.5 / 4)])
def test_a_tie_is_half_a_win(goal, share):
    assert win_share(np.array([3.0, 3.0, 1.0, 2.0]), np.array([1.0, 2.0, 2.0, 2.0]), goal, 0.95).value == share


def test_the_interval_of_the_win_share_is_wilsons():
    expected = stats.binomtest(14, 20).proportion_ci(0.95, method="wilson")
    found = win_share(np.r_[np.ones(14), -np.ones(6)], np.zeros(20), Goal.MAXIMIZE, 0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("goal", [Goal.MAXIMIZE, Goal.MINIMIZE])
def test_the_unpaired_probability_is_u_over_n_m(goal):
    a, b = np.random.default_rng(2).integers(0, 5, size=(2, 12)).astype(float)
    u = stats.mannwhitneyu(a, b).statistic if goal == Goal.MAXIMIZE else stats.mannwhitneyu(b, a).statistic
    assert improvement(a, b, goal, BOOTSTRAP).value == pytest.approx(u / 144)


def test_one_replicate_has_no_interval_of_the_unpaired_probability():
    found = improvement(np.ones(1), np.zeros(1), Goal.MAXIMIZE, BOOTSTRAP)
    assert (found.value, np.isnan(found.low), np.isnan(found.high)) == (1, True, True)


def test_the_unpaired_probability_is_resampled_with_whole_replicates():
    a, b = np.random.default_rng(3).normal(size=(2, 6))
    bootstrap = Bootstrap(5, 40, 0.95)
    values = []
    for count in np.rint(bootstrap.weights(6) * 6).astype(int):
        x, y = np.repeat(a, count), np.repeat(b, count)
        values.append((x[:, None] > y).mean())
    found = improvement(a, b, Goal.MAXIMIZE, replace(bootstrap, confidence=0.5))
    assert np.isclose(values, found.low).any()
    assert np.isclose(values, found.high).any()
    assert found.low < found.value < found.high


def test_a_view_that_always_wins_has_a_probability_of_one():
    found = improvement(np.array([5.0, 6.0]), np.array([1.0, 2.0]), Goal.MAXIMIZE, BOOTSTRAP)
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_the_interval_of_the_unpaired_probability_covers_as_often_as_it_says():
    rng, true, hits = np.random.default_rng(4), stats.norm.cdf(1 / np.sqrt(2)), 0
    for _ in range(400):
        found = improvement(rng.normal(1, 1, 20), rng.normal(size=20), Goal.MAXIMIZE, Bootstrap(1, 1000, 0.95))
        hits += found.low <= true <= found.high
    assert 0.925 <= hits / 400 <= 0.98


def test_each_one_sided_bound_leaves_five_per_cent_on_its_side():
    rng = np.random.default_rng(5)
    found = [one_sided(rng.normal(size=20), Bootstrap(1, 1000, 0.95)) for _ in range(600)]
    assert np.mean([bounds.lower <= 0 for bounds in found]) == pytest.approx(0.95, abs=0.025)
    assert np.mean([bounds.upper >= 0 for bounds in found]) == pytest.approx(0.95, abs=0.025)


def test_the_bounds_decide_equivalence_as_the_verdict_does():
    d = 0.3 + 0.5 * np.random.default_rng(0).normal(size=29)
    bounds = one_sided(d, BOOTSTRAP)
    edge = max(-bounds.lower, bounds.upper)
    assert verdict(d, edge * 1.001, 0.5, BOOTSTRAP) == "equivalent"
    assert verdict(d, edge * 0.999, 0.5, BOOTSTRAP) != "equivalent"
