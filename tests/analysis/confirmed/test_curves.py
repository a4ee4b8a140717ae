import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpstudy.analysis import analyze
from hpstudy.analysis.confirmed.curves import confirmed_curves
from hpstudy.analysis.curves.best_so_far import is_incumbent
from hpstudy.analysis.trials.searches import gather
from hpstudy.goal import Goal
from hpstudy.store import TrialRow, incumbents
from hpstudy.study.schema import Study

NAN = float("nan")

VALUES = [[1.0, 3.0, 2.0, 5.0]]
FRESH = [[[1.0, 1.0], [2.0, 4.0], [NAN, NAN], [3.0, 5.0]]]
"""Trials 0, 1 and 3 are incumbents, with the means 1, 3 and 4."""


def curve_of(source):
    (curve,) = analyze(source).confirmed
    return curve


@given(
    st.lists(st.one_of(st.none(), st.sampled_from([0.0, 1.0, 2.0, 3.0])), min_size=1, max_size=12), st.sampled_from(list(Goal))
)
def test_incumbents_of_arrays_are_those_that_are_trained_again(values, goal):
    study = Study.model_validate(
        {
            "name": "s",
            "task": {"use": "branin"},
            "metric": {"name": "m", "goal": goal},
            "views": {"a": {"space": {"x": {"type": "float", "low": 0, "high": 1}}}},
            "search": {"trials": len(values)},
            "replicates": 1,
        }
    )
    rows = [TrialRow(n, {}, "failed" if value is None else "completed", value, 1) for n, value in enumerate(values)]
    array = np.array([[NAN if value is None else value for value in values]])
    assert np.flatnonzero(is_incumbent(array, goal)[0]).tolist() == [row.number for row in incumbents(study, rows)]


def test_the_confirmed_curve_is_the_mean_of_the_incumbent_on_its_fresh_seeds(make_confirmed):
    curve = curve_of(make_confirmed({"a": VALUES}, {"a": FRESH}))
    assert curve.confirmed.tolist() == [[1, 3, 3, 4]]
    assert curve.optimism.tolist() == [[0, 0, 0, 1]]
    assert (curve.incumbents, curve.seeds, curve.lost, curve.complete.tolist()) == (3, 2, 0, [True])
    # Variances within the points: 0, 2 and 2.
    assert curve.noise == pytest.approx(math.sqrt(4 / 3))


def test_trainings_on_more_seeds_than_the_study_asks_do_not_count(make_confirmed):
    more = curve_of(make_confirmed({"a": VALUES}, {"a": np.dstack([FRESH, np.full((1, 4, 1), 99.0)])}, seeds=2))
    assert more.confirmed.tolist() == [[1, 3, 3, 4]]
    assert more.seeds == 2


def test_a_metric_that_is_minimized_is_confirmed_alike(make_confirmed):
    curve = curve_of(make_confirmed({"a": -np.array(VALUES)}, {"a": -np.array(FRESH)}, goal="minimize"))
    assert curve.confirmed.tolist() == [[-1, -3, -3, -4]]
    assert curve.optimism.tolist() == [[0, 0, 0, 1]]  # positive flatters whatever the goal


def test_before_the_first_value_there_is_no_value_and_the_score_is_the_worst_of_the_study(make_confirmed):
    curve = curve_of(make_confirmed({"a": [[NAN, 3.0, 2.0]]}, {"a": [[[NAN], [0.5], [NAN]]]}))
    np.testing.assert_equal(curve.confirmed, [[NAN, 0.5, 0.5]])
    np.testing.assert_equal(curve.scored, [[0.5, 0.5, 0.5]])  # a confirmation may be the worst trial
    np.testing.assert_equal(curve.optimism, [[NAN, 2.5, 2.5]])
    assert curve.complete.tolist() == [True]


@pytest.mark.parametrize(("on_failure", "means"), [("worst", [1, 1, 1, -2]), ("drop", [1, 4, 4, -2])])
def test_a_retraining_without_a_value_counts_as_on_failure_says(make_confirmed, on_failure, means):
    values = [[1.0, 3.0, -2.0, 5.0]]
    fresh = [[[1.0, 1.0], [NAN, 4.0], [NAN, NAN], [NAN, NAN]]]
    curve = curve_of(make_confirmed({"a": values}, {"a": fresh}, on_failure=on_failure))
    assert curve.confirmed.tolist() == [means]
    assert curve.lost == 3


@pytest.mark.parametrize(("policy", "mean"), [("worst", 1.0), ("drop", 4.0), ("median", 3.0)])
def test_a_policy_replaces_that_of_the_study(make_confirmed, policy, mean):
    """The median of all values, -2, -2, 2, 3 and 4, is 2."""
    source = make_confirmed({"a": [[NAN, -2.0, 3.0]]}, {"a": [[[NAN, NAN], [-2.0, 2.0], [4.0, NAN]]]})
    searches = {"a": gather(source.trials(), "a", (1, 3))}
    (curve,) = confirmed_curves(source.confirmations(), searches, source.study, policy)
    assert curve.scored.tolist() == [[2.0 if policy == "median" else -2.0, 0.0, mean]]


def test_a_search_whose_incumbents_are_not_all_trained_is_not_complete(make_confirmed):
    source = make_confirmed({"a": VALUES * 2}, {"a": np.array(FRESH * 2)[:, :, :1]}, seeds=2)
    curve = curve_of(source)
    assert curve.complete.tolist() == [False, False]
    assert np.isnan(curve.confirmed).all()
    assert np.isnan(curve.mean.mean).all()


def test_a_search_that_is_not_complete_is_in_no_mean(make_confirmed):
    states = [["completed"] * 4, ["completed", "completed", "missing", "missing"]]
    values = [VALUES[0], [1.0, 3.0, NAN, NAN]]
    curve = curve_of(make_confirmed({"a": values}, {"a": FRESH * 2}, states={"a": states}))
    assert curve.complete.tolist() == [True, False]
    np.testing.assert_equal(curve.confirmed, [[1, 3, 3, 4], [1, 3, NAN, NAN]])
    assert curve.mean.mean.tolist() == [1, 3, 3, 4]
    assert curve.mean.searches.tolist() == [1, 1, 1, 1]


def test_the_mean_curve_has_students_interval(make_confirmed):
    values, fresh = np.array(VALUES * 3), np.array(FRESH * 3) + np.array([0.0, 1.0, 2.0])[:, None, None]
    curve = curve_of(make_confirmed({"a": values}, {"a": fresh}))
    half = 4.302652729911275 / math.sqrt(3)  # t(2) times sd 1 over the root of 3
    assert curve.mean.mean.tolist() == [2, 4, 4, 5]
    np.testing.assert_allclose(curve.mean.low, curve.mean.mean - half)
    np.testing.assert_allclose(curve.mean.high, curve.mean.mean + half)


def test_a_study_that_confirms_only_the_best_trials_has_no_confirmed_curve(make_source):
    assert analyze(make_source({"a": VALUES})).confirmed == ()


def test_a_study_without_a_value_has_no_confirmed_curve(make_confirmed):
    assert analyze(make_confirmed({"a": [[NAN, NAN]]}, {"a": [[[NAN], [NAN]]]})).confirmed == ()


def test_noise_without_skill_shows_as_optimism_of_the_expected_size(make_confirmed):
    """Equal points with normal noise: the best of 25 promises 1.965 standard deviations, of which nothing is there again."""
    rng = np.random.default_rng(0)
    values, fresh = rng.normal(size=(400, 25)), rng.normal(size=(400, 25, 4))
    curve = curve_of(make_confirmed({"a": values}, {"a": fresh}))
    assert curve.mean_optimism.mean[-1] == pytest.approx(1.965, abs=0.08)
    assert curve.mean.mean[-1] == pytest.approx(0, abs=0.08)
    assert curve.noise == pytest.approx(1, abs=0.03)
