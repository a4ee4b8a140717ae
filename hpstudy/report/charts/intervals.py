"""Values with their intervals as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.report.charts.hovers import estimated
from hpstudy.report.charts.model import Dots, Hover, Line, Marker


def bars(low: Floats, high: Floats, y: Floats, colour: str, *, to: Floats | None = None, **looks: Any) -> Line:
    """A line for each row from (`low`, `y`) to (`high`, `to`), all (rows,), NaN for none; horizontal without `to`.

    `looks` are fields of `Line`.
    """
    gap = np.full(len(y), np.nan)
    x, at = (np.stack(ends, axis=1).ravel()[:-1] for ends in ((low, high, gap), (y, y if to is None else to, gap)))
    return Line(x=x, y=at, colour=colour, **looks)


def estimate(
    results: Results,
    ends: Sequence[float],
    at: float,
    colour: str,
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
        colour: color of both marks.
        marker: marker of the mean.
        head: first part of the hover text, before the numbers.
        width: width of the bar in points.
        upright: whether the bar is vertical.
        groups: as in `Mark`.
    """
    value, low, high = (np.array([end], dtype=np.float64) for end in ends)
    row = np.array([at], dtype=np.float64)
    stroke = bars(low, high, row, colour, width=width, groups=groups)
    hover = Hover((f"{head} {estimated(results, *ends)}",))
    point = Dots(x=value, y=row, colour=colour, marker=marker, groups=groups, hover=hover)
    if upright:
        return replace(stroke, x=stroke.y, y=stroke.x), replace(point, x=row, y=value)
    return stroke, point
