"""Charts with fewer points, so that an update of a page stays small for a study of any size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Ints
from hpstudy.report.charts.marks import Dots, Line, Mark
from hpstudy.report.charts.model import Chart
from hpstudy.report.charts.spread import evenly

MOST_POINTS = 1_500
"""Maximum number of points of a mark. More: four views take a browser over a tenth of a second. Fewer: dense regions look sparse."""


def thinned(chart: Chart) -> Chart:
    """Return the chart with at most about `MOST_POINTS` points in each line and cloud: evenly spaced whole strokes, and dots."""
    panels = tuple(replace(panel, marks=tuple(map(_thin, panel.marks))) for panel in chart.panels)
    return replace(chart, panels=panels)


def _thin(mark: Mark) -> Mark:
    if not isinstance(mark, Line | Dots) or len(mark.x) <= MOST_POINTS or mark.media == "print":
        return mark
    if isinstance(mark, Dots):
        return _subset(mark, np.array(evenly(range(len(mark.x)), MOST_POINTS)))
    strokes = np.split(np.arange(len(mark.x)), np.flatnonzero(np.isnan(mark.x) | np.isnan(mark.y)) + 1)  # each ends with its gap
    if len(strokes) == 1:
        return mark
    mean_length = len(mark.x) / len(strokes)
    return _subset(mark, np.concatenate(evenly(strokes, max(2, int(MOST_POINTS / mean_length)))))


def _subset(mark: Line | Dots, indices: Ints) -> Mark:
    """Return the mark with some of its points."""
    columns: dict[str, Any] = {"x": mark.x[indices], "y": mark.y[indices]}
    if isinstance(mark, Dots) and mark.values is not None:
        columns["values"] = mark.values[indices]
    if (hover := mark.hover) is not None:
        texts = tuple(hover.texts[index] for index in indices)
        columns["hover"] = replace(hover, texts=texts, values=tuple(hover.values[index] for index in indices if hover.values))
    return replace(mark, **columns)
