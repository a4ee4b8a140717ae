import numpy as np
import pytest

from hpstudy.analysis.exploration.initial_design import initial_design
from hpstudy.analysis.statistics.survival import wilson
from hpstudy.analysis.trials.searches import STATES, Searches
from hpstudy.study.schema import Study

NAN = float("nan")


def study(goal="maximize", **search):
    return Study.model_validate(
        {
            "name": "s",
            "task": {"use": "branin"},
            "metric": {"name": "m", "goal": goal},
            "views": {"a": {"space": {"x": {"type": "float", "low": 0, "high": 1}}}},
            "search": {"trials": 4, **search},
            "replicates": 4,
        }
    )


def block(values, missing=0):
    values = np.array(values, dtype=float)
    states = np.full(values.shape, STATES.index("completed"), dtype=np.int8)
    states[len(states) - missing :, -1] = STATES.index("missing")
    return Searches("a", values, states)


@pytest.mark.parametrize(("goal", "sign"), [("maximize", 1), ("minimize", -1)])
def test_a_search_counts_when_its_best_trial_is_in_the_design(goal, sign):
    values = sign * np.array([[1, 3, 2, 0], [1, 2, 3, 0], [NAN, 2, NAN, 2], [NAN, NAN, NAN, 1]])
    found = initial_design(block(values), study(goal, initial=2))
    assert (found.trials, found.searches, found.chosen) == (2, 4, 2)
    assert (found.low, found.high) == wilson(2, 4, 0.95)


def test_an_incomplete_search_and_one_without_a_value_do_not_count():
    values = [[1, 3, 2, 0], [NAN] * 4, [9, 1, 1, NAN]]
    assert initial_design(block(values, missing=1), study(initial=2)).searches == 1
    assert initial_design(block([[NAN] * 4]), study(initial=2)) is None


def test_a_searcher_without_an_initial_design_has_none():
    assert initial_design(block([[1, 2, 3, 4]]), study(searcher="random")) is None
