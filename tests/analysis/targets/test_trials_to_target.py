from dataclasses import replace

import numpy as np
import pytest

from hpstudy.analysis.curves.best_so_far import best_so_far
from hpstudy.analysis.statistics.bootstrap import Bootstrap, percentile_interval
from hpstudy.analysis.statistics.power import detectable
from hpstudy.analysis.statistics.survival import trials_to_target
from hpstudy.analysis.targets.trials_to_target import _weighted_medians, level_of, trials_difference, view_trials
from hpstudy.goal import Goal

BOOTSTRAP = Bootstrap(seed=2, resamples=2000, confidence=0.95)


def curves(seed, n=12, trials=8):
    return best_so_far(np.random.default_rng(seed).normal(size=(n, trials)), Goal.MAXIMIZE)


@pytest.mark.parametrize(("statistic", "value"), [("median_final", 2.5), ("mean_final", 4.0)])
def test_the_level_is_a_statistic_of_final_values(statistic, value):
    assert level_of(np.array([1.0, 2.0, 3.0, 10.0]), "a", statistic).value == value


def test_without_complete_searches_there_is_no_level():
    assert level_of(np.array([]), "a", "median_final").value is None


def test_only_complete_searches_count_toward_the_success_rate():
    times = trials_to_target(np.array([[0.0, 1.0], [0.0, 0.0], [1.0, np.nan]]), 1.0, Goal.MAXIMIZE, np.array([2, 2, 1]))
    found = view_trials(times, np.array([True, True, False]), 2, 0.95)
    assert (found.reached, found.complete) == (1, 2)


def test_the_difference_is_that_of_the_mean_trials_spent():
    a = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    b = np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    found = trials_difference(a, b, 1.0, Goal.MAXIMIZE, BOOTSTRAP, seed=0)
    assert found.trials_a.tolist() == [3, 3]
    assert found.trials_b.tolist() == [1, 2]
    assert (found.difference, found.reached_a, found.reached_b) == (1.5, 1, 2)


def test_the_attainable_range_is_that_of_a_view_that_never_reaches_the_target():
    a = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])  # 3 and 3 of 3 trials
    b = np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])  # 1 and 2
    found = trials_difference(a, b, 1.0, Goal.MAXIMIZE, BOOTSTRAP, seed=0)
    assert (found.lowest, found.highest) == (0, 1.5)
    never = trials_difference(a * 0, b, 1.0, Goal.MAXIMIZE, BOOTSTRAP, seed=0)
    assert never.difference == never.highest == 1.5


def reached_at(trials, horizon=25):
    """(searches x horizon) best so far that reaches 1 at these trials; 0 for never."""
    return np.array([[float(0 < trial <= number) for number in range(1, horizon + 1)] for trial in trials])


def test_a_detectable_difference_is_given_only_where_it_can_be_observed():
    quick, slow, mixed = [1, 2] * 10, [24, 25] * 10, [1, 25] * 10
    within = trials_difference(reached_at(quick), reached_at(quick[::-1]), 1.0, Goal.MAXIMIZE, BOOTSTRAP, seed=0)
    sd = np.std([-1, 1] * 10, ddof=1)
    assert within.detectable == pytest.approx(detectable(20, 0.8, 0.05) * sd)
    beyond = trials_difference(reached_at(mixed), reached_at(slow), 1.0, Goal.MAXIMIZE, BOOTSTRAP, seed=0)
    assert beyond.highest == 0.5
    assert np.isnan(beyond.detectable)


def test_searches_that_are_nearly_all_censored_tell_no_detectable_difference():
    few = trials_difference(reached_at([24, *[0] * 19]), reached_at([24, *[0] * 19]), 1.0, Goal.MAXIMIZE, BOOTSTRAP, seed=0)
    assert (few.reached_a, few.reached_b) == (1, 1)
    assert np.isnan(few.detectable)
    a, b = reached_at([20, 19, 20, 19, 20, *[0] * 15]), reached_at([19, 20, 19, 20, 19, *[0] * 15])
    assert trials_difference(a, b, 1.0, Goal.MAXIMIZE, BOOTSTRAP, seed=0).detectable > 0  # 75% are censored
    a[0] = 0
    assert np.isnan(trials_difference(a, b, 1.0, Goal.MAXIMIZE, BOOTSTRAP, seed=0).detectable)


def test_exchanging_the_views_turns_the_difference_round():
    a, b = curves(0), curves(1)
    one = trials_difference(a, b, 1.0, Goal.MAXIMIZE, BOOTSTRAP, seed=0)
    other = trials_difference(b, a, 1.0, Goal.MAXIMIZE, BOOTSTRAP, seed=0)
    assert one.difference == -other.difference
    assert one.test.p == other.test.p
    assert (one.mean_a, one.low_a, one.high_a) == (other.mean_b, other.low_b, other.high_b)
    assert (one.low_a, one.high_a) != (one.low_b, one.high_b)


def test_minimizing_compares_like_maximizing_the_negative():
    a, b = curves(0), curves(1)
    up = trials_difference(a, b, 1.0, Goal.MAXIMIZE, BOOTSTRAP, seed=0, finals=a[:, -1], statistic="median_final")
    down = trials_difference(-a, -b, -1.0, Goal.MINIMIZE, BOOTSTRAP, seed=0, finals=-a[:, -1], statistic="median_final")
    assert (up.difference, up.low, up.resampled_low) == (down.difference, down.low, down.resampled_low)


def test_one_replicate_has_a_difference_and_no_interval():
    found = trials_difference(curves(0, n=1), curves(1, n=1), 0.5, Goal.MAXIMIZE, BOOTSTRAP, seed=0)
    assert np.isfinite(found.difference)
    assert np.isnan(found.low)


@pytest.mark.parametrize("n", [4, 5])
def test_weighted_medians_are_medians_of_resamples(n):
    values = np.random.default_rng(3).normal(size=n)
    weights = BOOTSTRAP.weights(n)[:50]
    direct = [np.median(np.repeat(values, np.rint(row * n).astype(int))) for row in weights]
    np.testing.assert_allclose(_weighted_medians(values, weights), direct)


@pytest.mark.parametrize("statistic", ["median_final", "mean_final"])
def test_resampling_the_level_recomputes_everything_in_every_resample(statistic):
    a, b = curves(4, n=6), curves(5, n=6)
    found = trials_difference(
        a, b, 1.0, Goal.MAXIMIZE, replace(BOOTSTRAP, confidence=0.9), seed=0, finals=a[:, -1], statistic=statistic
    )
    direct = []
    for row in BOOTSTRAP.weights(6):
        chosen = np.repeat(np.arange(6), np.rint(row * 6).astype(int))
        level = {"median_final": np.median, "mean_final": np.mean}[statistic](a[chosen, -1]) - 1e-12
        spent = [trials_to_target(best[chosen], level, Goal.MAXIMIZE).trials.mean() for best in (a, b)]
        direct.append(spent[0] - spent[1])
    expected = percentile_interval(np.array(direct), 6, 0.9)
    np.testing.assert_allclose([found.resampled_low, found.resampled_high], expected)


def test_searches_that_begin_without_a_value_survive_resampling_of_the_level():
    a = curves(4, n=6)
    a[0, :3] = np.nan
    found = trials_difference(
        a, curves(5, n=6), 1.0, Goal.MAXIMIZE, replace(BOOTSTRAP, confidence=0.9), seed=0, finals=a[:, -1], statistic="mean_final"
    )
    assert np.isfinite([found.resampled_low, found.resampled_high]).all()
