"""Searches and their controls: mean best-so-far curves of search and random search, and the level of the default point."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.baselines.controls import ViewControls
from hpstudy.analysis.curves.best_so_far import MeanCurve
from hpstudy.analysis.results import Results
from hpstudy.report import numbers, style
from hpstudy.report.figures.progress import trial_axis
from hpstudy.report.labels import label, name

SEARCH, RANDOM, EXPECTED, DEFAULT = "search", "random search", "random search, expected", "default point"
"""What the lines are called."""


def figure(results: Results, views: Sequence[ViewControls]) -> Figure:
    """A panel for each view, on one scale.

    Args:
        results: of the study.
        views: the views to draw; each has begun.
    """
    columns = min(len(views), 2)
    rows = -(-len(views) // columns)
    drawn = Figure(figsize=(style.WIDTH, 2.9 if columns == 1 else 2.4 * rows), layout="constrained")
    order = list(results.study.views)
    limits = value_limits(views)
    handles: dict[str, Artist] = {}
    for place, view in enumerate(views):
        axes = against_controls(drawn.add_subplot(rows, columns, place + 1), results, view, order.index(view.view))
        axes.set_ylim(*limits)
        handles |= {text: handle for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    shown = [text for text in (SEARCH, RANDOM, EXPECTED, DEFAULT) if text in handles]
    if SEARCH in handles:  # whose colour and marker differ from panel to panel
        handles[SEARCH] = Line2D([], [], color="black", linewidth=1.8)
    drawn.legend([handles[text] for text in shown], shown, loc="outside upper left", ncols=4)
    return drawn


def against_controls(axes: Axes, results: Results, view: ViewControls, index: int) -> Axes:
    """Draw one view.

    Args:
        axes: to draw on.
        results: of the study.
        view: what to draw; curves are (trials,).
        index: the view's number in the study, for its colour.
    """
    trials = np.arange(1, results.study.search.trials + 1)
    every = max(1, len(trials) // 8)
    colour = style.colour(index)
    _band(axes, trials, view.curve, colour)
    axes.plot(
        trials, view.curve.mean, color=colour, linewidth=1.8, marker=style.marker(index), markersize=4, markevery=every,
        zorder=4, label=SEARCH,
    )  # fmt: skip
    if view.random is not None and np.isfinite(view.random.curve.mean).any():
        _band(axes, trials, view.random.curve, "0.45")
        axes.plot(trials, view.random.curve.mean, color="0.3", linewidth=1.4, linestyle=style.LINES[1], zorder=3, label=RANDOM)
    if view.random is not None and view.random.expected is not None:
        axes.plot(
            trials, view.random.expected.mean, color="black", linewidth=1, linestyle=style.LINES[3], zorder=3.5, label=EXPECTED
        )
    if view.default is not None and not math.isnan(view.default.mean):
        axes.axhline(view.default.mean, color="0.2", linewidth=1, linestyle=style.LINES[2], zorder=2, label=DEFAULT)
    axes.set_title(label(results, view.view), loc="left")
    axes.set_ylabel(f"best {style.plain(results.study.metric.name, 'value')} so far")
    trial_axis(axes, len(trials))
    style.guides(axes)
    return axes


def value_limits(views: Sequence[ViewControls]) -> tuple[float, float]:
    """Ends of the axis of values: all curves with their bands, and the default points that lie no farther off than the curves reach.

    A default point that is far worse than everything else must not flatten the curves.
    """
    curves = [curve for view in views for curve in (view.curve, view.random and view.random.curve) if curve]
    values = _finite(np.concatenate([end for curve in curves for end in (curve.mean, curve.low, curve.high)]))
    defaults = _finite(np.array([view.default.mean for view in views if view.default], dtype=np.float64))
    if not values.size:
        values = defaults
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    span = high - low
    near = defaults[(defaults >= low - span) & (defaults <= high + span)]
    low, high = min([low, *near.tolist()]), max([high, *near.tolist()])
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room


def words(results: Results, views: Sequence[ViewControls]) -> tuple[str, str]:
    """Caption, and how to read the figure."""
    level = numbers.percent(results.study.analysis.confidence)
    caption = f"Best {results.study.metric.name} so far of the searches and of their controls."
    better = "above" if results.study.metric.goal == "maximize" else "below"
    reading = f"Means over replicates with pointwise {level} bootstrap intervals."
    if any(view.random for view in views):
        reading += (
            f" What the searcher is worth is how far its line runs {better} that of random search in the same space; the dotted line is "
            "the expected best of random search, estimated from all random trials together."
        )
    low, high = value_limits(views)
    outside = [name(view.view) for view in views if view.default and (view.default.mean < low or view.default.mean > high)]
    if outside:
        reading += f" Outside the drawing: the default point of {', '.join(outside)}."
    return caption, reading


def _band(axes: Axes, trials: object, curve: MeanCurve, colour: str) -> None:
    axes.fill_between(trials, curve.low, curve.high, color=colour, alpha=0.22, linewidth=0, zorder=1)  # type: ignore[arg-type]


def _finite(values: Floats) -> Floats:
    return values[np.isfinite(values)]
