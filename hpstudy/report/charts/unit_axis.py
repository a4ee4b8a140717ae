"""Axes in unit coordinates, labeled with the values of a hyperparameter on its declared scale."""

from __future__ import annotations

import math

import numpy as np

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.digits import distinguishing_digits
from hpstudy.report import numbers
from hpstudy.report.charts.axes import marked_axis
from hpstudy.report.charts.model import Axis
from hpstudy.report.charts.spread import apart
from hpstudy.report.labels import cut
from hpstudy.study.parameters import ChoiceParameter, FloatParameter, IntParameter

LONGEST = 9
"""Maximum number of characters of a choice's label."""

FEW = 12
"""Maximum number of integers or steps for which points are spread within a cell for each value."""

Parameter = FloatParameter | IntParameter | ChoiceParameter


def ticks(parameter: Parameter, most: int = 5) -> tuple[list[float], list[str]]:
    """Unit coordinates of about `most` round values, or of all values of a choice, and the values as text."""
    if isinstance(parameter, ChoiceParameter):
        values = list(parameter.values)
        texts = [cut(text, LONGEST) for text in numbers.hyperparameters(values)]
        return [parameter.unit(value) for value in values], texts
    rounded = _round_values(parameter, most)
    if len(rounded) < 2:
        rounded = [parameter.low, parameter.high]
    digits = distinguishing_digits(rounded, 4)
    return [parameter.unit(value) for value in rounded], [short(value, digits) for value in rounded]


def short(value: float, digits: int = 4) -> str:
    """A number in few characters, with `digits` significant digits: 1e-4 instead of 0.0001."""
    text = f"{value:.{digits}g}"
    power = f"{value:.0e}"
    if value and (abs(value) < 1e-2 or abs(value) >= 1e4) and math.isclose(float(power), value, rel_tol=10.0 ** -max(9, digits)):
        mantissa, _, exponent = power.partition("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def unit_axis(parameter: Parameter, label: str, most: int = 5) -> Axis:
    """An axis of the declared range, with margins so that points at its ends are not clipped."""
    return marked_axis(label, (-0.04, 1.04), *ticks(parameter, most))


def spread(parameter: Parameter, unit: Floats, number: Ints) -> Floats:
    """Unit coordinates with equal values spread within their cell; real values are unchanged.

    Args:
        parameter: the hyperparameter.
        unit: (trials,) unit coordinates.
        number: (trials,) numbers that determine the positions within the cell.
    """
    count = parameter.count
    if count is None or (count > FEW and not isinstance(parameter, ChoiceParameter)):
        return unit
    width = 1 / count
    return np.asarray(unit + 0.6 * width * apart(number), dtype=np.float64)


def _round_values(parameter: FloatParameter | IntParameter, most: int) -> list[float]:
    if parameter.step is not None and parameter.count is not None:
        return [parameter.value(index) for index in range(0, parameter.count, -(-parameter.count // (most + 1)))]
    if parameter.log:
        first, last = math.floor(math.log10(parameter.low)), math.ceil(math.log10(parameter.high))
        decades = [10.0**power for power in range(first, last + 1)]
        within = _within(decades, parameter)
        if len(within) < 3:
            return _thinned(_within([factor * decade for decade in decades for factor in (1, 2, 5)], parameter), most)
        return _thinned(within, most)
    return _within(round_values(parameter.low, parameter.high, most, whole=isinstance(parameter, IntParameter)), parameter)


def round_values(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten from low to high, in at most `most` steps; only integers if `whole`."""
    if not high > low:
        return [low]
    smallest = (high - low) / most * (1 - 1e-9)
    decade = 10.0 ** math.floor(math.log10(smallest))
    step = next(step for factor in (1, 2, 2.5, 5, 10, 20) if (step := factor * decade) >= smallest)
    if whole:
        step = math.ceil(step)
    return [multiple * step for multiple in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _within(values: list[float], parameter: FloatParameter | IntParameter) -> list[float]:
    room = 1e-9 * (parameter.high - parameter.low)
    kept = [value for value in values if parameter.low * (1 - 1e-9) - room <= value <= parameter.high * (1 + 1e-9) + room]
    return [value for value in kept if isinstance(parameter, FloatParameter) or value == int(value)]


def _thinned(values: list[float], most: int) -> list[float]:
    every = max(1, -(-len(values) // most))
    return values[::every]
