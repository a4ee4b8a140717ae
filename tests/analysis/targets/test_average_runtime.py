import numpy as np
import pytest

from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.targets.average_runtime import average_runtime, mean_ratio, runtime_ratio

BOOTSTRAP = Bootstrap(seed=1, resamples=2000, confidence=0.95)
YES, NO = np.array([True, True]), np.array([False, False])


def restricted(p, n, rng, horizon=25):
    found = rng.geometric(p, n)
    return np.minimum(found, horizon).astype(float), found <= horizon


def test_the_ratio_is_that_of_the_means():
    assert mean_ratio(np.array([2.0, 10.0]), np.array([1.0, 3.0]), BOOTSTRAP).value == 3


def test_views_that_share_their_luck_have_a_certain_ratio():
    b = np.random.default_rng(0).integers(1, 20, 12).astype(float)
    found = mean_ratio(2 * b, b, BOOTSTRAP)
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))


def test_the_ratio_turned_round_has_the_interval_turned_round():
    a, b = np.random.default_rng(0).integers(1, 20, (2, 12)).astype(float)
    there, back = mean_ratio(a, b, BOOTSTRAP), mean_ratio(b, a, BOOTSTRAP)
    assert (1 / back.high, 1 / back.low) == pytest.approx((there.low, there.high))


def test_one_replicate_has_a_ratio_without_an_interval():
    found = mean_ratio(np.array([4.0]), np.array([2.0]), BOOTSTRAP)
    assert found.value == 2
    assert np.isnan(found.low)


@pytest.mark.parametrize("p", [(0.1, 0.1), (0.05, 0.15)])
def test_the_interval_of_the_ratio_covers_as_often_as_it_says(p):
    rng, hits = np.random.default_rng(1), 0
    true = [sum((1 - chance) ** k for k in range(25)) for chance in p]
    for _ in range(400):
        found = mean_ratio(restricted(p[0], 20, rng)[0], restricted(p[1], 20, rng)[0], Bootstrap(1, 1000, 0.95))
        hits += found.low <= true[0] / true[1] <= found.high
    assert 0.925 <= hits / 400 <= 0.98


def test_the_average_runtime_divides_all_trials_by_the_successes():
    assert average_runtime(np.array([3.0, 10.0, 10.0]), np.array([True, False, False]), BOOTSTRAP).value == 23


def test_the_average_runtime_is_the_mean_when_every_search_arrives():
    assert average_runtime(np.array([3.0, 5.0]), YES, BOOTSTRAP).value == 4


def test_without_a_success_the_average_runtime_is_infinite():
    found = average_runtime(np.array([10.0, 10.0]), NO, BOOTSTRAP)
    assert (found.value, found.low, found.high) == (np.inf, np.inf, np.inf)


def test_rare_successes_leave_the_average_runtime_without_an_upper_end():
    found = average_runtime(np.r_[3.0, np.full(9, 10.0)], np.arange(10) == 0, BOOTSTRAP)
    assert np.isfinite(found.low)
    assert found.high == np.inf


def test_the_average_runtime_estimates_the_trials_of_restarted_searches():
    rng = np.random.default_rng(2)
    spent, reached = restricted(0.04, 50_000, rng)
    assert average_runtime(spent, reached, Bootstrap(1, 2, 0.95)).value == pytest.approx(25, rel=0.02)


def test_the_intervals_of_average_runtimes_cover_as_often_as_they_say():
    rng, single, ratio = np.random.default_rng(3), 0, 0
    for _ in range(400):
        (a, reached_a), (b, reached_b) = restricted(0.05, 20, rng), restricted(0.15, 20, rng)
        found = average_runtime(a, reached_a, Bootstrap(1, 1000, 0.95))
        single += found.low <= 20 <= found.high
        found = runtime_ratio(a, reached_a, b, reached_b, Bootstrap(1, 1000, 0.95))
        ratio += found.low <= 3 <= found.high
    assert 0.925 <= single / 400 <= 0.98
    assert 0.925 <= ratio / 400 <= 0.98


@pytest.mark.parametrize(("reached_a", "reached_b", "value"), [(YES, YES, 2), (NO, YES, np.inf), (YES, NO, 0), (NO, NO, np.nan)])
def test_the_ratio_of_average_runtimes_knows_who_arrived(reached_a, reached_b, value):
    found = runtime_ratio(np.array([4.0, 4.0]), reached_a, np.array([2.0, 2.0]), reached_b, BOOTSTRAP)
    assert found.value == pytest.approx(value, nan_ok=True)


def test_where_nobody_arrives_the_ratio_can_be_anything():
    found = runtime_ratio(np.array([4.0, 4.0]), NO, np.array([2.0, 2.0]), NO, BOOTSTRAP)
    assert (found.low, found.high) == (0, np.inf)
