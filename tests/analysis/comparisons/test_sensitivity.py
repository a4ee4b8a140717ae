import numpy as np
import pytest

from hpstudy.analysis.comparisons.sensitivity import close_up, leave_one_out, under_policy
from hpstudy.goal import Goal

NAN = float("nan")


def policy(name, a, b, *, level=None, budgets=(3,), goal=Goal.MAXIMIZE, worst=0.0):
    a, b = np.array(a, dtype=float), np.array(b, dtype=float)
    return under_policy(name, a, b, level, budgets, goal, worst, 0.95)


def test_every_replicate_is_left_out_once():
    d = np.random.default_rng(0).normal(size=7)
    found = leave_one_out(d)
    np.testing.assert_allclose(found.means, [np.delete(d, place).mean() for place in range(7)])
    assert found.full == pytest.approx(d.mean())
    assert (found.low, found.high) == (found.means.min(), found.means.max())


def test_the_odd_replicate_moves_the_mean_most():
    assert leave_one_out(np.array([1.0, 1.0, -9.0, 1.0])).replicate == 2


@pytest.mark.parametrize(("d", "one_sided"), [([1, 2, 3], True), ([-1, -2, -3], True), ([3, -1, -1], False), ([1, -1, 0], False)])
def test_a_sign_that_hangs_on_one_replicate_is_told(d, one_sided):
    assert leave_one_out(np.array(d, dtype=float)).one_sided is one_sided


def test_one_replicate_cannot_be_left_out():
    assert leave_one_out(np.array([1.0])) is None


def test_values_close_up_in_their_order():
    values = np.array([[NAN, 2.0, NAN, 1.0], [3.0, 4.0, 5.0, 6.0]])
    np.testing.assert_array_equal(close_up(values), [[2.0, 1.0, NAN, NAN], [3.0, 4.0, 5.0, 6.0]])


def test_without_failures_both_policies_agree():
    values = np.random.default_rng(0).normal(size=(2, 6, 3))
    worst, drop = (policy(name, *values, level=1.0, budgets=(1, 3)) for name in ("worst", "drop"))
    assert (worst.trials, worst.budgets) == (drop.trials, drop.budgets)
    assert worst.left_out == drop.left_out == 0


def test_a_dropped_failure_costs_no_trial():
    a, b = [[NAN, 5, 5], [NAN, 5, 5]], [[5, 5, 5], [5, 5, 5]]
    spent, dropped = policy("worst", a, b, level=5.0, budgets=(1, 3)), policy("drop", a, b, level=5.0, budgets=(1, 3))
    assert (spent.trials.value, dropped.trials.value) == (1, 0)
    assert [mean.value for mean in spent.budgets] == [-5, 0]
    assert [mean.value for mean in dropped.budgets] == [0, 0]
    assert (spent.left_out, dropped.left_out) == (0, 2)


def test_a_difference_at_a_budget_is_that_of_both_views_after_as_many_trials():
    assert [mean.value for mean in policy("worst", [[1, 2, 3]] * 2, [[4, 6, 9]] * 2, budgets=(1, 2, 3)).budgets] == [-3, -4, -6]


def test_a_search_that_never_arrives_counts_all_trials_under_both_policies():
    a, b = [[NAN, 1, 1]] * 2, [[5, 5, 5]] * 2
    assert policy("drop", a, b, level=5.0).trials.value == policy("worst", a, b, level=5.0).trials.value == 2


def test_without_a_target_there_are_no_trials_to_compare():
    assert policy("worst", [[1, 2, 3]] * 2, [[1, 2, 3]] * 2).trials is None


def test_a_search_without_any_value_counts_as_the_worst():
    assert policy("drop", [[NAN] * 3] * 2, [[5, 5, 5]] * 2, worst=1.0).budgets[0].value == -4


def test_where_less_is_better_the_lowest_value_counts():
    assert policy("worst", [[3, 1, 2]] * 2, [[3, 3, 3]] * 2, goal=Goal.MINIMIZE).budgets[0].value == -2
