"""Mean curves with their bands."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.report.charts.model import Band, Line, Marker, Steps
from hpstudy.report.style import Look


def trials(values: Floats) -> Floats:
    """The numbers 1, 2, ... of the trials after which a curve has its values."""
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
    """A band and the line of the means in it.

    Args:
        x: (points,) coordinates.
        ends: (points,) means, lower and upper ends.
        look: of the line.
        alpha: opacity of the band.
        size: of the markers in points.
        stepped: whether values hold until the next point.
        groups: of both marks, as in `Mark`.
        settings: more fields of the `Line`.
    """
    mean, low, high = ends
    kind = Steps if stepped else Line
    marker = Marker(look.symbol, size)
    line = kind(x=x, y=mean, colour=look.colour, dash=look.dash, marker=marker, groups=groups, **settings)
    return Band(x=x, low=low, high=high, colour=look.colour, alpha=alpha, stepped=stepped, groups=groups), line
