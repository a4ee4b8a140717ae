from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.stats import qmc

from hpstudy.goal import Goal
from hpstudy.search.sobol import SobolSearcher, sobol_points
from hpstudy.seeds import derive_seed
from hpstudy.study.space import Space

FLAT = Space.model_validate({name: {"type": "float", "low": 0.0, "high": 1.0} for name in "abc"})


def cube(count, *, seed=0, start=0):
    return np.array([list(point.values()) for point in sobol_points(FLAT, seed=seed, start=start, count=count)])


def test_a_point_does_not_depend_on_where_the_asking_started():
    assert np.array_equal(cube(9)[4:], cube(5, start=4))


def plain(seed, count):
    """The first points of a search's sequence as scipy gives them."""
    return qmc.Sobol(3, scramble=True, rng=np.random.default_rng(derive_seed(seed, "sobol"))).random(count)


def test_points_asked_for_in_any_order_are_those_of_the_sequence():
    rng = np.random.default_rng(0)
    sequences = {seed: plain(seed, 256) for seed in range(3)}
    for _ in range(300):
        seed, start = int(rng.integers(3)), int(rng.integers(250))
        count = int(rng.integers(1, 6))
        assert np.array_equal(cube(count, seed=seed, start=start), sequences[seed][start : start + count])


def test_threads_that_ask_for_the_same_search_get_the_points_of_the_sequence():
    expected = plain(0, 128)
    with ThreadPoolExecutor(8) as pool:
        assert np.array_equal(np.concatenate(list(pool.map(lambda number: cube(1, start=number), range(128)))), expected)


def test_a_sequence_is_made_once_for_a_search_and_not_begun_again(monkeypatch):
    called = []

    class Counted(qmc.Sobol):
        def __init__(self, *arguments, **settings):
            called.append("made")
            super().__init__(*arguments, **settings)

        def fast_forward(self, count):
            called.append(count)
            return super().fast_forward(count)

    monkeypatch.setattr(qmc, "Sobol", Counted)
    for number in range(50):
        cube(1, seed=99, start=number)
    assert called == ["made"]


def test_every_dyadic_interval_of_each_axis_holds_one_of_the_first_16_points():
    cells = np.floor(cube(16) * 16).astype(int)
    assert all(sorted(column) == list(range(16)) for column in cells.T)


def test_the_balance_holds_for_any_seed():
    cells = np.floor(cube(16, seed=123) * 16).astype(int)
    assert all(sorted(column) == list(range(16)) for column in cells.T)


def test_two_seeds_give_two_scramblings():
    assert not np.isin(cube(16, seed=0), cube(16, seed=1)).any()


def test_the_history_does_not_matter():
    searcher = SobolSearcher()
    assert searcher.ask(FLAT, (), goal=Goal.MAXIMIZE, seed=3, number=6) == sobol_points(FLAT, seed=3, start=6, count=1)[0]


@pytest.mark.parametrize("kind", [{"values": [True, False]}, {"values": ["p", "q", "r", "s"]}], ids=["two", "four"])
def test_the_values_of_a_choice_come_equally_often(kind):
    space = Space.model_validate({"choice": {"type": "choice", **kind}})
    seen = [point["choice"] for point in sobol_points(space, seed=0, start=0, count=16)]
    assert {seen.count(value) for value in kind["values"]} == {16 // len(kind["values"])}
