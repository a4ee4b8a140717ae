import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hpstudy.study.parameters import ChoiceParameter, FloatParameter, IntParameter
from hpstudy.study.space import Space

units = st.floats(0, 1)


@st.composite
def floats(draw):
    if draw(st.booleans()):
        low = draw(st.floats(1e-12, 1e3))
        return FloatParameter(low=low, high=low * draw(st.floats(1.01, 1e9)), log=True)
    low = draw(st.floats(-1e6, 1e6))
    return FloatParameter(low=low, high=low + draw(st.floats(1e-3, 1e6)))


@st.composite
def ints(draw):
    log = draw(st.booleans())
    low = draw(st.integers(1 if log else -1000, 1000))
    return IntParameter(type="int", low=low, high=low + draw(st.integers(1, 1000)), log=log)


@st.composite
def steps(draw):
    """Ranges with steps, of reals with up to three decimals, and of whole numbers."""
    count = draw(st.integers(1, 40))
    low, step = draw(st.integers(-1000, 1000)), draw(st.integers(1, 50))
    if draw(st.booleans()):
        return IntParameter(type="int", low=low, high=low + count * step, step=step)
    power = draw(st.integers(1, 3))
    low, high, step = (float(Decimal(number).scaleb(-power)) for number in (low, low + count * step, step))
    return FloatParameter(low=low, high=high, step=step)


values = st.lists(st.integers(), min_size=2, max_size=9, unique=True) | st.lists(st.text(), min_size=2, max_size=9, unique=True)
choices = values.map(lambda given: ChoiceParameter(type="choice", values=given))
spaces = st.dictionaries(st.text(min_size=1, max_size=5), floats() | ints() | steps() | choices, min_size=1, max_size=5).map(
    Space
)


@given(floats() | ints() | steps() | choices, units)
def test_every_place_of_the_unit_interval_is_a_value_of_the_parameter(parameter, unit):
    assert parameter.admits(parameter.at(unit))


@given(floats(), units)
def test_a_real_value_is_found_back_at_its_place(parameter, unit):
    scale = math.log(parameter.high / parameter.low) if parameter.log else parameter.high - parameter.low
    size = 1 if parameter.log else max(abs(parameter.low), abs(parameter.high))
    assert parameter.unit(parameter.at(unit)) == pytest.approx(unit, abs=1e-12 + 1e-14 * size / scale)


@given(ints() | steps() | choices, units)
def test_a_discrete_value_is_found_back_from_its_own_place(parameter, unit):
    value = parameter.at(unit)
    assert parameter.at(parameter.unit(value)) == value


@given(ints() | steps() | choices, units)
def test_the_place_of_a_discrete_value_lies_inside_the_unit_interval(parameter, unit):
    assert 0 < parameter.unit(parameter.at(unit)) < 1


@given(floats() | ints() | steps(), units, units)
def test_places_keep_the_order_of_values(parameter, one, other):
    low, high = sorted([one, other])
    assert parameter.at(low) <= parameter.at(high)


@given(spaces, st.data())
def test_a_space_admits_every_point_of_the_unit_cube(space, data):
    unit = data.draw(st.lists(units, min_size=len(space), max_size=len(space)))
    assert space.admits(space.from_unit(unit))


@given(spaces)
def test_the_default_point_is_a_point_of_the_space(space):
    assert space.admits(space.default())


@given(spaces, st.data())
def test_a_point_is_found_back_from_its_place_in_the_cube(space, data):
    point = space.from_unit(data.draw(st.lists(units, min_size=len(space), max_size=len(space))))
    back = space.from_unit([parameter.unit(point[name]) for name, parameter in space.items()])
    for name, parameter in space.items():
        assert back[name] == (pytest.approx(point[name], rel=1e-6, abs=1e-6) if parameter.count is None else point[name])


def test_a_default_of_zero_or_false_is_a_default():
    space = Space.model_validate(
        {
            "decay": {"type": "float", "low": 0, "high": 1, "default": 0},
            "layers": {"type": "int", "low": 0, "high": 4, "default": 0},
            "bias": {"type": "choice", "values": [True, False], "default": False},
        }
    )
    assert space.default() == {"decay": 0.0, "layers": 0, "bias": False}


def test_a_log_range_has_its_geometric_mean_in_the_middle():
    assert FloatParameter(low=1e-4, high=1e2, log=True).at(0.5) == pytest.approx(0.1)


def test_the_ends_of_a_real_range_are_reached_exactly():
    parameter = FloatParameter(low=1e-7, high=1e-1, log=True)
    assert (parameter.at(0.0), parameter.at(1.0)) == (1e-7, 1e-1)


def test_every_whole_number_owns_an_equal_part_of_the_axis():
    parameter = IntParameter(type="int", low=1, high=4)
    found = [parameter.at((i + 0.5) / 1000) for i in range(1000)]
    assert [found.count(value) for value in (1, 2, 3, 4)] == [250] * 4


@given(steps())
def test_the_values_of_a_range_with_steps_are_the_decimal_numbers_that_were_written(parameter):
    low, step = Decimal(str(parameter.low)), Decimal(str(parameter.step))
    found = [parameter.value(index) for index in range(parameter.count)]
    assert [Decimal(str(value)) for value in found] == [low + index * step for index in range(parameter.count)]
    assert (found[0], found[-1]) == (parameter.low, parameter.high)


@given(steps(), units)
def test_a_range_with_steps_admits_its_values_and_nothing_between(parameter, unit):
    value = parameter.at(unit)
    assert type(value) is type(parameter.low)
    assert not parameter.admits(value + parameter.step / 2)
    assert [parameter.at((index + 0.5) / parameter.count) for index in range(parameter.count)] == [
        parameter.value(index) for index in range(parameter.count)
    ]


def test_a_step_of_a_tenth_gives_three_tenths():
    parameter = FloatParameter(low=0, high=1, step=0.1)
    assert parameter.at(0.3) == 0.3
    assert not parameter.admits(0.1 + 0.2)
    assert parameter.admits(0.3)


def test_a_parameter_without_steps_is_written_as_before_they_existed():
    parameters = (FloatParameter(low=0, high=1), IntParameter(type="int", low=0, high=1))
    assert [list(parameter.model_dump()) for parameter in parameters] == [["type", "low", "high", "log", "default"]] * 2
    assert FloatParameter(low=0, high=1, step=0.5).model_dump()["step"] == 0.5


def test_every_choice_owns_an_equal_part_of_the_axis():
    parameter = ChoiceParameter(type="choice", values=("a", "b", "c", "d"))
    assert [[parameter.at((i + 0.5) / 1000) for i in range(1000)].count(value) for value in "abcd"] == [250] * 4


@pytest.mark.parametrize(
    ("point", "admitted"),
    [
        ({"x": 0.5, "n": 2, "c": "a"}, True),
        ({"x": 1, "n": 2, "c": "a"}, True),
        ({"x": 1.5, "n": 2, "c": "a"}, False),
        ({"x": math.nan, "n": 2, "c": "a"}, False),
        ({"x": True, "n": 2, "c": "a"}, False),
        ({"x": 0.5, "n": 2.0, "c": "a"}, False),
        ({"x": 0.5, "n": True, "c": "a"}, False),
        ({"x": 0.5, "n": 2, "c": "z"}, False),
        ({"x": 0.5, "n": 2}, False),
        ({"x": 0.5, "n": 2, "c": "a", "y": 1}, False),
    ],
)
def test_a_space_admits_exactly_its_own_points(point, admitted):
    space = Space(
        {
            "x": FloatParameter(low=0, high=1),
            "n": IntParameter(type="int", low=1, high=3),
            "c": ChoiceParameter(type="choice", values=("a", "b")),
        }
    )
    assert space.admits(point) is admitted


def test_true_and_one_are_different_choices():
    assert not ChoiceParameter(type="choice", values=(1, 2)).admits(True)
    assert not ChoiceParameter(type="choice", values=(False, True)).admits(1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "float", "low": 1, "high": 1},
        {"type": "float", "low": 0, "high": 1, "log": True},
        {"type": "float", "low": 0, "high": math.inf},
        {"type": "float", "low": 0, "high": 1, "default": 2},
        {"type": "int", "low": 3, "high": 2},
        {"type": "float", "low": 0, "high": 1, "step": 0.3},
        {"type": "float", "low": 0, "high": 1, "step": 0},
        {"type": "float", "low": 0, "high": 1, "step": 2},
        {"type": "float", "low": 0, "high": 1, "step": 1e-9},
        {"type": "float", "low": 0, "high": 1e60, "step": 1e-60},
        {"type": "float", "low": 0, "high": 1, "step": 0.5, "default": 0.3},
        {"type": "float", "low": 1, "high": 2, "step": 0.5, "log": True},
        {"type": "int", "low": 1, "high": 9, "step": 3},
        {"type": "choice", "values": [1, 2], "step": 1},
        {"type": "choice", "values": ["a"]},
        {"type": "choice", "values": ["a", "a"]},
        {"type": "choice", "values": [1, "a"]},
        {"type": "choice", "values": [1, 2], "default": 3},
        {"type": "choice", "values": [0, 1], "log": True},
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        Space({"x": wrong})


@pytest.mark.parametrize(
    ("high", "default", "said"),
    [
        (0.95, None, "high must be low plus a whole number of steps: 0.9 or 1.0, not 0.95"),
        (1.0, 0.25, "default 0.25 is between two steps: use 0.2 or 0.3"),
    ],
)
def test_a_number_between_two_steps_is_told_its_neighbors(high, default, said):
    with pytest.raises(ValidationError, match=said):
        FloatParameter(low=0, high=high, step=0.1, default=default)


@pytest.mark.parametrize(
    ("low", "high", "log", "said"),
    [
        (-1e308, 1e308, False, "must be between"),
        (0, 1.1e60, False, "must be between"),
        (5e-324, 1.0, True, "low of a log range must be at least 1e-60"),
        (0, 5e-324, False, "distance from low to high must be at least 1e-60"),
        (0, math.nan, False, "finite"),
        (0, -(10**400), False, "must be between"),
    ],
)
def test_a_range_at_the_ends_of_float_is_refused_with_one_message(low, high, log, said):
    with pytest.raises(ValidationError, match=said) as caught:
        Space({"x": {"type": "int" if isinstance(high, int) else "float", "low": low, "high": high, "log": log}})
    assert caught.value.error_count() == 1


@pytest.mark.parametrize(("low", "high", "log"), [(-1e60, 1e60, False), (1e-60, 1e60, True), (0, 1e-60, False)])
def test_the_largest_and_smallest_ranges_go_to_the_cube_and_back(low, high, log):
    parameter = FloatParameter(low=low, high=high, log=log)
    assert [parameter.unit(parameter.at(unit)) for unit in (0, 0.25, 0.5, 1)] == pytest.approx([0, 0.25, 0.5, 1])
