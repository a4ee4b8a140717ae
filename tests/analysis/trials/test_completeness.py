import numpy as np
import pandas as pd

from hpstudy.analysis.trials.completeness import completeness, failures
from hpstudy.analysis.trials.searches import STATES, Searches

NAN = float("nan")


def block(states, values=None):
    codes = np.array([[STATES.index(state) for state in row] for row in states], dtype=np.int8)
    return Searches("a", np.full(codes.shape, NAN) if values is None else np.array(values), codes)


def counted(states, values=None, attempts=1):
    found = block(states, values)
    rows = [("a", *at, attempts) for at, code in np.ndenumerate(found.states) if STATES[code] != "missing"]
    return completeness(found, pd.DataFrame(rows, columns=["view", "replicate", "number", "attempts"]))


def table(rows):
    return pd.DataFrame(rows, columns=["view", "replicate", "number", "state", "error_type", "error"])


def test_the_states_add_up_to_what_is_planned():
    c = counted([["completed", "failed", "running"], ["diverged", "timed_out", "missing"]])
    assert c.completed + c.diverged + c.failed + c.timed_out + c.running + c.missing == c.planned == 6


def test_a_search_that_waits_for_its_last_trial_is_not_complete():
    assert counted([["completed", "running"], ["failed", "failed"]]).complete == 1


def test_completed_trials_without_a_finite_value_are_counted():
    assert counted([["completed", "completed"]], [[1.0, NAN]]).without_value == 1


def test_retries_are_the_attempts_beyond_the_first():
    assert counted([["completed", "missing"]]).retries == 0
    assert counted([["completed", "failed", "running"], ["completed", "missing", "missing"]], attempts=3).retries == 8


def test_failures_of_one_kind_are_counted_together():
    rows = [("a", 1, 4, "failed", "ValueError", "bad\nmore"), ("a", 0, 7, "failed", "ValueError", "bad")]
    (found,) = failures(table(rows), ("a",))
    assert (found.trials, found.error) == (2, "bad")


def test_a_kind_of_failure_names_its_first_trial():
    rows = [("a", 1, 4, "failed", "E", "x"), ("a", 0, 7, "failed", "E", "x")]
    (found,) = failures(table(rows), ("a",))
    assert (found.replicate, found.number) == (0, 7)


def test_the_most_frequent_failure_comes_first():
    rows = [("a", 0, 0, "diverged", None, None), *[("a", 1, number, "failed", "E", "x") for number in range(2)]]
    assert [found.state for found in failures(table(rows), ("a",))] == ["failed", "diverged"]


def test_completed_and_running_trials_are_no_failures():
    assert failures(table([("a", 0, 0, "completed", None, None), ("a", 0, 1, "running", None, None)]), ("a",)) == ()


def test_no_trials_have_no_failures():
    assert failures(table([]), ("a",)) == ()
