"""Layout of many panels in a grid and in several figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from hpstudy.analysis.results import Results
from hpstudy.report import overview, style
from hpstudy.report.charts.marks import Line, Mark
from hpstudy.report.charts.model import Chart, Panel
from hpstudy.report.charts.words import label

T = TypeVar("T")

TITLES = 96
"""Number of characters in title size across a figure of full width, with the space between panels."""

COLUMNS = 3
"""Number of panels in a row, each as wide as a label; more if there would be more than `ROWS` rows."""

ROWS = 5
"""Maximum number of rows of full height."""

HEIGHT = 1.25
"""Height of a row of panels in inches."""

PANELS = 6
"""Maximum number of panels of one figure that fit on a page with their titles."""

ROW = 0.19
"""Height of a row with one interval, in inches."""

TALLEST = 8.0
"""Maximum height of all rows in inches, so that a figure and its caption fit on one page."""

GRAY = style.gray(0.45)
"""The reference in the panels of other views."""

NOTE = "Here all views share one plot, without gray lines; a click on a view in the legend hides it."
"""The `Chart.page_note` of a figure that has one panel on the page instead of small multiples."""


def title_length(columns: int) -> int:
    """Maximum number of characters of a panel's title in a figure of that many columns."""
    return TITLES // columns


def in_grid(panels: Sequence[Panel], columns: int, *, shared: bool = False) -> tuple[Panel, ...]:
    """The panels row by row; if `shared`, all have the same vertical axis, which print labels in the first column only."""
    placed = []
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        y = replace(panel.y, titled=False, labeled=False) if shared and column else panel.y
        placed.append(replace(panel, y=y, row=row, column=column))
    return tuple(placed)


def parts(name: str, items: Sequence[T], most: int) -> Iterator[tuple[str, Sequence[T]]]:
    """Split items into figures of at most `most` items, with names; the names of several figures are numbered from 1."""
    for start in range(0, len(items), most):
        yield name + (f"_{start // most + 1}" if len(items) > most else ""), items[start : start + most]


def split_by_view(results: Results, chart: Chart, draw: Callable[[int], Panel]) -> Chart:
    """The chart of all views; if there are many, with a printed panel for each view, titled with its label.

    Args:
        results: of the study.
        chart: the figure with all views in one panel.
        draw: returns the printed panel of view number n (from 0).
    """
    if not overview.many_views(results):
        return chart
    count = len(results.views)
    columns = next((c for c in range(COLUMNS, count) if -(-count // c) <= ROWS + c - COLUMNS), count)
    small = []
    for index, view in enumerate(results.views):
        panel, (row, column) = draw(index), divmod(index, columns)
        x = replace(panel.x, titled=False, labeled=index + columns >= count)
        y = replace(panel.y, titled=False, labeled=column == 0)
        title = label(results, view.name, title_length(columns))
        small.append(replace(panel, x=x, y=y, title=title, row=row, column=column))
    common = chart.panels[0]
    chart = replace(chart, height=0.4 + min(HEIGHT * -(-count // columns), TALLEST), y_label=common.y.label)
    return printed(replace(chart, x_label=common.x.label), small)


def printed(chart: Chart, small: Sequence[Panel]) -> Chart:
    """The chart with other panels and without a legend in print; the page keeps its first panel, which has all views."""
    return replace(
        chart,
        panels=(*(replace(panel, media="print") for panel in small), replace(chart.panels[0], media="page")),
        legend=tuple(replace(entry, media="page") for entry in chart.legend),
        heights=(),
        page_note=f"{NOTE} {chart.page_note}".strip(),
    )


def beside_reference(results: Results, curve: Callable[[int], tuple[Mark, ...]], index: int) -> tuple[Mark, ...]:
    """The curve of view number `index`, with the line of the reference in gray behind it; both are solid and without markers."""
    other = reference(results, index)
    gray = () if other is None else (mark for mark in curve(other) if isinstance(mark, Line))
    return (
        *(replace(line, color=GRAY, width=1.1, dash="solid", marker=None) for line in gray),
        *(replace(mark, width=1.6, dash="solid", marker=None) if isinstance(mark, Line) else mark for mark in curve(index)),
    )


def reference(results: Results, view: int | None = None) -> int | None:
    """Index of the reference view, drawn in gray behind the others; None without a reference, or if it is number `view`."""
    name = overview.reference(results)
    number = next((number for number, other in enumerate(results.views) if other.name == name), None)
    return None if number == view else number


def reference_words(results: Results, what: str) -> str:
    """The explanation of the gray lines: `what` of the reference; "" without a reference."""
    name = overview.reference(results)
    return f" Gray in every panel: {what} of {name}." if name else ""
