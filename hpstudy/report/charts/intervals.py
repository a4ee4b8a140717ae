"""Values with their intervals: bars of single values, and bands of curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.report.charts.marks import Band, Dots, Hover, Line, Marker, Steps
from hpstudy.report.charts.words import estimated
from hpstudy.report.style import Look

NO_INTERVALS = "One replicate has no spread, so there are no intervals."
"""The explanation of a chart in which no interval is drawn."""

LINES_UP_TO = 200
"""Maximum number of thin lines that join the marks of a search or of a replicate; more lines would form a gray area."""


def has_intervals(ends: Iterable[Floats | float]) -> bool:
    """Whether any of these lower or upper ends is a number, so that the chart shows an interval."""
    return any(bool(np.isfinite(end).any()) for end in ends)


def bars(low: Floats, high: Floats, y: Floats, color: str, *, to: Floats | None = None, **looks: Any) -> Line:
    """A line for each row from (`low`, `y`) to (`high`, `to`), all (rows,), NaN for none; horizontal without `to`.

    `looks` are fields of `Line`.
    """
    gap = np.full(len(y), np.nan)
    x, at = (np.stack(ends, axis=1).ravel()[:-1] for ends in ((low, high, gap), (y, y if to is None else to, gap)))
    return Line(x=x, y=at, color=color, **looks)


def estimate(
    results: Results,
    ends: Sequence[float],
    at: float,
    color: str,
    marker: Marker,
    head: str,
    *,
    width: float = 1.4,
    upright: bool = False,
    groups: tuple[int, ...] = (),
) -> tuple[Line, Dots]:
    """A mean with its interval.

    Args:
        results: of the study.
        ends: the mean, the lower and the upper end, on the y axis if `upright`.
        at: position on the other axis.
        color: color of both marks.
        marker: marker of the mean.
        head: first part of the hover text, before the numbers.
        width: width of the bar in points.
        upright: whether the bar is vertical.
        groups: as in `Mark`.
    """
    value, low, high = (np.array([end], dtype=np.float64) for end in ends)
    row = np.array([at], dtype=np.float64)
    stroke = bars(low, high, row, color, width=width, groups=groups)
    hover = Hover((f"{head} {estimated(results, *ends)}",))
    point = Dots(x=value, y=row, color=color, marker=marker, groups=groups, hover=hover)
    if upright:
        return replace(stroke, x=stroke.y, y=stroke.x), replace(point, x=row, y=value)
    return stroke, point


def trials(values: Floats) -> Floats:
    """(points,) trial numbers 1, 2, ... of a curve."""
    return np.arange(1, len(values) + 1, dtype=np.float64)


def mean_curve(
    x: Floats,
    ends: tuple[Floats, Floats, Floats],
    look: Look,
    *,
    alpha: float,
    size: float,
    stepped: bool = False,
    groups: tuple[int, ...] = (),
    **settings: Any,
) -> tuple[Band, Line]:
    """A line of means with its band.

    Args:
        x: (points,) coordinates.
        ends: (points,) means, lower and upper ends.
        look: look of the line.
        alpha: opacity of the band.
        size: size of the markers in points.
        stepped: whether a value applies until the next point.
        groups: legend groups of both marks, as in `Mark`.
        settings: further fields of the `Line`.
    """
    mean, low, high = ends
    kind = Steps if stepped else Line
    marker = Marker(look.symbol, size)
    line = kind(x=x, y=mean, color=look.color, dash=look.dash, marker=marker, groups=groups, **settings)
    return Band(x=x, low=low, high=high, color=look.color, alpha=alpha, stepped=stepped, groups=groups), line
