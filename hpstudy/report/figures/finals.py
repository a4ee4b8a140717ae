"""The best value of every search at each budget."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.report import style
from hpstudy.report.figures.progress import VECTOR_UP_TO, target_line, value_limits
from hpstudy.report.labels import label

SPREAD = 0.7
"""Share of a budget's room on the axis that its views take."""

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
