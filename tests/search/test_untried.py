import itertools

from hpstudy.search.interface import Observation
from hpstudy.search.sobol import sobol_points
from hpstudy.search.untried import is_tried, untried_points
from hpstudy.search.values import combinations
from hpstudy.study.space import Space

FINITE = Space.model_validate(
    {"layers": {"type": "int", "low": 1, "high": 3}, "scaling": {"type": "choice", "values": [False, True]}}
)
EVERY = [{"layers": layers, "scaling": scaling} for layers, scaling in itertools.product((1, 2, 3), (False, True))]
STEPS = Space.model_validate({"rate": {"type": "float", "low": 0.1, "high": 0.9, "step": 0.1}})
REAL = Space.model_validate({"rate": {"type": "float", "low": 0.0, "high": 1.0}})


def tried(points):
    return [Observation(number, point, 0.0) for number, point in enumerate(points)]


def test_with_nothing_tried_they_are_the_sobol_sequence():
    assert untried_points(REAL, (), seed=0, number=3, count=4) == sobol_points(REAL, seed=0, start=3, count=4)


def test_a_tried_point_is_passed_over():
    first, second = sobol_points(REAL, seed=0, start=0, count=2)
    assert untried_points(REAL, tried([first]), seed=0, number=0, count=1) == [second]


def test_the_last_untried_combination_is_found():
    for left in EVERY:
        rest = [point for point in EVERY if point != left]
        assert untried_points(FINITE, tried(rest), seed=0, number=5, count=1) == [left]


def test_no_combination_comes_twice():
    found = untried_points(FINITE, (), seed=0, number=0, count=100)
    assert sorted(map(str, found)) == sorted(map(str, EVERY))


def test_the_last_untried_step_is_found():
    rates = [STEPS.root["rate"].value(index) for index in range(9)]
    for left in rates:
        rest = tried([{"rate": rate} for rate in rates if rate != left])
        assert untried_points(STEPS, rest, seed=0, number=8, count=2) == [{"rate": left}]


def test_the_last_untried_step_is_found_without_the_sobol_sequence(monkeypatch):
    monkeypatch.setattr("hpstudy.search.untried.sobol_points", lambda *space, **numbers: [])
    rates = [STEPS.root["rate"].value(index) for index in range(9)]
    for left in rates:
        rest = tried([{"rate": rate} for rate in rates if rate != left])
        assert untried_points(STEPS, rest, seed=0, number=8, count=2) == [{"rate": left}]


def test_a_used_up_space_has_none():
    assert untried_points(FINITE, tried(EVERY), seed=0, number=6, count=1) == []


def test_a_range_of_a_billion_numbers_is_not_counted_through():
    wide = Space.model_validate({"width": {"type": "int", "low": 0, "high": 10**9}})
    assert len(untried_points(wide, tried([{"width": 0}]), seed=0, number=1, count=50)) == 50


def test_a_value_of_another_parameter_is_not_the_same_point():
    assert not is_tried({"layers": 1, "scaling": True}, tried([{"layers": 1, "scaling": False}]))


MODELS = Space.model_validate(
    {"model": {"type": "choice", "values": list("abcdef")}}
    | {
        f"{model}{number}": {"type": "choice", "values": [1, 2, 3, 4, 5, 6], "when": {"model": model}}
        for model in "abcdef"
        for number in range(2)
    }
)
"""Six models with two settings each: 216 points, and 6**13 combinations of all values."""


def test_values_of_absent_hyperparameters_are_not_combined():
    values = {name: parameter.values for name, parameter in MODELS.items()}
    assert len(list(itertools.islice(combinations(MODELS, values), 1_000))) == 216


def test_all_points_of_a_conditional_space_are_found():
    found = untried_points(MODELS, (), seed=0, number=5, count=256)
    assert len(found) == len(set(map(str, found))) == 216
    assert untried_points(MODELS, tried(found[1:]), seed=0, number=215, count=1) == found[:1]
    assert untried_points(MODELS, tried(found), seed=0, number=216, count=1) == []
