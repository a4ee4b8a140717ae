import dataclasses

import numpy as np
import pandas as pd
import pytest

from hpstudy.analysis.exploration.searches import NEAR, at_edge, cells, searched
from hpstudy.goal import Goal
from hpstudy.study.schema import Study

SPACE = {
    "rate": {"type": "float", "low": 1e-4, "high": 1.0, "log": True},
    "width": {"type": "int", "low": 1, "high": 4},
    "clip": {"type": "choice", "values": ["none", "norm"]},
}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr("hpstudy.analysis.exploration.importance.RESAMPLES", 5)


def study(space=SPACE, goal=Goal.MAXIMIZE, searcher="random", **search):
    return Study.model_validate(
        {
            "name": "small",
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": goal},
            "views": {"a": {"space": space}},
            "search": {"searcher": searcher, "trials": 30, **search},
            "replicates": 2,
        }
    )


def table(objective, replicate, points, state="completed", **metrics):
    number = pd.Series(replicate).groupby(replicate).cumcount()
    columns = {f"point.{name}": values for name, values in points.items()} | {f"metric.{k}": v for k, v in metrics.items()}
    return pd.DataFrame(
        {"view": "a", "replicate": replicate, "number": number, "state": state, "objective": objective, **columns}
    )


FOUR = {"rate": [1e-4, 0.01, 1.0, 0.5], "width": [1, 2, 4, 3], "clip": ["none", "norm", "norm", "none"]}


def test_positions_are_those_on_the_declared_scale():
    (view,) = searched(table([1.0, 2, 3, 4], [0, 0, 1, 1], FOUR), study())
    assert view.unit[:3] == pytest.approx(np.array([[0, 1 / 8, 1 / 4], [0.5, 3 / 8, 3 / 4], [1, 7 / 8, 3 / 4]]))


@pytest.mark.parametrize(("goal", "rows"), [(Goal.MAXIMIZE, [0, 3]), (Goal.MINIMIZE, [1, 2])])
def test_the_incumbent_is_the_first_best_trial_of_its_search(goal, rows):
    (view,) = searched(table([5.0, 2, 3, 4], [0, 0, 1, 1], FOUR), study(goal=goal))
    assert view.incumbents.tolist() == rows
    (view,) = searched(table([5.0, 5, 3, 3], [0, 0, 1, 1], FOUR), study(goal=goal))
    assert view.incumbents.tolist() == [0, 2]


def test_trials_without_a_value_are_left_out_and_counted():
    trials = table([1.0, np.nan, np.nan, np.inf], [0, 0, 1, 1], FOUR, ["completed", "diverged", "running", "completed"])
    (view,) = searched(trials, study())
    assert view.objective.tolist() == [1.0]
    assert view.left_out == 2
    assert searched(trials[1:], study()) == ()


def test_a_trial_that_lacks_a_hyperparameter_is_left_out_and_counted():
    (view,) = searched(table([1.0, 2, 3, 4], [0, 0, 1, 1], FOUR | {"clip": ["none", None, "norm", "none"]}), study())
    assert view.number.tolist() == [0, 0, 1]
    assert view.left_out == 1


def test_best_trials_at_the_ends_of_a_range_are_found_and_choices_have_none():
    (view,) = searched(table([1.0, 2, 3, 4], [0, 1, 2, 3], FOUR), study())
    found = at_edge(view, study().views["a"].space.root)
    assert found.tolist() == [[-1, -1, 0], [0, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_a_sweep_was_not_searched():
    listed = study(searcher="points", points=[{"rate": 1, "width": 1, "clip": "none"}] * 30)
    assert searched(table([1.0, 2, 3, 4], [0, 0, 1, 1], FOUR), listed) == ()


def test_few_trials_have_no_response():
    (view,) = searched(table([1.0, 2, 3, 4], [0, 0, 1, 1], FOUR), study())
    assert (view.importance, view.responses, view.surface) == (None, (), None)


def many(seed=0, searches=4, trials=20):
    generator = np.random.default_rng(seed)
    space = study().views["a"].space
    points = [space.from_unit(generator.random(3)) for _ in range(searches * trials)]
    columns = {name: [point[name] for point in points] for name in SPACE}
    objective = np.log10(columns["rate"]) + 0.5 * np.array(columns["width"]) + generator.normal(0, 0.01, len(points))
    return table(objective, np.repeat(np.arange(searches), trials), columns, flip_ratio=10.0**objective)


def test_responses_follow_the_objective_and_the_map_is_of_what_matters():
    (view,) = searched(many(), study())
    rate, width, clip = view.responses
    assert np.corrcoef(rate.unit, rate.predicted)[0, 1] > 0.95
    assert (np.diff(width.predicted) > 0).all()
    assert np.ptp(clip.predicted) < 0.1 * np.ptp(rate.predicted)
    assert (view.surface.x, view.surface.y) == (0, 1)
    assert view.surface.predicted.shape == (4, 21)


def test_the_map_is_empty_where_no_trial_lies_near():
    trials = many()
    (view,) = searched(trials[trials["point.rate"] < 0.01], study())
    far = view.surface.x_unit > 0.5 + NEAR
    assert np.isnan(view.surface.predicted[:, far]).all()
    assert np.isfinite(view.surface.predicted[:, ~far]).any()


def test_the_correlation_of_flips_is_that_of_ranks():
    (view,) = searched(many(), study())
    assert view.flips.correlation == pytest.approx(1)
    assert view.flips.low == pytest.approx(1)
    trials = table([1.0, 2, 3, 4], [0, 0, 1, 1], FOUR, flip_ratio=[0.4, 0.1, np.nan, 0.2])
    (view,) = searched(trials, study())
    assert view.flips.correlation == pytest.approx(-0.5)  # ranks 3 1 2 against 1 2 3
    assert view.flips.searches == 2


def test_without_flip_ratios_there_is_no_correlation():
    (view,) = searched(many().drop(columns="metric.flip_ratio"), study())
    assert view.flips is None


def test_the_same_trials_give_the_same_numbers():
    (first,), (again,) = searched(many(), study()), searched(many(), study())
    for field in dataclasses.fields(first.importance.total):
        assert getattr(first.importance.total, field.name).tolist() == getattr(again.importance.total, field.name).tolist()


def test_every_value_of_a_choice_or_a_short_range_has_a_cell():
    space = study().views["a"].space.root
    assert cells(space["clip"], 21).tolist() == [0.25, 0.75]
    assert cells(space["width"], 21).tolist() == [0.125, 0.375, 0.625, 0.875]
    assert cells(space["rate"], 2).tolist() == [0.25, 0.75]
