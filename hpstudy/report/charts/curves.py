"""Mean curves with their bands."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.report.charts.model import Band, Line, Marker, Steps
from hpstudy.report.style import Look


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
    line = kind(x=x, y=mean, colour=look.colour, dash=look.dash, marker=marker, groups=groups, **settings)
    return Band(x=x, low=low, high=high, colour=look.colour, alpha=alpha, stepped=stepped, groups=groups), line
