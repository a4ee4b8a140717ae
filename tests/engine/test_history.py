import math

import pytest

from hpstudy.engine.history import observations
from hpstudy.store import TrialRow
from hpstudy.study.schema import Metric


def values(metric, *trials):
    """What a searcher is shown of trials given as objectives; a string is the state of a trial without one."""
    rows = [
        TrialRow(n, {"x": n}, trial, None, 1) if isinstance(trial, str) else TrialRow(n, {"x": n}, "completed", trial, 1)
        for n, trial in enumerate(trials)
    ]
    return [past.value for past in observations(rows, metric)]


def metric(goal, on_failure):
    return Metric(name="value", goal=goal, on_failure=on_failure)


def test_completed_trials_are_shown_as_measured():
    assert values(metric("maximize", "worst"), 0.5, 0.25) == [0.5, 0.25]


@pytest.mark.parametrize(("goal", "worst"), [("maximize", 0.25), ("minimize", 0.75)])
@pytest.mark.parametrize("state", ["diverged", "failed", "timed_out"])
def test_worst_shows_the_worst_value_so_far(goal, worst, state):
    assert values(metric(goal, "worst"), 0.25, 0.75, state) == [0.25, 0.75, worst]


def test_worst_follows_later_trials_that_are_worse():
    assert values(metric("maximize", "worst"), 0.5, "failed", 0.25) == [0.5, 0.25, 0.25]


def test_worst_shows_no_value_while_none_was_measured():
    assert values(metric("maximize", "worst"), "failed", "diverged") == [None, None]


def test_drop_shows_no_value():
    assert values(metric("maximize", "drop"), 0.5, "failed") == [0.5, None]


def test_a_diverged_trial_is_never_shown_its_own_value():
    row = TrialRow(0, {"x": 0}, "diverged", math.inf, 1)
    assert observations([row], metric("maximize", "worst"))[0].value is None


def test_points_and_numbers_are_kept():
    (past,) = observations([TrialRow(0, {"x": 7}, "failed", None, 1)], metric("maximize", "drop"))
    assert (past.number, past.point) == (0, {"x": 7})
