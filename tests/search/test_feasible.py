from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpstudy.errors import HpstudyError
from hpstudy.goal import Goal
from hpstudy.search import feasible
from hpstudy.search.encoding import Encoding
from hpstudy.search.feasible import feasible_neighbors, feasible_points, feasible_share, projected
from hpstudy.search.interface import Observation
from hpstudy.search.linear import in_unit_coordinates, nonlinearity
from hpstudy.search.random import RandomSearcher
from hpstudy.search.sobol import sobol_points
from hpstudy.search.untried import untried_points
from hpstudy.study.constraints import parse
from hpstudy.study.space import Space
from hpstudy.testing.searchers import SPACES

SPACE = SPACES["constrained"]
FLAT = Space(SPACE.root)
NUMBERS = {
    "a": {"type": "float", "low": -2, "high": 3},
    "n": {"type": "int", "low": 1, "high": 10},
    "m": {"type": "int", "low": 0, "high": 20, "step": 4},
    "rate": {"type": "float", "low": 1e-4, "high": 1, "log": True},
    "width": {"type": "int", "low": 2, "high": 64, "log": True},
}


def of(*texts, **more):
    return Space.model_validate(NUMBERS | more).constrained(map(parse, texts))


def test_sobol_points_are_those_of_the_sequence_that_satisfy_the_constraints():
    expected = [point for point in sobol_points(FLAT, seed=3, start=0, count=100) if SPACE.satisfies(point)]
    assert 20 < len(expected) < 90
    assert sobol_points(SPACE, seed=3, start=0, count=len(expected)) == expected
    assert sobol_points(SPACE, seed=3, start=5, count=2) == expected[5:7]


def test_a_random_point_is_the_first_draw_of_its_trial_that_satisfies_the_constraints():
    searcher = RandomSearcher()

    def points(space):
        return [searcher.ask(space, (), goal=Goal.MAXIMIZE, seed=0, number=number) for number in range(60)]

    free, kept = points(FLAT), points(SPACE)
    assert all(map(SPACE.admits, kept))
    satisfying = [number for number, point in enumerate(free) if SPACE.satisfies(point)]
    assert 10 < len(satisfying) < 60
    assert all(kept[number] == free[number] for number in satisfying)


def test_the_share_that_satisfies_constraints_is_that_of_a_triangle():
    assert feasible_share(of("a <= n", n={"type": "float", "low": -2, "high": 3})) == pytest.approx(0.5, abs=0.02)


def test_drawing_ends_where_no_point_satisfies_the_constraints(monkeypatch):
    monkeypatch.setattr(feasible, "MAX_DRAWS", 100)
    with pytest.raises(HpstudyError, match="consecutive points violate the constraints"):
        sobol_points(of("n + m < 1"), seed=0, start=0, count=1)


def test_only_consecutive_draws_that_violate_the_constraints_end_drawing(monkeypatch):
    monkeypatch.setattr(feasible, "MAX_DRAWS", 10)
    space = of("n > m")
    units = {True: [0.0] * len(space), False: [1.0 if name == "m" else 0.0 for name in space.names()]}
    points = feasible_points(space, lambda number: units[number % 8 == 0])
    assert [number for number, _ in islice(points, 5)] == [0, 8, 16, 24, 32]


def test_the_last_untried_combination_under_a_constraint_is_found():
    space = Space.model_validate({name: {"type": "int", "low": 1, "high": 4} for name in "ab"}).constrained([parse("a >= b + 2")])
    every = [{"a": 3, "b": 1}, {"a": 4, "b": 1}, {"a": 4, "b": 2}]
    for left in every:
        tried = [Observation(number, point, 0.0) for number, point in enumerate(every) if point != left]
        assert untried_points(space, tried, seed=0, number=2, count=5) == [left]


@pytest.mark.parametrize(
    "text", ["a <= n", "a + 2*n - m <= 3", "n > m", "rate <= 0.1*width", "2*width >= 30*rate", "width < rate"]
)
@given(unit=st.lists(st.floats(0.01, 0.99), min_size=5, max_size=5))
def test_a_constraint_in_coordinates_is_the_constraint_on_values(text, unit):
    space = of(text)
    assert nonlinearity(space.constraints[0], space) == ""
    point = space.from_unit(unit)
    weights, bound = in_unit_coordinates(space.constraints[0], space)
    coordinates = {name: parameter.unit(point[name]) for name, parameter in space.items()}
    excess = sum(weight * coordinates[name] for name, weight in weights.items()) - bound
    if abs(excess) > 1e-7:
        assert space.satisfies(point) == (excess < 0)
    assert max(map(abs, weights.values())) == 1


@pytest.mark.parametrize("text", ["a <= rate", "rate + width <= 3", "rate <= width + 1", "rate + a <= width"])
def test_a_constraint_that_is_not_linear_in_coordinates_is_refused(text):
    assert "is not linear where" in nonlinearity(parse(text), of())


def test_a_constraint_between_conditions_is_refused():
    kernel = {"type": "choice", "values": ["p", "q"]}
    child = {"type": "float", "low": 0, "high": 1, "when": {"kernel": "p"}}
    space = Space.model_validate({"kernel": kernel, "b": child, "c": child, **NUMBERS})
    assert "different conditions" in nonlinearity(parse("a <= b"), space)
    assert nonlinearity(parse("b <= c"), space) == ""


def test_real_coordinates_are_moved_to_where_the_constraints_hold():
    encoding = Encoding(of("a + n <= 4"))
    point = {"a": 2.9, "n": 3, "m": 0, "rate": 0.1, "width": 8}
    moved = projected(encoding, point)
    assert encoding.space.satisfies(moved)
    assert moved == {**point, "a": pytest.approx(1, abs=1e-4), "rate": pytest.approx(0.1)}


def test_neighbors_of_a_rounded_point_satisfy_the_constraints():
    assert feasible_neighbors(of("n + m <= 10"), {"a": 0.0, "n": 7, "m": 4, "rate": 0.1, "width": 8}) == [
        {"a": 0.0, "n": 6, "m": 4, "rate": 0.1, "width": 8},
        {"a": 0.0, "n": 7, "m": 0, "rate": 0.1, "width": 8},
    ]
