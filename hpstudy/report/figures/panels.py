"""Small multiples: every view in a panel of its own, all on the same axes."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpstudy.analysis.results import Results
from hpstudy.report import overview, style
from hpstudy.report.labels import LONGEST, label

COLUMNS = 3
"""Panels side by side, which leaves each the width of a label; more where there would be more than `ROWS` rows."""

ROWS = 5
"""Rows of panels of full height."""

HEIGHT = 1.25
"""Inches of a row of panels."""

TALLEST = 8.0
"""Inches that all rows take at most, so that a figure and its caption stay on one page."""

GREY = "0.45"
"""The reference in the panels of other views."""


def panels(results: Results, draw: Callable[[Axes, int], object]) -> Figure:
    """A panel for each view under its label.

    Args:
        results: of the study.
        draw: draws view number n (from 0) on its panel, with the limits and labels of its axes; the labels are moved to the edges of
            the figure.
    """
    count = len(results.views)
    columns = next((c for c in range(COLUMNS, count) if -(-count // c) <= ROWS + c - COLUMNS), count)
    rows = -(-count // columns)
    figure = Figure(figsize=(style.WIDTH, 0.4 + min(HEIGHT * rows, TALLEST)), layout="constrained")
    made = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in made[count:]:
        axes.remove()
    for index, axes in enumerate(made[:count]):
        draw(axes, index)
        axes.set_title(label(results, results.views[index].name, LONGEST * COLUMNS // columns))
        axes.tick_params(labelbottom=index + columns >= count)
    figure.supxlabel(made[0].get_xlabel(), fontsize="medium")
    figure.supylabel(made[0].get_ylabel(), fontsize="medium")
    for axes in made[:count]:
        axes.set(xlabel="", ylabel="")
    return figure


def reference(results: Results, beside: int | None = None) -> int | None:
    """Number of the view that stands in grey behind the others; None where there is none, or where it is view number `beside`."""
    found = overview.reference(results)
    place = next((number for number, view in enumerate(results.views) if view.name == found), None)
    return None if place == beside else place


def reference_words(results: Results, what: str) -> str:
    """What the grey lines are: `what` of the reference; "" where there is none."""
    found = overview.reference(results)
    return f" Grey in every panel: {what} of {found}." if found else ""
