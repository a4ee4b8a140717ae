import itertools
import math

import pytest
from pydantic import ValidationError

from hpstudy.goal import Goal
from hpstudy.search.grid import GridSearcher, GridSettings, level
from hpstudy.study.constraints import parse
from hpstudy.study.parameters import FloatParameter, IntParameter
from hpstudy.study.space import Space
from hpstudy.testing.searchers import SPACES

ALPHA = FloatParameter(low=1e-4, high=10, log=True)
SPACE = Space.model_validate(
    {
        "scaling": {"type": "choice", "values": [True, False]},
        "alpha": ALPHA.model_dump(),
        "width": {"type": "int", "low": 1, "high": 8},
    }
)


def searcher(**settings):
    return GridSearcher(GridSettings(**settings))


def points(grid, space, count):
    return [grid.ask(space, (), goal=Goal.MINIMIZE, seed=0, number=number) for number in range(count)]


def levels(parameter, count):
    return [level(parameter, count, place) for place in range(count)]


def said(grid, space, trials):
    return [(problem.key, problem.message) for problem in grid.check(space, trials)]


def test_the_last_hyperparameter_varies_fastest():
    grid = searcher(levels={"width": 2}, values={"alpha": (10, 1e-4, 1e-2)})
    found = points(grid, SPACE, 12)
    expected = itertools.product([True, False], [10.0, 1e-4, 1e-2], [1, 8])
    assert [tuple(point.values()) for point in found] == list(expected)
    assert all(list(point) == ["scaling", "alpha", "width"] for point in found)
    assert {type(point["alpha"]) for point in found} == {float}


def test_a_list_of_some_choices_is_followed_in_its_own_order():
    grid = searcher(values={"scaling": (False,), "alpha": (1.0,), "width": (3,)})
    assert points(grid, SPACE, 1) == [{"scaling": False, "alpha": 1.0, "width": 3}]


def test_there_is_no_point_beyond_the_grid():
    grid = searcher(levels={"width": 2, "alpha": 3})
    with pytest.raises(IndexError):
        grid.ask(SPACE, (), goal=Goal.MINIMIZE, seed=0, number=12)


def test_log_levels_are_decades_and_half_decades():
    decades = [0.0001, 0.001, 0.01, 0.1, 1.0, 10.0]
    half = [0.00031622776601683794, 0.0031622776601683794, 0.03162277660168379, 0.31622776601683794, 3.1622776601683795]
    assert levels(ALPHA, 6) == decades
    assert levels(ALPHA, 11) == [*itertools.chain(*zip(decades, half, strict=False)), 10.0]
    assert half[-1] == math.sqrt(10)


def test_linear_levels_are_the_decimal_fractions():
    assert levels(FloatParameter(low=0, high=1), 11) == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]


@pytest.mark.parametrize(("low", "high"), [(0.1 + 0.2, 0.7), (1e-60, 1e60), (3, 1e5 / 3)])
def test_both_ends_are_exact(low, high):
    ends = levels(FloatParameter(low=low, high=high, log=True), 4)
    assert (ends[0], ends[-1]) == (low, high)


def test_whole_number_levels_are_rounded_half_up():
    assert levels(IntParameter(type="int", low=1, high=8), 5) == [1, 3, 5, 6, 8]
    assert levels(IntParameter(type="int", low=16, high=256, log=True), 5) == [16, 32, 64, 128, 256]
    assert {type(number) for number in levels(IntParameter(type="int", low=1, high=8), 5)} == {int}


def test_the_number_of_trials_must_be_that_of_combinations():
    grid = searcher(levels={"alpha": 6, "width": 2})
    assert said(grid, SPACE, 24) == []
    text = "must be 24, the number of points of the grid, not 12"
    assert said(grid, SPACE, 12) == [(("search", "trials"), text)]


def test_a_range_without_values_is_told_what_to_write():
    text = "the grid has no values of 'alpha', a number in [0.0001, 10]: write 'levels: {alpha: 5}', or list them in 'values'"
    assert said(searcher(levels={"width": 2}), SPACE, 4) == [(("search",), text)]


def test_more_levels_than_whole_numbers_are_refused():
    text = "must be at most 8, all whole numbers in [1, 8], not 9"
    grid = searcher(levels={"width": 9, "alpha": 2})
    assert said(grid, SPACE, 36) == [(("search", "levels", "width"), text)]


def test_levels_that_rounding_makes_equal_are_refused():
    space = Space.model_validate({"width": {"type": "int", "low": 1, "high": 8, "log": True}})
    # 1, 1.35, 1.81, 2.44, 3.28, 4.42, 5.94, 8
    text = "rounding leaves 6 different values of 8 levels: take fewer levels, or list them in 'values'"
    assert said(searcher(levels={"width": 8}), space, 8) == [(("search", "levels", "width"), text)]
    assert said(searcher(levels={"width": 4}), space, 4) == []


def test_a_range_with_steps_takes_all_its_values_unless_some_are_chosen():
    space = Space.model_validate({"rate": {"type": "float", "low": 0, "high": 0.4, "step": 0.1}})
    assert [point["rate"] for point in points(searcher(), space, 5)] == [0, 0.1, 0.2, 0.3, 0.4]
    assert [point["rate"] for point in points(searcher(levels={"rate": 3}), space, 3)] == [0, 0.2, 0.4]
    assert said(searcher(), space, 5) == []


def test_levels_between_steps_are_refused():
    space = Space.model_validate({"rate": {"type": "float", "low": 0, "high": 0.4, "step": 0.1}})
    text = "4 levels do not lie on the steps of 'rate': leave it out to try all its values, or list some in 'values'"
    assert said(searcher(levels={"rate": 4}), space, 4) == [(("search", "levels", "rate"), text)]
    ((_, text),) = said(searcher(values={"rate": (0.1, 0.25)}), space, 2)
    assert text == "must be a number in [0, 0.4] in steps of 0.1, not 0.25"


def test_levels_of_a_choice_are_refused():
    ((key, text),) = said(searcher(levels={"scaling": 2, "alpha": 2, "width": 2}), SPACE, 8)
    assert key == ("search", "levels", "scaling")
    assert text == "'scaling' is a choice and has no scale: leave it out to try all its values, or list some in 'values'"


def test_levels_and_values_at_once_are_refused():
    grid = searcher(levels={"alpha": 2, "width": 2}, values={"alpha": (1.0,)})
    assert said(grid, SPACE, 8) == [(("search", "levels", "alpha"), "'alpha' has 'values' too: keep one of the two")]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("alpha", 11, "must be a number in [0.0001, 10], not 11"),
        ("width", 2.0, "must be a whole number in [1, 8], not 2.0"),
        ("scaling", "yes", "must be one of true, false, not 'yes'"),
    ],
)
def test_a_listed_value_out_of_the_range_is_told_the_range(name, value, expected):
    grid = searcher(values={"alpha": (1.0,), "width": (1,)} | {name: (value,)})
    assert said(grid, SPACE, 2) == [(("search", "values", name, 0), expected)]


def test_a_value_that_stands_twice_is_refused():
    grid = searcher(values={"alpha": (1, 0.1, 1.0), "width": (1,)})
    text = "a value is listed twice: keep one of the two"
    assert said(grid, SPACE, 6) == [(("search", "values", "alpha"), text)]


@pytest.mark.parametrize("settings", [{"levels": {"a": 1}}, {"levels": {"a": 1001}}, {"values": {"a": ()}}])
def test_settings_that_make_no_grid_are_refused(settings):
    with pytest.raises(ValidationError):
        GridSettings(**settings)


def test_names_are_those_of_levels_and_values():
    grid = searcher(levels={"a": 2}, values={"b": (1,)})
    assert grid.named() == [("search", "levels", "a"), ("search", "values", "b")]


def test_a_grid_of_a_conditional_space_has_no_point_twice():
    grid = searcher(levels={"gamma": 2})
    space = SPACES["conditional"]
    found = points(grid, space, 19)
    assert found[:4] == [
        {"kernel": "linear"},
        {"kernel": "rbf", "gamma": 1e-4},
        {"kernel": "rbf", "gamma": 1.0},
        {"kernel": "poly", "gamma": 1e-4, "degree": 2},
    ]
    assert all(map(space.admits, found))
    assert len(set(map(str, found))) == 19
    assert said(grid, space, 19) == []
    assert said(grid, space, 20) == [(("search", "trials"), "must be 19, the number of points of the grid, not 20")]


def test_a_grid_leaves_out_what_violates_a_constraint():
    space = Space.model_validate({name: {"type": "int", "low": 1, "high": 3, "step": 1} for name in "ab"})
    space = space.constrained([parse("a < b")])
    assert points(searcher(), space, 3) == [{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 2, "b": 3}]
    assert said(searcher(), space, 3) == []
