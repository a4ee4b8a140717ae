"""Metrics against the swept value: single replicates as small points, means as lines with bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import Means, SweepView, summary
from hpstudy.report import numbers, style
from hpstudy.report.figures import strip
from hpstudy.report.figures.marks import (
    COLUMNS,
    MOST_LINES,
    explained,
    fill,
    legend,
    metric_words,
    metrics,
    shades,
    thinned,
    value_axis,
)
from hpstudy.report.figures.swept import Axis, Layout, axis, layout, rank, spread_out, text_of
from hpstudy.report.labels import SHORTEST, cut, label

TOGETHER = 7
"""Lines up to which all views share a panel: as many as there are colours."""

_LEFT = 0.75
"""Inches that labels take at the left of a panel."""


@dataclass(frozen=True)
class Drawn:
    """One line as it is drawn.

    Attributes:
        view: of the sweep.
        numbers: (points,) which points are on it.
        x: (points,) where they stand.
        name: for the legend.
        colour, marker, dashes: how it looks.
    """

    view: SweepView
    numbers: tuple[int, ...]
    x: Floats
    name: str
    colour: str
    marker: str
    dashes: str | tuple[int, tuple[float, ...]]


def figures(results: Results) -> list[tuple[str, Figure, str, str]]:
    """(name, figure, caption, reading) of every figure of this kind."""
    layouts = {view.name: layout(results, view) for view in results.sweep}
    mains = {layouts[view.name].main for view in results.sweep if view.swept}
    if not mains:
        return [strip.figure(results)]
    if len(mains) == 1 and None not in mains:
        lines = sum(len(layouts[view.name].lines) for view in results.sweep)
        if lines <= TOGETHER:
            return [_shared(results, layouts)]
    elif all(len(found.lines) <= 1 for found in layouts.values()) and len(results.sweep) <= TOGETHER:
        return [_by_number(results)]
    return _by_view(results, layouts)


def band(axes: Axes, values: Floats, found: Means, drawn: Drawn, *, joined: bool) -> Artist:
    """Draw one line: replicates, mean and interval.

    Args:
        axes: to draw on.
        values: (replicates x points) of the line.
        found: (points,) their summary.
        drawn: where and how.
        joined: whether a line may join neighbours.
    """
    x = drawn.x
    for row in values:
        axes.plot(x, row, drawn.marker, color=drawn.colour, markersize=2.2, alpha=0.55, markeredgewidth=0, zorder=2)
    if joined and np.isfinite(found.low).sum() > 1:
        fill(axes, x, found.low, found.high, color=drawn.colour, alpha=0.18, zorder=1)
    else:
        axes.vlines(x, np.maximum(found.low, axes.get_ylim()[0]), found.high, color=drawn.colour, linewidth=1.2, zorder=3)
    (mean,) = axes.plot(
        x,
        found.mean,
        color=drawn.colour,
        linestyle=drawn.dashes if joined else "none",
        linewidth=1.5,
        marker=drawn.marker,
        markersize=4.5,
        markeredgecolor="white",
        markeredgewidth=0.5,
        zorder=4,
        label=drawn.name,
    )
    return mean


def panel(axes: Axes, results: Results, metric: str, lines: Sequence[Drawn], *, joined: bool) -> Axes:
    """Draw one metric of some lines.

    Args:
        axes: to draw on.
        results: of a sweep.
        metric: which; lines of views without it are left out.
        lines: to draw.
        joined: whether a line may join neighbours.
    """
    value_axis(axes, results, metric)
    for drawn in lines:
        if metric in drawn.view.values and drawn.numbers:
            values = drawn.view.values[metric][:, drawn.numbers]
            band(axes, values, summary(values, results.study.analysis.confidence), drawn, joined=joined)
    return axes


def _shared(results: Results, layouts: Mapping[str, Layout]) -> tuple[str, Figure, str, str]:
    """All views in one panel for each metric, along the hyperparameter that they share."""
    main = next(found.main for found in layouts.values() if found.main is not None)
    along = axis(results, main, results.sweep)
    # A view that does not sweep it has the value of its points' partners in the other views.
    partner = {
        number: point[main] for view in results.sweep if main in view.swept for number, point in enumerate(view.points) if point
    }
    lines: list[Drawn] = []
    total = sum(len(layouts[view.name].lines) for view in results.sweep)
    for view in results.sweep:
        for line in layouts[view.name].lines:
            known = tuple(number for number in line.numbers if number in partner)
            if not view.swept:
                known = tuple(sorted(known, key=lambda number: along.at(partner[number])))
            x = np.array([along.at(view.points[n][main] if main in view.swept else partner[n]) for n in known])
            name = ", ".join(text for text in (label(results, view.name), style.plain(text_of(line.held))) if text)
            if len(results.sweep) == 1 and line.held:
                name = style.plain(text_of(line.held))
            index = len(lines)
            if not along.joined:
                x = x + (index - (total - 1) / 2) * 0.5 / max(2, total)
            lines.append(Drawn(view, known, x, name, style.colour(index), style.marker(index), style.line(index)))
    shown = metrics(results)
    figure = Figure(figsize=(style.WIDTH, 2.9), layout="constrained")
    panels = [figure.add_subplot(1, len(shown), place + 1) for place in range(len(shown))]
    for axes, metric in zip(panels, shown, strict=True):
        panel(axes, results, metric, lines, joined=along.joined)
        along.apply(axes, style.WIDTH / len(shown) - _LEFT)
    legend(figure, panels)
    return "sweep", figure, _caption(results, main), _reading(results, along)


def _by_number(results: Results) -> tuple[str, Figure, str, str]:
    """All views in one panel for each metric, along the number of the point; below each number its values."""
    known = sorted({number for view in results.sweep for number, point in enumerate(view.points) if point})
    lines = []
    for index, view in enumerate(results.sweep):
        own = tuple(number for number in known if view.points[number])
        shift = (index - (len(results.sweep) - 1) / 2) * 0.3 / max(2, len(results.sweep))
        x = np.array(own, dtype=np.float64) + shift
        lines.append(Drawn(view, own, x, label(results, view.name), style.colour(index), style.marker(index), style.line(index)))
    shown = metrics(results)
    heads, columns = _point_labels(results, known)
    figure = Figure(figsize=(style.WIDTH, 2.2 * len(shown) + 0.5 + 0.13 * len(heads)), layout="constrained")
    panels = [figure.add_subplot(len(shown), 1, place + 1) for place in range(len(shown))]
    inches = style.WIDTH - 1.3
    low, high = known[0] - 0.5, known[-1] + 0.5
    for axes, metric in zip(panels, shown, strict=True):
        panel(axes, results, metric, lines, joined=False)
        axes.set_xlim(low, high)
        axes.xaxis.set_major_locator(FixedLocator(known))
        axes.set_xticklabels([])
    longest = [max(column, key=len) for column in columns]
    keep = spread_out((np.array(known) - low) / (high - low), longest, inches)
    panels[-1].set_xticklabels(["\n".join(column) if show else "" for column, show in zip(columns, keep, strict=True)])
    panels[-1].annotate(
        "\n".join(heads),
        (0, 0),
        xycoords="axes fraction",
        xytext=(-6, -7),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=7.5,
        color="0.25",
    )
    legend(figure, panels)
    caption = f"Every point of the sweep: {metric_words(results)}."
    reading = f"Trial n of every view is point n; below stand the values at each point. {explained(results, 'a bar')}"
    return "sweep", figure, caption, reading


def _point_labels(results: Results, known: Sequence[int]) -> tuple[list[str], list[list[str]]]:
    """Titles of the rows below the axis, and for every known point the texts of its column, its number first."""
    rows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for view in results.sweep:
        for name in view.swept:
            texts = tuple(numbers.hyperparameter(view.points[n][name]) if view.points[n] else "" for n in known)
            rows.setdefault((name, texts), []).append(view.name)
    names = [name for name, _ in rows]
    heads = [
        cut(name if names.count(name) == 1 else f"{name} ({', '.join(views)})", SHORTEST + 6) for (name, _), views in rows.items()
    ]
    columns = [[str(number), *(texts[at] for _, texts in rows)] for at, number in enumerate(known)]
    return [style.plain(head) for head in ("point", *heads)], [[style.plain(text) for text in column] for column in columns]


def _by_view(results: Results, layouts: Mapping[str, Layout]) -> list[tuple[str, Figure, str, str]]:
    """A panel for each view and metric, each along its own main hyperparameter."""
    shown = metrics(results)
    parts = -(-len(results.sweep) // COLUMNS)
    ends = [round(part * len(results.sweep) / parts) for part in range(parts + 1)]
    blocks = [results.sweep[start:end] for start, end in pairwise(ends)]
    drawn = []
    for part, views in enumerate(blocks):
        figure = Figure(figsize=(style.WIDTH, 2.25 * len(shown) + 0.4), layout="constrained")
        panels = []
        alongs: list[Axis | None] = []
        for column, view in enumerate(views):
            found = layouts[view.name]
            along = axis(results, found.main, [view]) if found.main is not None else None
            alongs.append(along)
            lines = _lines(results, view, found, along)
            for row, metric in enumerate(shown):
                axes = figure.add_subplot(len(shown), len(views), row * len(views) + column + 1)
                panels.append(axes)
                panel(axes, results, metric, lines, joined=along is not None and along.joined)
                _own_axis(axes, along, len(view.points), style.WIDTH / len(views) - _LEFT)
                if row == 0:
                    axes.set_title(label(results, view.name))
                if row < len(shown) - 1:
                    axes.set_xlabel("")
                if column:
                    axes.set_ylabel("")
        legend(figure, panels)
        name = "sweep" if len(blocks) == 1 else f"sweep_{part + 1}"
        mains = ", ".join(dict.fromkeys(along.name for along in alongs if along))
        reading = _reading(results, next((along for along in alongs if along), None))
        most = max(len(layouts[view.name].lines) for view in views)
        if most > MOST_LINES:
            reading += f" {MOST_LINES} of {most} lines are drawn."
        drawn.append((name, figure, _caption(results, mains or "the number of the point"), reading))
    return drawn


def _own_axis(axes: Axes, along: Axis | None, points: int, inches: float) -> None:
    if along is not None:
        along.apply(axes, inches)
        return
    axes.set_xlim(-0.5, points - 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("point")


def _lines(results: Results, view: SweepView, found: Layout, along: Axis | None) -> list[Drawn]:
    """The lines of one view: shades from dark to light where the other hyperparameter has an order."""
    chosen = thinned(found.lines)
    space = results.study.views[view.name].space.root
    ordered = (
        any(len({line.held[name] for line in chosen}) > 2 and rank(space[name]) < 2 for name in chosen[0].held)
        if chosen
        else False
    )
    colours = shades(len(chosen)) if ordered else [style.colour(index) for index in range(len(chosen))]
    lines = []
    for index, line in enumerate(chosen):
        if along is None or found.main is None:
            x = np.array(line.numbers, dtype=np.float64)
        else:
            x = np.array([along.at(view.points[number][found.main]) for number in line.numbers])
            if not along.joined:
                x = x + (index - (len(chosen) - 1) / 2) * 0.5 / max(2, len(chosen))
        name = style.plain(text_of(line.held)) or label(results, view.name)
        lines.append(Drawn(view, line.numbers, x, name, colours[index], style.marker(index), style.line(index)))
    return lines


def _caption(results: Results, main: str) -> str:
    return f"Sweep over {main}: {metric_words(results)}."


def _reading(results: Results, along: Axis | None) -> str:
    return explained(results, "a band" if along is not None and along.joined else "a bar")
