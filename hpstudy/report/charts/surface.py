"""The response over the two most important hyperparameters, with all trials."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.exploration.searches import SearchedView
from hpstudy.analysis.results import Results
from hpstudy.report import numbers, style
from hpstudy.report.charts.marks import Dots, Heat, Hover, Marker
from hpstudy.report.charts.model import Chart, ColorScale, Data, Entry, Panel
from hpstudy.report.charts.searched import ACCENT, cloud, note, parameters, searched_trials, texts
from hpstudy.report.charts.unit_axis import spread, unit_axis
from hpstudy.report.charts.words import filled, metric
from hpstudy.report.csvs import Row
from hpstudy.report.labels import cut

TRIAL, BEST = 0, 1
"""Indices in the legend."""


def chart(results: Results, view: SearchedView, name: str) -> Chart:
    """A map with the trials on it."""
    surface = view.surface
    assert surface is not None, "the caller checks this"
    space, goal = parameters(results, view), results.study.metric.goal
    x_name, y_name = (view.hyperparameters[axis] for axis in (surface.x, surface.y))
    number = view.replicate * 7 + view.number
    x = spread(space[surface.x], view.unit[:, surface.x], number)
    y = spread(space[surface.y], view.unit[:, surface.y], number * 3)
    dot = Marker(size=2, edge=style.PAPER, edge_width=0.3)
    trials = cloud(results, view, x, y, color=style.INK, marker=dot, alpha=0.7, groups=(TRIAL,))
    best_rows = view.incumbents[np.isfinite(x[view.incumbents] + y[view.incumbents])]
    best = Dots(
        x=x[best_rows],
        y=y[best_rows],
        color=ACCENT,
        marker=Marker("diamond", 4.5, edge=style.PAPER, edge_width=0.7),
        groups=(BEST,),
        hover=texts(results, view, best_rows),
    )
    cells = [
        f"{x_name} {numbers.hyperparameter(space[surface.x].at(across))}\n"
        f"{y_name} {numbers.hyperparameter(space[surface.y].at(upwards))}\npredicted {numbers.general(value, 6)}"
        for upwards, row in zip(surface.y_unit.tolist(), surface.predicted.tolist(), strict=True)
        for across, value in zip(surface.x_unit.tolist(), row, strict=True)
    ]
    heat = Heat(
        x_edges=_edges(surface.x_unit),
        y_edges=_edges(surface.y_unit),
        values=surface.predicted,
        parted=False,
        raster=True,
        hover=Hover(tuple(cells)),
    )
    panel = Panel(
        unit_axis(space[surface.x], cut(x_name, 40), 8), unit_axis(space[surface.y], cut(y_name, 26), 6), (heat, *trials, best)
    )
    return Chart(
        name,
        (panel,),
        f"{view.name}: Predicted {results.study.metric.name} over {x_name} and {y_name}, the most important hyperparameters.",
        "Brighter is better. The forest's prediction is averaged over the other hyperparameters; a cell without a trial nearby is white. "
        "A large region with few dots has little evidence for its color.",
        Data.of(results, searched_surface, searched_trials),
        2.9,
        legend=(Entry("a trial", symbol="circle"), Entry("the best of its search", ACCENT, symbol="diamond")),
        scale=ColorScale(
            filled("predicted {}", metric(results, 20)),
            float(np.nanmin(surface.predicted)),
            float(np.nanmax(surface.predicted)),
            reverse=goal == "minimize",
        ),
        page_note=note(view),
        page_only=True,
    )


def _edges(middles: Floats) -> Floats:
    """(n + 1,) edges of cells that cover [0, 1]."""
    return np.concatenate([[0.0], (middles[1:] + middles[:-1]) / 2, [1.0]])


def searched_surface(results: Results) -> Iterator[Row]:
    """The forest's mean prediction over the two most important hyperparameters; empty cells have no trial near them."""
    yield "view", "x", "x_value", "x_unit", "y", "y_value", "y_unit", "predicted"
    for view in results.searched:
        if (surface := view.surface) is None:
            continue
        space, names = parameters(results, view), view.hyperparameters
        for row, column in np.ndindex(surface.predicted.shape):
            x, y = float(surface.x_unit[column]), float(surface.y_unit[row])
            across, upwards = (names[surface.x], space[surface.x].at(x), x), (names[surface.y], space[surface.y].at(y), y)
            yield view.name, *across, *upwards, float(surface.predicted[row, column])
