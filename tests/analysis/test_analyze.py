import numpy as np
import pytest

from hpstudy.analysis import analyze
from hpstudy.goal import Goal

NAN = float("nan")


def random_values(seed=0, n=6, trials=5):
    return np.random.default_rng(seed).normal(size=(n, trials))


def test_all_pairs_are_compared_when_none_is_declared(make_source):
    results = analyze(make_source({name: random_values() for name in "abc"}))
    assert [(pair.a, pair.b) for pair in results.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]


def test_only_declared_pairs_are_compared(make_source):
    results = analyze(make_source({name: random_values() for name in "abc"}, compare=[("c", "a")]))
    assert [(pair.a, pair.b) for pair in results.pairs] == [("c", "a")]


def test_the_number_of_trials_is_always_the_last_budget(make_source):
    assert analyze(make_source({"a": random_values()}, budgets=[3, 2])).budgets == (2, 3, 5)


def test_budgets_beyond_the_number_of_trials_are_left_out(make_source):
    assert analyze(make_source({"a": random_values()}, budgets=[2, 50])).budgets == (2, 5)


def test_the_target_defaults_to_the_second_view_of_the_first_comparison(make_source):
    values = {"a": random_values(0), "b": random_values(1)}
    results = analyze(make_source(values))
    assert results.level.view == "b"
    assert results.level.value == np.median(values["b"].max(axis=1))


def test_a_declared_level_is_taken_as_it_is(make_source):
    assert analyze(make_source({"a": random_values()}, target={"value": 0.25})).level.value == 0.25


def test_paired_numbers_use_only_replicates_complete_in_both_views(make_source):
    a, b = random_values(0), random_values(1)
    states = {"b": np.full(b.shape, "completed", dtype=object)}
    states["b"][2, 3:] = "missing"
    pair = analyze(make_source({"a": a, "b": b}, states=states)).pairs[0]
    kept = [0, 1, 3, 4, 5]
    assert pair.replicates.tolist() == kept
    assert pair.budgets[-1].mean == pytest.approx((a.max(axis=1) - b.max(axis=1))[kept].mean())


def test_an_unfinished_search_is_censored_where_it_stands(make_source):
    states = {"a": np.array([["completed", "completed", "running"]], dtype=object)}
    view = analyze(make_source({"a": np.array([[1.0, 1.0, 9.0]])}, states=states, target={"value": 5.0})).views[0]
    assert (view.trials.times.trials.tolist(), view.trials.times.reached.tolist()) == ([2], [False])


def test_a_study_with_a_missing_trial_is_provisional(make_source):
    states = {"a": np.array([["completed", "missing"]], dtype=object)}
    assert analyze(make_source({"a": np.ones((1, 2))}, states=states)).provisional


def test_a_study_whose_trials_are_all_spent_is_final(make_source):
    assert not analyze(make_source({"a": np.array([[1.0, NAN]])})).provisional


def test_a_search_without_any_value_does_not_reach_even_the_worst_level(make_source):
    values = {"a": np.array([[NAN, NAN], [1.0, 2.0]])}
    view = analyze(make_source(values, target={"value": 0.0})).views[0]
    assert view.trials.times.reached.tolist() == [False, True]


def test_a_search_without_any_value_counts_as_the_worst_in_the_mean(make_source):
    results = analyze(make_source({"a": np.array([[NAN, NAN], [3.0, 2.0]])}))
    assert results.views[0].curve.mean.tolist() == [2.5, 2.5]


def test_a_study_in_which_everything_failed_has_no_comparison(make_source):
    nothing = np.full((3, 4), NAN)
    results = analyze(make_source({"a": nothing, "b": nothing}))
    assert np.isnan(results.worst)
    assert results.pairs[0].curve is None


def test_a_study_in_which_nothing_ran_has_no_level(make_source):
    states = {"a": np.full((3, 4), "missing", dtype=object)}
    assert analyze(make_source({"a": np.ones((3, 4))}, states=states)).level.value is None


@pytest.mark.parametrize(("goal", "place"), [(Goal.MAXIMIZE, (1, 2)), (Goal.MINIMIZE, (0, 1))])
def test_the_best_trial_follows_the_goal(make_source, goal, place):
    values = np.array([[0.0, -5.0, 1.0], [2.0, 3.0, 7.0]])
    best = analyze(make_source({"a": values}, goal=goal)).views[0].best_trial
    assert (best.replicate, best.number) == place


def test_of_equal_trials_the_first_is_the_best(make_source):
    best = analyze(make_source({"a": np.ones((2, 3))})).views[0].best_trial
    assert (best.replicate, best.number) == (0, 0)


def test_the_best_point_holds_plain_values_of_its_view(make_source):
    best = analyze(make_source({"a": random_values()})).views[0].best_trial
    assert best.point == {"x": 0.5}
    assert type(best.point["x"]) is float


def test_the_same_trials_always_give_the_same_numbers(make_source):
    values = {"a": random_values(0), "b": random_values(1)}
    one, other = (analyze(make_source(values)).pairs[0] for _ in range(2))
    assert (one.trials.low, one.trials.high) == (other.trials.low, other.trials.high)
    np.testing.assert_array_equal(one.curve.band.low, other.curve.band.low)


def test_minimizing_a_metric_is_maximizing_its_negative(make_source):
    values = {"a": random_values(0), "b": random_values(1)}
    up = analyze(make_source(values)).pairs[0]
    down = analyze(make_source({name: -block for name, block in values.items()}, goal=Goal.MINIMIZE)).pairs[0]
    assert up.trials.difference == down.trials.difference
    assert up.budgets[-1].mean == -down.budgets[-1].mean


def test_a_recorded_effect_is_recovered(make_source):
    """View b finds at trial t what view a finds at trial t + 3, up to noise common to both."""
    rng = np.random.default_rng(0)
    base = np.cumsum(rng.exponential(size=(20, 1)) * 0 + 1.0 + np.zeros((20, 12)), axis=1)
    shared = rng.normal(0, 0.2, size=(20, 1))
    values = {"a": np.maximum(base - 3, 0) + shared, "b": base + shared}
    pair = analyze(make_source(values, target={"value": 6.0})).pairs[0]
    assert pair.trials.difference == pytest.approx(3.0)
    assert pair.distances[0].difference == 3
