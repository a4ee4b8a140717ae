from itertools import combinations

import numpy as np
import pytest

from hpstudy.analysis import analyze
from hpstudy.analysis.confirmed.secondary import cumulative, tunability
from hpstudy.analysis.exploration.searches import SearchedView
from hpstudy.study.schema import Study

NAN = float("nan")
CURVES = np.array([[1.0, 2.0, 4.0], [0.0, 3.0, 5.0]])


def test_cumulative_performance_weighs_early_equal_and_late_trials():
    found = cumulative(CURVES, 0.95)
    assert found.early.value == pytest.approx(np.mean([(3 * 1 + 2 * 2 + 4) / 6, (2 * 3 + 5) / 6]))
    assert found.uniform.value == pytest.approx(np.mean([7 / 3, 8 / 3]))
    assert found.late.value == pytest.approx(np.mean([(1 + 4 + 12) / 6, (6 + 15) / 6]))
    assert found.uniform.n == 2
    assert found.uniform.low < found.uniform.value < found.uniform.high


def test_regret_to_a_declared_plateau_is_the_plateau_minus_the_uniform_mean(make_confirmed):
    fresh = np.repeat(CURVES[:, :, None], 2, axis=2)
    plateaus = {"values": {"a": 6}, "source": "known"}
    results = analyze(make_confirmed({"a": CURVES}, {"a": fresh}, endpoints=[{"use": "confirmed_regret"}], plateaus=plateaus))
    (measures,) = results.secondary
    assert measures.of_confirmed.uniform.value == pytest.approx(6 - results.declared[0].declared.views[0].estimate.value)
    assert measures.of_observed == measures.of_confirmed  # these searches are their own confirmations


def test_the_expected_best_is_the_mean_over_all_choices_of_trials(make_confirmed):
    values = np.array([[1.0, NAN, 4.0], [2.0, 3.0, 5.0]])
    (measures,) = analyze(make_confirmed({"a": values}, {"a": np.ones((2, 3, 1))})).secondary
    known = np.where(np.isnan(values), 1.0, values).ravel()  # a trial without a value counts as the worst
    for n in (1, 2, 3):
        brute = np.mean([max(chosen) for chosen in combinations(known, n)])
        assert measures.expected.mean[n - 1] == pytest.approx(brute)


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_only_the_hyperparameter_that_matters_is_tunable(goal):
    """The objective depends on x alone and is best at x = 0.9; the default is 0.5, from which it gains 0.4."""
    study = Study.model_validate(
        {
            "name": "s",
            "task": {"use": "branin"},
            "metric": {"name": "m", "goal": goal},
            "views": {"a": {"space": {name: {"type": "float", "low": 0, "high": 1} for name in "xy"}}},
            "search": {"trials": 400},
            "replicates": 1,
        }
    )
    unit = np.random.default_rng(0).uniform(size=(400, 2))
    gain = -np.abs(unit[:, 0] - 0.9)
    view = SearchedView(
        name="a",
        hyperparameters=("x", "y"),
        replicate=np.zeros(400, dtype=np.int64),
        number=np.arange(400),
        unit=unit,
        values={},
        objective=study.metric.goal.sign * gain,
        left_out=0,
        incumbents=np.zeros(0, dtype=np.int64),
        importance=None,
        responses=(),
        surface=None,
        flips=None,
    )
    found = tunability(view, study)
    assert found.gains["x"] == pytest.approx(0.4, abs=0.06)
    assert 0 <= found.gains["y"] < 0.06


def test_a_hyperparameter_that_the_default_point_lacks_gains_nothing(make_confirmed):
    source = make_confirmed({"a": CURVES}, {"a": np.ones((2, 3, 1))})
    tree = source.study.model_dump(mode="json")
    tree["views"]["a"]["space"] = {
        "kind": {"type": "choice", "values": ["plain", "curved"]},
        "x": {"type": "float", "low": 0, "high": 1},
        "degree": {"type": "float", "low": 0, "high": 1, "when": {"kind": "curved"}},
    }
    study = Study.model_validate(tree)
    draw = np.random.default_rng(0).uniform(size=(400, 3))
    unit = np.where([[False, False, True]], np.where(draw[:, :1] < 0.5, NAN, draw), draw)
    view = SearchedView(
        name="a",
        hyperparameters=("kind", "x", "degree"),
        replicate=np.zeros(400, dtype=np.int64),
        number=np.arange(400),
        unit=unit,
        values={},
        objective=study.metric.goal.sign * -np.abs(unit[:, 1] - 0.9),
        left_out=0,
        incumbents=np.zeros(0, dtype=np.int64),
        importance=None,
        responses=(),
        surface=None,
        flips=None,
    )
    found = tunability(view, study)
    assert found.gains["degree"] == 0
    assert found.gains["x"] == pytest.approx(0.4, abs=0.06)


def test_a_study_without_confirmed_curves_has_no_such_measures(make_source):
    assert analyze(make_source({"a": CURVES})).secondary == ()


def test_an_incomplete_study_has_what_can_be_told(make_confirmed):
    states = [["completed", "missing", "missing"]] * 2
    values = np.where(np.array(states) == "missing", NAN, CURVES)
    (measures,) = analyze(make_confirmed({"a": values}, {"a": np.ones((2, 3, 1))}, states={"a": states})).secondary
    assert (measures.of_observed, measures.of_confirmed, measures.tunability) == (None, None, None)
    assert measures.expected.mean.size == 0
