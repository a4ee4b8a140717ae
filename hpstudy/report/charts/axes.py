"""Axes that several charts share, and their limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.charts.marks import Band, Line
from hpstudy.report.charts.model import Axis, Panel
from hpstudy.report.charts.words import filled, metric
from hpstudy.report.overview import many_views

OUTLIERS = 0.02
"""Share of the worst best-so-far values that may lie outside the axis: a few bad first trials must not compress the rest."""

OUTSIDE = f"Up to {100 * OUTLIERS:.0f}% of the values, the worst ones, are not drawn."
"""The sentence that such values are outside the axis."""

EARLIEST = 0.1
"""Share of the first trials, or of the training time, that does not determine an axis of means: early intervals would compress the rest."""

EARLY = 0.25
"""Share of the first trials that may lie outside a small panel, or outside an axis that they would compress: some searches start badly."""

DECADES = 20
"""Ratio of the largest and the smallest value of a minimized metric, such as a loss, from which its axis is logarithmic."""

CROWDING = 4
"""Ratio of the ranges of values with and without these trials above which they compress the rest."""


def trial_axis(trials: int, first: int = 1, label: str = "trials") -> Axis:
    """An axis of trials, or of another count, from `first` to `trials`."""
    room = 0.02 * trials + 0.2
    return Axis(label, (first - room, trials + room), ticks="integers")


def best_axis(results: Results, limits: tuple[float, float]) -> Axis:
    """An axis of best-so-far values, with limits of `best_limits`."""
    label, (low, high) = filled("best {} so far", metric(results)), limits
    if not _spans_decades(results, low, high):
        return Axis(label, limits, grid=True)
    steps = (1, 2, 5) if high < 1000 * low else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    at = [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]
    return marked_axis(label, limits, at, map(numbers.general, at), log=True, grid=True)


def best_limits(results: Results, *values: Floats) -> tuple[float, float]:
    """Limits of an axis of best-so-far values that shows all finite values; of a logarithmic axis if a minimized metric spans decades."""
    low, high = around(*values)
    finite = np.concatenate([part[np.isfinite(part)] for part in values])
    if finite.size and _spans_decades(results, float(finite.min()), float(finite.max())):
        room = float(finite.max() / finite.min()) ** 0.05
        return float(finite.min()) / room, float(finite.max()) * room
    # The margin alone must not make the axis logarithmic.
    return (0.0 if _spans_decades(results, low, high) else low), high


def _spans_decades(results: Results, low: float, high: float) -> bool:
    return results.study.metric.goal == "minimize" and 0 < DECADES * low <= high


def row_axis(names: Sequence[str], *, labeled: bool = True) -> Axis:
    """An axis of named rows, numbered from 0, the first at the top."""
    return marked_axis("", (len(names) - 0.4, -0.6), range(len(names)), names, labeled=labeled, ticked=False)


def marked_axis(label: str, limits: tuple[float, float], at: Iterable[float], texts: Iterable[str], **settings: Any) -> Axis:
    """An axis with texts at given values; `settings` are fields of `Axis`."""
    return Axis(label, limits, ticks="given", at=tuple(map(float, at)), texts=tuple(texts), **settings)


def around(*values: Floats, room: float = 0.05) -> tuple[float, float]:
    """Limits of an axis that shows all finite values, with margins of `room` times their range on both sides."""
    finite = np.concatenate([part[np.isfinite(part)] for part in values]) if values else np.zeros(0)
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    margin = room * (high - low) or room * abs(high) or 1.0
    return low - margin, high + margin


def around_zero(values: Floats, room: float = 0.05) -> tuple[float, float]:
    """Like `around`, with space on both sides of 0 for the labels of the directions."""
    low, high = around(values, np.zeros(1), room=room)
    return min(low, -0.12 * (high - low)), max(high, 0.12 * (high - low))


def crowded(*columns: Floats, least: float = 0.0) -> int:
    """The number of first trials that do not determine an axis: a share `least`, or `EARLY` if those trials would compress the rest.

    Args:
        columns: (trials,) values on the axis each.
        least: share of the trials.
    """
    values = np.stack(columns)
    few, many = (int(share * values.shape[1]) for share in (least, EARLY))
    spans = [np.ptp(part[np.isfinite(part)]) if np.isfinite(part).any() else 0.0 for part in (values[:, few:], values[:, many:])]
    return many if spans[0] > CROWDING * spans[1] > 0 else few


def outside(first: Callable[[float], str], *panels: Panel) -> str:
    """The sentence that early values of curves are outside the vertical axis, with a leading space; "" if none is.

    Args:
        first: names what is before a value of the horizontal axis: "first 2 trials".
        panels: the panels.
    """
    last = -np.inf
    for panel in panels:
        low, high = panel.y.limits
        for mark in panel.marks:
            if isinstance(mark, Band | Line):
                curves = (mark.low, mark.high) if isinstance(mark, Band) else (mark.y,)
                for curve in curves:
                    last = max([last, *mark.x[(curve < low) | (curve > high)].tolist()])
    return f" Some values of the {first(last)} are outside the axis." if last > -np.inf else ""


def first_trials(trial: float) -> str:
    """The trials up to one, for `outside`."""
    return numbers.first_things(int(trial), "trial")


def determining(results: Results) -> tuple[int, ...] | None:
    """The trials that determine the axis of best-so-far values; None for all trials.

    Those of `late` in small panels, and all but the first ones if these would compress the rest.
    """
    if many_views(results):
        return late(results)
    first = crowded(*(end for view in results.views for end in (view.curve.mean, view.curve.low, view.curve.high)))
    return tuple(range(first + 1, results.study.search.trials + 1)) if first else None


def late(results: Results) -> tuple[int, ...]:
    """The trials that determine the axis of small panels: of the trials that all started views have finished, all but the first `EARLY`."""
    finished = [int((~np.isnan(view.best)).any(axis=0).sum()) for view in results.views]
    return tuple(
        range(int(min((trials for trials in finished if trials), default=0) * EARLY) + 1, results.study.search.trials + 1)
    )


def worst_drawn(values: Floats, goal: str) -> float:
    """The worst value that an axis shows: all values but up to `OUTLIERS` of them, the worst ones."""
    if goal == "maximize":
        return float(np.quantile(values, OUTLIERS, method="lower"))
    return float(np.quantile(values, 1 - OUTLIERS, method="higher"))


def value_limits(results: Results, budgets: tuple[int, ...] | None = None) -> tuple[float, float]:
    """Limits of the axis of best-so-far values.

    They include all values but the worst `OUTLIERS`, every mean and interval, and the target unless it is farther away than the range of
    the values.

    Args:
        results: of the study.
        budgets: use only the values after these numbers of trials; None for all trials.
    """
    at = slice(None) if budgets is None else np.array(budgets) - 1
    values = np.concatenate([view.best[:, at].ravel() for view in results.views])
    values = values[~np.isnan(values)]
    bands = np.concatenate([end[at] for view in results.views for end in (view.curve.mean, view.curve.low, view.curve.high)])
    bands = bands[np.isfinite(bands)]
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    worst = worst_drawn(values, results.study.metric.goal)
    if results.study.metric.goal == "maximize":
        low = min(worst, float(bands.min()))
    else:
        high = max(worst, float(bands.max()))
    level = results.level.value if results.level is not None else None
    if level is not None and low - (high - low) <= level <= high + (high - low):
        low, high = min(low, level), max(high, level)
    return best_limits(results, np.array([low, high]))
