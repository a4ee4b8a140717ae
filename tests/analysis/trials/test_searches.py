import numpy as np
import pandas as pd

from hpstudy.analysis.trials.searches import STATES, Searches, gather, gather_points


def table(rows):
    return pd.DataFrame(rows, columns=["view", "replicate", "number", "state", "objective"])


def test_a_trial_lands_at_its_replicate_and_number():
    searches = gather(table([("a", 1, 2, "completed", 0.5)]), "a", (2, 3))
    assert searches.values[1, 2] == 0.5


def test_trials_without_a_row_are_missing():
    searches, other = (gather(table([("a", 0, 0, "completed", 0.5)]), view, (1, 2)) for view in "ab")
    assert STATES[searches.states[0, 1]] == "missing"
    assert STATES[other.states[0, 0]] == "missing"


def test_an_infinite_objective_is_no_value():
    searches = gather(table([("a", 0, 0, "completed", np.inf)]), "a", (1, 1))
    assert np.isnan(searches.values[0, 0])


def test_the_objective_of_a_diverged_trial_is_no_value():
    searches = gather(table([("a", 0, 0, "diverged", 0.9)]), "a", (1, 1))
    assert np.isnan(searches.values[0, 0])


def test_a_running_trial_is_not_finished():
    states = np.array([[2, 3, 1, 0]], dtype=np.int8)
    assert Searches("a", np.full((1, 4), np.nan), states).finished.tolist() == [2]


def test_a_search_of_failed_trials_is_complete():
    states = np.full((1, 2), STATES.index("failed"), dtype=np.int8)
    assert Searches("a", np.full((1, 2), np.nan), states).complete.tolist() == [True]


def points_of(view, names=("rate", "clip")):
    rows = [
        ("a", 0, 1, 0.1, pd.NA),
        ("b", 0, 0, np.nan, "norm"),
        ("a", 1, 0, 0.3, pd.NA),
        ("a", 2, 0, 0.4, pd.NA),
        ("a", 0, 3, 0.5, pd.NA),
    ]
    trials = pd.DataFrame(rows, columns=["view", "replicate", "number", "point.rate", "point.clip"])
    return {name: values.tolist() for name, values in gather_points(trials, view, names, (2, 3)).items()}


def test_a_point_lands_at_its_replicate_and_number_and_none_stands_for_no_trial():
    assert points_of("a", ["rate"]) == {"rate": [[None, 0.1, None], [0.3, None, None]]}


def test_a_hyperparameter_that_a_trial_lacks_is_none():
    assert points_of("b") == {"rate": [[None] * 3] * 2, "clip": [["norm", None, None], [None] * 3]}
