"""Metrics against the swept value, with single replicates as small points and means as lines with bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView
from hpstudy.report import numbers, style
from hpstudy.report.charts.axes import marked_axis
from hpstudy.report.charts.grid import title_length
from hpstudy.report.charts.intervals import NO_INTERVALS
from hpstudy.report.charts.marks import Mark
from hpstudy.report.charts.model import Axis, Chart, Data, Entry, Panel
from hpstudy.report.charts.replicates import Series, marks, with_replicates
from hpstudy.report.charts.spread import evenly
from hpstudy.report.charts.sweep_metrics import (
    COLUMNS,
    MOST_LINES,
    explained,
    metric_words,
    metrics,
    point_words,
    replicated,
    sweep_means,
    sweep_values,
    value_axis,
)
from hpstudy.report.charts.swept import Layout, Swept, layout, rank, shift, swept, text_of
from hpstudy.report.charts.views import aside, entries
from hpstudy.report.charts.words import confidence, filled, label
from hpstudy.report.labels import SHORTEST, cut
from hpstudy.report.style import Look

TOGETHER = 7
"""Maximum number of lines for a common panel of all views: the number of colors."""


@dataclass(frozen=True)
class Drawn:
    """Points of one view that form a line.

    Attributes:
        view: of the sweep.
        numbers: (points,) numbers of the points on the line.
        x: (points,) coordinates.
        entry, look, apart: as in `Series`.
    """

    view: SweepView
    numbers: tuple[int, ...]
    x: Floats
    entry: int
    look: Look
    apart: bool = False


def charts(results: Results) -> list[Chart]:
    """All figures of this kind; empty before a trial has a value."""
    if not any(view.completeness.completed for view in results.views):
        return []
    layouts = {view.name: layout(results, view) for view in results.sweep}
    mains = {layouts[view.name].main for view in results.sweep if view.swept}
    if not mains:
        return [_side_by_side(results)]
    if len(mains) == 1 and None not in mains:
        if sum(len(layouts[view.name].lines) for view in results.sweep) <= TOGETHER:
            return [_shared(results, layouts)]
    elif all(len(own.lines) <= 1 for own in layouts.values()) and len(results.sweep) <= TOGETHER:
        return [_by_number(results)]
    return _by_view(results, layouts)


def _marks(results: Results, metric: str, lines: Sequence[Drawn], replicates: int, *, joined: bool) -> tuple[Mark, ...]:
    """The marks of one metric, without lines of views that lack it."""
    series = []
    for line in lines:
        if metric in line.view.values and line.numbers:
            heads = [point_words(results, line.view, number) for number in line.numbers]
            values = line.view.values[metric][:, line.numbers]
            series.append(Series(line.x, values, heads, line.entry, line.look, line.apart))
    return marks(results, metric, series, replicates, value_axis(results, metric).limits[0], joined=joined)


def _side_by_side(results: Results) -> Chart:
    """Views without a swept hyperparameter: a column for each view and point, a panel for each metric."""
    columns = [(index, view, n) for index, view in enumerate(results.sweep) for n, point in enumerate(view.points) if point]
    drawn_metrics = metrics(results)
    texts = [cut(view.name, SHORTEST) + (f"\npoint {n}" if len(view.points) > 1 else "") for _, view, n in columns]
    room = (style.WIDTH / len(drawn_metrics) - 0.75) / max(1, len(texts))
    rotated = any(len(line) * style.LETTER > room for text in texts for line in text.split("\n"))
    x = marked_axis("", (-0.6, len(columns) - 0.4), range(len(columns)), texts, rotated=rotated)
    lines = [
        Drawn(view, (n,), np.array([float(column)]), index, style.look(index), apart=True)
        for column, (index, view, n) in enumerate(columns)
    ]
    legend = entries(results, line=False, media="page")
    intervals = f" with its {confidence(results)} t interval." if replicated(results) else f". {NO_INTERVALS}"
    reading = f"A dot is one replicate, an open marker is the mean{intervals}"
    panels = _row(results, lines, x, len(legend), joined=False)
    return _chart(results, "sweep", panels, f"Every view: {metric_words(results)}.", reading, 2.7, legend)


def _row(results: Results, lines: Sequence[Drawn], x: Axis, replicates: int, *, joined: bool) -> tuple[Panel, ...]:
    """A panel for each metric, side by side."""
    return tuple(
        Panel(x, value_axis(results, metric), _marks(results, metric, lines, replicates, joined=joined), column=column)
        for column, metric in enumerate(metrics(results))
    )


def _chart(
    results: Results,
    name: str,
    panels: tuple[Panel, ...],
    caption: str,
    reading: str,
    height: float,
    legend: Sequence[Entry],
    note: str = "",
) -> Chart:
    """The chart with its data and the entry of single replicates."""
    data = Data.of(results, sweep_values, sweep_means)
    return Chart(name, panels, caption, reading, data, height, legend=with_replicates(legend), page_note=note)


def _shared(results: Results, layouts: Mapping[str, Layout]) -> Chart:
    """All views in one panel for each metric, against their common hyperparameter."""
    main = next(own.main for own in layouts.values() if own.main is not None)
    along = swept(results, main, results.sweep)
    # A view that does not sweep it has the value of the matching points of the other views.
    partner = {
        number: point[main]
        for view in results.sweep
        if main in view.swept
        for number, point in enumerate(view.points)
        if main in point
    }
    lines: list[Drawn] = []
    legend: list[Entry] = []
    total = sum(len(layouts[view.name].lines) for view in results.sweep)
    for view in results.sweep:
        for line in layouts[view.name].lines:
            numbers_shared = tuple(number for number in line.numbers if number in partner)
            if not view.swept:
                numbers_shared = tuple(sorted(numbers_shared, key=lambda number: along.at(partner[number])))
            values = [view.points[n].get(main, partner[n]) if main in view.swept else partner[n] for n in numbers_shared]
            index = len(lines)
            x = along.coordinates(values, index, total)
            lines.append(Drawn(view, numbers_shared, x, index, style.look(index)))
            legend.append(_entry(_line_name(results, view, line.held), style.look(index), joined=along.joined))
    panels = _row(results, lines, along.axis(), len(legend), joined=along.joined)
    caption, reading = f"Sweep over {main}: {metric_words(results)}.", explained(results, joined=along.joined)
    return _chart(results, "sweep", panels, caption, reading, 2.9, legend)


def _line_name(results: Results, view: SweepView, held: Mapping[str, Any]) -> str:
    name, text = label(results, view.name), text_of(held)
    if not text:
        return name
    return text if len(results.sweep) == 1 else filled("{}, {}", name, text)


def _entry(name: str, look: Look, *, joined: bool) -> Entry:
    return Entry(name, look.color, look.dash if joined else "", look.symbol)


def _by_number(results: Results) -> Chart:
    """All views in one panel for each metric, against the number of the point, with its values below each number."""
    point_numbers = sorted({number for view in results.sweep for number, point in enumerate(view.points) if point})
    lines, legend = [], entries(results, line=False)
    for index, view in enumerate(results.sweep):
        own = tuple(number for number in point_numbers if view.points[number])
        x_of_points = np.array(own, dtype=np.float64) + shift(index, len(results.sweep), room=0.3)
        lines.append(Drawn(view, own, x_of_points, index, style.look(index)))
    drawn_metrics = metrics(results)
    heads, columns = _point_labels(results, point_numbers)
    across = marked_axis("", (point_numbers[0] - 0.5, point_numbers[-1] + 0.5), point_numbers, map("\n".join, columns))
    titles = replace(aside("\n".join(heads), 0.0, 0.0, "right", "top"), italic=False, shift=(-6, -7))
    panels = []
    for row, metric in enumerate(drawn_metrics):
        own_marks, last = _marks(results, metric, lines, len(legend), joined=False), row == len(drawn_metrics) - 1
        x = across if last else replace(across, labeled=False)
        panels.append(Panel(x, value_axis(results, metric), (*own_marks, *([titles] if last else [])), row=row))
    caption = f"Every point of the sweep: {metric_words(results)}."
    reading = f"Trial n of every view is point n; its values are below the axis. {explained(results, joined=False)}"
    height = 2.2 * len(drawn_metrics) + 0.5 + 0.13 * len(heads)
    note = "The text at a point has its hyperparameters."
    return _chart(results, "sweep", tuple(panels), caption, reading, height, legend, note)


def _point_labels(results: Results, point_numbers: Sequence[int]) -> tuple[list[str], list[list[str]]]:
    """Titles of the rows below the axis and, for every known point, the texts of its column, its number first."""
    rows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for view in results.sweep:
        for name in view.swept:
            texts = tuple(numbers.hyperparameter(view.points[n].get(name)) if view.points[n] else "" for n in point_numbers)
            rows.setdefault((name, texts), []).append(view.name)
    names = [name for name, _ in rows]
    heads = [
        cut(name if names.count(name) == 1 else f"{name} ({', '.join(views)})", SHORTEST) for (name, _), views in rows.items()
    ]
    columns = [[str(number), *(texts[at] for _, texts in rows)] for at, number in enumerate(point_numbers)]
    return ["point", *heads], columns


def _by_view(results: Results, layouts: Mapping[str, Layout]) -> list[Chart]:
    """A panel for each view and metric, against the main hyperparameter of the view."""
    parts = -(-len(results.sweep) // COLUMNS)
    ends = [round(part * len(results.sweep) / parts) for part in range(parts + 1)]
    blocks = [results.sweep[start:end] for start, end in pairwise(ends)]
    return [
        _block(results, layouts, views, "sweep" if len(blocks) == 1 else f"sweep_{part + 1}") for part, views in enumerate(blocks)
    ]


def _block(results: Results, layouts: Mapping[str, Layout], views: Sequence[SweepView], name: str) -> Chart:
    """The panels of some views: a row for each metric, a column for each view."""
    drawn_metrics = metrics(results)
    legend: list[Entry] = []
    mains = [layouts[view.name].main for view in views]
    alongs = [swept(results, main, [view]) if main is not None else None for main, view in zip(mains, views, strict=True)]
    lines = [_lines(results, view, layouts[view.name], along, legend) for view, along in zip(views, alongs, strict=True)]
    panels = []
    for row, metric in enumerate(drawn_metrics):
        for column, (view, along) in enumerate(zip(views, alongs, strict=True)):
            joined = along is not None and along.joined
            x = along.axis() if along else Axis("point", (-0.5, len(view.points) - 0.5), ticks="integers")
            panels.append(
                Panel(
                    replace(x, titled=row == len(drawn_metrics) - 1),
                    replace(value_axis(results, metric), titled=column == 0),
                    _marks(results, metric, lines[column], len(legend), joined=joined),
                    title=label(results, view.name, title_length(len(views))),
                    titled=row == 0,
                    row=row,
                    column=column,
                )
            )
    first = next((along for along in alongs if along), None)
    reading = explained(results, joined=first is not None and first.joined)
    most = max(len(layouts[view.name].lines) for view in views)
    if most > MOST_LINES:
        reading += f" {MOST_LINES} of {most} lines are drawn."
    main = ", ".join(dict.fromkeys(main for main in mains if main)) or "the number of the point"
    caption = f"Sweep over {main}: {metric_words(results)}."
    return _chart(results, name, tuple(panels), caption, reading, 2.25 * len(drawn_metrics) + 0.4, legend)


def _lines(results: Results, view: SweepView, view_layout: Layout, along: Swept | None, legend: list[Entry]) -> list[Drawn]:
    """The lines of one view, with their entries added to the legend; shades if the other hyperparameter is ordered."""
    chosen = evenly(view_layout.lines, MOST_LINES)
    space = results.study.views[view.name].space.root
    ordered = any(
        len({line.held[name] for line in chosen}) > 2 and rank(space[name]) < 2 for line in chosen[:1] for name in line.held
    )
    colors = style.shades(len(chosen)) if ordered else [style.color(index) for index in range(len(chosen))]
    lines = []
    for index, line in enumerate(chosen):
        if along is None or view_layout.main is None:
            x = np.array(line.numbers, dtype=np.float64)
        else:
            values = [view.points[number][view_layout.main] for number in line.numbers]
            x = along.coordinates(values, index, len(chosen))
        look = style.look(index)._replace(color=colors[index])
        entry = _entry(text_of(line.held) or label(results, view.name), look, joined=along is not None and along.joined)
        if entry not in legend:
            legend.append(entry)
        lines.append(Drawn(view, line.numbers, x, legend.index(entry), look))
    return lines
