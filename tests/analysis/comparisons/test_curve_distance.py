import numpy as np
import pytest

from hpstudy.analysis.comparisons.curve_distance import distance_at_budget, distance_at_level, first_trial
from hpstudy.analysis.statistics.bootstrap import Bootstrap, percentile_interval
from hpstudy.goal import Goal

BOOTSTRAP = Bootstrap(seed=1, resamples=1000, confidence=0.95)
RAMP = np.arange(1.0, 11.0)


def ramps(delay, n=6):
    """Searches that gain one unit per trial from trial `delay` + 1 on."""
    return np.maximum(np.tile(RAMP, (n, 1)) - delay, 0)


def test_the_first_trial_counts_from_one():
    assert first_trial(RAMP[:, None], 3.0, Goal.MAXIMIZE)[0] == 3


def test_a_level_that_is_never_reached_is_infinitely_far():
    assert first_trial(RAMP[:, None], 11.0, Goal.MAXIMIZE)[0] == np.inf


def test_a_curve_shifted_by_three_trials_is_three_trials_away():
    found = distance_at_level(ramps(3), ramps(0), 5.0, Goal.MAXIMIZE, BOOTSTRAP)
    assert (found.trial_a, found.trial_b, found.difference) == (8, 5, 3)
    assert (found.low, found.high) == (3, 3)


def test_the_level_of_a_budget_is_that_of_the_second_view():
    found = distance_at_budget(ramps(3), ramps(0), 6, Goal.MAXIMIZE, BOOTSTRAP)
    assert (found.level, found.trial_b, found.difference) == (6, 6, 3)


def test_the_level_of_a_budget_is_that_of_the_second_view_in_every_resample():
    rng = np.random.default_rng(2)
    a, b = (np.maximum.accumulate(rng.normal(size=(6, 10)), axis=1) for _ in range(2))
    found, distances = distance_at_budget(a, b, 4, Goal.MAXIMIZE, BOOTSTRAP), []
    for weights in BOOTSTRAP.weights(6):
        level = weights @ b[:, 3] - 1e-12
        reached = [np.flatnonzero(weights @ curves >= level) for curves in (a, b)]
        distances.append(np.subtract(*(trials[0] if len(trials) else np.inf for trials in reached)))
    assert (found.low, found.high) == percentile_interval(np.array(distances), 6, 0.95)
    assert found.unreached_a == np.isinf(distances).mean() > 0


def test_minimizing_mirrors_maximizing():
    up = distance_at_budget(ramps(3), ramps(0), 6, Goal.MAXIMIZE, BOOTSTRAP)
    down = distance_at_budget(-ramps(3), -ramps(0), 6, Goal.MINIMIZE, BOOTSTRAP)
    assert (down.difference, down.low, down.high) == (up.difference, up.low, up.high)


def test_a_level_that_only_the_second_curve_reaches_is_infinitely_later():
    found = distance_at_level(ramps(3), ramps(0), 9.0, Goal.MAXIMIZE, BOOTSTRAP)
    assert (found.trial_a, found.difference, found.unreached_a) == (None, np.inf, 1)


def test_a_level_that_only_the_first_curve_reaches_is_infinitely_earlier():
    found = distance_at_level(ramps(0), ramps(3), 9.0, Goal.MAXIMIZE, BOOTSTRAP)
    assert (found.trial_b, found.difference, found.high) == (None, -np.inf, -np.inf)


def test_a_level_that_neither_reaches_bounds_nothing():
    found = distance_at_level(ramps(0), ramps(3), 99.0, Goal.MAXIMIZE, BOOTSTRAP)
    assert np.isnan(found.difference)
    assert (found.low, found.high) == (-np.inf, np.inf)


def test_a_curve_reaches_its_own_level_in_spite_of_rounding():
    b = np.random.default_rng(0).normal(size=(7, 1)) / 3 + np.zeros((7, 5))
    assert distance_at_budget(b, b, 5, Goal.MAXIMIZE, BOOTSTRAP).trial_b == 1


def test_one_replicate_has_a_distance_and_no_interval():
    found = distance_at_level(ramps(3, n=1), ramps(0, n=1), 5.0, Goal.MAXIMIZE, BOOTSTRAP)
    assert found.difference == 3
    assert np.isnan(found.low)


@pytest.mark.parametrize("delay", [1, 4])
def test_exchanging_the_views_turns_the_distance_round(delay):
    one = distance_at_level(ramps(delay), ramps(0), 5.0, Goal.MAXIMIZE, BOOTSTRAP)
    other = distance_at_level(ramps(0), ramps(delay), 5.0, Goal.MAXIMIZE, BOOTSTRAP)
    assert one.difference == -other.difference
