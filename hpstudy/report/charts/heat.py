"""Heat maps of the mean objective over two swept hyperparameters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import Means, SweepView
from hpstudy.report import numbers, style, sweeps
from hpstudy.report.charts.axes import marked_axis
from hpstudy.report.charts.grid import in_grid
from hpstudy.report.charts.marks import Bars, Heat, Hover, Mark
from hpstudy.report.charts.model import Axis, Chart, ColorScale, Data, Panel
from hpstudy.report.charts.sweep_metrics import mean_hover, point_words, sweep_means
from hpstudy.report.charts.swept import Swept, rank, swept
from hpstudy.report.charts.words import filled, label, metric
from hpstudy.study.parameters import Value

WRITTEN = 7
"""Maximum numbers of rows and columns for which the values are written in the cells."""

WIDE = 4
"""Maximum number of columns for which two maps are side by side."""

FILLED = 0.4
"""Minimum share of cells with a point: hyperparameters that vary together fill only a diagonal."""


def views(results: Results) -> list[SweepView]:
    """The views that sweep two ordered hyperparameters over enough combinations for a map."""
    spaces = {view.name: results.study.views[view.name].space.root for view in results.sweep}
    return [
        view
        for view in results.sweep
        if len(view.swept) == 2
        and not view.is_conditional
        and all(rank(spaces[view.name][name]) < 2 for name in view.swept)
        and sum(map(bool, view.points)) >= FILLED * math.prod(_counts(view).values())
    ]


def _counts(view: SweepView) -> dict[str, int]:
    """The number of values of each swept hyperparameter."""
    return {name: len({point[name] for point in view.points if point}) for name in view.swept}


def charts(results: Results) -> Iterator[Chart]:
    """The maps of all such views; empty without such a view or without a value."""
    mapped = views(results)
    if not mapped or not any(view.completeness.completed for view in results.views):
        return
    summaries = [sweeps.objective(results, view) for view in mapped]
    finite = np.concatenate([means.mean[np.isfinite(means.mean)] for means in summaries])
    ends = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    columns = 2 if len(mapped) > 1 and max(max(_counts(view).values()) for view in mapped) <= WIDE else 1
    yield Chart(
        "heat_map",
        in_grid([_panel(results, *pair) for pair in zip(mapped, summaries, strict=True)], columns),
        f"Mean {results.study.metric.name} over both swept hyperparameters.",
        "A cell is the mean over replicates at one point; the frame marks the best mean of a view, a crossed cell has no value. "
        "Values are at equal distances.",
        Data.of(results, sweep_means),
        min(2.7 * -(-len(mapped) // columns), 9.0),
        scale=ColorScale(filled("mean {}", metric(results)), *ends),
    )


def _panel(results: Results, view: SweepView, averages: Means) -> Panel:
    """The map of one view; the hyperparameter with more values is on the x axis, the first one if both have equally many."""
    counts = _counts(view)
    across = max(view.swept, key=lambda name: counts[name])
    upwards = next(name for name in view.swept if name != across)
    x, y = swept(results, across, [view]), swept(results, upwards, [view])

    def cell(point: Mapping[str, Value]) -> tuple[int, int]:
        return y.values.index(point[upwards]), x.values.index(point[across])

    grid = np.full((len(y.values), len(x.values)), np.nan)  # (rows x columns) means
    texts = np.full(grid.shape, "no trial", dtype=object)
    heads = [point_words(results, view, number) for number in range(len(view.points))]
    for point, mean, text in zip(
        view.points, averages.mean, mean_hover(results, results.study.metric.name, averages, heads).texts, strict=True
    ):
        if point:
            grid[cell(point)], texts[cell(point)] = mean, text
    decimals = numbers.decimals_of(results)
    written = [["" if math.isnan(mean) else numbers.metric(mean, decimals) for mean in means] for means in grid.tolist()]
    marks: list[Mark] = [
        Heat(
            x_edges=_edges(x),
            y_edges=_edges(y),
            values=grid,
            written=tuple(map(tuple, written)) if max(grid.shape) <= WRITTEN else (),
            hover=Hover(tuple(texts.ravel())),
        )
    ]
    if (best := sweeps.best(results, view)) is not None:
        at_y, at_x = (np.array([float(at)]) for at in cell(view.points[best]))
        marks.append(Bars(left=at_x - 0.5, right=at_x + 0.5, bottom=at_y - 0.5, top=at_y + 0.5, color=style.INK, frame=2.0))
    title = label(results, view.name) if len(results.sweep) > 1 else ""
    return Panel(_axis(x), _axis(y), tuple(marks), title=title)


def _edges(along: Swept) -> Floats:
    return np.arange(len(along.values) + 1, dtype=np.float64) - 0.5


def _axis(along: Swept) -> Axis:
    """An axis with the values at equal distances, with space for half a frame."""
    texts = numbers.hyperparameters(along.values)
    return marked_axis(along.name, (-0.52, len(texts) - 0.48), range(len(texts)), texts, line=False)
