import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hpstudy.study.constraints import parse
from hpstudy.study.schema import View
from hpstudy.study.space import Space

SPACE = {name: {"type": "float", "low": 0, "high": 10} for name in ("a", "b", "c")}


@pytest.mark.parametrize(
    ("text", "weights", "bound", "strict"),
    [
        ("warmup <= epochs", {"warmup": 1, "epochs": -1}, 0, False),
        ("a + 2*b <= 10", {"a": 1, "b": 2}, 10, False),
        ("-a+.5 * b_1 - 3 > 1e2", {"a": 1, "b_1": -0.5}, -103, True),
        ("10 >= a + b + a", {"a": 2, "b": 1}, 10, False),
        ("optimizer.beta1 < optimizer.beta2", {"optimizer.beta1": 1, "optimizer.beta2": -1}, 0, True),
        ("+ a - 1 <= b + 2.5E-1", {"a": 1, "b": -1}, 1.25, False),
    ],
)
def test_a_text_is_read_as_a_linear_inequality(text, weights, bound, strict):
    constraint = parse(text)
    assert (constraint.text, dict(constraint.weights), constraint.bound, constraint.strict) == (text, weights, bound, strict)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a = b",
        "a == b",
        "a != b",
        "a <= b <= c",
        "a <=",
        "<= b",
        "a * b <= c",
        "a*2 <= b",
        "2a <= b",
        "(a + b) <= 3",
        "a / 2 <= b",
        "a ** 2 <= b",
        "a b <= c",
        "a + + b <= c",
        "a +- b <= c",
        "__import__('os').system('true') <= b",
        "lambda: a <= b",
        "a[0] <= b",
        "a <= b; a <= c",
    ],
)
def test_any_other_text_is_refused_with_the_valid_forms(text):
    with pytest.raises(ValueError, match="as in 'warmup <= epochs' or 'a \\+ 2\\*b <= 10'"):
        parse(text)


@pytest.mark.parametrize("text", ["a <= 5", "a <= a + 1", "1 <= 2", "a - a <= b"])
def test_a_constraint_relates_two_hyperparameters(text):
    with pytest.raises(ValueError, match="does not relate two hyperparameters"):
        parse(text)


def test_numbers_beyond_float_are_refused():
    with pytest.raises(ValueError, match="too large"):
        parse("1e999*a <= b")


@given(st.text(alphabet="ab2.*+-<>= eE_()", max_size=20))
def test_parsing_ends_in_a_constraint_or_a_value_error(text):
    try:
        constraint = parse(text)
    except ValueError:
        return
    assert len(constraint.weights) >= 2
    assert all(math.isfinite(weight) and weight for weight in constraint.weights.values())


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_an_order_holds_exactly_where_the_values_are_in_order(a, b):
    if abs(a - b) > 1e-8 * max(abs(a), abs(b)):
        assert parse("a <= b").holds({"a": a, "b": b}) == parse("b > a").holds({"a": a, "b": b}) == (a < b)
    assert parse("a <= b").holds({"a": a, "b": a})
    assert not parse("a < b").holds({"a": a, "b": a})


def test_rounding_violates_no_constraint():
    assert parse("a + b <= 0.3").holds({"a": 0.1, "b": 0.2})
    assert not parse("a + b < 0.3").holds({"a": 0.1, "b": 0.2})
    assert not parse("a + b < 0.8").holds({"a": 0.7, "b": 0.1})
    assert not parse("a + b <= 0.3").holds({"a": 0.1, "b": 0.2000001})


def test_a_constraint_holds_where_a_hyperparameter_is_absent():
    assert parse("a <= b").holds({"a": 3})


def test_a_view_gives_its_space_the_constraints():
    view = View(space=SPACE, constraints=["a <= b", "a + 2*b <= 10"])
    assert view.space.satisfies({"a": 1, "b": 2, "c": 0})
    assert not view.space.admits({"a": 3.0, "b": 2.0, "c": 0.0})
    assert View.model_validate_json(view.model_dump_json()) == view
    assert view != View(space=SPACE)


def test_constraints_leave_the_space_that_a_view_was_made_of_as_it_is():
    space = Space.model_validate(SPACE)
    assert View(space=space, constraints=["a <= b"]).space.constraints
    assert space.constraints == ()


def test_a_view_without_constraints_is_written_as_before_they_existed():
    assert list(View(space=SPACE).model_dump()) == ["label", "method", "space", "fixed", "note"]


def test_a_text_that_is_no_constraint_is_located_in_the_list():
    with pytest.raises(ValidationError) as caught:
        View(space=SPACE, constraints=["a <= b", "a * b <= c"])
    assert [error["loc"] for error in caught.value.errors()] == [("constraints", 1)]
