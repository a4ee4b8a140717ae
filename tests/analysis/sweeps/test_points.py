import math

import numpy as np
import pandas as pd
import pytest

from hpstudy.analysis.sweeps.points import best_point, summary, sweep, swept_names
from hpstudy.errors import UsageError
from hpstudy.goal import Goal
from hpstudy.study.schema import Study

T_2_OF_3 = 4.302652729911275
"""The 97.5 % point of Student's t with 2 degrees of freedom, from a printed table."""


def study(replicates=2, trials=2):
    rate = {"type": "float", "low": 0.001, "high": 1, "log": True}
    return Study.model_validate(
        {
            "name": "swept",
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": "maximize"},
            "views": {
                "a": {"space": {"rate": rate, "width": {"type": "int", "low": 1, "high": 9}}},
                "b": {"space": {"rate": rate}},
            },
            "search": {"searcher": "points", "trials": trials, "points": [{"rate": 0.1, "width": 2}, {"rate": 0.2, "width": 2}]},
            "replicates": replicates,
        }
    )


def trials(rows):
    names = ["view", "replicate", "number", "state", "objective", "point.rate", "point.width", "metric.score", "metric.flips"]
    table = pd.DataFrame(rows, columns=names)
    table["point.width"] = table["point.width"].astype("Int64")
    return table


def curves(rows=()):
    return pd.DataFrame(rows, columns=["view", "replicate", "number", "metric", "epoch", "value"])


ROWS = [
    ("a", 0, 0, "completed", 1.0, 0.1, 2, 9.0, 0.5),
    ("a", 0, 1, "completed", 2.0, 0.2, 2, 9.0, 0.6),
    ("a", 1, 0, "diverged", math.nan, 0.1, 2, 9.0, 0.7),
    ("a", 1, 1, "completed", 4.0, 0.2, 2, 9.0, math.inf),
    ("b", 0, 0, "completed", 5.0, 0.1, None, 9.0, math.nan),
]


def test_mean_and_t_interval_are_those_worked_out_by_hand():
    found = summary(np.array([[1.0], [2.0], [3.0]]), 0.95)
    half = T_2_OF_3 * 1 / math.sqrt(3)
    assert (found.replicates[0], found.mean[0]) == (3, 2.0)
    assert (found.low[0], found.high[0]) == pytest.approx((2 - half, 2 + half))


def test_a_replicate_without_a_value_is_left_out_of_its_point_only():
    found = summary(np.array([[1.0, 1.0], [3.0, math.nan], [2.0, 4.0]]), 0.95)
    assert found.replicates.tolist() == [3, 2]
    assert found.mean.tolist() == [2.0, 2.5]
    # Two values 1 and 4: s = 3 / sqrt 2, t(1) = tan(0.475 pi).
    assert found.high[1] - 2.5 == pytest.approx(math.tan(0.475 * math.pi) * 1.5)


def test_one_replicate_has_a_mean_and_no_interval():
    found = summary(np.array([[7.0]]), 0.95)
    assert found.mean[0] == 7
    assert np.isnan([found.low[0], found.high[0]]).all()


def test_a_point_without_any_value_has_no_mean():
    found = summary(np.array([[math.nan], [math.nan]]), 0.95)
    assert found.replicates[0] == 0
    assert np.isnan([found.mean[0], found.low[0], found.high[0]]).all()


def test_replicates_that_agree_have_an_interval_without_width():
    found = summary(np.full((3, 1), 0.25), 0.95)
    assert (found.low[0], found.high[0]) == (0.25, 0.25)


def test_learning_curves_are_summed_up_at_every_epoch():
    values = np.arange(12.0).reshape(2, 2, 3)
    assert summary(values, 0.9).mean.tolist() == values.mean(axis=0).tolist()


@pytest.mark.parametrize(("goal", "number"), [(Goal.MAXIMIZE, 1), (Goal.MINIMIZE, 0)])
def test_the_best_point_is_the_first_best_mean(goal, number):
    assert best_point(summary(np.array([[1.0, 3.0, 3.0, 1.0]]), 0.95), goal) == number


def test_a_point_that_lost_replicates_cannot_be_the_best():
    assert best_point(summary(np.array([[9.0, 1.0], [math.nan, 1.0]]), 0.95), Goal.MAXIMIZE) == 1


def test_there_is_no_best_point_without_values():
    assert best_point(summary(np.full((2, 3), math.nan), 0.95), Goal.MAXIMIZE) is None


def test_a_hyperparameter_with_one_value_is_not_swept():
    points = [{"a": 1, "b": 2, "c": 0}, {}, {"a": 1, "b": 3, "c": 1}]
    assert swept_names(points, ["c", "a", "b"]) == ("c", "b")


def test_trials_stand_at_their_replicate_and_number():
    a, _ = sweep(trials(ROWS), curves(), study())
    np.testing.assert_array_equal(a.values["score"], [[1.0, 2.0], [math.nan, 4.0]])


def test_metrics_of_trials_that_did_not_complete_and_infinite_ones_are_no_values():
    a, _ = sweep(trials(ROWS), curves(), study())
    np.testing.assert_array_equal(a.values["flips"], [[0.5, 0.6], [math.nan, math.nan]])


def test_a_metric_that_a_view_never_recorded_is_not_among_its_values():
    _, b = sweep(trials(ROWS), curves(), study())
    assert list(b.values) == ["score"]


def test_points_are_plain_values_of_the_views_own_hyperparameters():
    a, b = sweep(trials(ROWS), curves(), study())
    assert a.points == ({"rate": 0.1, "width": 2}, {"rate": 0.2, "width": 2})
    assert type(a.points[0]["width"]) is int
    assert a.swept == ("rate",)
    assert b.points == ({"rate": 0.1}, {})


def test_trials_beyond_the_study_are_left_out():
    a, _ = sweep(trials([*ROWS, ("a", 5, 0, "completed", 99.0, 0.1, 2, 9.0, 0.5)]), curves(), study())
    assert np.nanmax(a.values["score"]) == 4


def test_replicates_with_different_points_are_refused():
    other = [*ROWS[:2], ("a", 1, 0, "completed", 1.0, 0.3, 2, 9.0, 0.7)]
    with pytest.raises(UsageError, match="trial 0 of view a has different points"):
        sweep(trials(other), curves(), study())


def test_curves_of_completed_trials_stand_at_their_epochs():
    rows = [
        ("a", 0, 1, "loss", 2, 0.2),
        ("a", 0, 1, "loss", 5, 0.1),
        ("a", 0, 0, "loss", 2, 0.9),
        ("a", 1, 0, "loss", 3, 7.0),
        ("b", 0, 0, "loss", 1, 4.0),
    ]
    a, b = sweep(trials(ROWS), curves(rows), study())
    assert a.epochs.tolist() == [2, 5]
    np.testing.assert_array_equal(a.curves["loss"][0], [[0.9, math.nan], [0.2, 0.1]])
    assert np.isnan(a.curves["loss"][1]).all()
    assert b.epochs.tolist() == [1]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_means_of_any_size_have_the_interval_of_ordinary_ones(unit):
    values = np.array([[1.0, 1.0], [3.0, math.nan], [2.0, 4.0]])
    found, ordinary = summary(unit * values, 0.95), summary(values, 0.95)
    assert found.low / unit == pytest.approx(ordinary.low)
    assert found.high / unit == pytest.approx(ordinary.high)
