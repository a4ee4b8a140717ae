"""Small multiples: every view in a panel of its own, all on the same axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hpstudy.analysis.results import Results
from hpstudy.report import overview, style
from hpstudy.report.charts.model import Line, Mark, Media, Panel
from hpstudy.report.charts.words import label
from hpstudy.report.labels import LONGEST

COLUMNS = 3
"""Panels side by side, which leaves each the width of a label; more where there would be more than `ROWS` rows."""

ROWS = 5
"""Rows of panels of full height."""

HEIGHT = 1.25
"""Inches of a row of panels."""

TALLEST = 8.0
"""Inches that all rows take at most, so that a figure and its caption stay on one page."""

GREY = style.grey(0.45)
"""The reference in the panels of other views."""

NOTE = "Here all views share one plot, without grey lines; a click on a view in the legend hides it."
"""For `Chart.page_note` where the page has one panel in place of these."""


def small_multiples(results: Results, draw: Callable[[int], Panel]) -> tuple[tuple[Panel, ...], float]:
    """A panel in print for each view under its label, and the height of the figure in inches.

    Give the chart the labels of the axes as `x_label` and `y_label`: the panels write none.

    Args:
        results: of the study.
        draw: makes the panel of view number n (from 0).
    """
    count = len(results.views)
    columns = next((c for c in range(COLUMNS, count) if -(-count // c) <= ROWS + c - COLUMNS), count)
    rows = -(-count // columns)
    made = []
    for index, view in enumerate(results.views):
        panel = draw(index)
        x = replace(panel.x, titled=False, labelled=index + columns >= count)
        y = replace(panel.y, titled=False, labelled=index % columns == 0)
        title, row, column = label(results, view.name, LONGEST * COLUMNS // columns), index // columns, index % columns
        made.append(replace(panel, x=x, y=y, title=title, row=row, column=column, media="print"))
    return tuple(made), 0.4 + min(HEIGHT * rows, TALLEST)


def together(results: Results) -> Media:
    """Where the panel of all views is drawn: of many views on the page only."""
    return "page" if overview.many_views(results) else "both"


def beside_reference(results: Results, curve: Callable[[int], tuple[Mark, ...]], index: int) -> tuple[Mark, ...]:
    """The curve of view number `index`, and behind it the line of the reference in grey; both are solid and without markers."""
    other = reference(results, index)
    grey = () if other is None else (mark for mark in curve(other) if isinstance(mark, Line))
    return (
        *(replace(line, colour=GREY, width=1.1, dash="solid", marker=None) for line in grey),
        *(replace(mark, width=1.6, dash="solid", marker=None) if isinstance(mark, Line) else mark for mark in curve(index)),
    )


def reference(results: Results, beside: int | None = None) -> int | None:
    """Number of the view that is grey behind the others; None where there is none, or where it is view number `beside`."""
    name = overview.reference(results)
    number = next((number for number, view in enumerate(results.views) if view.name == name), None)
    return None if number == beside else number


def reference_words(results: Results, what: str) -> str:
    """What the grey lines are: `what` of the reference; "" where there is none."""
    name = overview.reference(results)
    return f" Grey in every panel: {what} of {name}." if name else ""
