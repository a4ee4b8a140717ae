"""Values that a study file lists for a hyperparameter: whether its range admits them, and what they are in a point."""

from __future__ import annotations

from collections.abc import Mapping

from hpstudy.study.explain import shown
from hpstudy.study.parameters import AnyParameter, ChoiceParameter, FloatParameter, Value
from hpstudy.study.space import Point, Space


def expected(parameter: AnyParameter) -> str:
    """What a parameter admits, in words.

    >>> from hpstudy.study.parameters import IntParameter
    >>> expected(IntParameter(type="int", low=1, high=8))
    'a whole number in [1, 8]'
    """
    if isinstance(parameter, ChoiceParameter):
        return f"one of {', '.join(map(shown, parameter.values))}"
    kind = "a number" if isinstance(parameter, FloatParameter) else "a whole number"
    steps = "" if parameter.step is None else f" in steps of {parameter.step:.15g}"
    return f"{kind} in [{parameter.low:.15g}, {parameter.high:.15g}]{steps}"


def listed_values(parameter: AnyParameter) -> int | None:
    """Number of values of a choice or a range with steps, which a sweep may try all of; None for any other range."""
    return parameter.count if isinstance(parameter, ChoiceParameter) or parameter.step is not None else None


def objection(parameter: AnyParameter, value: Value) -> str:
    """Why a value may not stand in a point; "" when it may."""
    return "" if parameter.admits(value) else f"must be {expected(parameter)}, not {shown(value)}"


def point_of(space: Space, values: Mapping[str, Value]) -> Point:
    """The point of a space that listed values make, without those of other and of absent hyperparameters."""
    return {name: in_a_point(space.root[name], value) for name, value in space.present(values).items()}


def in_a_point(parameter: AnyParameter, value: Value) -> Value:
    """An admitted value as it stands in a point: a whole number given for a real one becomes real."""
    return float(value) if isinstance(parameter, FloatParameter) else value
