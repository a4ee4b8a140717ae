"""The best value of every search at each budget."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.report import numbers, style
from hpstudy.report.charts.best_so_far import value_limits
from hpstudy.report.figures.finals import LINES_UP_TO, SPREAD
from hpstudy.report.interactive.spec import (
    INK,
    Entry,
    Interactive,
    Panel,
    Trace,
    faded,
    hover,
    hover_points,
    interval,
    label,
    one_plot,
    symbol,
    view_entries,
    words,
)
from hpstudy.report.wording import level_text


def budgets(results: Results, part: int) -> Interactive | None:
    """The interactive form of `figures.draw_finals`, which has one part."""
    del part
    count = len(results.views)
    offsets = (np.arange(count, dtype=np.float64) - (count - 1) / 2) * (SPREAD / max(2, count))
    legend = [*view_entries(results), Entry("single searches", symbol="circle")]
    traces: list[Trace] = []
    if results.study.replicates <= LINES_UP_TO and count > 1:
        traces.append(_joined(results, offsets, [*range(count), count, len(legend)]))
        legend.append(Entry("one replicate", dash="solid"))
    for index in range(count):
        traces += [_dots(results, index, offsets, [index, count]), _means(results, index, offsets)]
    low, high = value_limits(results, results.budgets)
    if (target := target_line(results, (low, high), len(legend), len(results.budgets) - 0.4, -0.6)) is not None:
        traces.append(target)
        legend.append(Entry(f"target: {level_text(results)}", dash="dot"))
    panel = Panel(
        "",
        tuple(traces),
        {
            "title": {"text": "budget (trials)"},
            "range": [-0.6, len(results.budgets) - 0.4],
            "tickvals": list(range(len(results.budgets))),
            "ticktext": [str(budget) for budget in results.budgets],
            "showgrid": False,
            "zeroline": False,
        },
        {"title": {"text": f"best {words(results.study.metric.name)} so far"}, "range": [low, high], "zeroline": False},
    )
    return Interactive((panel,), tuple(legend), one_plot(results).strip())


def _joined(results: Results, offsets: Floats, groups: list[int]) -> Trace:
    """A line through the searches of each replicate at each budget, where all views have one."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for place, budget in enumerate(results.budgets):
        values = np.stack([view.best[:, budget - 1] for view in results.views], axis=1)
        for row in values:
            if not np.isnan(row).any():
                xs += [*(place + offsets).tolist(), None]
                ys += [*row.tolist(), None]
    line = {"width": 1, "color": faded(INK, 0.22)}
    return {"type": "scatter", "mode": "lines", "x": xs[:-1], "y": ys[:-1], "line": line, "hoverinfo": "skip", "meta": groups}


def _dots(results: Results, index: int, offsets: Floats, groups: list[int]) -> Trace:
    view, name = results.views[index], words(label(results, results.views[index].name))
    xs: list[float] = []
    ys: list[float] = []
    texts: list[str] = []
    points: list[dict[str, Any] | None] = []
    for place, budget in enumerate(results.budgets):
        for replicate, value in enumerate(view.best[:, budget - 1].tolist()):
            if not np.isnan(value):
                xs.append(float(place + offsets[index]))
                ys.append(value)
                found = np.flatnonzero(view.searches.values[replicate, :budget] == value)
                trial = f", of trial {found[0] + 1}" if found.size else ""
                texts.append(f"{name}, replicate {replicate}<br>best after {budget} trials {numbers.general(value, 6)}{trial}")
                points.append(view.point(replicate, int(found[0])) if found.size else None)
    marker = {"size": 6, "symbol": symbol(index), "color": faded(style.colour(index), 0.55)}
    trace: Trace = {"type": "scatter", "mode": "markers", "name": name, "x": xs, "y": ys, "marker": marker, "meta": groups}
    return hover_points(trace, texts, points)


def _means(results: Results, index: int, offsets: Floats) -> Trace:
    level, view = numbers.percent(results.study.analysis.confidence), results.views[index]
    name, colour = words(label(results, view.name)), style.colour(index)
    shift = 0.07 * (1 if index >= len(results.views) / 2 else -1)
    texts = [
        f"{name}, mean of {found.searches} searches<br>after {found.budget} trials {numbers.general(found.mean, 6)}"
        f"{interval(found.low, found.high, level)}"
        for found in view.budgets
    ]
    trace: Trace = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [place + float(offsets[index]) + shift for place in range(len(view.budgets))],
        "y": [found.mean for found in view.budgets],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [found.high - found.mean for found in view.budgets],
            "arrayminus": [found.mean - found.low for found in view.budgets],
            "color": colour,
            "thickness": 2,
            "width": 0,
        },
        "marker": {"size": 11, "symbol": f"{symbol(index)}-open", "color": colour, "line": {"width": 2}},
        "meta": [index],
    }
    return hover(trace, texts)


def target_line(results: Results, limits: tuple[float, float], entry: int, end: float, start: float = 1) -> Trace | None:
    """The target where it lies within the axis; None when it does not."""
    level = results.level.value if results.level is not None else None
    if level is None or not limits[0] <= level <= limits[1]:
        return None
    trace: Trace = {
        "type": "scatter",
        "mode": "lines",
        "x": [start, end],
        "y": [level, level],
        "line": {"width": 1.5, "dash": "dot", "color": INK},
        "meta": [entry],
    }
    return hover(trace, [f"target: {words(level_text(results))}"] * 2)
