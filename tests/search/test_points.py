import pytest
from pydantic import ValidationError

from hpstudy.errors import Problem
from hpstudy.goal import Goal
from hpstudy.search.interface import Observation
from hpstudy.search.points import PointsSearcher, PointsSettings
from hpstudy.study.space import Space
from hpstudy.testing.searchers import SPACES

POINTS = ({"alpha": 1e-3, "gamma": 1, "batch": 32}, {"alpha": 1, "gamma": 1e-4, "batch": 64})

LATENT = Space.model_validate(
    {"batch": {"type": "int", "low": 1, "high": 128}, "alpha": {"type": "float", "low": 1e-4, "high": 10, "log": True}}
)
FILTER = Space.model_validate({"gamma": {"type": "float", "low": 1e-6, "high": 1, "log": True}})


def searcher(*points):
    return PointsSearcher(PointsSettings(points=points))


def ask(space, number, history=(), seed=0):
    return searcher(*POINTS).ask(space, history, goal=Goal.MAXIMIZE, seed=seed, number=number)


def test_trial_n_of_every_view_tries_its_own_part_of_point_n():
    assert [ask(LATENT, n) for n in (0, 1)] == [{"batch": 32, "alpha": 0.001}, {"batch": 64, "alpha": 1.0}]
    assert [ask(FILTER, n) for n in (0, 1)] == [{"gamma": 1.0}, {"gamma": 0.0001}]


def test_a_point_has_the_order_and_the_types_of_the_space():
    point = ask(LATENT, 1)
    assert list(point) == ["batch", "alpha"]
    assert [type(value) for value in point.values()] == [int, float]


def test_what_the_trials_gave_and_the_seed_change_nothing():
    history = (Observation(0, {"gamma": 1.0}, 3.0),)
    assert ask(FILTER, 1, history, seed=5) == ask(FILTER, 1)


def test_there_is_no_point_beyond_the_list():
    with pytest.raises(IndexError):
        ask(FILTER, 2)


def test_a_list_that_fits_is_found_in_order():
    assert searcher(*POINTS).check(LATENT, 2) == searcher(*POINTS).check(FILTER, 2) == []


def test_the_number_of_trials_must_be_that_of_points():
    problem = Problem(("search", "trials"), "must be 2, the number of points in the list, not 6")
    assert searcher(*POINTS).check(FILTER, 6) == [problem]


def test_a_point_that_lacks_a_hyperparameter_is_named():
    problem = Problem(("search", "points", 1), "point 2 of the list gives no value of 'gamma'")
    assert searcher({"gamma": 0.1}, {"alpha": 0.1}).check(FILTER, 2) == [problem]


def test_a_hyperparameter_that_no_point_has_is_one_problem():
    text = "no point gives a value of 'gamma': add it to every point, or fix it in the view"
    assert searcher({"alpha": 1.0}, {"alpha": 2.0}).check(FILTER, 2) == [Problem(("search", "points"), text)]


@pytest.mark.parametrize("value", [2.0, 0, True, "0.1"])
def test_a_value_out_of_the_range_is_told_the_range(value):
    (problem,) = searcher({"gamma": value}).check(FILTER, 1)
    assert problem.key == ("search", "points", 0, "gamma")
    assert problem.message.startswith("must be a number in [1e-06, 1], not ")


def test_a_point_that_stands_twice_is_refused():
    with pytest.raises(ValidationError, match="point 3 of the list repeats point 1"):
        PointsSettings(points=({"a": 1, "b": 2}, {"a": 1}, {"b": 2, "a": 1}))


def test_an_empty_list_is_refused():
    with pytest.raises(ValidationError):
        PointsSettings(points=())


def test_names_are_where_they_stand_first():
    assert searcher({"a": 1}, {"a": 2, "b": 1}).named() == [("search", "points", 0, "a"), ("search", "points", 1, "b")]


KERNELS = SPACES["conditional"]


def test_a_view_takes_the_hyperparameters_that_are_there():
    grown = searcher({"kernel": "linear", "gamma": 0.1, "degree": 3}, {"kernel": "rbf", "gamma": 0.1})
    assert [grown.ask(KERNELS, (), goal=Goal.MAXIMIZE, seed=0, number=n) for n in (0, 1)] == [
        {"kernel": "linear"},
        {"kernel": "rbf", "gamma": 0.1},
    ]
    assert grown.check(KERNELS, 2) == []


def test_a_point_needs_the_hyperparameters_that_are_there():
    found = searcher({"kernel": "poly", "gamma": 0.1, "degree": 3}, {"kernel": "rbf", "gamma": 0.1, "offset": "x"}).check(
        KERNELS, 2
    )
    assert [problem.message for problem in found] == ["point 1 of the list gives no value of 'offset'"]


def test_a_point_that_violates_a_constraint_is_refused():
    space = SPACES["constrained"]
    points = [{"warmup": warmup, "epochs": 4, "first": 0.5, "second": 0.5} for warmup in (4, 6)]
    assert searcher(*points).check(space, 2) == [
        Problem(("search", "points", 1), "point 2 of the list violates 'warmup <= epochs'")
    ]
