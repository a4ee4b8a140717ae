"""Values with their intervals as horizontal bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.report.charts.model import Dots, Hover, Line, Marker


def bars(low: Floats, high: Floats, y: Floats, colour: str, *, to: Floats | None = None, **looks: Any) -> Line:
    """A stroke for each row from (`low`, `y`) to (`high`, `to`), all (rows,), NaN for none; level without `to`. `looks` are of `Line`."""
    gap = np.full(len(y), np.nan)
    x, at = (np.stack(ends, axis=1).ravel()[:-1] for ends in ((low, high, gap), (y, y if to is None else to, gap)))
    return Line(x=x, y=at, colour=colour, **looks)


def estimate(
    ends: Sequence[float], y: float, colour: str, marker: Marker, text: str, *, width: float = 1.4, groups: tuple[int, ...] = ()
) -> tuple[Line, Dots]:
    """A mean with its interval; `ends` are the mean, the lower and the upper end."""
    value, low, high = (np.array([end], dtype=np.float64) for end in ends)
    at = np.array([y], dtype=np.float64)
    stroke = bars(low, high, at, colour, width=width, groups=groups)
    return stroke, Dots(x=value, y=at, colour=colour, marker=marker, groups=groups, hover=Hover((text,)))
