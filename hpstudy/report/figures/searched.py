"""Where the searches of one view looked, and what they found there: importance, slices, a map of two, parallel coordinates, flips."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.exploration.searches import SearchedView, cells
from hpstudy.analysis.results import Results
from hpstudy.report import style
from hpstudy.report.figures.unit_axis import Parameter, label_axis, spread, ticks
from hpstudy.report.labels import SHORTEST, cut, label

OUTLIERS = 0.02
"""Share of the worst values that may lie outside a drawing: a few bad trials must not flatten the rest."""

VECTOR_UP_TO = 1_000
"""Marks up to which a figure is drawn as vectors."""

BEST_SHARE = 0.1
"""Share of the trials that stand out in parallel coordinates."""

MOST_PANELS = 12
"""Hyperparameters in a grid of slices, the first ones: more would not fit on a page."""


def parameters(results: Results, view: SearchedView) -> list[Parameter]:
    """The view's hyperparameters, in order."""
    return [results.study.views[view.name].space.root[name] for name in view.hyperparameters]


def order(view: SearchedView) -> list[int]:
    """Places of the hyperparameters, those that matter most in total first; as in the space without an importance."""
    count = len(view.hyperparameters)
    if view.importance is None:
        return list(range(count))
    return [int(place) for place in np.argsort(-view.importance.total.value, kind="stable")]


def best(view: SearchedView, goal: str) -> Ints:
    """Rows of the best `BEST_SHARE` of the trials, at least one; the best one last."""
    gain = view.objective if goal == "maximize" else -view.objective
    count = int(np.ceil(BEST_SHARE * len(gain)))
    return np.asarray(np.argsort(-gain, kind="stable")[:count][::-1], dtype=np.int64)


def limits(objective: Floats, goal: str) -> tuple[float, float]:
    """Ends of an axis of the objective, which up to `OUTLIERS` of the values, the worst, fall short of."""
    low, high = float(objective.min()), float(objective.max())
    if goal == "maximize":
        low = float(np.quantile(objective, OUTLIERS))
    else:
        high = float(np.quantile(objective, 1 - OUTLIERS))
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room


def importance(results: Results, view: SearchedView) -> Figure:
    """Bars of the shares of the variance, and beside them where the best trials of the searches lie."""
    shown = order(view)
    figure = Figure(figsize=(style.WIDTH, 0.75 + 0.4 * len(shown)), layout="constrained")
    names = [_name(view.hyperparameters[place], 18) for place in shown]
    if view.importance is None:
        places = figure.add_subplot()
    else:
        bars, places = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": [1, 1.25]})
        _bars(bars, view, shown, style.colour(_index(results, view)))
    _incumbents(places, results, view, shown)
    (places if view.importance is None else bars).set_yticks(range(len(shown)), names)
    places.set_ylim(len(shown) - 0.42, -0.55)
    return figure


def _bars(axes: Axes, view: SearchedView, shown: list[int], colour: str) -> None:
    assert view.importance is not None, "the caller has looked"
    rows = np.arange(len(shown))
    for shares, height, offset, alpha in ((view.importance.total, 0.34, -0.19, 0.35), (view.importance.alone, 0.34, 0.17, 1.0)):
        axes.barh(rows + offset, shares.value[shown], height, color=colour, alpha=alpha, linewidth=0)
        low, high = shares.low[shown], shares.high[shown]
        axes.hlines(rows + offset, low, high, color="black", linewidth=0.9)
        for end in (low, high):
            axes.plot(end, rows + offset, "|", color="black", markersize=4, markeredgewidth=0.9)
    axes.set_xlim(0, 1.03)
    axes.set_xlabel("share of the variance")
    axes.tick_params(axis="y", length=0)
    handles = [Patch(facecolor=colour, alpha=0.35), Patch(facecolor=colour)]
    axes.legend(handles, ["with interactions", "alone"], loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)


def _incumbents(axes: Axes, results: Results, view: SearchedView, shown: list[int]) -> None:
    colour, kind = style.colour(_index(results, view)), style.marker(_index(results, view))
    listed = parameters(results, view)
    for row, place in enumerate(shown):
        unit = spread(listed[place], view.unit[view.incumbents, place], np.arange(len(view.incumbents)))
        height = row - 0.12 + 0.3 * (((np.arange(len(unit)) + 1) * 0.382) % 1 - 0.5)
        axes.plot([0, 1], [row + 0.12, row + 0.12], color="0.6", linewidth=0.8, zorder=1)
        axes.plot(unit, height, kind, color=colour, markersize=3.2, alpha=0.6, markeredgewidth=0, zorder=3)
        positions, texts = ticks(listed[place], 6)
        axes.plot(positions, [row + 0.12] * len(positions), "|", color="0.6", markersize=3, zorder=1)
        for at, text in zip(positions, texts, strict=True):
            axes.text(at, row + 0.18, text, ha="center", va="top", fontsize=6, color="0.35")
    axes.set_xlim(-0.05, 1.05)
    axes.set_xticks([])
    axes.set_title(f"best trial of each of {len(view.incumbents)} searches", loc="left", fontsize=7.5)
    axes.tick_params(axis="y", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def slices(results: Results, view: SearchedView) -> Figure:
    """The objective over each hyperparameter, all trials."""
    shown = list(range(len(view.hyperparameters)))[:MOST_PANELS]
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(style.WIDTH, 0.3 + (1.6 if rows > 1 else 2.1) * rows), layout="constrained")
    listed, trial = parameters(results, view), view.number + 1
    norm = mpl.colors.Normalize(1, max(2, int(trial.max())))
    panels = [figure.add_subplot(rows, columns, panel + 1) for panel in range(len(shown))]
    for panel, (axes, place) in enumerate(zip(panels, shown, strict=True)):
        x = spread(listed[place], view.unit[:, place], view.replicate * 7 + view.number)
        axes.scatter(
            x, view.objective, c=trial, cmap="viridis", norm=norm, s=5, alpha=0.7, linewidths=0, rasterized=len(x) > VECTOR_UP_TO
        )
        chosen = view.incumbents
        axes.plot(x[chosen], view.objective[chosen], "o", mfc="none", mec="black", markersize=3.6, markeredgewidth=0.6, zorder=3)
        if view.responses:
            _response(axes, listed[place], view.responses[place].unit, view.responses[place].predicted)
        axes.set_ylim(*limits(view.objective, results.study.metric.goal))
        label_axis(axes.xaxis, listed[place], 6 if columns < 3 else 5)
        axes.set_xlabel(_name(view.hyperparameters[place], 26))
        if panel % columns:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel(_metric(results))
    bar = figure.colorbar(mpl.cm.ScalarMappable(norm, "viridis"), ax=panels, fraction=0.03, pad=0.01, aspect=14 * rows)
    bar.set_label("trial of the search")
    bar.outline.set_visible(False)
    return figure


def _response(axes: Axes, parameter: Parameter, unit: Floats, predicted: Floats) -> None:
    if len(cells(parameter, len(unit) + 1)) == len(unit):  # every value has its own cell
        axes.plot(unit, predicted, "_", color="white", markersize=13, markeredgewidth=3.4, zorder=4)
        axes.plot(unit, predicted, "_", color="#D55E00", markersize=12, markeredgewidth=1.8, zorder=5)
        return
    axes.plot(unit, predicted, color="white", linewidth=3, zorder=4)
    axes.plot(unit, predicted, color="#D55E00", linewidth=1.5, zorder=5)


def pair(results: Results, view: SearchedView) -> Figure:
    """The response over the two hyperparameters that matter most, with all trials on it."""
    surface = view.surface
    assert surface is not None, "the caller has looked"
    listed = parameters(results, view)
    figure = Figure(figsize=(style.WIDTH, 2.9), layout="constrained")
    axes = figure.add_subplot()
    bright_is_good = "viridis" if results.study.metric.goal == "maximize" else "viridis_r"
    mesh = axes.pcolormesh(
        _edges(surface.x_unit), _edges(surface.y_unit), surface.predicted, cmap=bright_is_good, rasterized=True
    )
    many = len(view.objective) > VECTOR_UP_TO
    number = view.replicate * 7 + view.number
    x = spread(listed[surface.x], view.unit[:, surface.x], number)
    y = spread(listed[surface.y], view.unit[:, surface.y], number * 3)
    axes.plot(x, y, "o", color="black", markersize=2, markeredgecolor="white", markeredgewidth=0.3, alpha=0.7, rasterized=many)
    chosen = view.incumbents
    axes.plot(x[chosen], y[chosen], "D", color="#D55E00", markersize=4.5, markeredgecolor="white", markeredgewidth=0.7)
    label_axis(axes.xaxis, listed[surface.x], 8)
    label_axis(axes.yaxis, listed[surface.y], 6)
    axes.set_xlabel(_name(view.hyperparameters[surface.x], 40))
    axes.set_ylabel(_name(view.hyperparameters[surface.y], 26))
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, fraction=0.06)
    bar.set_label(f"predicted {_metric(results)}")
    bar.outline.set_visible(False)
    handles = [
        Line2D([], [], linestyle="", marker="o", color="black", markersize=3),
        Line2D([], [], linestyle="", marker="D", color="#D55E00", markersize=4.5),
    ]
    style.legend_above(axes, handles, ["a trial", "the best of its search"])
    return figure


def parallel(results: Results, view: SearchedView) -> Figure:
    """Every trial as a line over all hyperparameters to its objective."""
    listed, count = parameters(results, view), len(view.hyperparameters)
    figure = Figure(figsize=(style.WIDTH, 2.6), layout="constrained")
    axes = figure.add_subplot()
    number = view.replicate * 7 + view.number
    columns = [spread(parameter, view.unit[:, place], number) for place, parameter in enumerate(listed)]
    low, high = limits(view.objective, results.study.metric.goal)
    columns.append(np.clip((view.objective - low) / (high - low), 0, 1))
    heights = np.stack(columns, axis=1)
    chosen = best(view, results.study.metric.goal)
    rest = np.setdiff1d(np.arange(len(heights)), chosen)
    many = len(heights) > VECTOR_UP_TO / 4
    for rows, colour, width, alpha in (
        (rest, "0.55", 0.4, max(0.05, min(0.5, 120 / len(heights)))),
        (chosen, style.colour(_index(results, view)), 0.9, max(0.15, min(0.9, 30 / len(chosen)))),
    ):
        lines = [np.column_stack([np.arange(count + 1), heights[row]]) for row in rows]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=width, alpha=alpha, rasterized=many), autolim=False)
    for place, parameter in enumerate(listed):
        _upright(axes, place, *ticks(parameter, 5))
    located = mpl.ticker.MaxNLocator(nbins=5).tick_values(low, high)
    inside = [float(value) for value in located if low <= value <= high]
    _upright(
        axes, count, [(value - low) / (high - low) for value in inside], [f"{value:g}".replace("-", "−") for value in inside]
    )
    names = [_name(name, 14) for name in view.hyperparameters] + [_metric(results, 14)]
    crowded = max(map(len, names)) * 0.062 > style.WIDTH / (count + 1)
    for place, name in enumerate(names):
        raised = 0.09 if crowded and place % 2 else 0.0
        axes.text(place, 1.06 + raised, name, ha="center", va="bottom", fontsize=7.5)
    axes.set_xlim(-0.35, count + 0.35)
    axes.set_ylim(-0.05, 1.2 if crowded else 1.12)
    axes.set_axis_off()
    return figure


def _upright(axes: Axes, place: int, positions: list[float], texts: list[str]) -> None:
    axes.plot([place, place], [0, 1], color="0.25", linewidth=0.7, zorder=3)
    axes.plot([place] * len(positions), positions, "_", color="0.25", markersize=4, markeredgewidth=0.7, zorder=3)
    for at, text in zip(positions, texts, strict=True):
        written = axes.text(place - 0.05, at, text, ha="right", va="center", fontsize=6, zorder=4)
        written.set_bbox({"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.6})


def flips(results: Results, views: list[SearchedView]) -> Figure:
    """The objective over the flip ratio, one panel for each view."""
    columns = min(3, len(views))
    rows = -(-len(views) // columns)
    figure = Figure(figsize=(style.WIDTH, 0.2 + 2.1 * rows), layout="constrained")
    everything = np.concatenate([view.flips.ratio for view in views if view.flips])
    positive = everything[np.isfinite(everything) & (everything > 0)]
    log = bool(positive.size) and positive.max() > 20 * positive.min()
    floor = float(positive.min()) / 2 if log else 0.0
    bounds = limits(np.concatenate([view.objective for view in views]), results.study.metric.goal)
    for panel, view in enumerate(views):
        assert view.flips is not None, "the caller has looked"
        axes = figure.add_subplot(rows, columns, panel + 1)
        index = _index(results, view)
        ratio = np.maximum(view.flips.ratio, floor)
        many = len(ratio) > VECTOR_UP_TO
        axes.plot(
            ratio,
            view.objective,
            style.marker(index),
            color=style.colour(index),
            markersize=2.2,
            alpha=0.45,
            mew=0,
            rasterized=many,
        )
        chosen = view.incumbents
        axes.plot(ratio[chosen], view.objective[chosen], "o", mfc="none", mec="black", markersize=4, markeredgewidth=0.7)
        if log:
            axes.set_xscale("log")
            axes.set_xlim(floor / 1.5, float(positive.max()) * 1.5)
            axes.xaxis.set_major_locator(mpl.ticker.LogLocator(numticks=6))
            axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
        axes.set_ylim(*bounds)
        axes.set_xlabel("flip ratio")
        axes.set_title(cut(label(results, view.name), 26 if columns > 1 else 40), loc="left")
        if panel % columns:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel(_metric(results))
    return figure


def _edges(middles: Floats) -> Floats:
    """(n + 1,) borders of cells that fill [0, 1]."""
    return np.concatenate([[0.0], (middles[1:] + middles[:-1]) / 2, [1.0]])


def _index(results: Results, view: SearchedView) -> int:
    return list(results.study.views).index(view.name)


def _name(text: str, longest: int = SHORTEST) -> str:
    return style.plain(cut(text, longest))


def _metric(results: Results, longest: int = 20) -> str:
    return style.plain(cut(results.study.metric.name, longest), "value")
