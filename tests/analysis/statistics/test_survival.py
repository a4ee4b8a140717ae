import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis.statistics.survival import Times, kaplan_meier, log_rank, trials_to_target, wilson
from hpstudy.goal import Goal


def times(trials, reached):
    return Times(np.array(trials, dtype=np.int64), np.array(reached, dtype=bool))


# Freireich et al. (1963), remission of leukaemia patients on 6-mercaptopurine, in weeks: the textbook example of censoring.
FREIREICH = times(
    [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35],
    [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0],
)

PLACEBO = times([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], [1] * 21)


def test_kaplan_meier_gives_the_published_curve_of_freireich():
    share = kaplan_meier(FREIREICH, 35, 0.95).share
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert {week: round(float(share[week - 1]), 3) for week in published} == published


def test_kaplan_meier_gives_the_published_median_of_freireich():
    assert kaplan_meier(FREIREICH, 35, 0.95).median == 23


def test_the_median_is_reached_when_exactly_half_of_the_searches_are():
    half = times([4, 16, 16, 18, 22] + [25] * 5, [1] * 5 + [0] * 5)
    assert kaplan_meier(half, 25, 0.95).median == 22


@pytest.mark.parametrize("n", [6, 10, 12, 20, 30, 40])
def test_the_median_of_searches_without_early_censoring_is_an_order_statistic(n):
    rng = np.random.default_rng(n)
    for _ in range(200):
        trials = np.sort(rng.integers(1, 26, n // 2))
        found = kaplan_meier(times([*trials, *[25] * (n - n // 2)], [1] * (n // 2) + [0] * (n - n // 2)), 25, 0.95)
        assert found.median == trials[-1]


def test_the_median_is_not_reached_by_one_search_less_than_half():
    assert kaplan_meier(times([1, 2, 3, 25, 25, 25, 25], [1, 1, 1, 0, 0, 0, 0]), 25, 0.95).median is None


def test_kaplan_meier_agrees_with_scipy():
    rng = np.random.default_rng(4)
    sample = times(rng.integers(1, 20, 40), rng.random(40) < 0.6)
    ours = kaplan_meier(sample, 20, 0.9)
    data = stats.CensoredData(sample.trials[sample.reached], right=sample.trials[~sample.reached])
    sf = stats.ecdf(data).sf
    last = sample.trials.max()
    np.testing.assert_allclose(ours.share[:last], sf.evaluate(np.arange(1, last + 1)))


def test_its_interval_agrees_with_scipys_log_log_interval():
    ours = kaplan_meier(FREIREICH, 35, 0.95)
    data = stats.CensoredData(FREIREICH.trials[FREIREICH.reached], right=FREIREICH.trials[~FREIREICH.reached])
    interval = stats.ecdf(data).sf.confidence_interval(0.95, method="log-log")
    inside = ~np.isnan(ours.low)
    trial = np.arange(1, 36)[inside]
    np.testing.assert_allclose(ours.low[inside], interval.low.evaluate(trial))
    np.testing.assert_allclose(ours.high[inside], interval.high.evaluate(trial))


def test_without_censoring_the_restricted_mean_is_the_mean():
    sample = times([1, 4, 4, 9], [1, 1, 1, 1])
    assert kaplan_meier(sample, 10, 0.95).restricted_mean == pytest.approx(4.5)


def test_the_restricted_mean_counts_a_search_beyond_the_horizon_as_the_horizon():
    sample = times([2, 10, 10], [1, 0, 0])
    assert kaplan_meier(sample, 10, 0.95).restricted_mean == pytest.approx((2 + 10 + 10) / 3)
    beyond = kaplan_meier(times([2, 12], [1, 1]), 10, 0.95)
    assert (beyond.reached[-1], beyond.censored[-1], beyond.restricted_mean) == (0, 1, 6)


def test_the_restricted_mean_of_freireich_agrees_with_the_area_under_scipys_curve():
    data = stats.CensoredData(FREIREICH.trials[FREIREICH.reached], right=FREIREICH.trials[~FREIREICH.reached])
    area = stats.ecdf(data).sf.evaluate(np.arange(0, 35)).sum()
    assert kaplan_meier(FREIREICH, 35, 0.95).restricted_mean == pytest.approx(area)


def test_a_search_that_begins_at_the_target_has_one_trial():
    assert kaplan_meier(times([1, 1], [1, 1]), 5, 0.95).restricted_mean == 1


def test_a_median_that_is_not_reached_is_none():
    assert kaplan_meier(times([3, 5, 5], [1, 0, 0]), 5, 0.95).median is None


def test_searches_censored_early_leave_the_restricted_mean_open():
    assert np.isnan(kaplan_meier(times([2, 3], [1, 0]), 10, 0.95).restricted_mean)


def test_a_curve_that_came_down_to_zero_stays_there():
    curve = kaplan_meier(times([2, 3], [1, 1]), 6, 0.95)
    assert curve.share.tolist() == [1, 0.5, 0, 0, 0, 0]
    assert curve.restricted_mean == 2.5


def test_censored_searches_are_at_risk_at_the_trial_that_they_spent():
    curve = kaplan_meier(times([2, 2], [1, 0]), 3, 0.95)
    assert curve.at_risk.tolist() == [2, 2, 0]
    assert curve.share[1] == 0.5


def test_a_search_that_has_not_begun_is_never_at_risk():
    assert kaplan_meier(times([0, 3], [0, 1]), 3, 0.95).at_risk.tolist() == [1, 1, 1]


@pytest.mark.parametrize(("goal", "level"), [(Goal.MAXIMIZE, 3.0), (Goal.MINIMIZE, -3.0)])
def test_trials_to_target_count_from_one_and_include_equality(goal, level):
    best = np.array([[1.0, 3.0, 4.0], [3.0, 3.0, 3.0], [1.0, 1.0, 2.0]]) * (1 if goal == Goal.MAXIMIZE else -1)
    found = trials_to_target(best, level, goal)
    assert found.trials.tolist() == [2, 1, 3]
    assert found.reached.tolist() == [True, True, False]


def test_a_search_without_a_value_has_not_reached_the_target():
    found = trials_to_target(np.full((1, 3), np.nan), 0.0, Goal.MINIMIZE, np.array([2]))
    assert (found.trials.tolist(), found.reached.tolist()) == ([2], [False])


def test_wilsons_interval_is_scipys():
    reference = stats.binomtest(7, 20).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose(wilson(7, 20, 0.95), [reference.low, reference.high])


def test_wilsons_interval_of_all_successes_ends_at_one():
    assert wilson(20, 20, 0.95)[1] == 1


def test_wilsons_interval_of_nothing_is_everything():
    assert wilson(0, 0, 0.95) == (0, 1)


def test_the_log_rank_test_of_published_data_is_the_published_one():
    # Chi-square 16.79 with 1 degree of freedom.
    assert log_rank(FREIREICH, PLACEBO) == pytest.approx(4.17e-5, rel=0.01)


def test_the_log_rank_test_is_the_hypergeometric_one_of_mantel():
    rng = np.random.default_rng(0)
    a, b = (Times(rng.integers(1, 9, 15), rng.random(15) < 0.7) for _ in range(2))
    excess = variance = 0.0
    for t in range(1, 9):
        at_risk = [(x.trials >= t).sum() for x in (a, b)]
        events = [((x.trials == t) & x.reached).sum() for x in (a, b)]
        n, d = sum(at_risk), sum(events)
        if n > 1:
            excess += events[0] - d * at_risk[0] / n
            variance += d * at_risk[0] * at_risk[1] * (n - d) / (n**2 * (n - 1))
    assert log_rank(a, b) == pytest.approx(stats.chi2.sf(excess**2 / variance, 1))


@pytest.mark.parametrize("searches", [times([5], [0]), times([1, 1], [1, 1])])
def test_the_log_rank_test_says_nothing_where_nothing_can_be_told(searches):
    assert not log_rank(searches, searches) < 1


def test_searches_that_all_arrive_at_their_first_trial_break_nothing():
    assert 0 <= log_rank(times([1, 1, 2], [1, 1, 1]), times([1, 3, 9], [1, 1, 0])) <= 1
