"""Weights that never changed sign, layer by layer: histograms of where they began, and their share of every layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.layers import ViewLayers, layers
from hpstudy.analysis.sweeps.points import Means, SweepView, summary
from hpstudy.report import numbers, style, sweeps
from hpstudy.report.charts.sweep_metrics import thinned
from hpstudy.report.charts.swept import value_range
from hpstudy.report.figures.marks import fill, legend
from hpstudy.report.labels import cut, label

ROWS = 6
"""Views or points in one figure: more would not fit on a page."""

LONGEST = 60
"""Letters of a row's name."""

DECIMALS = 3
"""Of a share."""

INITIAL, STILL = "#56B4E9", "#D55E00"
"""Blue and orange, as in OvSW's figures; apart in grey too."""


@dataclass(frozen=True)
class Shown:
    """One point of a view as it is drawn.

    Attributes:
        view: of the sweep.
        layers: of that view.
        number: of the point.
        name: what tells it apart from the other points that are drawn.
    """

    view: SweepView
    layers: ViewLayers
    number: int
    name: str

    def never(self, results: Results) -> Means:
        """(layers,) shares of weights that never flipped."""
        return summary(self.layers.never[:, self.number], results.study.analysis.confidence)


def shown(results: Results) -> list[Shown]:
    """The best point of every view with values of layers; of a single view `ROWS` of its points, evenly spread."""
    found = []
    for view in results.sweep:
        of_view, best = layers(view), sweeps.best(results, view)
        if of_view is None:
            continue
        valued = np.flatnonzero(np.isfinite(of_view.never).any(axis=(0, 2))).tolist()
        if len(results.sweep) == 1:
            points, name = thinned(valued, ROWS), "" if view.swept else label(results, view.name)
        else:
            points, name = [number for number in valued if number == best], label(results, view.name)
        for number in points:
            parts = (name, style.plain(sweeps.point_text(view, number)) if view.swept else "")
            found.append(Shown(view, of_view, number, cut(", ".join(part for part in parts if part), LONGEST)))
    return found


def histograms(results: Results, rows: Sequence[Shown]) -> Figure:
    """A row of panels for each point: its first, middle and last layer.

    Args:
        results: of a sweep.
        rows: points with recorded bins, at most `ROWS`.
    """
    columns = max(len(_few(row.layers)) for row in rows)
    drawing = Figure(figsize=(style.WIDTH, 0.6 + 1.4 * len(rows)), layout="constrained")
    panels = drawing.subplots(len(rows), columns, sharex=True, sharey=True, squeeze=False)
    for line, row in zip(panels, rows, strict=True):
        for axes, place in zip(line, _few(row.layers), strict=False):
            histogram(axes, results, row, place)
        line[0].set_title(f"{row.name}\n{line[0].get_title(loc='left')}", loc="left", fontsize=7)
        line[0].set_ylabel("share of weights")
        for axes in line[len(_few(row.layers)) :]:
            axes.set_visible(False)
    for axes in panels[-1]:
        axes.set_xlabel("initial weight / its deviation")
    legend(drawing, [panels[0, 0]])
    return drawing


def histogram(axes: Axes, results: Results, row: Shown, place: int) -> Axes:
    """Draw the initial weights of one layer, and those of them that never flipped, as means over replicates.

    Args:
        axes: to draw on.
        results: of a sweep.
        row: which point.
        place: of the layer among the view's.
    """
    found, level = row.layers, results.study.analysis.confidence
    for block, colour, name in ((found.initial, INITIAL, "initial weights"), (found.still, STILL, "never changed sign")):
        means = summary(block[:, row.number, place], level).mean
        axes.stairs(means, found.edges, fill=True, color=colour, label=name)
    never = row.never(results)
    mean, *ends = (numbers.metric(float(end[place]), DECIMALS) for end in (never.mean, never.low, never.high))
    interval = f" ({' to '.join(ends)})" if never.replicates[place] > 1 else ""
    axes.set_title(f"layer {found.numbers[place]}: {mean}{interval}", loc="left", fontsize=7)
    axes.set_xlim(found.edges[0], found.edges[-1])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.guides(axes)
    return axes


def by_layer(axes: Axes, results: Results, rows: Sequence[Shown]) -> Axes:
    """Draw the share of every layer: replicates as small marks, means as lines with bands.

    Args:
        axes: to draw on.
        results: of a sweep.
        rows: points, at most `ROWS`.
    """
    found = [row.never(results) for row in rows]
    values = np.concatenate([row.layers.never[:, row.number].ravel() for row in rows])
    ends = np.concatenate([end for means in found for end in (means.low, means.high)])
    axes.set_ylim(0, max(value_range(values, ends, log=False)[1], 1e-3))
    for place, (row, means) in enumerate(zip(rows, found, strict=True)):
        colour, marker, x = style.colour(place), style.marker(place), row.layers.numbers
        fill(axes, x, means.low, means.high, color=colour, alpha=0.18, zorder=1)
        for replicate in row.layers.never[:, row.number]:
            axes.plot(x, replicate, marker, color=colour, markersize=2.2, alpha=0.55, markeredgewidth=0, zorder=2)
        axes.plot(
            x,
            means.mean,
            color=colour,
            linestyle=style.line(place),
            linewidth=1.5,
            marker=marker,
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.5,
            zorder=3,
            label=row.name,
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("binary layer")
    axes.set_ylabel("share that never changed sign")
    style.guides(axes)
    return axes


def shares(results: Results, rows: Sequence[Shown]) -> Figure:
    """The share of every layer, all points in one panel."""
    drawing = Figure(figsize=(style.WIDTH, 2.7), layout="constrained")
    legend(drawing, [by_layer(drawing.add_subplot(), results, rows)])
    return drawing


def _few(found: ViewLayers) -> list[int]:
    """Places of the first, the middle and the last layer."""
    count = len(found.numbers)
    return sorted({0, (count - 1) // 2, count - 1})
