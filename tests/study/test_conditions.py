import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpstudy.study.space import Space
from hpstudy.testing.searchers import SPACES

SPACE = SPACES["conditional"]
units = st.lists(st.floats(0, 1), min_size=4, max_size=4)


@pytest.mark.parametrize(
    ("point", "admitted"),
    [
        ({"kernel": "linear"}, True),
        ({"kernel": "linear", "gamma": 0.1}, False),
        ({"kernel": "linear", "gamma": None}, False),
        ({"kernel": "rbf", "gamma": 0.1}, True),
        ({"kernel": "rbf"}, False),
        ({"kernel": "rbf", "gamma": 0.1, "degree": 3}, False),
        ({"kernel": "poly", "gamma": 0.1, "degree": 2}, True),
        ({"kernel": "poly", "gamma": 0.1, "degree": 3}, False),
        ({"kernel": "poly", "gamma": 0.1, "degree": 3, "offset": "one"}, True),
        ({"kernel": "rbf", "gamma": 0.1, "offset": "one"}, False),
    ],
)
def test_a_space_admits_points_with_exactly_the_hyperparameters_whose_condition_holds(point, admitted):
    assert SPACE.admits(point) is admitted


@given(units)
def test_every_point_of_the_cube_is_admitted_and_in_the_order_of_the_space(unit):
    point = SPACE.from_unit(unit)
    assert SPACE.admits(point)
    assert list(point) == [name for name in SPACE.names() if name in point]


@given(units, st.floats(0, 1))
def test_the_coordinate_of_an_absent_hyperparameter_makes_no_difference(unit, other):
    point = SPACE.from_unit(unit)
    moved = [u if name in point else other for name, u in zip(SPACE.names(), unit, strict=True)]
    assert SPACE.from_unit(moved) == point


def test_a_child_of_an_absent_parent_is_absent():
    assert SPACE.from_unit([0.5, 0.5, 0.5, 0.5]) == {"kernel": "rbf", "gamma": pytest.approx(0.01)}


def test_the_default_point_has_no_absent_hyperparameter():
    assert SPACE.default() == {"kernel": "linear"}


def test_true_is_not_the_value_one():
    space = Space.model_validate(
        {"n": {"type": "int", "low": 0, "high": 1}, "x": {"type": "float", "low": 0, "high": 1, "when": {"n": 1}}}
    )
    assert space.admits({"n": 1, "x": 0.5})
    assert not space.admits({"n": True, "x": 0.5})
    assert space.present({"n": True, "x": 0.5}) == {"n": True}


def test_a_parameter_without_a_condition_is_written_as_before_they_existed():
    assert [list(parameter.model_dump()) for parameter in SPACES["mixed"].root.values()] == [
        *[["type", "low", "high", "log", "default"]] * 3,
        *[["type", "values", "ordered", "default"]] * 2,
    ]
    assert SPACE.root["gamma"].model_dump()["when"] == {"kernel": ("rbf", "poly")}
    assert Space.model_validate_json(SPACE.model_dump_json()) == SPACE
