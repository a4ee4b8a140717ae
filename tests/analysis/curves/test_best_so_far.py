import numpy as np
import pytest

from hpstudy.analysis.curves.best_so_far import best_so_far, mean_curve, without_value_yet, worst_value
from hpstudy.analysis.statistics.bootstrap import Bootstrap, mean_intervals
from hpstudy.goal import Goal

NAN = float("nan")
BOOTSTRAP = Bootstrap(seed=3, resamples=1000, confidence=0.95)


@pytest.mark.parametrize(("goal", "best"), [(Goal.MAXIMIZE, [1, 3, 3, 4]), (Goal.MINIMIZE, [1, 1, 1, 0])])
def test_best_so_far_follows_the_goal(goal, best):
    values = np.array([[1.0, 3.0, 2.0, 4.0 if goal == Goal.MAXIMIZE else 0.0]])
    assert best_so_far(values, goal).tolist() == [best]


def test_a_trial_without_a_value_keeps_the_best_before_it():
    assert best_so_far(np.array([[2.0, NAN, 3.0, NAN]]), Goal.MAXIMIZE).tolist() == [[2, 2, 3, 3]]


def test_trials_before_the_first_value_count_as_the_worst():
    assert best_so_far(np.array([[NAN, NAN, 3.0]]), Goal.MAXIMIZE, worst=-1.0).tolist() == [[-1, -1, 3]]


def test_trials_after_the_last_finished_one_have_no_best():
    best = best_so_far(np.array([[2.0, NAN, NAN]]), Goal.MAXIMIZE, finished=np.array([2]), worst=0.0)
    np.testing.assert_array_equal(best, [[2, 2, NAN]])


def test_minimizing_is_maximizing_the_negative():
    values = np.random.default_rng(0).normal(size=(4, 9))
    np.testing.assert_array_equal(best_so_far(values, Goal.MINIMIZE), -best_so_far(-values, Goal.MAXIMIZE))


def test_the_worst_value_is_taken_over_all_views():
    values = [np.array([[value, NAN]]) for value in (1.0, 5.0)]
    assert (worst_value(values, Goal.MAXIMIZE), worst_value(values, Goal.MINIMIZE)) == (1.0, 5.0)


def test_a_study_without_values_has_no_worst_value():
    assert np.isnan(worst_value([np.array([[NAN]])], Goal.MAXIMIZE))


def test_only_finished_trials_count_as_waiting_for_a_first_value():
    assert without_value_yet(np.array([[NAN, 1.0, NAN], [NAN, NAN, NAN]]), np.array([3, 2])) == 3


def test_the_mean_curve_of_complete_searches_is_the_mean_of_columns():
    best = np.random.default_rng(1).normal(size=(6, 5))
    np.testing.assert_allclose(mean_curve(best, BOOTSTRAP).mean, best.mean(axis=0))


def test_the_mean_curve_is_over_searches_that_have_come_so_far():
    curve = mean_curve(np.array([[1.0, 2.0, 4.0], [3.0, 4.0, NAN]]), BOOTSTRAP)
    assert curve.searches.tolist() == [2, 2, 1]
    assert curve.mean.tolist() == [2, 3, 4]


def test_a_single_search_has_a_mean_and_no_interval():
    curve = mean_curve(np.array([[1.0, 2.0]]), BOOTSTRAP)
    assert np.isnan(curve.low).all()
    assert curve.mean.tolist() == [1, 2]


def test_a_ragged_curve_has_at_each_trial_the_interval_of_the_searches_there():
    best = np.sort(np.random.default_rng(2).normal(size=(8, 4)), axis=1)
    best[5:, 2:] = NAN
    low, _ = mean_intervals(best[:5, 2:], BOOTSTRAP)
    np.testing.assert_array_equal(mean_curve(best, BOOTSTRAP).low[2:], low)
