import numpy as np
import pytest

from hpstudy.analysis.curves.anytime import TARGETS, Scale, anytime, anytime_difference, attained, progress, scale_of
from hpstudy.analysis.curves.best_so_far import best_so_far
from hpstudy.analysis.curves.training_time import POINTS, at_seconds, cost_curve, cost_difference, seconds_grid
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.estimate import mean_of
from hpstudy.goal import Goal

BOOTSTRAP = Bootstrap(seed=1, resamples=1000, confidence=0.95)


def searches(rng, n, shape, trials=25):
    return best_so_far(rng.beta(*shape, size=(n, trials)), Goal.MAXIMIZE)


@pytest.mark.parametrize(("goal", "known"), [(Goal.MAXIMIZE, 9), (Goal.MINIMIZE, 2)])
def test_the_scale_runs_from_the_median_first_trial_to_the_best_value(goal, known):
    a, b = np.array([[1.0, 9.0], [3.0, 4.0]]), np.array([[5.0, 2.0]])
    assert scale_of([a, b], goal) == Scale(3, known)


def test_a_study_that_gained_nothing_has_no_scale():
    assert scale_of([np.ones((3, 4))], Goal.MAXIMIZE) is None


def test_a_study_without_a_complete_search_has_no_scale():
    assert scale_of([np.zeros((0, 4)), np.zeros((0, 4))], Goal.MAXIMIZE) is None


@pytest.mark.parametrize("known", [3.0, -1.0])
def test_the_targets_lie_at_equal_distances_up_to_the_best_value(known):
    targets = Scale(1.0, known).targets()
    assert len(targets) == TARGETS
    assert targets[-1] == known
    np.testing.assert_allclose(np.diff(targets), (known - 1) / TARGETS)
    assert targets[0] == pytest.approx(1 + (known - 1) / TARGETS)


@pytest.mark.parametrize("goal", [Goal.MAXIMIZE, Goal.MINIMIZE])
def test_the_ecdf_counts_every_search_and_target(goal):
    sign = 1 if goal == Goal.MAXIMIZE else -1
    best = sign * searches(np.random.default_rng(0), 7, (2, 2))
    scale = scale_of([best], goal)
    reached = sign * best[:, :, None] >= sign * scale.targets()
    np.testing.assert_allclose(attained(best, scale), reached.mean(axis=2))
    np.testing.assert_allclose(anytime(best, scale, BOOTSTRAP).ecdf, reached.mean(axis=(0, 2)))


def test_the_best_value_reaches_all_targets_and_the_first_none():
    assert attained(np.array([[1.0, 5.0]]), Scale(1, 5)).tolist() == [[0, 1]]


def test_progress_is_one_minus_the_normalized_regret():
    best, scale = np.array([[0.0, 1.0, 4.0]]), Scale(1, 5)
    np.testing.assert_allclose(progress(best, scale), 1 - (5 - best) / (5 - 1))


def test_the_score_is_the_mean_over_all_trials():
    found = anytime(np.array([[0.0, 1.0, 5.0], [1.0, 1.0, 1.0]]), Scale(1, 5), BOOTSTRAP)
    assert found.score.value == pytest.approx((-0.25 + 0 + 1) / 6)
    assert found.ecdf_area.value == pytest.approx(1 / 6)


def test_the_differences_are_paired_and_favor_the_first_view_above_zero():
    shared = searches(np.random.default_rng(0), 9, (2, 2))
    found = anytime_difference(shared + 0.1, shared, Scale(0, 2), 0.95)
    assert (found.metric.value, found.metric.low, found.metric.high) == pytest.approx((0.1, 0.1, 0.1))
    assert found.score.value == pytest.approx(0.05)
    assert found.ecdf_area.value > 0


def test_where_less_is_better_a_lower_first_view_has_the_higher_rating():
    found = anytime_difference(np.full((3, 2), 1.0), np.full((3, 2), 2.0), Scale(4, 0), 0.95)
    assert found.metric.value == -1
    assert found.score.value == 0.25


def test_one_search_has_no_interval():
    found = mean_of(np.array([2.0]), BOOTSTRAP)
    assert found.value == 2
    assert np.isnan(found.low)


def test_the_intervals_of_ratings_cover_as_often_as_they_say():
    rng = np.random.default_rng(1)
    many = searches(rng, 3000, (2, 2)), searches(rng, 3000, (3, 2))
    hits = np.zeros(3)
    for _ in range(200):
        a, b = searches(rng, 20, (2, 2)), searches(rng, 20, (3, 2))
        scale = scale_of([a, b], Goal.MAXIMIZE)
        found = anytime_difference(a, b, scale, 0.95)
        true = [rate(many[0], scale).mean() - rate(many[1], scale).mean() for rate in (attained, progress)]
        true.append(many[0].mean() - many[1].mean())
        for place, mean in enumerate((found.ecdf_area, found.score, found.metric)):
            hits[place] += mean.low <= true[place] <= mean.high
    assert (hits / 200 >= 0.91).all()
    assert (hits / 200 <= 0.985).all()


def test_time_runs_from_the_latest_first_trial_to_the_earliest_last_one():
    grid = seconds_grid([np.array([[1.0, 9.0], [2.0, 8.0]]), np.array([[3.0, 7.0]])])
    assert (grid[0], grid[-1], len(grid)) == (3, 7, POINTS)


def test_searches_that_share_no_time_have_no_grid():
    assert seconds_grid([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]) is None
    assert seconds_grid([np.zeros((0, 3))]) is None


def test_a_search_has_the_value_of_its_last_finished_trial():
    best, spent = np.array([[1.0, 2.0, 5.0]]), np.array([[1.0, 3.0, 6.0]])
    assert at_seconds(best, spent, np.array([1.0, 2.9, 3.0, 5.0, 6.0, 9.0])).tolist() == [[1, 1, 2, 2, 5, 5]]


def test_trials_that_took_no_recorded_time_count_at_once():
    assert at_seconds(np.array([[1.0, 2.0, 5.0]]), np.array([[1.0, 1.0, 4.0]]), np.array([1.0])).tolist() == [[2]]


def test_the_cost_of_a_search_is_its_last_sum():
    best, spent = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 4.0], [2.0, 6.0]])
    found = cost_curve(best, spent, np.array([1.0, 2.0]), np.array([2.0, 4.0]), BOOTSTRAP)
    assert (found.search_s.value, found.ask_s.value) == (5, 1.5)
    assert found.mean.tolist() == [2, 2.5]


def test_a_view_with_trials_of_half_the_time_is_ahead_at_equal_seconds():
    best = np.tile(np.arange(1.0, 5.0), (3, 1))
    found = cost_difference(best, best, np.tile([1.0, 2, 3, 4], (3, 1)), np.tile([2.0, 4, 6, 8], (3, 1)), 0.95)
    assert found.seconds == (2, 4)
    assert [mean.value for mean in found.differences] == [1, 2]
    assert found.ratio_s == 0.5


def test_half_the_time_is_left_out_when_a_search_had_no_value_by_then():
    best = np.ones((2, 2))
    found = cost_difference(best, best, np.tile([3.0, 4.0], (2, 1)), np.tile([1.0, 9.0], (2, 1)), 0.95)
    assert found.seconds == (4,)


def test_views_that_share_no_time_are_not_compared():
    best = np.ones((2, 2))
    assert cost_difference(best, best, np.tile([1.0, 2.0], (2, 1)), np.tile([3.0, 4.0], (2, 1)), 0.95) is None
