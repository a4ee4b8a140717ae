"""Values with their intervals as horizontal bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.report.charts.model import Dots, Hover, Line, Marker


def bars(low: Floats, high: Floats, y: Floats, colour: str, **looks: Any) -> Line:
    """A stroke for each interval from `low` to `high` at heights `y`, all (rows,) and NaN for no interval; `looks` are of `Line`."""
    gap = np.full(len(y), np.nan)
    x, at = np.stack([low, high, gap], axis=1).ravel(), np.stack([y, y, gap], axis=1).ravel()
    return Line(x=x[:-1], y=at[:-1], colour=colour, **looks)


def estimate(
    ends: Sequence[float], y: float, colour: str, marker: Marker, text: str, *, width: float = 1.4, groups: tuple[int, ...] = ()
) -> tuple[Line, Dots]:
    """A mean with its interval; `ends` are the mean, the lower and the upper end."""
    value, low, high = (np.array([end], dtype=np.float64) for end in ends)
    at = np.array([y], dtype=np.float64)
    stroke = bars(low, high, at, colour, width=width, groups=groups)
    return stroke, Dots(x=value, y=at, colour=colour, marker=marker, groups=groups, hover=Hover((text,)))
