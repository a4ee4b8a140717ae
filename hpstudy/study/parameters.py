"""Hyperparameters: the values that each may take, and their mapping to [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field, model_validator

from hpstudy.study.blocks import Block

Value = bool | int | float | str
"""One hyperparameter's value."""

When = Annotated[
    dict[str, Value | tuple[Value, ...]],
    Field(
        description="The hyperparameter is present only if these hyperparameters, which are above it in the space, have the given value or "
        "one of the given values."
    ),
]
"""The condition of a hyperparameter: other hyperparameters, each with one value or several."""

LARGEST = 1e60
"""Maximum magnitude of a range. Larger: sums and fourth powers of values, which the report computes, overflow."""

SMALLEST = 1e-60
"""Minimum `low` of a log range, and minimum width of other ranges. Smaller: fourth powers underflow to 0."""

MOST_STEPS = 1_000_000
"""Maximum steps of a range. With more, neighboring values hardly differ, and a range without steps is probably meant."""


def same_value(a: Value, b: Value) -> bool:
    """Whether two values are the same to the author of a study.

    0.001 equals 1e-3 and the value that a grid computes for it, and 1 equals 1.0, but true does not equal 1.
    """
    if isinstance(a, bool | str) or isinstance(b, bool | str):
        return type(a) is type(b) and a == b
    return math.isclose(a, b, rel_tol=1e-9)


class FloatParameter(Block):
    """A real number in [low, high], searched linearly, or logarithmically when `log`."""

    added: ClassVar = frozenset({"step", "when"})

    type: Literal["float"] = "float"
    """A real number."""
    low: float
    """Lower end of the range, included."""
    high: float
    """Upper end of the range, included."""
    log: bool = False
    """Search on a log scale: every decade of the range has the same weight."""
    default: float | None = None
    """The value that is used without tuning. Default: the middle of the (log) range."""
    step: float | None = None
    """Distance between neighboring values: only low, low + step, ..., high are tried. Not on a log range."""
    when: When = Field(default={})

    @model_validator(mode="after")
    def _check(self) -> FloatParameter:
        _check_range(self.low, self.high, self.log, self.default)
        _check_steps(self.low, self.high, self.step, self.log, self.default)
        return self

    @property
    def count(self) -> int | None:
        """Number of values; None without steps."""
        return None if self.step is None else int((_decimal(self.high) - _decimal(self.low)) / _decimal(self.step)) + 1

    def value(self, index: int) -> float:
        """Value `index`, from 0, of a range with steps: the float nearest to the decimal number, 0.3 and not 0.1 + 0.2."""
        assert self.step is not None, "a range without steps has no list of values"
        return float(_decimal(self.low) + index * _decimal(self.step))

    def at(self, unit: float) -> float:
        """The value at `unit` in [0, 1]; the values of a range with steps have equal cells."""
        if self.count is not None:
            return self.value(min(int(unit * self.count), self.count - 1))
        if self.log:
            value = math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + unit * (self.high - self.low)
        return min(max(value, self.low), self.high)

    def unit(self, value: Value) -> float:
        """The position of `value` in the range, in [0, 1]; with steps, the middle of its cell."""
        number = float(value)
        if self.count is not None:
            return (self.index(number) + 0.5) / self.count
        if self.log:
            return (math.log(number) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (number - self.low) / (self.high - self.low)

    def admits(self, value: object) -> bool:
        """Whether `value` is valid in a point."""
        if not isinstance(value, int | float) or isinstance(value, bool) or not self.low <= value <= self.high:
            return False
        return self.step is None or self.value(self.index(value)) == value

    def index(self, value: Value) -> int:
        """The index of the value of a range with steps that is nearest to a number."""
        assert self.step is not None, "a range without steps has no list of values"
        return round((float(value) - self.low) / self.step)


class IntParameter(Block):
    """A whole number in [low, high], both included."""

    added: ClassVar = frozenset({"step", "when"})

    type: Literal["int"]
    """A whole number."""
    low: int
    """Smallest value."""
    high: int
    """Largest value."""
    log: bool = False
    """Search the logarithm."""
    default: int | None = None
    """The value that is used without tuning. Default: the middle of the (log) range."""
    step: int | None = None
    """Distance between neighboring values: only low, low + step, ..., high are tried. Not on a log range."""
    when: When = Field(default={})

    @model_validator(mode="after")
    def _check(self) -> IntParameter:
        _check_range(self.low, self.high, self.log, self.default)
        _check_steps(self.low, self.high, self.step, self.log, self.default)
        return self

    @property
    def count(self) -> int:
        """Number of values."""
        return (self.high - self.low) // (self.step or 1) + 1

    def value(self, index: int) -> int:
        """Value `index`, from 0."""
        return self.low + index * (self.step or 1)

    def index(self, value: Value) -> int:
        """The index of a value."""
        return (int(value) - self.low) // (self.step or 1)

    def at(self, unit: float) -> int:
        """The value at `unit` in [0, 1]. The cell of each value extends half a step to both sides on the (log) axis."""
        if self.step is not None:
            return self.value(min(int(unit * self.count), self.count - 1))
        low, high = self.low - 0.5, self.high + 0.5
        if self.log:
            real = math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
        else:
            real = low + unit * (high - low)
        return min(max(math.floor(real + 0.5), self.low), self.high)

    def unit(self, value: Value) -> float:
        """The position of `value` in the range, in [0, 1]."""
        if self.step is not None:
            return ((float(value) - self.low) / self.step + 0.5) / self.count
        low, high, number = self.low - 0.5, self.high + 0.5, float(value)
        if self.log:
            return (math.log(number) - math.log(low)) / (math.log(high) - math.log(low))
        return (number - low) / (high - low)

    def admits(self, value: object) -> bool:
        """Whether `value` is valid in a point."""
        if not isinstance(value, int) or isinstance(value, bool) or not self.low <= value <= self.high:
            return False
        return (value - self.low) % (self.step or 1) == 0


class ChoiceParameter(Block):
    """One of a list of values: strings, numbers or booleans; `ordered` if their order is meaningful."""

    added: ClassVar = frozenset({"when"})

    type: Literal["choice"]
    """One of a list."""
    values: tuple[Value, ...] = Field(min_length=2)
    """The list: two or more values of one type."""
    ordered: bool = False
    """Whether neighbors in the list are similar, as in [small, medium, large]."""
    default: Value | None = None
    """The value that is used without tuning. Default: the first value of the list."""
    when: When = Field(default={})

    @model_validator(mode="after")
    def _check(self) -> ChoiceParameter:
        kinds = {type(value) for value in self.values}
        if len(kinds) > 1:
            raise ValueError(f"all values of a choice must be of one type, not {sorted(kind.__name__ for kind in kinds)}")
        if len(set(self.values)) < len(self.values):
            raise ValueError("a value is listed twice in the choice")
        if self.default is not None and not self.admits(self.default):
            raise ValueError(f"default {self.default!r} is not among the values {list(self.values)}")
        return self

    @property
    def count(self) -> int:
        """Number of values."""
        return len(self.values)

    def value(self, index: int) -> Value:
        """Value `index`, from 0."""
        return self.values[index]

    def at(self, unit: float) -> Value:
        """The value at `unit` in [0, 1]: equal cells, in the order of `values`."""
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]

    def unit(self, value: Value) -> float:
        """The middle of the value's cell, in [0, 1]."""
        return (self.values.index(value) + 0.5) / len(self.values)

    def admits(self, value: object) -> bool:
        """Whether `value` is valid in a point."""
        return any(type(value) is type(own) and value == own for own in self.values)


AnyParameter: TypeAlias = FloatParameter | IntParameter | ChoiceParameter
Parameter = Annotated[AnyParameter, Field(discriminator="type")]


def conditions(parameter: AnyParameter) -> dict[str, tuple[Value, ...]]:
    """The condition of a hyperparameter: for each named hyperparameter, the values of which it must have one."""
    return {name: values if isinstance(values, tuple) else (values,) for name, values in parameter.when.items()}


def values_in_words(parameter: AnyParameter) -> str:
    """The values that a hyperparameter may have, such as "0.001 to 1, log", and its condition."""
    if isinstance(parameter, ChoiceParameter):
        text = ", ".join(map(str, parameter.values))
    else:
        step = "" if parameter.step is None else f", step {parameter.step:g}"
        text = f"{parameter.low:g} to {parameter.high:g}{', log' if parameter.log else ''}{step}"
    when = (f"{name} {' or '.join(map(str, values))}" for name, values in conditions(parameter).items())
    return f"{text}, when {' and '.join(when)}" if parameter.when else text


def is_present(parameter: AnyParameter, point: Mapping[str, Value]) -> bool:
    """Whether the condition of a hyperparameter holds in a point that contains those of its parents that are present."""
    return not parameter.when or all(
        name in point and is_one_of(point[name], values) for name, values in conditions(parameter).items()
    )


def is_one_of(value: Value, values: Iterable[Value]) -> bool:
    """Whether a value is among some values; true is not 1."""
    return any(value == other and isinstance(value, bool) == isinstance(other, bool) for other in values)


def _check_range(low: float, high: float, log: bool, default: float | None) -> None:
    if not (-math.inf < low < math.inf and -math.inf < high < math.inf):
        raise ValueError("low and high must be finite numbers")
    if max(abs(low), abs(high)) > LARGEST:
        raise ValueError(
            f"low and high must be between {-LARGEST:g} and {LARGEST:g}: tune the number in another unit, or its exponent"
        )
    if low >= high:
        raise ValueError(f"low ({low}) must be smaller than high ({high})")
    if log and low <= 0:
        raise ValueError(f"a log range needs low > 0, not {low}: raise low, or set log: false")
    if (low if log else high - low) < SMALLEST:
        smallest = "low of a log range" if log else "the distance from low to high"
        raise ValueError(f"{smallest} must be at least {SMALLEST:g}: tune the number in another unit, or its exponent")
    if default is not None and not low <= default <= high:
        raise ValueError(f"default {default} is outside [{low}, {high}]")


def _check_steps(low: float, high: float, step: float | None, log: bool, default: float | None) -> None:
    if step is None:
        return
    if log:
        raise ValueError("a log range has no steps: remove 'step', or set log: false")
    width = _decimal(high) - _decimal(low)
    if not 0 < step < math.inf or _decimal(step) > width:
        raise ValueError(f"step must be more than 0 and at most {width:f}, the distance from low to high, not {step}")
    if (high - low) / step > MOST_STEPS:
        raise ValueError(f"step divides the range into more than {MOST_STEPS:,} steps: leave it out, or make it larger")
    below, above = _neighbors(low, step, high)
    if below != _decimal(high):
        raise ValueError(f"high must be low plus a whole number of steps: {below:f} or {above:f}, not {high}")
    if default is not None and (neighbors := _neighbors(low, step, default))[0] != _decimal(default):
        raise ValueError(f"default {default} is between two steps: use {neighbors[0]:f} or {neighbors[1]:f}")


def _neighbors(low: float, step: float, number: float) -> tuple[Decimal, Decimal]:
    """The largest of low, low + step, ... that is not above a number, and the next one."""
    below = _decimal(low) + (_decimal(number) - _decimal(low)) // _decimal(step) * _decimal(step)
    return below, below + _decimal(step)


def _decimal(number: float) -> Decimal:
    """The decimal number that the author of a study wrote: 0.1 and not the nearest binary fraction."""
    return Decimal(str(number))
