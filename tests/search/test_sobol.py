import numpy as np
import pytest

from hpstudy.goal import Goal
from hpstudy.search.sobol import SobolSearcher, SobolSettings, sobol_points
from hpstudy.study.space import Space

FLAT = Space.model_validate({name: {"type": "float", "low": 0.0, "high": 1.0} for name in "abc"})


def cube(count, *, seed=0, start=0):
    return np.array([list(point.values()) for point in sobol_points(FLAT, seed=seed, start=start, count=count)])


def test_a_point_does_not_depend_on_where_the_asking_started():
    assert np.array_equal(cube(9)[4:], cube(5, start=4))


def test_every_dyadic_interval_of_each_axis_holds_one_of_the_first_16_points():
    cells = np.floor(cube(16) * 16).astype(int)
    assert all(sorted(column) == list(range(16)) for column in cells.T)


def test_the_balance_holds_for_any_seed():
    cells = np.floor(cube(16, seed=123) * 16).astype(int)
    assert all(sorted(column) == list(range(16)) for column in cells.T)


def test_two_seeds_give_two_scramblings():
    assert not np.isin(cube(16, seed=0), cube(16, seed=1)).any()


def test_the_history_does_not_matter():
    searcher = SobolSearcher(SobolSettings())
    assert searcher.ask(FLAT, (), goal=Goal.MAXIMIZE, seed=3, number=6) == sobol_points(FLAT, seed=3, start=6, count=1)[0]


@pytest.mark.parametrize("kind", [{"values": [True, False]}, {"values": ["p", "q", "r", "s"]}], ids=["two", "four"])
def test_the_values_of_a_choice_come_equally_often(kind):
    space = Space.model_validate({"choice": {"type": "choice", **kind}})
    seen = [point["choice"] for point in sobol_points(space, seed=0, start=0, count=16)]
    assert {seen.count(value) for value in kind["values"]} == {16 // len(kind["values"])}
