"""Tuning scores beside the scores of the same points on fresh seeds."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hpstudy.analysis.results import Results
from hpstudy.analysis.retraining.confirmation import Confirmation, Estimate
from hpstudy.report import numbers, style
from hpstudy.report.labels import label

LINES_UP_TO = 200
"""Searches up to which the two ends of a search are joined; beyond, the lines would be one grey area."""

ROWS = {"mean tuning": -0.36, "tuning": -0.22, "fresh": 0.08, "mean fresh": 0.22, "default": 0.38}
"""Where a view's marks stand, downwards from its place, where 1 is the distance of two views."""


def figure(results: Results, found: Confirmation) -> Figure:
    """One row for each view."""
    made = Figure(figsize=(style.WIDTH, 0.9 + 0.9 * len(found.views)), layout="constrained")
    dumbbells(made.add_subplot(), results, found)
    return made


def dumbbells(axes: Axes, results: Results, found: Confirmation) -> Axes:
    """Draw every search from its tuning score to its mean on fresh seeds; means with intervals beside them, the default point below.

    Args:
        axes: to draw on.
        results: of the study, for names.
        found: the confirmation; scores are (searches x seeds).
    """
    order = list(results.study.views)
    for place, view in enumerate(found.views):
        at = {row: place + shift for row, shift in ROWS.items()}
        colour, tuning = style.colour(order.index(view.data.view)), view.data.tuning
        fresh = np.nanmean(view.data.scores[found.metrics[0]], axis=1)
        if len(fresh) <= LINES_UP_TO:
            pairs = zip(tuning.tolist(), fresh.tolist(), strict=True)
            ends = [[(a, at["tuning"]), (b, at["fresh"])] for a, b in pairs]
            axes.add_collection(LineCollection(ends, colors="0.75", linewidths=0.5, zorder=1), autolim=False)
        small = {"linestyle": "", "marker": "o", "markersize": 3.5, "color": colour, "zorder": 2}
        axes.plot(tuning, np.full(len(fresh), at["tuning"]), markerfacecolor="white", **small)  # type: ignore[arg-type]
        axes.plot(fresh, np.full(len(fresh), at["fresh"]), markeredgewidth=0, **small)  # type: ignore[arg-type]
        axes.plot(tuning.mean(), at["mean tuning"], "D", color="white", markeredgecolor=colour, markersize=5.5, zorder=4)
        _mean(axes, view.metrics[0].tuned, at["mean fresh"], "D", colour)
        if view.metrics[0].default is not None:
            _mean(axes, view.metrics[0].default, at["default"], "X", "0.35")
    axes.set_yticks(range(len(found.views)), [label(results, view.data.view) for view in found.views])
    axes.set_ylim(len(found.views) - 0.45, -0.55)
    axes.margins(x=0.04)
    axes.set_xlabel(style.plain(found.metrics[0], "objective"))
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
    ink = {"linestyle": "", "color": "0.2"}
    handles = [
        Line2D([], [], marker="o", markerfacecolor="white", markersize=4, **ink),  # type: ignore[arg-type]
        Line2D([], [], marker="o", markersize=4, **ink),  # type: ignore[arg-type]
        Line2D([], [], marker="D", markerfacecolor="white", markersize=5, **ink),  # type: ignore[arg-type]
        Line2D([], [], marker="D", markersize=5, **ink),  # type: ignore[arg-type]
        Line2D([], [], marker="X", markersize=5, linestyle="", color="0.35"),
    ]
    names = ["search: tuning score", "on fresh seeds", "mean tuning score", "mean on fresh seeds", "default point"]
    style.legend_above(axes, handles, names)
    return axes


def words(results: Results, found: Confirmation) -> tuple[str, str]:
    """Caption, and how to read the figure."""
    level = numbers.percent(results.study.analysis.confidence)
    caption = f"{found.metrics[0]} of what the searches chose, when it was chosen and on {found.seeds} fresh seeds."
    reading = (
        "A grey line is one search, from the score of its best trial (open) to the mean of the same point on fresh seeds (filled); "
        f"diamonds are means over searches, bars their {level} intervals. Lines that all lean the same way are the bias of choosing the "
        "best; a cross is the default point on the same seeds."
    )
    return caption, reading


def _mean(axes: Axes, estimate: Estimate, y: float, marker: str, colour: str) -> None:
    axes.plot([estimate.low, estimate.high], [y, y], color=colour, linewidth=1.4, zorder=3)
    axes.plot(estimate.value, y, marker, color=colour, markeredgecolor=colour, markersize=5.5, zorder=4)
