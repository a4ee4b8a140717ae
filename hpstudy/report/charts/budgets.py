"""The best value of every search at each budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.comparisons.budgets import ViewBudget
from hpstudy.analysis.results import Results
from hpstudy.report import numbers, overview, style
from hpstudy.report.charts.axes import OUTSIDE, best_axis, marked_axis, row_axis, value_limits
from hpstudy.report.charts.best_so_far import VECTOR_UP_TO
from hpstudy.report.charts.grid import COLUMNS, GRAY, TALLEST, printed, reference, reference_words
from hpstudy.report.charts.intervals import LINES_UP_TO, NO_INTERVALS, estimate, has_intervals
from hpstudy.report.charts.marks import Dots, Line, Mark, Marker, Rule
from hpstudy.report.charts.model import Chart, Data, Entry, Panel
from hpstudy.report.charts.spread import apart
from hpstudy.report.charts.views import entries, target, target_entry
from hpstudy.report.charts.words import label, position, tried
from hpstudy.report.csvs import Row
from hpstudy.report.labels import LONGEST, cut

SPREAD = 0.7
"""Share of the axis space of a budget that its views occupy."""

ROW = 0.22
"""Height of a view's row in inches."""


def chart(results: Results) -> Chart:
    """All budgets in one panel; print has rows for many views, and a panel for each budget."""
    count, columns = len(results.views), range(len(results.budgets))
    limits = value_limits(results, results.budgets)
    offsets = (np.arange(count, dtype=np.float64) - (count - 1) / 2) * (SPREAD / max(2, count))
    marks: list[Mark] = [*target(results, limits, (count + 1,))]
    legend = [*entries(results, line=False), Entry("single searches", symbol="circle", media="page")]
    legend += [target_entry(results)] * len(marks)
    if results.study.replicates <= LINES_UP_TO and count > 1:
        marks.append(_joined(results, offsets, (*range(count + 1), len(legend))))
        legend.append(Entry("one replicate", dash="solid", media="page"))
    for index, offset in enumerate(offsets.tolist()):
        own, beside = np.array(columns) + offset, 0.07 if index >= count / 2 else -0.07
        marks += _of_view(results, index, columns, own, own + beside, upright=True)
    x = marked_axis("budget (trials)", (-0.6, len(columns) - 0.4), columns, map(str, results.budgets))
    values, data = best_axis(results, limits), Data.of(results, budget_values, budgets)
    panels = (Panel(x, values, tuple(marks)),)
    chart = Chart("budgets", panels, *caption_and_reading(results), data, 2.8, legend=tuple(legend))
    if not overview.many_views(results):
        return chart
    rows = -(-len(columns) // COLUMNS)
    chart = replace(chart, height=0.4 + min(rows * (0.4 + ROW * count), TALLEST), x_label=values.label)
    return printed(chart, [_in_rows(results, number, limits) for number in columns])


def _in_rows(results: Results, number: int, limits: tuple[float, float]) -> Panel:
    """The printed panel of budget number `number`: a row for each view, and the mean of the reference in gray."""
    marks: list[Mark] = []
    if (other := reference(results)) is not None:
        marks.append(Rule(axis="x", at=results.views[other].budgets[number].mean, color=GRAY))
    for index in range(len(results.views)):
        marks += _of_view(results, index, (number,), np.array([index - 0.18]), np.array([index + 0.18]), upright=False)
    value, budget = best_axis(results, limits), results.budgets[number]
    return Panel(
        replace(value, titled=False, labeled=number + COLUMNS >= len(results.budgets)),
        row_axis([cut(view.name, LONGEST) for view in results.views], labeled=number % COLUMNS == 0),
        tuple(marks),
        title=f"after {numbers.things(budget, 'trial')}",
        row=number // COLUMNS,
        column=number % COLUMNS,
    )


def _of_view(
    results: Results, index: int, columns: Sequence[int], dots: Floats, means: Floats, *, upright: bool
) -> tuple[Mark, ...]:
    """One dot for each search, with the mean and its interval next to them.

    Args:
        results: of the study.
        index: index of the view.
        columns: indices of the budgets.
        dots: (budgets,) positions of the dots on the other axis than that of the values.
        means: (budgets,) positions of the means.
        upright: whether the values are on the y axis.
    """
    view, budgets = results.views[index], [results.views[index].budgets[number] for number in columns]
    name, searches = label(results, view.name), view.best.shape[0]
    # Joined dots are not shifted, since the lines end at the unshifted positions.
    shifts = 0.1 * apart(np.arange(searches)) if searches > LINES_UP_TO else np.zeros(searches)
    at: list[float] = []
    values: list[float] = []
    texts: list[str] = []
    points: list[dict[str, Any] | None] = []
    for values_at, middle in zip(budgets, dots.tolist(), strict=True):
        budget = values_at.budget
        for replicate, value in enumerate(view.best[:, budget - 1].tolist()):
            if not math.isnan(value):
                best = next(iter(np.flatnonzero(view.searches.values[replicate, :budget] == value).tolist()), None)
                trial = "" if best is None else f", of {position(best)}"
                at.append(middle + shifts[replicate])
                values.append(value)
                texts.append(
                    f"{name}, replicate {replicate}\nbest after {numbers.things(budget, 'trial')} {numbers.general(value, 6)}{trial}"
                )
                points.append(None if best is None else view.point(replicate, best))
    x, y = (at, values) if upright else (values, at)
    return (
        Dots(
            x=np.array(x),
            y=np.array(y),
            color=style.color(index),
            marker=Marker(style.symbol(index), 3),
            alpha=0.5,
            raster=sum(other.best.shape[0] for other in results.views) > VECTOR_UP_TO,
            groups=(index, len(results.views)),
            hover=tried(texts, points),
        ),
        *(
            mark
            for values_at, place in zip(budgets, means.tolist(), strict=True)
            for mark in _mean(results, index, values_at, place, upright)
        ),
    )


def _mean(results: Results, index: int, values: ViewBudget, at: float, upright: bool) -> tuple[Mark, ...]:
    head = f"{label(results, results.views[index].name)}, mean of {numbers.things(values.searches, 'search', 'es')}"
    head += f"\nafter {numbers.things(values.budget, 'trial')}"
    color, marker = style.color(index), Marker(style.symbol(index), 5, fill="paper")
    ends = (values.mean, values.low, values.high)
    return estimate(results, ends, at, color, marker, head, upright=upright, groups=(index,))


def _joined(results: Results, offsets: Floats, groups: tuple[int, ...]) -> Line:
    """A line through the searches of each replicate at each budget, if all views have one."""
    gap, xs, ys = np.array([np.nan]), [], []
    for number, budget in enumerate(results.budgets):
        values = np.stack([view.best[:, budget - 1] for view in results.views], axis=1)
        for row in values[~np.isnan(values).any(axis=1)]:
            xs += [number + offsets, gap]
            ys += [row, gap]
    x, y = (np.concatenate([gap, *parts]) for parts in (xs, ys))
    return Line(x=x, y=y, color=style.INK, width=0.4, alpha=0.25, groups=groups)


def caption_and_reading(results: Results) -> tuple[str, str]:
    """The caption and the explanation of the figure."""
    *first, last = results.budgets
    budgets = f"{', '.join(map(str, first))} and " * bool(first) + numbers.things(last, "trial")
    caption = f"Best {results.study.metric.name} of every search after {budgets}."
    few = len(results.views) > 1 and not overview.many_views(results)
    joined = " a gray line joins the searches of one replicate," if few and results.study.replicates <= LINES_UP_TO else ""
    drawn = has_intervals(at.low for view in results.views for at in view.budgets)
    interval = " with its bootstrap interval." if drawn else f". {NO_INTERVALS}"
    reading = f"A dot is one search,{joined} an open marker is the mean{interval}"
    if few:
        reading += " If all lines have the same direction, every replicate shows the difference."
    elif overview.many_views(results):
        reading += reference_words(results, "the mean")
    low, high = value_limits(results, results.budgets)
    at = np.array(results.budgets) - 1
    hidden = any(((view.best[:, at] < low) | (view.best[:, at] > high)).any() for view in results.views)
    return caption, f"{reading} {OUTSIDE}" if hidden else reading


def budget_values(results: Results) -> Iterator[Row]:
    """The best value of every search at every budget."""
    yield "trials", "view", "replicate", "best_so_far"
    for budget in results.budgets:
        for view in results.views:
            for replicate, value in enumerate(view.best[:, budget - 1].tolist()):
                if not math.isnan(value):
                    yield budget, view.name, replicate, value


def budgets(results: Results) -> Iterator[Row]:
    """Each view at each budget."""
    yield "trials", "view", "searches", "mean", "low", "high", "sd", "median"
    for view in results.views:
        for b in view.budgets:
            yield b.budget, view.name, b.searches, b.mean, b.low, b.high, b.sd, b.median
