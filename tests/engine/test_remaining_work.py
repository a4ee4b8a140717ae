import statistics

import pytest

from hpstudy.engine.remaining_work import Durations, RemainingWork
from hpstudy.study.plan import SearchKey

A, B = SearchKey("a", 0), SearchKey("b", 0)


def test_mean_and_variance_are_those_of_all_durations():
    durations, seconds = Durations(), [1.0, 4.0, 2.5, 1e4, 1e4 + 1]
    for second in seconds:
        durations.add(second)
    assert durations.mean == pytest.approx(statistics.mean(seconds))
    assert durations.variance == pytest.approx(statistics.variance(seconds))


def test_trials_of_an_arm_take_as_long_as_those_that_have_ended():
    work = RemainingWork({A: 4, B: 3})
    for key, seconds in ((A, 1.0), (A, 3.0), (B, 10.0)):
        work.finish(key, seconds)
    assert (work.left(A), work.left(B)) == (2, 2)
    assert work.total_s() == pytest.approx(2 * 2.0 + 2 * 10.0)
    assert work.most_s("a", 9) == pytest.approx(9 * 2 + 3 * 3 * 2**0.5)
    assert work.most_s("b", 9) == pytest.approx(90)


def test_an_arm_without_a_trial_is_expected_to_be_as_the_others():
    work = RemainingWork({A: 4, B: 3})
    assert work.total_s() == work.most_s("a", 4) == 0
    work.finish(A, 2.0)
    assert work.most_s("b", 3) == pytest.approx(6)
    assert work.total_s() == pytest.approx(3 * 2 + 3 * 2)


def test_more_confirmations_than_expected_are_no_negative_work():
    work = RemainingWork({A: 1, B: 2})
    for _ in range(3):
        work.finish(A, 1.0)
    assert (work.left(A), work.total_s()) == (0, pytest.approx(2))
