"""Charts with fewer points, so that a refresh stays small however large the study is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hpstudy.analysis.arrays import Ints
from hpstudy.report.charts.model import Chart, Dots, Hover, Line, Mark
from hpstudy.report.charts.spread import evenly

MOST_POINTS = 1_500
"""Points of one mark. More: a refresh of four views takes a browser more than a tenth of a second. Fewer: crowds look like gaps."""


def thinned(chart: Chart) -> Chart:
    """The same chart with at most `MOST_POINTS` points in each line and cloud: whole strokes, and dots, evenly spread."""
    panels = tuple(replace(panel, marks=tuple(map(_thin, panel.marks))) for panel in chart.panels)
    return replace(chart, panels=panels)


def _thin(mark: Mark) -> Mark:
    if not isinstance(mark, Line | Dots) or len(mark.x) <= MOST_POINTS or mark.media == "print":
        return mark
    if isinstance(mark, Dots):
        return _kept(mark, np.array(evenly(range(len(mark.x)), MOST_POINTS)))
    strokes = np.split(np.arange(len(mark.x)), np.flatnonzero(np.isnan(mark.x) | np.isnan(mark.y)) + 1)  # each ends with its gap
    if len(strokes) == 1:
        return mark
    longest = len(mark.x) / len(strokes)
    return _kept(mark, np.concatenate(evenly(strokes, max(2, int(MOST_POINTS / longest)))))


def _kept(mark: Line | Dots, points: Ints) -> Mark:
    """The mark at some of its points."""
    hover = mark.hover
    if hover is not None:
        chosen = points.tolist()
        values = tuple(hover.values[at] for at in chosen) if hover.values else ()
        hover = Hover(tuple(hover.texts[at] for at in chosen), hover.names, values)
    if isinstance(mark, Dots) and mark.values is not None:
        return replace(mark, x=mark.x[points], y=mark.y[points], values=mark.values[points], hover=hover)
    return replace(mark, x=mark.x[points], y=mark.y[points], hover=hover)
