import math

import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis.statistics.power import MOST, detectable, power, power_of, required, sd_interval


@pytest.mark.parametrize(("effect", "n"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)])
def test_the_required_replicates_are_those_of_the_textbook(effect, n):
    # As in G*Power 3 (two-sided paired t test, alpha 0.05, power 0.8).
    assert required(effect, 0.8, 0.05) == n


@pytest.mark.parametrize(("effect", "wanted"), [(0.1, 0.9), (0.66, 0.8), (2.5, 0.99), (-0.5, 0.8)])
def test_one_replicate_fewer_has_too_little_power(effect, wanted):
    n = required(effect, wanted, 0.05)
    assert power_of(effect, n, 0.05) >= wanted > power_of(effect, n - 1, 0.05)


def test_a_huge_effect_needs_two_replicates():
    assert required(100, 0.8, 0.05) == 2


def test_a_tiny_effect_needs_more_replicates_than_anyone_runs():
    assert required(math.sqrt(7.85 / MOST) / 10, 0.8, 0.05) is None


def test_the_power_is_that_of_the_noncentral_t():
    n, effect, critical = 12, 0.7, stats.t.ppf(0.975, 11)
    expected = stats.nct.sf(critical, 11, effect * math.sqrt(n)) + stats.nct.cdf(-critical, 11, effect * math.sqrt(n))
    assert power_of(effect, n, 0.05) == pytest.approx(expected)


def test_without_an_effect_the_power_is_the_level():
    assert power_of(0, 20, 0.05) == pytest.approx(0.05)


def test_the_required_replicates_detect_the_effect_they_are_required_for():
    n = required(0.5, 0.9, 0.01)
    assert detectable(n, 0.9, 0.01) <= 0.5 < detectable(n - 1, 0.9, 0.01)


def test_the_interval_of_a_standard_deviation_is_the_chi_square_one():
    low, high = sd_interval(2.0, 10, 0.95)
    # Chi-square quantiles with 9 degrees of freedom: 19.023 and 2.700.
    assert (low, high) == pytest.approx((2 * math.sqrt(9 / 19.023), 2 * math.sqrt(9 / 2.700)), rel=1e-3)


def test_the_interval_of_a_standard_deviation_covers_as_often_as_it_says():
    sds = np.random.default_rng(0).normal(size=(2000, 20)).std(axis=1, ddof=1)
    ends = np.array([sd_interval(sd, 20, 0.95) for sd in sds])
    assert ((ends[:, 0] <= 1) & (ends[:, 1] >= 1)).mean() == pytest.approx(0.95, abs=0.015)


def test_as_many_replicates_as_are_needed_find_the_difference_as_often_as_asked():
    n = required(0.4 / 1.0, 0.8, 0.05)
    samples = np.random.default_rng(1).normal(0.4, 1.0, size=(8000, n))
    assert (stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.015)


def test_a_wider_spread_needs_more_replicates():
    found = power(np.random.default_rng(2).normal(size=15), 0.5)
    assert found.sd_low < found.sd < found.sd_high
    assert found.needed_low < found.needed < found.needed_high


def test_the_detectable_difference_is_in_the_units_of_the_metric():
    d = np.random.default_rng(2).normal(size=20)
    small, large = power(d, None), power(10 * d, None)
    assert large.detectable == pytest.approx(10 * small.detectable)
    assert small.detectable == small.detectable_at[1]
    assert small.needed is None


def test_one_replicate_shows_no_spread():
    found = power(np.array([1.0]), 0.5)
    assert math.isnan(found.sd)
    assert found.needed is None


def test_equal_differences_give_no_number_of_replicates():
    found = power(np.full(5, 0.1), 0.5)
    assert (found.sd, found.needed) == (0, None)
    assert np.isnan([found.sd_low, found.sd_high, found.detectable, *found.detectable_at]).all()


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_differences_whose_squares_are_no_floats_are_planned_as_others_are(size):
    d = np.random.default_rng(2).normal(size=15)
    found, known = power(size * d, 0.5 * size), power(d, 0.5)
    assert found.needed == known.needed
    assert found.detectable == pytest.approx(size * known.detectable)
    assert power(1e-300 * d, 1.0).needed == 2


@pytest.mark.parametrize(("n", "effect"), [(5, 1.68), (10, 1.00), (20, 0.66), (30, 0.53), (40, 0.45)])
def test_the_detectable_effect_is_that_of_the_noncentral_t(n, effect):
    assert round(detectable(n, 0.8, 0.05), 2) == effect


def test_the_detectable_effect_is_found_with_80_per_cent_power():
    effect = detectable(12, 0.8, 0.05)
    samples = np.random.default_rng(0).normal(effect, 1, size=(20_000, 12))
    found = stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("n", [2, 5, 20, 1000])
@pytest.mark.parametrize("wanted", [0.1, 0.8, 0.9999])
def test_the_detectable_effect_is_found_with_the_wanted_power(n, wanted):
    assert power_of(detectable(n, wanted, 0.05), n, 0.05) == pytest.approx(wanted, abs=1e-6)
