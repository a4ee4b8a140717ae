"""Shared parts of the figures of search spaces: trials of a view, colors, hover texts and values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.exploration.searches import SearchedView
from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.charts.axes import around, worst_drawn
from hpstudy.report.charts.marks import Dots, Hover, Marker, Media
from hpstudy.report.charts.spread import evenly
from hpstudy.report.charts.unit_axis import Parameter
from hpstudy.report.charts.words import label, position, tried
from hpstudy.report.csvs import Row
from hpstudy.report.style import INK

VECTOR_UP_TO = 1_000
"""Maximum number of marks that print draws as vectors."""

ON_PAGE = 1_000
"""Maximum number of trials of a view on the page; of more, an evenly spaced subset is drawn, to limit the browser's load."""

ACCENT = "#D55E00"
"""Color of predictions and of highlighted best trials."""


def parameters(results: Results, view: SearchedView) -> list[Parameter]:
    """The view's hyperparameters, in order."""
    return [results.study.views[view.name].space.root[name] for name in view.hyperparameters]


def limits(objective: Floats, goal: str) -> tuple[float, float]:
    """Limits of an axis of the objective, from the best value to `worst_drawn`."""
    worst = worst_drawn(objective, goal)
    return around(np.maximum(objective, worst) if goal == "maximize" else np.minimum(objective, worst))


def texts(results: Results, view: SearchedView, rows: Ints) -> Hover:
    """Hover texts of the rows: trial, objective and hyperparameters."""
    columns = (column[rows].tolist() for column in (view.replicate, view.number, view.objective))
    heads = [
        f"{label(results, view.name)}\nreplicate {replicate}, {position(number)}\n{results.study.metric.name} {numbers.general(value, 6)}"
        for replicate, number, value in zip(*columns, strict=True)
    ]
    return tried(heads, [{name: values[row] for name, values in view.values.items()} for row in rows.tolist()])


def shares(rows: Ints) -> list[tuple[Ints, Media]]:
    """The rows for each medium: all in print; on the page, an evenly spaced subset of at most `ON_PAGE`."""
    if len(rows) <= ON_PAGE:
        return [(rows, "both")] if len(rows) else []
    return [(rows, "print"), (rows[evenly(range(len(rows)), ON_PAGE)], "page")]


def cloud(
    results: Results, view: SearchedView, x: Floats, y: Floats, values: Floats | None = None, **looks: Any
) -> Iterator[Dots]:
    """A dot for every trial; x, y and `values` are (trials,), `looks` are `Dots` fields. Trials with NaN in x or y are left out."""
    for rows, media in shares(np.flatnonzero(np.isfinite(x) & np.isfinite(y))):
        hover = texts(results, view, rows) if media != "print" else None
        raster, own = len(rows) > VECTOR_UP_TO, None if values is None else values[rows]
        yield Dots(x=x[rows], y=y[rows], values=own, raster=raster, media=media, hover=hover, **looks)


def note(view: SearchedView) -> str:
    """The note on the page about the drawn subset of trials; "" if all are drawn."""
    count = len(view.objective)
    return f"{numbers.count(ON_PAGE)} of {numbers.count(count)} trials are drawn, evenly spread." if count > ON_PAGE else ""


def rings(results: Results, view: SearchedView, x: Floats, size: float) -> Dots:
    """Rings around the best trials of the searches; `x` is (trials,)."""
    rows = view.incumbents[np.isfinite(x[view.incumbents])]
    marker = Marker(size=size, fill="none", edge_width=0.6)
    return Dots(x=x[rows], y=view.objective[rows], color=INK, marker=marker, hover=texts(results, view, rows))


def searched_trials(results: Results) -> Iterator[Row]:
    """Every trial with a value, with a row for each of its hyperparameters: value and position in the range."""
    yield "view", "replicate", "number", "objective", "flip_ratio", "best_of_search", "hyperparameter", "value", "unit"
    for view in results.searched:
        best = view.is_incumbent.tolist()
        flips = view.flips.ratio.tolist() if view.flips is not None else [math.nan] * len(best)
        rows_of_trials = zip(view.replicate.tolist(), view.number.tolist(), view.objective.tolist(), flips, best, strict=True)
        for row, head in enumerate(rows_of_trials):
            for column, name in enumerate(view.hyperparameters):
                if view.values[name][row] is not None:
                    yield view.name, *head, name, view.values[name][row], float(view.unit[row, column])
