"""Positions of the points of a sweep on an axis, and their grouping into lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView
from hpstudy.report import numbers
from hpstudy.report.charts.axes import marked_axis
from hpstudy.report.charts.model import Axis
from hpstudy.study.parameters import ChoiceParameter, FloatParameter, IntParameter, Value

CROWDED = 0.02
"""Smallest distance of two neighboring values that can be distinguished, as a share of a linear axis."""

FEW = 16
"""Maximum number of values that each have a tick, and for which a crowded axis has equally spaced steps."""


@dataclass(frozen=True)
class Line:
    """Points that differ only in the main hyperparameter.

    Attributes:
        held: values of the other swept hyperparameters, constant on the line.
        numbers: the points in the order of the main hyperparameter.
    """

    held: Mapping[str, Value]
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """How the points of one view are drawn.

    Attributes:
        main: the hyperparameter of the axis; None if points change in several hyperparameters at once (or in none), so that their number
            is their only order.
        lines: the lines, which contain every known point.
    """

    main: str | None
    lines: tuple[Line, ...]


def layout(results: Results, view: SweepView) -> Layout:
    """Choose the main hyperparameter: a number before an ordered choice before a choice, then the one with the most values."""
    started = tuple(number for number, point in enumerate(view.points) if point)
    unordered = Layout(None, (Line({}, started),) if started else ())
    if not view.swept or view.is_conditional:
        return unordered
    space = dict(results.study.views[view.name].space.items())
    counts = {name: len({view.points[number][name] for number in started}) for name in view.swept}
    main = min(view.swept, key=lambda name: (rank(space[name]), -counts[name]))
    others = [name for name in view.swept if name != main]
    groups: dict[tuple[Value, ...], list[int]] = {}
    for number in started:
        groups.setdefault(tuple(view.points[number][name] for name in others), []).append(number)
    if others and max(map(len, groups.values())) == 1:
        return unordered
    order = sorted(groups, key=lambda held: [position(space[name], value) for name, value in zip(others, held, strict=True)])
    lines = tuple(
        Line(
            dict(zip(others, held, strict=True)),
            tuple(sorted(groups[held], key=lambda number: position(space[main], view.points[number][main]))),
        )
        for held in order
    )
    return Layout(main, lines)


def rank(parameter: FloatParameter | IntParameter | ChoiceParameter) -> int:
    """0 for a number, 1 for an ordered choice (including choices of numbers), 2 for another choice."""
    if not isinstance(parameter, ChoiceParameter):
        return 0
    return 1 if parameter.ordered or _are_numbers(parameter.values) else 2


def position(parameter: FloatParameter | IntParameter | ChoiceParameter, value: Value) -> float:
    """The position of a value in the order of its parameter."""
    if not isinstance(parameter, ChoiceParameter):
        return float(value)
    return float(value) if not parameter.ordered and _are_numbers(parameter.values) else float(parameter.values.index(value))


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


@dataclass(frozen=True)
class Swept:
    """The values of one hyperparameter along an axis.

    Attributes:
        name: the hyperparameter.
        values: the drawn values, in order.
        positions: (values,) coordinates of the values.
        log: whether the axis is logarithmic.
        steps: whether the values are at equal distances, regardless of their size.
        joined: whether neighbors are ordered values, so that a line may join them.
    """

    name: str
    values: tuple[Value, ...]
    positions: Floats
    log: bool
    steps: bool
    joined: bool

    def at(self, value: Value) -> float:
        """The coordinate of a value."""
        return float(self.positions[self.values.index(value)])

    def coordinates(self, values: Iterable[Value], index: int, lines: int) -> Floats:
        """(values,) coordinates on line number `index` of several; shifted if lines do not join them, so that no line hides another."""
        at = np.array([self.at(value) for value in values])
        return at if self.joined else at + shift(index, lines)

    @property
    def limits(self) -> tuple[float, float]:
        """Limits of the axis, with margins."""
        low, high = float(self.positions.min()), float(self.positions.max())
        if self.log:
            room = (high / low) ** 0.05 if high > low else 1.5
            return low / room, high * room
        room = 0.05 * (high - low) or 0.5
        return (low - max(room, 0.3), high + max(room, 0.3)) if self.steps else (low - room, high + room)

    def axis(self) -> Axis:
        """The axis of a panel: a tick at each value, unless a numeric scale has many values."""
        label = self.name + (" (values at equal distances)" if self.steps and self.joined else "")
        if len(self.values) > FEW and not self.steps:
            return Axis(label, self.limits, log=self.log)
        return marked_axis(label, self.limits, self.positions, numbers.hyperparameters(self.values), log=self.log)


def shift(index: int, lines: int, room: float = 0.5) -> float:
    """Horizontal offset of the points of line number `index` from their value, within `room` for all lines."""
    return (index - (lines - 1) / 2) * room / max(2, lines)


def swept(results: Results, name: str, views: Sequence[SweepView]) -> Swept:
    """The axis of hyperparameter `name` for all views that sweep it; logarithmic if the parameter is."""
    parameters = [results.study.views[view.name].space.root[name] for view in views if name in view.swept]
    parameter = parameters[0]
    used = {point[name] for view in views if name in view.swept for point in view.points if name in point}
    kind = max(map(rank, parameters))
    if isinstance(parameter, ChoiceParameter):
        declared: dict[Value, None] = {value: None for other in parameters for value in getattr(other, "values", ())}
        listed = [value for value in declared if value in used]
        values = tuple(listed if parameter.ordered or kind == 2 else sorted(listed, key=float))
        return Swept(name, values, np.arange(len(values), dtype=np.float64), False, True, kind < 2)
    values = tuple(sorted(used, key=float))
    real = np.array([float(value) for value in values])
    if all(getattr(other, "log", False) for other in parameters):
        return Swept(name, values, real, True, False, True)
    gaps = np.diff(real)
    if 2 < len(values) <= FEW and gaps.min() < CROWDED * (real[-1] - real[0]):
        return Swept(name, values, np.arange(len(values), dtype=np.float64), False, True, True)
    return Swept(name, values, real, False, False, True)


def text_of(held: Mapping[str, Value]) -> str:
    """Hyperparameters and their values as text: "decay 0.1, clipping none"."""
    return ", ".join(f"{name} {numbers.hyperparameter(value)}" for name, value in held.items())


def value_range(values: Floats, bands: Floats, *, log: bool) -> tuple[float, float]:
    """Limits of a value axis: all values, and intervals as long as the values fill at least half of the axis.

    Args:
        values: (...) values that must be visible; NaN is ignored.
        bands: (...) ends of intervals; NaN is ignored.
        log: whether the axis is logarithmic; values that are not positive are then ignored.
    """
    values, bands = values[np.isfinite(values)], bands[np.isfinite(bands)]
    if log:
        values, bands = np.log(values[values > 0]), np.log(bands[bands > 0])
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    reach = 0.5 * (high - low)
    if bands.size:
        low, high = min(low, max(float(bands.min()), low - reach)), max(high, min(float(bands.max()), high + reach))
    room = 0.05 * (high - low) or (0.5 if log else 0.05 * abs(high) or 1.0)
    return (float(np.exp(low - room)), float(np.exp(high + room))) if log else (low - room, high + room)


def spans_decades(values: Floats) -> bool:
    """Whether positive values differ by a factor of 20 or more and none is negative, so that a logarithmic axis is used."""
    values = values[np.isfinite(values)]
    positive = values[values > 0]
    return bool(positive.size and values.min() >= 0 and positive.max() >= 20 * positive.min())
