from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis.statistics.bootstrap import (
    BLOCK,
    Bootstrap,
    mean_intervals,
    percentile_interval,
    ranges,
    resampled_means,
    simultaneous_band,
)

BOOTSTRAP = Bootstrap(seed=5, resamples=2000, confidence=0.95)


def test_the_weights_of_every_resample_sum_to_one():
    np.testing.assert_allclose(BOOTSTRAP.weights(7).sum(axis=1), 1)


def test_the_same_seed_gives_the_same_weights():
    np.testing.assert_array_equal(Bootstrap(5, 2000, 0.95).weights(7), BOOTSTRAP.weights(7))


def test_another_seed_gives_other_weights():
    assert (Bootstrap(6, 2000, 0.95).weights(7) != BOOTSTRAP.weights(7)).any()


def test_a_seed_of_zero_differs_from_one():
    assert (Bootstrap(0, 1000, 0.95).weights(7) != Bootstrap(1, 1000, 0.95).weights(7)).any()


def test_resampled_means_are_means_of_resampled_rows():
    values = np.random.default_rng(0).normal(size=(5, 3))
    counts = np.rint(BOOTSTRAP.weights(5)[17] * 5).astype(int)
    ((_, means),) = resampled_means(values, BOOTSTRAP)
    np.testing.assert_allclose(means[:, 17], np.repeat(values, counts, axis=0).mean(axis=0))


def test_blocks_of_columns_cover_every_column_once():
    bootstrap = Bootstrap(0, BLOCK // 4, 0.95)
    columns = [range(10)[block] for block, _ in resampled_means(np.ones((2, 10)), bootstrap)]
    assert [place for block in columns for place in block] == list(range(10))


@pytest.mark.parametrize("draw", ["normal", "exponential"])
def test_bca_without_expansion_is_scipys_bca(draw):
    values = getattr(np.random.default_rng(8), draw)(size=(20, 1))
    bootstrap = Bootstrap(1, 100_000, 0.95)
    low, high = mean_intervals(values, bootstrap, expand=False)
    reference = stats.bootstrap(
        (values[:, 0],), np.mean, n_resamples=100_000, method="BCa", rng=np.random.default_rng(2), vectorized=True
    ).confidence_interval
    np.testing.assert_allclose([low[0], high[0]], [reference.low, reference.high], atol=0.02 * values.std())


def test_resampled_means_that_equal_the_mean_count_half_in_the_bias_correction():
    """A third of the resampled means of these values equals the mean; counted as above or below it, they would shift the interval."""
    bootstrap, values = Bootstrap(1, 100_000, 0.95), np.array([0.0, 0.0, 1.0, 1.0, 1.0, 0.0])
    means = np.rint(bootstrap.weights(6) @ values * 6) / 6
    share = (means < 0.5).mean() + (means == 0.5).mean() / 2
    assert (means == 0.5).mean() > 0.3
    levels = stats.norm.cdf(2 * stats.norm.ppf(share) + np.array([-1, 1]) * stats.norm.ppf(0.975))  # no skewness
    low, high = mean_intervals(values[:, None], bootstrap, expand=False)
    assert (low[0], high[0]) == pytest.approx(tuple(np.quantile(means, levels)))


def test_the_expanded_interval_of_symmetric_data_is_students():
    half = np.random.default_rng(3).normal(size=10)
    values = np.r_[half, -half][:, None]
    low, high = mean_intervals(values, Bootstrap(1, 100_000, 0.95))
    reference = stats.t.interval(0.95, 19, loc=0, scale=values.std(ddof=1) / np.sqrt(20))
    np.testing.assert_allclose([low[0], high[0]], reference, atol=0.03 * values.std())


def test_shifting_the_data_shifts_the_interval():
    values = np.random.default_rng(4).exponential(size=(12, 1))
    low, high = mean_intervals(values, BOOTSTRAP)
    shifted = mean_intervals(values + 100, BOOTSTRAP)
    np.testing.assert_allclose([low + 100, high + 100], shifted, rtol=1e-9)


def test_replicates_that_all_agree_have_an_interval_of_no_width():
    low, high = mean_intervals(np.full((9, 1), 0.1), BOOTSTRAP)
    assert (low[0], high[0]) == (0.1, 0.1)


def test_differences_by_rounding_alone_are_no_differences():
    values = np.array([[3.0], [3.0 + 4e-16 * 3], [3.0]])
    band = simultaneous_band(values, BOOTSTRAP)
    assert band.low[0] == band.high[0]


def test_one_replicate_has_no_interval():
    low, high = mean_intervals(np.ones((1, 2)), BOOTSTRAP)
    assert np.isnan([low, high]).all()


def test_an_interval_never_leaves_the_range_of_the_data():
    values = np.array([[0.0]] * 19 + [[1.0]])
    low, high = mean_intervals(values, replace(BOOTSTRAP, confidence=0.99))
    assert 0 <= low[0] <= values.mean() <= high[0] <= 1


def test_intervals_are_taken_column_by_column():
    values = np.random.default_rng(5).normal(size=(10, 3))
    together = np.array(mean_intervals(values, replace(BOOTSTRAP, confidence=0.9)))
    apart = np.concatenate(
        [mean_intervals(values[:, [column]], replace(BOOTSTRAP, confidence=0.9)) for column in range(3)], axis=1
    )
    np.testing.assert_allclose(together, apart)


@pytest.mark.parametrize(("draw", "mean", "least", "most"), [("normal", 0, 0.935, 0.96), ("exponential", 1, 0.92, 0.95)])
def test_intervals_of_20_replicates_cover_the_mean_about_as_often_as_they_say(draw, mean, least, most):
    studies = getattr(np.random.default_rng(11), draw)(size=(20, 4000))
    low, high = mean_intervals(studies, BOOTSTRAP)
    assert least < ((low <= mean) & (mean <= high)).mean() < most


def test_the_simultaneous_band_of_one_trial_is_students_interval():
    values = np.random.default_rng(6).normal(size=(20, 1))
    band = simultaneous_band(values, Bootstrap(1, 100_000, 0.95))
    half = (band.high[0] - band.low[0]) / 2
    np.testing.assert_allclose(half, stats.t.ppf(0.975, 19) * values.std(ddof=1) / np.sqrt(20), rtol=0.02)


def test_the_critical_value_of_the_band_is_that_of_the_largest_deviation_of_each_resample():
    values = np.random.default_rng(7).normal(size=(10, 5))
    error = values.std(axis=0, ddof=1) / np.sqrt(10)
    largest = (np.abs(BOOTSTRAP.weights(10) @ values - values.mean(axis=0)) / error).max(axis=1)
    normal = np.quantile(largest, 0.95) * np.sqrt(10 / 9)
    band = simultaneous_band(values, BOOTSTRAP)
    assert band.critical == pytest.approx(stats.t.ppf(stats.norm.cdf(normal), 9))
    np.testing.assert_allclose(band.high, values.mean(axis=0) + band.critical * error)


def test_the_simultaneous_band_of_equal_trials_is_that_of_one():
    values = np.random.default_rng(6).normal(size=(20, 1))
    one = simultaneous_band(values, BOOTSTRAP)
    many = simultaneous_band(np.repeat(values, 30, axis=1), BOOTSTRAP)
    np.testing.assert_allclose(many.low, np.repeat(one.low, 30))


def test_the_simultaneous_band_has_no_width_where_replicates_agree():
    values = np.c_[np.zeros(6), np.arange(6.0)]
    band = simultaneous_band(values, BOOTSTRAP)
    assert band.low[0] == band.high[0] == 0
    assert band.low[1] < band.high[1]


def test_the_simultaneous_band_covers_whole_curves_about_as_often_as_it_says():
    rng = np.random.default_rng(12)
    covered = 0
    for study in range(600):
        walk = rng.normal(size=(20, 12)).cumsum(axis=1)
        band = simultaneous_band(walk, Bootstrap(study, 1000, 0.95))
        covered += bool(((band.low <= 0) & (band.high >= 0)).all())
    assert 0.915 < covered / 600 < 0.97


def test_a_percentile_interval_is_symmetric_and_as_much_wider_as_students_interval():
    """The order statistics at the normal tail of sqrt(n / (n - 1)) t, counted from both ends."""
    tail = stats.norm.cdf(-np.sqrt(8 / 7) * stats.t.ppf(0.975, 7))
    assert percentile_interval(np.arange(10_001.0), 8, 0.95) == (np.floor(10_000 * tail), 10_000 - np.floor(10_000 * tail))


def test_a_percentile_interval_may_end_at_infinity():
    statistic = np.r_[np.arange(900.0), np.full(100, np.inf)]
    low, high = percentile_interval(statistic, 20, 0.95)
    assert np.isfinite(low)
    assert high == np.inf


def test_a_percentile_interval_is_made_of_values_that_occurred():
    statistic = np.random.default_rng(0).integers(0, 9, 1000).astype(float)
    assert set(percentile_interval(statistic, 20, 0.95)) <= set(statistic)


@pytest.mark.parametrize("unknown", [3, 30, 300])
def test_resamples_without_a_value_widen_both_ends_of_a_percentile_interval(unknown):
    values = np.random.default_rng(0).permutation(np.r_[np.arange(1000.0 - unknown), np.full(unknown, np.nan)])
    low, _ = percentile_interval(np.where(np.isnan(values), -np.inf, values), 20, 0.95)
    _, high = percentile_interval(np.where(np.isnan(values), np.inf, values), 20, 0.95)
    assert percentile_interval(values, 20, 0.95) == (low, high)


def test_one_replicate_has_no_percentile_interval():
    assert np.isnan(percentile_interval(np.ones(1000), 1, 0.95)).all()


def test_ranges_are_runs_counted_from_one():
    assert ranges(np.array([True, True, False, True])) == ((1, 2), (4, 4))


def test_nothing_true_has_no_ranges():
    assert ranges(np.array([False, False])) == ()
