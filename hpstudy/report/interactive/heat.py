"""The mean objective over two swept hyperparameters, as a map of cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView, best_point, summary
from hpstudy.report import numbers
from hpstudy.report.charts.swept import Swept, swept
from hpstudy.report.figures import heat
from hpstudy.report.interactive.marks import point_words
from hpstudy.report.interactive.spec import INK, Interactive, Panel, Trace, hover, interval, label, words


def heat_map(results: Results, part: int) -> Interactive | None:
    """The interactive form of `figures.draw_heat`, which has one part."""
    del part
    shown = heat.views(results)
    means = [summary(view.values[results.study.metric.name], results.study.analysis.confidence).mean for view in shown]
    known = np.concatenate([mean[np.isfinite(mean)] for mean in means]) if means else np.zeros(0)
    if not known.size:
        return None
    ends = (float(known.min()), float(known.max()))
    return Interactive(tuple(_panel(results, view, ends) for view in shown))


def _panel(results: Results, view: SweepView, ends: tuple[float, float]) -> Panel:
    metric, confidence = results.study.metric.name, results.study.analysis.confidence
    counts = {name: len({point[name] for point in view.points if point}) for name in view.swept}
    across = max(view.swept, key=lambda name: counts[name])
    upwards = next(name for name in view.swept if name != across)
    x, y = swept(results, across, [view]), swept(results, upwards, [view])
    found = summary(view.values[metric], confidence)
    best, level = best_point(found, results.study.metric.goal), numbers.percent(confidence)
    grid = np.full((len(y.values), len(x.values)), np.nan)
    texts = [["" for _ in x.values] for _ in y.values]
    shapes: list[dict[str, Any]] = []
    for number, point in enumerate(view.points):
        if not point:
            continue
        row, column = y.values.index(point[upwards]), x.values.index(point[across])
        mean, low, high = (float(values[number]) for values in (found.mean, found.low, found.high))
        grid[row, column] = mean
        told = f"mean of {int(found.replicates[number])} replicates {numbers.general(mean, 6)}{interval(low, high, level)}"
        texts[row][column] = f"{point_words(results, view, number)}<br>{told if np.isfinite(mean) else 'no value'}"
        if number == best:
            shapes.append(_frame(column, row))
    cells: Trace = {
        "type": "heatmap",
        "z": grid,
        "x": list(range(len(x.values))),
        "y": list(range(len(y.values))),
        "zmin": ends[0],
        "zmax": ends[1],
        "colorscale": "Viridis",
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "colorbar": {"title": {"text": f"mean {words(metric)}", "side": "right"}, "thickness": 14, "outlinewidth": 0},
        "meta": [],
    }
    if max(grid.shape) <= heat.WRITTEN:
        cells["texttemplate"] = f"%{{z:.{min(6, numbers.decimals_of(results))}f}}"
    made = [{**cells, "text": texts, "hovertemplate": "%{text}<extra></extra>"}]
    if (gaps := np.argwhere(np.isnan(grid))).size:
        marker = {"symbol": "x-thin-open", "size": 16, "color": INK}
        crosses: Trace = {"type": "scatter", "mode": "markers", "x": gaps[:, 1], "y": gaps[:, 0], "marker": marker, "meta": []}
        made.append(hover(crosses, [texts[row][column] or "no trial" for row, column in gaps.tolist()]))
    title = label(results, view.name) if len(results.sweep) > 1 else ""
    return Panel(title, tuple(made), _steps(x), _steps(y), tuple(shapes))


def _frame(column: int, row: int) -> dict[str, Any]:
    ends = {"x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}
    return {"type": "rect", **ends, "line": {"color": INK, "width": 3}}


def _steps(along: Swept) -> dict[str, Any]:
    """An axis on which the values stand at equal distances."""
    return {
        "title": {"text": words(along.name)},
        "type": "linear",
        "range": [-0.5, len(along.values) - 0.5],
        "tickvals": list(range(len(along.values))),
        "ticktext": [words(numbers.hyperparameter(value)) for value in along.values],
        "showgrid": False,
        "zeroline": False,
    }
