"""Values listed for hyperparameters: checks them against the ranges, and converts and combines them to points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from hpstudy.study.explain import shown
from hpstudy.study.parameters import AnyParameter, ChoiceParameter, FloatParameter, Value, is_present
from hpstudy.study.space import Point, Space


def describe_domain(parameter: AnyParameter) -> str:
    """The values that a parameter admits, in words.

    >>> from hpstudy.study.parameters import IntParameter
    >>> describe_domain(IntParameter(type="int", low=1, high=8))
    'a whole number in [1, 8]'
    """
    if isinstance(parameter, ChoiceParameter):
        return f"one of {', '.join(map(shown, parameter.values))}"
    kind = "a number" if isinstance(parameter, FloatParameter) else "a whole number"
    steps = "" if parameter.step is None else f" in steps of {parameter.step:.15g}"
    return f"{kind} in [{parameter.low:.15g}, {parameter.high:.15g}]{steps}"


def value_count(parameter: AnyParameter) -> int | None:
    """Number of values of a choice or a range with steps, which a sweep can try completely; None for other ranges."""
    return parameter.count if isinstance(parameter, ChoiceParameter) or parameter.step is not None else None


def invalidity(parameter: AnyParameter, value: Value) -> str:
    """The reason why a value is not allowed in a point; "" if it is."""
    return "" if parameter.admits(value) else f"must be {describe_domain(parameter)}, not {shown(value)}"


def point_of(space: Space, values: Mapping[str, Value]) -> Point:
    """The point of a space with the listed values, without other and absent hyperparameters."""
    return {name: point_value(space.root[name], value) for name, value in space.present(values).items()}


def point_value(parameter: AnyParameter, value: Value) -> Value:
    """An admitted value as stored in a point: an integer given for a real number becomes a float."""
    return float(value) if isinstance(parameter, FloatParameter) else value


def combinations(space: Space, values: Mapping[str, Sequence[Value]]) -> Iterator[Point]:
    """All points with the given values of every hyperparameter; those of the last one change fastest. Constraints are not considered.

    An absent hyperparameter takes no value, so no point is repeated.
    """
    points: Iterator[Point] = iter([{}])
    for name, parameter in space.items():
        points = _extended(points, name, parameter, values[name])
    return points


def _extended(points: Iterable[Point], name: str, parameter: AnyParameter, values: Sequence[Value]) -> Iterator[Point]:
    """Extend the points by each value of another hyperparameter, if it is present."""
    for point in points:
        if is_present(parameter, point):
            yield from ({**point, name: value} for value in values)
        else:
            yield point
