"""Best-so-far curves, as in Figure 8 of Quist et al. (2023): every search thin, the mean bold."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.report import numbers, overview, style
from hpstudy.report.figures import panels
from hpstudy.report.labels import label
from hpstudy.report.wording import level_text

VECTOR_UP_TO = 200
"""Searches up to which thin lines are vectors; more are drawn as an image, so that the PDF stays small and quick to show."""

OUTLIERS = 0.02
"""Share of the worst best-so-far values that may lie outside the drawing: a few bad first trials must not flatten the rest."""

EARLY = 0.25
"""Share of the trials, the first ones, that may lie outside a small panel: of many views some begin so low that the rest would be flat."""


def best_so_far(axes: Axes, results: Results) -> Axes:
    """Draw every search and the mean curve of every view.

    Args:
        axes: to draw on.
        results: of the study; every view's best so far is (replicates x trials).
    """
    handles: list[Artist] = []
    for index, view in enumerate(results.views):
        _searches(axes, results, index)
        trial = np.arange(1, view.best.shape[1] + 1)
        every = max(1, len(trial) // 12)
        (mean,) = axes.plot(
            trial,
            view.curve.mean,
            color=style.colour(index),
            linestyle=style.line(index),
            linewidth=1.8,
            marker=style.marker(index),
            markersize=4,
            markevery=(every * index // max(1, len(results.views)), every),
            zorder=4,
        )
        handles.append(mean)
    names = [label(results, view.name) for view in results.views]
    if (target := _axes_of_values(axes, results, value_limits(results))) is not None:
        handles.append(target)
        names.append(f"target: {style.plain(level_text(results), 'the target level')}")
    style.legend_above(axes, handles, names)
    return axes


def one_view(axes: Axes, results: Results, index: int) -> Axes:
    """Draw every search and the mean curve of one view, and that of the reference in grey: a panel of many.

    Args:
        axes: to draw on.
        results: of the study; every view's best so far is (replicates x trials).
        index: number of the view.
    """
    if (other := panels.reference(results, index)) is not None:
        curve = results.views[other].curve
        axes.plot(np.arange(1, len(curve.mean) + 1), curve.mean, color=panels.GREY, linewidth=1.1, zorder=3.2)
    _searches(axes, results, index)
    curve = results.views[index].curve
    axes.plot(np.arange(1, len(curve.mean) + 1), curve.mean, color=style.colour(index), linewidth=1.6, zorder=4)
    _axes_of_values(axes, results, value_limits(results, late(results)))
    return axes


def _searches(axes: Axes, results: Results, index: int) -> None:
    """The searches of a view as thin lines, the band of their mean, and a white edge where the mean is to be drawn."""
    view, colour = results.views[index], style.colour(index)
    alpha = max(0.02, min(0.45, 12 / max(1, view.best.shape[0])))
    lines = [line for line in (steps(row) for row in view.best) if line is not None]
    many = sum(view.best.shape[0] for view in results.views) > VECTOR_UP_TO
    thin = LineCollection(lines, colors=colour, linewidths=0.6, alpha=alpha, rasterized=many, zorder=2)
    axes.add_collection(thin, autolim=False)
    trial = np.arange(1, view.best.shape[1] + 1)
    axes.fill_between(trial, view.curve.low, view.curve.high, color=colour, alpha=0.25, linewidth=0, zorder=3)
    # A white edge makes the mean stand out from a cloud of its own colour.
    axes.plot(trial, view.curve.mean, color="white", linewidth=3.2, zorder=3.5)


def _axes_of_values(axes: Axes, results: Results, limits: tuple[float, float]) -> Line2D | None:
    """Limits, labels and guides of the axes; returns the line of the target where it lies within them."""
    axes.set_ylim(*limits)
    target = target_line(axes, results)
    trial_axis(axes, results.study.search.trials)
    axes.set_ylabel(f"best {style.plain(results.study.metric.name, 'value')} so far")
    style.guides(axes)
    return target


def late(results: Results) -> tuple[int, ...]:
    """The trials that set the axis of small panels: all but the first `EARLY` of those that every view that was begun has spent."""
    spent = [int((~np.isnan(view.best)).any(axis=0).sum()) for view in results.views]
    return tuple(range(int(min((trials for trials in spent if trials), default=0) * EARLY) + 1, results.study.search.trials + 1))


def steps(row: Floats) -> Floats | None:
    """The corners of one search's curve, (corners x 2): it stays level until a trial changes it. None before its first trial."""
    known = row[~np.isnan(row)]
    if not known.size:
        return None
    changes = np.flatnonzero(np.diff(known)) + 1
    x = np.r_[1, np.repeat(changes + 1, 2), len(known)]
    y = np.r_[known[0], np.stack([known[changes - 1], known[changes]], axis=1).ravel(), known[-1]]
    return np.stack([x, y], axis=1).astype(np.float64)


def value_limits(results: Results, budgets: tuple[int, ...] | None = None) -> tuple[float, float]:
    """Ends of the axis of best-so-far values.

    All values but the worst `OUTLIERS`, every mean and interval, and the target unless it lies farther off than the values reach.

    Args:
        results: of the study.
        budgets: only the values after these numbers of trials; after every trial when None.
    """
    at = slice(None) if budgets is None else np.array(budgets) - 1
    values = np.concatenate([view.best[:, at].ravel() for view in results.views])
    values = values[~np.isnan(values)]
    bands = np.concatenate([end[at] for view in results.views for end in (view.curve.mean, view.curve.low, view.curve.high)])
    bands = bands[np.isfinite(bands)]
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if results.study.metric.goal == "maximize":
        low = min(float(np.quantile(values, OUTLIERS)), float(bands.min()))
    else:
        high = max(float(np.quantile(values, 1 - OUTLIERS)), float(bands.max()))
    level = results.level.value if results.level is not None else None
    if level is not None and low - (high - low) <= level <= high + (high - low):
        low, high = min(low, level), max(high, level)
    room = 0.04 * (high - low) or 0.04 * abs(high) or 1.0
    return low - room, high + room


def target_line(axes: Axes, results: Results) -> Line2D | None:
    """Draw the target where it lies within the axes; None when it does not."""
    if results.level is None or results.level.value is None or not _within(results, axes.get_ylim()):
        return None
    return axes.axhline(results.level.value, color="0.35", linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)


def trial_axis(axes: Axes, trials: int, first: int = 1) -> None:
    """An axis of trials counted from 1."""
    room = 0.02 * trials + 0.2
    axes.set_xlim(first - room, trials + room)
    axes.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel("trials")


def words(results: Results) -> tuple[str, str]:
    """Caption, and how to read the figure."""
    level = numbers.percent(results.study.analysis.confidence)
    begun = sum(int((~np.isnan(view.best[:, 0])).sum()) for view in results.views)
    caption = f"Best {results.study.metric.name} so far of {numbers.count(begun)} searches."
    reading = (
        f"Thin lines are single searches, the bold line is their mean with its pointwise {level} bootstrap interval; the view "
        "whose line is "
        f"{'higher' if results.study.metric.goal == 'maximize' else 'lower'} at a trial has found better hyperparameters by then."
    )
    limits, which = value_limits(results), "the values, the worst ones,"
    if overview.many_views(results):
        shown = late(results)
        limits = value_limits(results, shown)
        which = f"the values from trial {shown[0]} on, the worst ones, and such values before it"
        reading += panels.reference_words(results, "the mean")
        reading += f" Dotted: the target, {level_text(results)}." if _within(results, limits) else ""
    low, high = limits
    if any((view.best < low).any() or (view.best > high).any() for view in results.views):
        reading += f" Up to {100 * OUTLIERS:.0f} % of {which} lie outside the drawing."
    waiting = sum(view.completeness.before_first_value for view in results.views)
    if waiting and not math.isnan(results.worst):
        reading += (
            f" {numbers.count(waiting)} trials before the first value of their search count as the worst value of the study "
            f"({numbers.metric(results.worst, numbers.decimals_of(results))})."
        )
    return caption, reading


def _within(results: Results, limits: tuple[float, float]) -> bool:
    """Whether the target lies within the axes."""
    level = results.level.value if results.level is not None else None
    return level is not None and limits[0] <= level <= limits[1]
