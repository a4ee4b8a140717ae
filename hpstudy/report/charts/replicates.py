"""Values of single replicates as small points, and means as large points with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import summary
from hpstudy.report import numbers, style
from hpstudy.report.charts.intervals import bars
from hpstudy.report.charts.marks import Band, Dots, Hover, Line, Mark, Marker
from hpstudy.report.charts.model import Entry
from hpstudy.report.charts.sweep_metrics import mean_hover
from hpstudy.report.style import Look


@dataclass(frozen=True)
class Series:
    """The values of a line.

    Attributes:
        x: (points,) coordinates.
        values: (replicates x points); NaN for none.
        heads: (points,) first lines of the hover texts.
        entry: index in the legend.
        look: look of the line.
        apart: whether replicates are drawn to the left of the mean instead of at x.
    """

    x: Floats
    values: Floats
    heads: Sequence[str]
    entry: int
    look: Look
    apart: bool = False


def marks(
    results: Results, metric: str, lines: Sequence[Series], replicates: int, bottom: float, *, joined: bool
) -> tuple[Mark, ...]:
    """Intervals, then replicates, then means.

    Args:
        results: results of a sweep.
        metric: name of the metric.
        lines: the lines to draw.
        replicates: index of single replicates in the legend.
        bottom: lower end of the axis, at which intervals are clipped.
        joined: whether lines join neighboring points.
    """
    layers = [
        (*_mean(results, metric, line, bottom, joined), _replicates(metric, line, (line.entry, replicates))) for line in lines
    ]
    return tuple(mark for layer in (0, 2, 1) for mark in (line[layer] for line in layers))


def with_replicates(legend: Sequence[Entry]) -> tuple[Entry, ...]:
    """The legend entries of the lines and of single replicates; print has no legend for a single line."""
    lines = legend if len(legend) > 1 else [replace(entry, media="page") for entry in legend]
    return (*lines, Entry("single replicates", symbol="circle", media="page"))


def _mean(results: Results, metric: str, line: Series, bottom: float, joined: bool) -> tuple[Mark, Line]:
    """Intervals, as a band or as bars, and means."""
    means, look, groups = summary(line.values, results.study.analysis.confidence), line.look, (line.entry,)
    # A logarithmic axis cannot show values that are not positive.
    low, high = (np.maximum(end, bottom) for end in (means.low, means.high))
    x = line.x + 0.18 if line.apart else line.x
    span: Mark
    if joined and int(np.isfinite(means.low).sum()) > 1:
        span = Band(x=x, low=low, high=high, color=look.color, alpha=0.18, groups=groups)
    else:
        span = bars(x, x, low, look.color, to=high, width=1.2, groups=groups)
    open_marker = Marker(look.symbol, 5, fill="paper")
    return span, Line(
        x=x,
        y=means.mean,
        color=look.color,
        width=1.5 if joined else 0.0,
        dash=look.dash,
        marker=open_marker if line.apart else Marker(look.symbol, 4.5, edge=style.PAPER, edge_width=0.5),
        groups=groups,
        hover=mean_hover(results, metric, means, line.heads),
    )


def _replicates(metric: str, line: Series, groups: tuple[int, ...]) -> Dots:
    where = np.argwhere(~np.isnan(line.values))
    shift = (where[:, 0] % 5 - 2) * 0.05 - 0.12 if line.apart else 0.0
    texts = (
        f"{line.heads[at]}\nreplicate {replicate}: {metric} {numbers.general(float(line.values[replicate, at]), 6)}"
        for replicate, at in where.tolist()
    )
    return Dots(
        x=line.x[where[:, 1]] + shift,
        y=line.values[where[:, 0], where[:, 1]],
        color=line.look.color,
        marker=Marker(line.look.symbol, 3 if line.apart else 2.2),
        alpha=0.55,
        groups=groups,
        hover=Hover(tuple(texts)),
    )
