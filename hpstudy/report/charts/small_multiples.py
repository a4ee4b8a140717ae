"""Small multiples: a separate panel for each view, all with the same axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hpstudy.analysis.results import Results
from hpstudy.report import overview, style
from hpstudy.report.charts.grid import title_length
from hpstudy.report.charts.model import Line, Mark, Media, Panel
from hpstudy.report.charts.words import label

COLUMNS = 3
"""Number of panels in a row, each as wide as a label; more if there would be more than `ROWS` rows."""

ROWS = 5
"""Maximum number of rows of full height."""

HEIGHT = 1.25
"""Height of a row of panels in inches."""

TALLEST = 8.0
"""Maximum height of all rows in inches, so that a figure and its caption fit on one page."""

GREY = style.grey(0.45)
"""The reference in the panels of other views."""

NOTE = "Here all views share one plot, without grey lines; a click on a view in the legend hides it."
"""The `Chart.page_note` of a figure that has one panel on the page instead of small multiples."""


def small_multiples(results: Results, draw: Callable[[int], Panel]) -> tuple[tuple[Panel, ...], float]:
    """A printed panel for each view, titled with its label, and the height of the figure in inches.

    The panels have no axis labels: pass these to the chart as `x_label` and `y_label`.

    Args:
        results: of the study.
        draw: returns the panel of view number n (from 0).
    """
    count = len(results.views)
    columns = next((c for c in range(COLUMNS, count) if -(-count // c) <= ROWS + c - COLUMNS), count)
    rows = -(-count // columns)
    made = []
    for index, view in enumerate(results.views):
        panel = draw(index)
        x = replace(panel.x, titled=False, labelled=index + columns >= count)
        y = replace(panel.y, titled=False, labelled=index % columns == 0)
        title, row, column = label(results, view.name, title_length(columns)), index // columns, index % columns
        made.append(replace(panel, x=x, y=y, title=title, row=row, column=column, media="print"))
    return tuple(made), 0.4 + min(HEIGHT * rows, TALLEST)


def together(results: Results) -> Media:
    """The media of the panel of all views: only the page if there are many views."""
    return "page" if overview.many_views(results) else "both"


def beside_reference(results: Results, curve: Callable[[int], tuple[Mark, ...]], index: int) -> tuple[Mark, ...]:
    """The curve of view number `index`, with the line of the reference in gray behind it; both are solid and without markers."""
    other = reference(results, index)
    grey = () if other is None else (mark for mark in curve(other) if isinstance(mark, Line))
    return (
        *(replace(line, colour=GREY, width=1.1, dash="solid", marker=None) for line in grey),
        *(replace(mark, width=1.6, dash="solid", marker=None) if isinstance(mark, Line) else mark for mark in curve(index)),
    )


def reference(results: Results, beside: int | None = None) -> int | None:
    """Index of the reference view, drawn in gray behind the others; None without a reference, or if it is view number `beside`."""
    name = overview.reference(results)
    number = next((number for number, view in enumerate(results.views) if view.name == name), None)
    return None if number == beside else number


def reference_words(results: Results, what: str) -> str:
    """The explanation of the gray lines: `what` of the reference; "" without a reference."""
    name = overview.reference(results)
    return f" Grey in every panel: {what} of {name}." if name else ""
