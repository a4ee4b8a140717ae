"""Searches and their controls: mean best-so-far curves of search and random search, and the level of the default point."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hpstudy.analysis.baselines.controls import DefaultControl, ViewControls
from hpstudy.analysis.curves.best_so_far import MeanCurve
from hpstudy.analysis.results import Results
from hpstudy.report import style
from hpstudy.report.charts.axes import around, best_axis, best_limits, crowded, first_trials, outside, trial_axis
from hpstudy.report.charts.grid import PANELS, in_grid, parts
from hpstudy.report.charts.intervals import NO_INTERVALS, has_intervals
from hpstudy.report.charts.marks import Band, Hover, Line, Mark, Marker, Rule
from hpstudy.report.charts.model import Chart, Data, Entry, Panel
from hpstudy.report.charts.views import bands_first, index_of
from hpstudy.report.charts.words import along, confidence, estimated, label
from hpstudy.report.csvs import Row, numbered
from hpstudy.report.labels import SHORTEST, cut

SEARCH = Entry("search", dash="solid")
RANDOM = Entry("random search", style.gray(0.3), "dash", width=1.4)
EXPECTED = Entry("random search, expected", dash="dot", width=1.0)
DEFAULT = Entry("default point", style.gray(0.2), "dashdot", width=1.0)


def charts(results: Results, views: Sequence[ViewControls]) -> Iterator[Chart]:
    """A panel for each started view, with a common axis in each figure."""
    for name, part in parts("controls", views, PANELS):
        drawn = {entry.name for view in part for entry, _ in _curves(view)} | {DEFAULT.name for view in part if _default(view)}
        legend = tuple(entry for entry in (SEARCH, RANDOM, EXPECTED, DEFAULT) if entry.name in drawn)
        columns = min(len(part), 2)
        panels = [_panel(results, view, legend, value_limits(results, part)) for view in part]
        caption, reading = caption_and_reading(results, part)
        yield Chart(
            name,
            in_grid(panels, columns),
            caption,
            reading + outside(first_trials, *panels),
            Data.of(results, control_curves, control_defaults),
            2.9 if columns == 1 else 2.4 * -(-len(part) // columns),
            legend=legend,
        )


def _curves(view: ViewControls) -> list[tuple[Entry, MeanCurve]]:
    """The mean curves of a view; the last is on top."""
    curves = [(SEARCH, view.curve)]
    if view.random is not None and view.random.expected is not None:
        curves.insert(0, (EXPECTED, view.random.expected))
    if view.random is not None and np.isfinite(view.random.curve.mean).any():
        curves.insert(0, (RANDOM, view.random.curve))
    return curves


def _default(view: ViewControls) -> DefaultControl | None:
    """The default point, if it has been trained."""
    return view.default if view.default is not None and not math.isnan(view.default.mean) else None


def _panel(results: Results, view: ViewControls, legend: tuple[Entry, ...], limits: tuple[float, float]) -> Panel:
    name, trials = label(results, view.view), results.study.search.trials
    look = style.look(index_of(results, view.view))
    x = np.arange(1, trials + 1, dtype=np.float64)
    marks: list[Mark] = []
    if default := _default(view):
        hover = Hover((f"{name}, default point: {estimated(results, default.mean, default.low, default.high)}",))
        looks: Any = {"color": DEFAULT.color, "width": 1.0, "dash": "dashdot", "groups": (legend.index(DEFAULT),)}
        marks.append(Rule(axis="y", at=default.mean, hover=hover, **looks))
    for entry, curve in _curves(view):
        own, groups = entry is SEARCH, (legend.index(entry),)
        if entry is not EXPECTED:
            color = look.color if own else style.gray(0.45)
            marks.append(Band(x=x, low=curve.low, high=curve.high, color=color, alpha=0.22, groups=groups))
        marks.append(
            Line(
                x=x,
                y=curve.mean,
                color=look.color if own else entry.color,
                width=entry.width,
                dash=entry.dash or "solid",
                marker=Marker(look.symbol, 5) if own else None,
                every=(0, max(1, trials // 8)),
                groups=groups,
                hover=along(results, f"{name}, {entry.name}", curve.mean, curve.low, curve.high),
            )
        )
    return Panel(trial_axis(trials), best_axis(results, limits), bands_first(marks), title=name, title_align="left")


def value_limits(results: Results, views: Sequence[ViewControls]) -> tuple[float, float]:
    """Limits of the value axis: all curves with their bands, and default points within the range of the curves from them.

    A default point that is far worse than all other values, or bad first trials, must not compress the curves.
    """
    curves = [curve for view in views for entry, curve in _curves(view) if entry is not EXPECTED]
    ends = [end for curve in curves for end in (curve.mean, curve.low, curve.high)]
    values = np.concatenate([end[crowded(*ends) :] for end in ends])
    defaults = np.array([default.mean for view in views if (default := _default(view))], dtype=np.float64)
    low, high = around(values, room=1.0)
    near = defaults[(defaults >= low) & (defaults <= high)] if np.isfinite(values).any() else defaults
    return best_limits(results, values, near)


def caption_and_reading(results: Results, views: Sequence[ViewControls]) -> tuple[str, str]:
    """The caption and the explanation of the figure."""
    caption = f"Best {results.study.metric.name} so far of the searches and of their controls."
    better = "above" if results.study.metric.goal == "maximize" else "below"
    drawn = has_intervals(curve.low for view in views for entry, curve in _curves(view) if entry is not EXPECTED)
    reading = f"Means over replicates with pointwise {confidence(results)} bootstrap intervals."
    if not drawn:
        reading = f"Means over replicates. {NO_INTERVALS}"
    if any(view.random for view in views):
        reading += f" The benefit of the searcher is the distance of its line {better} that of random search in the same space."
    if any(entry is EXPECTED for view in views for entry, _ in _curves(view)):
        reading += " The dotted line is the expected best of random search, estimated from all random trials."
    low, high = value_limits(results, views)
    outside = [cut(view.view, SHORTEST) for view in views if (default := _default(view)) and not low <= default.mean <= high]
    if outside:
        reading += f" Not drawn: the default point of {', '.join(outside)}."
    return caption, reading


def control_curves(results: Results) -> Iterator[Row]:
    """The mean curves of searches and random searches, the expected best of random search, and the paired gap."""
    yield "view", "curve", "trials", "searches", "mean", "low", "high"
    for view in results.controls.views if results.controls else ():
        curves = {"search": view.curve}
        if view.random is not None:
            parts_of_random = {
                "random": view.random.curve,
                "random_expected": view.random.expected,
                "search_minus_random": view.random.gap,
            }
            curves |= {name: curve for name, curve in parts_of_random.items() if curve is not None}
        for name, curve in curves.items():
            yield from numbered((view.view, name), curve.searches, curve.mean, curve.low, curve.high)


def control_defaults(results: Results) -> Iterator[Row]:
    """The default point of every view, and the final best of its searches minus it."""
    yield (
        "view",
        "trainings",
        "mean",
        "low",
        "high",
        "replicates",
        "tuned_minus_default",
        "gain_low",
        "gain_high",
        "below_default",
    )
    for view in results.controls.views if results.controls else ():
        if (default := view.default) is not None:
            trainings, gain = int(np.isfinite(default.values).sum()), default.gain or (math.nan,) * 3
            yield (
                view.view,
                trainings,
                default.mean,
                default.low,
                default.high,
                len(default.replicates),
                *gain,
                default.below and default.below.value,
            )
