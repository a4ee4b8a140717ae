"""The best value of every search at each budget."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.report import overview, style
from hpstudy.report.charts.best_so_far import VECTOR_UP_TO, value_limits
from hpstudy.report.figures import panels
from hpstudy.report.figures.progress import target_line
from hpstudy.report.labels import label, name

SPREAD = 0.7
"""Share of a budget's room on the axis that its views take."""

ROW = 0.22
"""Inches of a view's row."""

LINES_UP_TO = 200
"""Replicates up to which the two ends of a replicate are joined; beyond, the lines would be one grey area."""


def by_budget(axes: Axes, results: Results) -> Axes:
    """Draw one dot for each search and budget, joined within a replicate, and the mean with its interval beside them.

    Args:
        axes: to draw on.
        results: of the study; every view's best so far is (replicates x trials).
    """
    views = results.views
    offsets = (np.arange(len(views)) - (len(views) - 1) / 2) * (SPREAD / max(2, len(views)))
    many = sum(view.best.shape[0] for view in views) > VECTOR_UP_TO
    for place, budget in enumerate(results.budgets):
        values = np.stack([view.best[:, budget - 1] for view in views], axis=1)
        if values.shape[0] <= LINES_UP_TO:
            joined = [np.stack([place + offsets, row], axis=1) for row in values if not np.isnan(row).any()]
            axes.add_collection(LineCollection(joined, colors="0.75", linewidths=0.4, zorder=1), autolim=False)
        for index, view in enumerate(views):
            x = place + offsets[index]
            column = values[:, index]
            axes.plot(
                x + _spread(len(column)),
                column,
                style.marker(index),
                color=style.colour(index),
                markersize=3,
                alpha=0.5,
                markeredgewidth=0,
                rasterized=many,
                zorder=2,
            )
            found = view.budgets[place]
            shift = 0.07 * (1 if index >= len(views) / 2 else -1)
            axes.plot([x + shift] * 2, [found.low, found.high], color=style.colour(index), linewidth=1.4, zorder=3)
            axes.plot(
                x + shift,
                found.mean,
                style.marker(index),
                color="white",
                markeredgecolor=style.colour(index),
                markersize=5,
                zorder=4,
            )
    axes.set_ylim(*value_limits(results, results.budgets))
    target_line(axes, results)
    axes.set_xlim(-0.6, len(results.budgets) - 0.4)
    axes.set_xticks(range(len(results.budgets)), [f"{budget}" for budget in results.budgets])
    axes.set_xlabel("budget (trials)")
    axes.set_ylabel(f"best {style.plain(results.study.metric.name, 'value')} so far")
    handles = [
        Line2D([], [], linestyle="", marker=style.marker(index), color=style.colour(index), markersize=5)
        for index in range(len(views))
    ]
    style.legend_above(axes, handles, [label(results, view.name) for view in views])
    style.guides(axes)
    return axes


def in_rows(results: Results) -> Figure:
    """A panel for each budget, and in it a row for each of many views."""
    count, budgets = len(results.views), results.budgets
    columns = min(len(budgets), panels.COLUMNS)
    rows = -(-len(budgets) // columns)
    figure = Figure(figsize=(style.WIDTH, 0.4 + min(rows * (0.4 + ROW * count), panels.TALLEST)), layout="constrained")
    made = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in made[len(budgets) :]:
        axes.remove()
    for place, axes in enumerate(made[: len(budgets)]):
        one_budget(axes, results, place)
        axes.tick_params(labelbottom=place + columns >= len(budgets))
    made[0].set_yticks(range(count), [name(view.name) for view in results.views])
    made[0].set_ylim(count - 0.4, -0.6)
    figure.supxlabel(f"best {style.plain(results.study.metric.name, 'value')} so far", fontsize="medium")
    return figure


def one_budget(axes: Axes, results: Results, place: int) -> Axes:
    """Draw one dot for each search after a number of trials, and the mean with its interval below them, view by view.

    Args:
        axes: to draw on; row 0 is that of the first view.
        results: of the study; every view's best so far is (replicates x trials).
        place: number of the budget (from 0).
    """
    many = sum(view.best.shape[0] for view in results.views) > VECTOR_UP_TO
    for index, view in enumerate(results.views):
        colour, kind, found = style.colour(index), style.marker(index), view.budgets[place]
        values = view.best[:, found.budget - 1]
        dots = {"markersize": 3, "alpha": 0.5, "markeredgewidth": 0, "rasterized": many, "zorder": 2}
        axes.plot(values, index - 0.18 + _spread(len(values)), kind, color=colour, **dots)
        axes.plot([found.low, found.high], [index + 0.18] * 2, color=colour, linewidth=1.4, zorder=3)
        axes.plot(found.mean, index + 0.18, kind, color="white", markeredgecolor=colour, markersize=4.5, zorder=4)
    if (other := panels.reference(results)) is not None:
        axes.axvline(results.views[other].budgets[place].mean, color=panels.GREY, linewidth=0.8, zorder=1)
    axes.set_xlim(*value_limits(results, results.budgets))
    axes.set_title(f"after {results.budgets[place]} trial{'s' if results.budgets[place] > 1 else ''}")
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    return axes


def _spread(searches: int) -> Floats:
    """Sideways shifts that part dots of many searches; none for a few, whose lines would end beside them."""
    if searches <= LINES_UP_TO:
        return np.zeros(searches)
    golden = (np.sqrt(5) - 1) / 2
    return np.asarray(((np.arange(searches) * golden) % 1 - 0.5) * 0.1, dtype=np.float64)


def words(results: Results) -> tuple[str, str]:
    """Caption, and how to read the figure."""
    joined = " a grey line joins the searches of one replicate," if results.study.replicates <= LINES_UP_TO else ""
    caption = f"Best {results.study.metric.name} of every search after {_list(results.budgets)} trials."
    if overview.many_views(results):
        grey = panels.reference_words(results, "the mean")
        return caption, f"A dot is one search, an open marker is the mean with its bootstrap interval.{grey}"
    reading = (
        f"A dot is one search,{joined} an open marker is the mean with its bootstrap "
        "interval; "
        "lines that all lean the same way are a difference that every replicate shows."
        if len(results.views) > 1
        else "A dot is one search, an open marker is the mean with its bootstrap interval."
    )
    return caption, reading


def _list(budgets: tuple[int, ...]) -> str:
    texts = [str(budget) for budget in budgets]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
