import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.interquartile_mean import iqm_curve, resampled_iqm

BOOTSTRAP = Bootstrap(seed=1, resamples=2000, confidence=0.95)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 20, 21])
def test_the_interquartile_mean_is_scipys_trimmed_mean(n):
    best = np.random.default_rng(n).normal(size=(n, 3))
    np.testing.assert_allclose(iqm_curve(best, BOOTSTRAP).iqm, stats.trim_mean(best, 0.25, axis=0))


def test_one_wild_search_in_eight_does_not_move_the_interquartile_mean():
    values = np.arange(8.0)[:, None]
    wild = np.where(values == 7, 1e9, values)
    assert iqm_curve(wild, BOOTSTRAP).iqm == iqm_curve(values, BOOTSTRAP).iqm == 3.5


@pytest.mark.parametrize("n", [7, 9])
def test_the_resampled_interquartile_means_are_those_of_the_resampled_searches(n):
    values = np.random.default_rng(0).normal(size=n)
    counts = np.rint(BOOTSTRAP.weights(n)[:50] * n).astype(int)
    expected = [stats.trim_mean(np.repeat(values, count), 0.25) for count in counts]
    np.testing.assert_allclose(resampled_iqm(values, BOOTSTRAP)[:50], expected)


def test_a_search_that_has_not_come_to_a_trial_does_not_count_there():
    curve = iqm_curve(np.array([[1.0, 1.0], [3.0, np.nan], [5.0, np.nan]]), BOOTSTRAP)
    assert curve.searches.tolist() == [3, 1]
    assert curve.iqm.tolist() == [3.0, 1.0]
    assert np.isnan(curve.low).tolist() == [False, True]


def test_a_trial_that_no_search_has_spent_has_no_interquartile_mean():
    assert np.isnan(iqm_curve(np.full((3, 1), np.nan), BOOTSTRAP).iqm).all()


def test_the_interval_of_the_interquartile_mean_covers_as_often_as_it_says():
    rng, hits = np.random.default_rng(3), 0
    for _ in range(250):
        curve = iqm_curve(rng.normal(size=(20, 1)), Bootstrap(1, 1000, 0.95))
        hits += bool(curve.low[0] <= 0 <= curve.high[0])
    assert 0.93 <= hits / 250 <= 0.985
