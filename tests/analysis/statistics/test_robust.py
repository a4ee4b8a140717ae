import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis.statistics.bootstrap import Resampling
from hpstudy.analysis.statistics.robust import iqm_curve, resampled_iqm, shift

RESAMPLING = Resampling(seed=1, resamples=2000)

DEPRESSION = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]) - np.array(
    [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
)
"""Hollander and Wolfe (1999), table 3.1: Hamilton depression scores after minus before."""


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 20, 21])
def test_the_interquartile_mean_is_scipys_trimmed_mean(n):
    best = np.random.default_rng(n).normal(size=(n, 3))
    np.testing.assert_allclose(iqm_curve(best, RESAMPLING, 0.95).iqm, stats.trim_mean(best, 0.25, axis=0))


def test_one_wild_search_in_eight_does_not_move_the_interquartile_mean():
    values = np.arange(8.0)[:, None]
    wild = np.where(values == 7, 1e9, values)
    assert iqm_curve(wild, RESAMPLING, 0.95).iqm == iqm_curve(values, RESAMPLING, 0.95).iqm == 3.5


def test_the_resampled_interquartile_means_are_those_of_the_resampled_searches():
    values = np.random.default_rng(0).normal(size=9)
    counts = np.rint(RESAMPLING.weights(9)[:50] * 9).astype(int)
    expected = [stats.trim_mean(np.repeat(values, count), 0.25) for count in counts]
    np.testing.assert_allclose(resampled_iqm(values, RESAMPLING)[:50], expected)


def test_a_search_that_has_not_come_to_a_trial_does_not_count_there():
    curve = iqm_curve(np.array([[1.0, 1.0], [3.0, np.nan], [5.0, np.nan]]), RESAMPLING, 0.95)
    assert curve.searches.tolist() == [3, 1]
    assert curve.iqm.tolist() == [3.0, 1.0]
    assert np.isnan(curve.low).tolist() == [False, True]


def test_a_trial_that_no_search_has_spent_has_no_interquartile_mean():
    assert np.isnan(iqm_curve(np.full((3, 1), np.nan), RESAMPLING, 0.95).iqm).all()


def test_the_interval_of_the_interquartile_mean_covers_as_often_as_it_says():
    rng, hits = np.random.default_rng(3), 0
    for _ in range(250):
        curve = iqm_curve(rng.normal(size=(20, 1)), Resampling(1, 1000), 0.95)
        hits += bool(curve.low[0] <= 0 <= curve.high[0])
    assert 0.93 <= hits / 250 <= 0.985


def test_the_shift_of_published_data_is_the_published_one():
    found = shift(DEPRESSION, 0.95)
    assert found.estimate == pytest.approx(-0.46)
    assert (found.low, found.high) == pytest.approx((-0.786, -0.010))
    assert found.achieved == pytest.approx(0.961, abs=5e-4)


def test_the_shift_is_the_median_of_the_walsh_averages():
    assert shift(np.array([0.0, 1.0, 5.0]), 0.95).estimate == np.median([0, 0.5, 2.5, 1, 3, 5])


def test_the_interval_of_the_shift_holds_what_the_signed_rank_test_does_not_reject():
    d = np.random.default_rng(4).normal(0.3, 1, 12)
    found = shift(d, 0.95)
    for value, inside in ((found.low, True), (found.low, False), (found.high, True), (found.high, False)):
        outwards = 1e-9 if (value == found.high) != inside else -1e-9
        assert (stats.wilcoxon(d - value - outwards, method="exact").pvalue > 0.05) == inside


def test_few_replicates_say_what_confidence_they_can_give():
    found = shift(np.array([1.0, 2.0, 4.0, 8.0, 16.0]), 0.95)
    assert (found.low, found.high) == (1, 16)
    assert found.achieved == pytest.approx(1 - 2 / 2**5)


def test_many_replicates_use_the_normal_approximation():
    d = np.random.default_rng(0).normal(0.1, 1, 201)
    exact, near = shift(d[:200], 0.95), shift(d, 0.95)
    assert near.high - near.low == pytest.approx(exact.high - exact.low, rel=0.03)
    assert near.achieved == pytest.approx(0.95, abs=0.001)


def test_the_interval_of_the_shift_covers_as_often_as_it_says():
    d = np.random.default_rng(5).standard_t(3, size=(600, 20))
    hits = [found.low <= 0 <= found.high for found in (shift(row, 0.95) for row in d)]
    assert np.mean(hits) == pytest.approx(0.952, abs=0.025)
