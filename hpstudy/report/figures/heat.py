"""The mean objective over two swept hyperparameters, as a map of cells."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView, best_point, summary
from hpstudy.report import numbers, style
from hpstudy.report.charts.swept import Swept, rank, swept
from hpstudy.report.labels import label
from hpstudy.report.pens.matplotlib import spread_out

WRITTEN = 7
"""Rows and columns up to which the cells hold their values."""

WIDE = 4
"""Columns up to which two maps stand side by side."""

_LEFT = 0.9
"""Inches that labels take at the left of a map."""


FILLED = 0.4
"""Share of a map's cells that must hold a point: two hyperparameters that move together fill a diagonal only."""


def views(results: Results) -> list[SweepView]:
    """The views that sweep two hyperparameters, both with an order, over enough of their combinations to fill a map."""
    spaces = {view.name: results.study.views[view.name].space.root for view in results.sweep}
    return [
        view
        for view in results.sweep
        if len(view.swept) == 2 and all(rank(spaces[view.name][name]) < 2 for name in view.swept) and _filled(view) >= FILLED
    ]


def _filled(view: SweepView) -> float:
    """The share of the combinations of both hyperparameters' values that are points."""
    begun = [point for point in view.points if point]
    cells = math.prod(len({point[name] for point in begun}) for name in view.swept)
    return len(begun) / cells


def figure(results: Results) -> tuple[str, Figure, str, str]:
    """Name, figure, caption and reading of the maps of all such views, of which there is at least one."""
    shown = views(results)
    across = [swept(results, _across(view), [view]) for view in shown]
    columns = 2 if len(shown) > 1 and max(len(along.values) for along in across) <= WIDE else 1
    rows = -(-len(shown) // columns)
    drawing = Figure(figsize=(style.WIDTH, min(2.7 * rows, 9.0)), layout="constrained")
    means = [summary(view.values[results.study.metric.name], results.study.analysis.confidence).mean for view in shown]
    known = np.concatenate([mean[np.isfinite(mean)] for mean in means])
    norm = mpl.colors.Normalize(float(known.min()), float(known.max())) if known.size else mpl.colors.Normalize(0, 1)
    panels = []
    for place, view in enumerate(shown):
        axes = drawing.add_subplot(rows, columns, place + 1)
        cells(axes, results, view, norm, style.WIDTH / columns - _LEFT - 0.8 / columns)
        if len(results.sweep) > 1:
            axes.set_title(label(results, view.name))
        panels.append(axes)
    bar = drawing.colorbar(mpl.cm.ScalarMappable(norm, "viridis"), ax=panels, fraction=0.05, pad=0.02)
    bar.set_label(f"mean {style.plain(results.study.metric.name, 'value')}")
    bar.outline.set_visible(False)
    caption = f"Mean {results.study.metric.name} over both swept hyperparameters."
    reading = (
        "A cell is the mean over replicates at one point; the frame marks the best mean of a view, a crossed cell has no value. "
        "Values stand at equal distances."
    )
    return "heat_map", drawing, caption, reading


def cells(axes: Axes, results: Results, view: SweepView, norm: mpl.colors.Normalize, inches: float) -> Axes:
    """Draw the map of one view.

    Args:
        axes: to draw on.
        results: of a sweep.
        view: one that sweeps two ordered hyperparameters.
        norm: of the colours.
        inches: width of the map.
    """
    across = _across(view)
    upwards = next(name for name in view.swept if name != across)
    x, y = swept(results, across, [view]), swept(results, upwards, [view])
    found = summary(view.values[results.study.metric.name], results.study.analysis.confidence)
    grid, best = np.full((len(y.values), len(x.values)), np.nan), best_point(found, results.study.metric.goal)
    for number, point in enumerate(view.points):
        if point:
            row, column = y.values.index(point[upwards]), x.values.index(point[across])
            grid[row, column] = found.mean[number]
            if number == best:
                axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=2, zorder=4))
    axes.pcolormesh(
        np.arange(len(x.values) + 1) - 0.5,
        np.arange(len(y.values) + 1) - 0.5,
        grid,
        cmap="viridis",
        norm=norm,
        edgecolors="white",
    )
    for row, column in np.argwhere(np.isnan(grid)).tolist():
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="0.6", hatch="xx", linewidth=0))
    if max(grid.shape) <= WRITTEN:
        _write(axes, grid, norm, numbers.decimals_of(results))
    _ticks(axes, x, y, inches)
    return axes


def _across(view: SweepView) -> str:
    """The one with more values lies across, the first one when they have equally many."""
    counts = {name: len({point[name] for point in view.points if point}) for name in view.swept}
    return max(view.swept, key=lambda name: counts[name])


def _write(axes: Axes, grid: Floats, norm: mpl.colors.Normalize, decimals: int) -> None:
    for row, column in np.argwhere(np.isfinite(grid)).tolist():
        red, green, blue, _ = mpl.colormaps["viridis"](norm(grid[row, column]))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        text = numbers.metric(float(grid[row, column]), decimals)
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color="white" if dark else "black", zorder=5)


def _ticks(axes: Axes, x: Swept, y: Swept, inches: float) -> None:
    texts = [_texts(side) for side in (x, y)]
    share = (np.arange(len(x.values)) + 0.5) / len(x.values)
    shown = spread_out(share, texts[0], inches)
    axes.set_xticks(range(len(x.values)), [text if keep else "" for text, keep in zip(texts[0], shown, strict=True)])
    every = -(-len(y.values) // 14)
    axes.set_yticks(range(len(y.values)), [text if at % every == 0 else "" for at, text in enumerate(texts[1])])
    axes.set_xlabel(style.plain(x.name))
    axes.set_ylabel(style.plain(y.name))
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlim(-0.52, len(x.values) - 0.48)
    axes.set_ylim(-0.52, len(y.values) - 0.48)


def _texts(along: Swept) -> Sequence[str]:
    return [style.plain(numbers.hyperparameter(value)) for value in along.values]
