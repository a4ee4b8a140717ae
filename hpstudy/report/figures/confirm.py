"""Tuning scores beside the scores of the same points on fresh seeds."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hpstudy.analysis.confirm import Confirmation
from hpstudy.analysis.results import Results
from hpstudy.report import numbers, style
from hpstudy.report.labels import label

LINES_UP_TO = 200
"""Searches up to which the two ends of a search are joined; beyond, the lines would be one grey area."""

SHIFT = 0.16
"""Vertical distance of a view's mean marks from its searches, where 1 is the distance of two views."""


def figure(results: Results, found: Confirmation) -> Figure:
    """One row for each view."""
    made = Figure(figsize=(style.WIDTH, 0.9 + 0.62 * len(found.views)), layout="constrained")
    dumbbells(made.add_subplot(), results, found)
    return made


def dumbbells(axes: Axes, results: Results, found: Confirmation) -> Axes:
    """Draw every search from its tuning score to its mean on fresh seeds; the means with intervals above, the default point below.

    Args:
        axes: to draw on.
        results: of the study, for names.
        found: the confirmation; scores are (searches x seeds).
    """
    order = list(results.study.views)
    for place, view in enumerate(found.views):
        colour = style.colour(order.index(view.data.view))
        fresh = np.nanmean(view.data.scores[found.metrics[0]], axis=1)
        if len(fresh) <= LINES_UP_TO:
            ends = [[(a, place), (b, place)] for a, b in zip(view.data.tuning.tolist(), fresh.tolist(), strict=True)]
            axes.add_collection(LineCollection(ends, colors="0.8", linewidths=0.6, zorder=1), autolim=False)
        small = {"linestyle": "", "markersize": 3.5, "color": colour, "alpha": 0.6, "zorder": 2}
        axes.plot(view.data.tuning, np.full(len(fresh), place), marker="o", markerfacecolor="white", **small)  # type: ignore[arg-type]
        axes.plot(fresh, np.full(len(fresh), place), marker="o", markeredgewidth=0, **small)  # type: ignore[arg-type]
        objective = view.metrics[0]
        axes.plot(view.data.tuning.mean(), place - SHIFT, "D", color="white", markeredgecolor=colour, markersize=5.5, zorder=4)
        _mean(axes, objective.tuned.value, objective.tuned.low, objective.tuned.high, place - SHIFT, "D", colour)
        if objective.default is not None:
            _mean(axes, objective.default.value, objective.default.low, objective.default.high, place + SHIFT, "X", "0.35")
    axes.set_yticks(range(len(found.views)), [label(results, view.data.view) for view in found.views])
    axes.set_ylim(len(found.views) - 0.5, -0.5)
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


def _mean(axes: Axes, value: float, low: float, high: float, y: float, marker: str, colour: str) -> None:
    axes.plot([low, high], [y, y], color=colour, linewidth=1.4, zorder=3)
    axes.plot(value, y, marker, color=colour, markeredgecolor=colour, markersize=5.5, zorder=4)
