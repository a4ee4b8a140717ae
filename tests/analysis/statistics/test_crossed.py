import math

import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis.statistics.crossed import components, crossed_mean, filled

NAN = float("nan")
CROSSED = np.array([[3.0, 5.0, 4.0], [6.0, 9.0, 6.0], [2.0, 2.0, 5.0], [7.0, 8.0, 9.0]])


def off_diagonal_mean(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)].mean()


def test_components_of_a_crossed_layout_are_mean_variances_and_covariances():
    found = components(CROSSED, crossed=True)
    assert found.noise == pytest.approx(np.mean([row.var(ddof=1) for row in CROSSED]))
    assert found.between == pytest.approx(off_diagonal_mean(np.cov(CROSSED.T)))
    assert found.shared == pytest.approx(max(0, off_diagonal_mean(np.cov(CROSSED))))
    assert found.floor == pytest.approx(np.sqrt(found.noise))


def test_noise_counts_every_value_and_the_other_components_the_searches_that_have_every_seed():
    values = np.array([[1.0, 3.0], [5.0, NAN], [6.0, 10.0], [NAN, NAN]])
    found = components(values, crossed=True)
    assert found.noise == pytest.approx((2 + 8) / 2)
    assert found.between == pytest.approx(off_diagonal_mean(np.cov(values[[0, 2]].T)))


def test_noise_that_all_points_share_does_not_hide_the_variance_between_searches():
    means = np.array([1.0, 2.0, 4.0])
    assert components(means[:, None] + np.array([0.0, 10.0, 50.0]), crossed=True).between == pytest.approx(means.var(ddof=1))


def test_noise_that_all_points_share_is_shared_entirely():
    seeds = np.array([0.0, 1.0, 5.0])
    found = components(np.array([[1.0], [2.0], [4.0]]) + seeds, crossed=True)
    assert found.noise == pytest.approx(seeds.var(ddof=1))
    assert found.shared == pytest.approx(found.noise)


def test_noise_that_points_do_not_share_is_not_shared():
    assert components(np.array([[1.0, -1.0], [-1.0, 1.0]]), crossed=True).shared == 0


def test_searches_that_agree_more_than_their_noise_have_no_variance_between():
    assert components(np.array([[1.0, -1.0], [-1.0, 1.0]]), crossed=True).between == 0


def test_seeds_of_each_search_alone_have_no_shared_noise_and_no_order():
    """Seed k of one search is another seed than seed k of the next, so an order of the seeds within a search means nothing."""
    found = components(CROSSED, crossed=False)
    within = np.mean([row.var(ddof=1) for row in CROSSED])
    assert found.noise == pytest.approx(within)
    assert found.between == pytest.approx(CROSSED.mean(axis=1).var(ddof=1) - within / 3)
    assert np.isnan(found.shared)
    turned = np.array([np.roll(row, index) for index, row in enumerate(CROSSED)])
    assert components(turned, crossed=False).between == pytest.approx(found.between)


def test_values_that_differ_by_rounding_have_no_noise():
    found = components(np.array([[0.1, 0.1 + 1e-17, 0.3 - 0.2], [0.7, 0.7, 0.7]]), crossed=True)
    assert (found.noise, found.shared) == (0, 0)
    assert found.between == pytest.approx(0.18)


@pytest.mark.parametrize("values", [[[1.0], [2.0]], [[1.0, NAN], [NAN, 2.0]]])
def test_one_value_per_search_tells_no_noise(values):
    assert np.isnan(components(np.array(values), crossed=True).noise)


def test_one_search_tells_noise_but_not_variance_between():
    found = components(np.array([[1.0, 2.0, 6.0]]), crossed=True)
    assert found.noise == pytest.approx(7.0)
    assert np.isnan(found.between)


def test_the_variance_of_a_crossed_mean_comes_from_three_mean_squares():
    rows, columns = CROSSED.shape
    rest = CROSSED - CROSSED.mean(axis=1, keepdims=True) - CROSSED.mean(axis=0) + CROSSED.mean()
    squares = [
        columns * CROSSED.mean(axis=1).var(ddof=1),
        rows * CROSSED.mean(axis=0).var(ddof=1),
        (rest**2).sum() / ((rows - 1) * (columns - 1)),
    ]
    total = squares[0] + squares[1] - squares[2]
    freedom = total**2 / (squares[0] ** 2 / 3 + squares[1] ** 2 / 2 + squares[2] ** 2 / 6)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(total / CROSSED.size)
    found = crossed_mean(CROSSED, 0.95)
    assert (found.value, found.high - found.value, found.value - found.low) == pytest.approx((5.5, half, half))


def test_without_a_column_effect_a_crossed_mean_has_the_t_interval_of_the_row_means():
    values = np.array([[1.0, 2.0], [4.0, 3.0], [6.0, 7.0], [10.0, 9.0]])
    means = values.mean(axis=1)
    found = crossed_mean(values, 0.95)
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 3, loc=means.mean(), scale=stats.sem(means)))


def test_without_a_row_effect_a_crossed_mean_has_the_t_interval_of_the_column_means():
    values = np.array([[1.0, 2.0], [4.0, 3.0], [6.0, 7.0], [10.0, 9.0]]).T
    means = values.mean(axis=0)
    found = crossed_mean(values, 0.95)
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 3, loc=means.mean(), scale=stats.sem(means)))


def test_equal_values_have_an_interval_without_width():
    found = crossed_mean(np.full((3, 2), 7.0), 0.95)
    assert (found.value, found.low, found.high) == (7, 7, 7)


def test_a_missing_cell_is_filled_so_that_it_adds_nothing_to_the_residual():
    values = CROSSED.copy()
    values[1, 2] = NAN
    rows, columns = values.shape
    row, column, total = np.nansum(values[1]), np.nansum(values[:, 2]), np.nansum(values)
    yates = (rows * row + columns * column - total) / ((rows - 1) * (columns - 1))
    assert filled(values)[1, 2] == pytest.approx(yates)


def test_a_seed_on_which_one_search_alone_has_a_value_is_filled_by_least_squares():
    """The cells of the seed depend on a single value, so repeated imputation would hardly move them."""
    values = np.random.default_rng(0).normal(size=(40, 4)) + np.array([0.0, 1.0, 2.0, 10.0])
    values[1:, 3] = NAN
    rows, columns = np.nonzero(~np.isnan(values))
    design = np.zeros((len(rows), 44))
    design[np.arange(len(rows)), rows] = design[np.arange(len(rows)), 40 + columns] = 1
    effects = np.linalg.lstsq(design, values[rows, columns])[0]
    assert filled(values)[1:, 3] == pytest.approx(effects[1:40] + effects[43])


def test_a_row_with_a_missing_cell_counts_with_the_mean_of_what_it_has():
    values = np.array([[1.0, 3.0, 2.0], [4.0, NAN, 6.0], [5.0, 9.0, 7.0], [NAN, NAN, NAN]])
    found = crossed_mean(values, 0.95)
    assert (found.value, found.n) == (pytest.approx((2 + 5 + 7) / 3), 3)
    assert found.low < found.value < found.high


def test_a_missing_cell_costs_a_degree_of_freedom_of_the_residual():
    """Without an effect of rows and columns the variance is that of the residual, over all cells."""
    values = np.array([[1.0, -1.0, 0.5], [-1.0, 1.0, -0.5], [0.5, -0.5, 0.0], [-0.5, 0.5, 0.0]])
    values[3, 2] = NAN
    found, full = crossed_mean(values, 0.95), filled(values)
    rest = full - full.mean(axis=1, keepdims=True) - full.mean(axis=0) + full.mean()
    assert 3 * full.mean(axis=1).var(ddof=1) < (rest**2).sum() / 5 > 4 * full.mean(axis=0).var(ddof=1)
    half = stats.t.ppf(0.975, 5) * np.sqrt((rest**2).sum() / 5 / 12)
    assert found.high - found.value == pytest.approx(half)


def test_too_many_missing_cells_leave_no_interval():
    found = crossed_mean(np.array([[1.0, 3.0], [NAN, 4.0]]), 0.95)
    assert found.value == pytest.approx(3)
    assert np.isnan(found.low)


@pytest.mark.parametrize("spread", [(1, 1, 1), (2, 0, 1), (0, 2, 1), (0, 0, 1)], ids=str)
def test_the_interval_of_a_crossed_mean_covers_the_truth(spread):
    generator, covered, studies = np.random.default_rng(5), 0, 600
    for _ in range(studies):
        rows, columns, rest = (sd * generator.normal(size=size) for sd, size in zip(spread, (10, 5, (10, 5)), strict=True))
        found = crossed_mean(rows[:, None] + columns + rest, 0.9)
        covered += found.low <= 0 <= found.high
    assert 0.86 <= covered / studies <= 0.97


@pytest.mark.parametrize("unit", [1e-300, 1e-90, 1e90, 1e300])
@pytest.mark.parametrize("lost", [False, True])
def test_values_of_any_size_have_the_interval_of_ordinary_ones(unit, lost):
    values = CROSSED.copy()
    if lost:
        values[0, 1] = NAN
    found, ordinary = crossed_mean(unit * values, 0.95), crossed_mean(values, 0.95)
    assert (found.value / unit, found.low / unit, found.high / unit) == pytest.approx(
        (ordinary.value, ordinary.low, ordinary.high)
    )
    noise = (
        components(values, crossed=True).noise * float(np.float64(unit) ** 2)
        if 1e-100 < unit < 1e100
        else math.inf
        if unit > 1
        else 0.0
    )
    assert components(unit * values, crossed=True).noise == pytest.approx(noise)
