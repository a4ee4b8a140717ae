"""Shares of the variance that hyperparameters explain, and the positions of the best trials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.exploration.importance import Shares
from hpstudy.analysis.exploration.searches import SearchedView
from hpstudy.analysis.results import Results
from hpstudy.report import numbers, style
from hpstudy.report.charts.axes import marked_axis
from hpstudy.report.charts.intervals import bars
from hpstudy.report.charts.marks import Bars, Dots, Hover, Labels, Mark, Marker
from hpstudy.report.charts.model import Axis, Chart, Data, Entry, Key, Panel
from hpstudy.report.charts.searched import parameters, searched_trials, texts
from hpstudy.report.charts.spread import apart
from hpstudy.report.charts.unit_axis import spread, ticks
from hpstudy.report.charts.views import index_of
from hpstudy.report.charts.words import interval
from hpstudy.report.csvs import Row
from hpstudy.report.labels import cut

RAIL = style.gray(0.6)
"""Color of the range of a hyperparameter."""


def order(view: SearchedView) -> list[int]:
    """Indices of the hyperparameters by decreasing total importance; in the order of the space without an importance."""
    count = len(view.hyperparameters)
    if view.importance is None:
        return list(range(count))
    return [int(number) for number in np.argsort(-view.importance.total.value, kind="stable")]


def chart(results: Results, view: SearchedView, name: str) -> Chart:
    """A row for each hyperparameter; without an importance only the best trials."""
    ranked = order(view)
    names = [cut(view.hyperparameters[number], 18) for number in ranked]
    rows = marked_axis("", (len(ranked) - 0.42, -0.55), range(len(ranked)), names, ticked=False)
    color = style.color(index_of(results, view.name))
    panels = [_best(results, view, ranked, rows)]
    legend: tuple[Entry, ...] = ()
    if view.importance is not None:
        legend = (Entry("with interactions", color, alpha=0.35), Entry("alone", color))
        panels = [_shares(results, view, ranked, rows), _best(results, view, ranked, rows, column=1)]
    return Chart(
        name,
        tuple(panels),
        f"{view.name}: {'Shares of the variance, and positions' if legend else 'Positions'} of the best trials.",
        "A dot is the best trial of one search, at its position in the range of the hyperparameter; its height has no meaning."
        + (" If the intervals of two bars overlap, these searches do not show which is longer." if legend else ""),
        Data.of(results, searched_importance, searched_trials),
        0.75 + 0.4 * len(ranked),
        legend=legend,
        widths=(1, 1.25) if legend else (),
        page_only=True,
    )


def _shares(results: Results, view: SearchedView, ranked: list[int], rows: Axis) -> Panel:
    assert view.importance is not None, "the caller checks this"
    color, at = style.color(index_of(results, view.name)), np.arange(len(ranked), dtype=np.float64)
    marks: list[Mark] = []
    for group, (what, shares, offset, alpha) in enumerate(
        (("with interactions", view.importance.total, -0.19, 0.35), ("alone", view.importance.alone, 0.17, 1.0))
    ):
        value, low, high = (ends[ranked] for ends in (shares.value, shares.low, shares.high))
        y, groups = at + offset, (group,)
        hover = Hover(tuple(_share(results, view.hyperparameters[number], what, shares, number) for number in ranked))
        marks.append(
            Bars(left=0 * y, right=value, bottom=y - 0.17, top=y + 0.17, color=color, alpha=alpha, groups=groups, hover=hover)
        )
        caps = Marker("tick-up", 4, edge_width=0.9)
        marks.append(bars(low, high, y, style.INK, width=0.9, marker=caps, groups=groups))
    return Panel(Axis("share of the variance", (0, 1.03)), rows, tuple(marks), key=Key((0, 1), above=True))


def _share(results: Results, name: str, what: str, shares: Shares, number: int) -> str:
    value, low, high = (float(ends[number]) for ends in (shares.value, shares.low, shares.high))
    return f"{name}, {what}: {numbers.general(value, 3)}{interval(results, low, high)}"


def _best(results: Results, view: SearchedView, ranked: list[int], rows: Axis, column: int = 0) -> Panel:
    """The range of every hyperparameter, with its values below and the best trials above."""
    index, space, chosen = index_of(results, view.name), parameters(results, view), view.incumbents
    count = len(chosen)
    rails = np.arange(len(ranked), dtype=np.float64) + 0.12
    marked = [
        (at, row + 0.12, text) for row, number in enumerate(ranked) for at, text in zip(*ticks(space[number], 6), strict=True)
    ]
    x, y = (np.array([tick[side] for tick in marked], dtype=np.float64) for side in (0, 1))
    marks: list[Mark] = [
        bars(rails * 0, rails * 0 + 1, rails, RAIL, width=0.8),
        Dots(x=x, y=y, color=RAIL, marker=Marker("tick-up", 3)),
        Labels(x=x, y=y + 0.06, texts=tuple(text for *_, text in marked), size=6, anchor="top", color=style.gray(0.35)),
    ]
    color, marker = style.color(index), Marker(style.symbol(index), 3.5)
    for row, number in enumerate(ranked):
        valued = np.flatnonzero(np.isfinite(view.unit[chosen, number]))
        unit = spread(space[number], view.unit[chosen[valued], number], valued)
        heights: Floats = row - 0.12 + 0.3 * apart(-(valued + 1))
        hover = texts(results, view, chosen[valued])
        marks.append(Dots(x=unit, y=heights, color=color, marker=marker, alpha=0.6, hover=hover))
    title = numbers.plural(count, "best trial of the search", f"best trial of each of {count} searches")
    names = replace(rows, line=False, labeled=column == 0)
    across = Axis("", (-0.05, 1.05), ticks="none", line=False)
    return Panel(across, names, tuple(marks), title=title, title_size=7.5, title_align="left", column=column)


def searched_importance(results: Results) -> Iterator[Row]:
    """The shares of every hyperparameter."""
    ends = ("total", "total_low", "total_high", "alone", "alone_low", "alone_high")
    yield "view", "hyperparameter", *ends, "explained", "searches", "trials"
    for view in results.searched:
        if (importance := view.importance) is None:
            continue
        columns = [
            getattr(shares, end).tolist() for shares in (importance.total, importance.alone) for end in ("value", "low", "high")
        ]
        for name, *row in zip(view.hyperparameters, *columns, strict=True):
            yield view.name, name, *row, importance.explained, importance.searches, importance.trials
