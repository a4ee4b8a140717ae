"""Slice plots: the objective against each hyperparameter, for all trials."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.exploration.searches import SearchedView, cells
from hpstudy.analysis.results import Results
from hpstudy.report import numbers, style
from hpstudy.report.charts.axes import OUTSIDE
from hpstudy.report.charts.grid import in_grid
from hpstudy.report.charts.marks import Dots, Hover, Line, Mark, Marker
from hpstudy.report.charts.model import Axis, Chart, ColorScale, Data, Panel
from hpstudy.report.charts.searched import ACCENT, cloud, limits, note, parameters, rings, searched_trials
from hpstudy.report.charts.unit_axis import Parameter, spread, unit_axis
from hpstudy.report.charts.words import metric
from hpstudy.report.csvs import Row
from hpstudy.report.labels import cut

MOST_PANELS = 12
"""Maximum number of hyperparameters in the figure (the first ones), which fits on a page."""


def chart(results: Results, view: SearchedView, name: str) -> Chart:
    """A panel for each hyperparameter."""
    numbers_shown = range(len(view.hyperparameters))[:MOST_PANELS]
    columns = min(3, len(numbers_shown))
    rows = -(-len(numbers_shown) // columns)
    first = f", the first {MOST_PANELS}" if len(view.hyperparameters) > MOST_PANELS else ""
    line = " The line is the forest's mean prediction" if view.responses else ""
    if line and len(view.hyperparameters) > 1:
        line += " with all other hyperparameters spread evenly over their ranges, unlike the points that a search chooses"
    return Chart(
        name,
        in_grid([_panel(results, view, number, 6 if columns < 3 else 5) for number in numbers_shown], columns, shared=True),
        f"{view.name}: {results.study.metric.name} over each hyperparameter{first}.",
        f"A dot is a trial; a ring marks the best trial of a search.{line}{'.' if line else ''} {OUTSIDE}",
        Data.of(results, searched_trials, searched_responses),
        0.3 + (1.6 if rows > 1 else 2.1) * rows,
        scale=ColorScale("trial of the search", 1, max(2, int(view.number.max()) + 1)),
        page_note=note(view),
    )


def _panel(results: Results, view: SearchedView, number: int, most: int) -> Panel:
    parameter, name = parameters(results, view)[number], view.hyperparameters[number]
    x, trial = spread(parameter, view.unit[:, number], view.replicate * 7 + view.number), (view.number + 1).astype(np.float64)
    marks: list[Mark] = [
        *cloud(results, view, x, view.objective, trial, color=style.INK, marker=Marker(size=2.25), alpha=0.7),
        rings(results, view, x, 3.6),
    ]
    if view.responses:
        marks += _response(results, parameter, name, view.responses[number].unit, view.responses[number].predicted)
    values = Axis(metric(results, 20), limits(view.objective, results.study.metric.goal))
    return Panel(unit_axis(parameter, cut(name, 26), most), values, tuple(marks))


def _response(results: Results, parameter: Parameter, name: str, unit: Floats, predicted: Floats) -> Iterator[Mark]:
    hover = Hover(
        tuple(
            f"{name} {numbers.hyperparameter(parameter.at(at))}\npredicted {results.study.metric.name} {numbers.general(value, 6)}"
            for at, value in zip(unit.tolist(), predicted.tolist(), strict=True)
        )
    )
    separate = len(cells(parameter, len(unit) + 1)) == len(unit)  # each value has a separate cell
    for color, length, thick, width, text in ((style.PAPER, 13, 3.4, 3.0, None), (ACCENT, 12, 1.8, 1.5, hover)):
        if separate:
            marker = Marker("tick-across", length, edge_width=thick)
            yield Dots(x=unit, y=predicted, color=color, marker=marker, hover=text)
        else:
            yield Line(x=unit, y=predicted, color=color, width=width, hover=text)


def searched_responses(results: Results) -> Iterator[Row]:
    """The forest's mean prediction over each hyperparameter."""
    yield "view", "hyperparameter", "value", "unit", "predicted"
    for view in results.searched:
        for name, parameter, line in zip(view.hyperparameters, parameters(results, view), view.responses, strict=False):
            for unit, predicted in zip(line.unit.tolist(), line.predicted.tolist(), strict=True):
                yield view.name, name, parameter.at(unit), unit, predicted
