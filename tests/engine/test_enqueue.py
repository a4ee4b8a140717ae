"""Enqueued points are the first trials of every search of their view; absent hyperparameters reach no function."""

import pytest

from hpstudy.loading.bind import bind
from hpstudy.store import Reader
from hpstudy.study.schema import Study

FIRST, SECOND = {"x1": 1, "x2": 2.0}, {"x1": -3.0, "x2": 12.5}


def with_points(study, *points, **changes):
    """The study with points enqueued in the view 'both'."""
    tree = study.model_dump(mode="json")
    tree["views"]["both"]["enqueue"] = list(points)
    return bind(Study.model_validate({**tree, **changes})).study


def test_the_first_trials_of_a_view_and_of_its_random_searches_have_the_points(make_study, run, storage, measured):
    study = with_points(make_study(searcher="sobol", trials=4), FIRST, SECOND, controls=["random", "default"])
    run(study)
    found = {key: point for key, (point, state, _) in measured(storage).items() if state == "completed"}
    for view in ("both", "both/random"):
        for replicate in (0, 1):
            assert [found[view, replicate, number] for number in (0, 1)] == [{"x1": 1.0, "x2": 2.0}, SECOND]
            assert type(found[view, replicate, 0]["x1"]) is float
    assert found["both/default", 0, 0] == study.views["both"].space.default()
    assert len(found) == 2 * 2 * (4 + 4 + 1)


def test_the_other_trials_are_what_they_are_without_enqueued_points(make_study, run, storage, measured, tmp_path):
    study = make_study(searcher="sobol", trials=4)
    run(with_points(study, FIRST))
    enqueued = measured(storage)
    storage.rename(tmp_path / "enqueued.sqlite")
    run(study)
    alone = measured(storage)
    assert {key for key in alone if alone[key] != enqueued[key]} == {("both", 0, 0), ("both", 1, 0)}


def test_groups_in_lockstep_begin_with_the_points(make_study, run, storage, measured):
    run(with_points(make_study(trials=2, lockstep=2), FIRST))
    found = measured(storage)
    assert [found["both", replicate, 0][0] for replicate in (0, 1)] == [FIRST] * 2


def test_a_table_of_trials_says_which_points_were_enqueued(make_study, run, storage):
    run(with_points(make_study(), FIRST))
    with Reader.open(storage) as reader:
        trials = reader.trials()
    assert trials[trials["enqueued"]][["view", "number"]].to_numpy().tolist() == [["both", 0]] * 2


def test_a_study_without_enqueued_points_is_stored_as_before_they_existed(make_study, run, storage):
    study = make_study()
    assert "enqueue" not in study.to_json()
    assert with_points(study) == study
    run(study)
    with Reader.open(storage) as reader:
        assert "enqueued" not in reader.trials()


@pytest.mark.parametrize("searcher", ["random", "sobol"])
def test_a_function_gets_the_hyperparameters_that_are_there(write_module, run, storage, measured, searcher):
    code = """
def f(params, seed):
    assert None not in params.values()
    return float(len(params) * 10 + ("gamma" in params))
"""
    space = {
        "kernel": {"type": "choice", "values": ["linear", "rbf"]},
        "gamma": {"type": "float", "low": 0, "high": 1, "when": {"kernel": "rbf"}},
    }
    study = Study.model_validate(
        {
            "name": "conditional",
            "task": {"use": write_module(code)},
            "metric": {"name": "value", "goal": "minimize"},
            "views": {"kernels": {"space": space, "enqueue": [{"kernel": "linear"}]}},
            "search": {"searcher": searcher, "trials": 8},
            "replicates": 1,
        }
    )
    run(bind(study).study)
    found = measured(storage)
    assert {tuple(point): value for point, _, value in found.values()} == {("kernel",): 10.0, ("kernel", "gamma"): 21.0}
