"""Axes in unit coordinates that are labelled in a hyperparameter's own values, on its declared scale."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.report import numbers, style
from hpstudy.report.labels import cut
from hpstudy.study.space import ChoiceParameter, FloatParameter, IntParameter

LONGEST = 9
"""Letters of a choice at an axis."""

FEW = 12
"""Whole numbers up to which each has a cell that points are spread in."""

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, without their whole part, lie evenly in [0, 1] however many there are."""

Parameter = FloatParameter | IntParameter | ChoiceParameter


def ticks(parameter: Parameter, most: int = 5) -> tuple[list[float], list[str]]:
    """Unit coordinates of about `most` round values, and the values as text; of a choice all its values."""
    if isinstance(parameter, ChoiceParameter):
        values = list(parameter.values)
        texts = [style.plain(cut(numbers.hyperparameter(value), LONGEST)) for value in values]
        return [parameter.unit(value) for value in values], texts
    found = _round_values(parameter, most)
    if len(found) < 2:
        found = [parameter.low, parameter.high]
    return [parameter.unit(value) for value in found], [short(value) for value in found]


def short(value: float) -> str:
    """A number in few letters: 1e-4 rather than 0.0001."""
    text = f"{value:.4g}"
    power = f"{value:.0e}"
    if value and (abs(value) < 1e-2 or abs(value) >= 1e4) and math.isclose(float(power), value, rel_tol=1e-9):
        mantissa, _, exponent = power.partition("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def label_axis(axis: Axis, parameter: Parameter, most: int = 5) -> None:
    """Put a hyperparameter's values at an axis in unit coordinates."""
    axis.set_ticks(*ticks(parameter, most))
    # A point at the very end of the range must not be cut in half.
    limit = axis.axes.set_xlim if axis is axis.axes.xaxis else axis.axes.set_ylim
    limit(-0.04, 1.04)


def spread(parameter: Parameter, unit: Floats, number: Ints) -> Floats:
    """Unit coordinates with equal values drawn apart within their cell; real numbers stay where they are.

    Args:
        parameter: whose values.
        unit: (trials,) coordinates.
        number: (trials,) what sets a trial's place in its cell.
    """
    if isinstance(parameter, ChoiceParameter):
        width = 1 / len(parameter.values)
    elif isinstance(parameter, IntParameter) and parameter.high - parameter.low < FEW:
        width = 1 / (parameter.high - parameter.low + 1)
    else:
        return unit
    return np.asarray(unit + 0.6 * width * ((number * GOLDEN) % 1 - 0.5), dtype=np.float64)


def _round_values(parameter: FloatParameter | IntParameter, most: int) -> list[float]:
    if parameter.log:
        first, last = math.floor(math.log10(parameter.low)), math.ceil(math.log10(parameter.high))
        decades = [10.0**power for power in range(first, last + 1)]
        within = _within(decades, parameter)
        if len(within) < 3:
            return _thinned(_within([factor * decade for decade in decades for factor in (1, 2, 5)], parameter), most)
        return _thinned(within, most)
    located = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10], integer=isinstance(parameter, IntParameter))
    return _within([float(value) for value in located.tick_values(parameter.low, parameter.high)], parameter)


def _within(values: list[float], parameter: FloatParameter | IntParameter) -> list[float]:
    room = 1e-9 * (parameter.high - parameter.low)
    kept = [value for value in values if parameter.low * (1 - 1e-9) - room <= value <= parameter.high * (1 + 1e-9) + room]
    return [value for value in kept if isinstance(parameter, FloatParameter) or value == int(value)]


def _thinned(values: list[float], most: int) -> list[float]:
    every = max(1, -(-len(values) // most))
    return values[::every]
