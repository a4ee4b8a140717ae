"""Views that sweep nothing, side by side: every replicate as a dot."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView, summary
from hpstudy.report import numbers, style
from hpstudy.report.figures.marks import metric_words, metrics, value_axis
from hpstudy.report.figures.swept import LETTER
from hpstudy.report.labels import SHORTEST, cut


def figure(results: Results) -> tuple[str, Figure, str, str]:
    """Name, figure, caption and reading: one column for each view and point, one panel for each metric."""
    columns = [(view, number) for view in results.sweep for number, point in enumerate(view.points) if point]
    shown = metrics(results)
    drawing = Figure(figsize=(style.WIDTH, 2.7), layout="constrained")
    texts = [
        style.plain(cut(view.name, SHORTEST)) + (f"\npoint {number}" if len(view.points) > 1 else "") for view, number in columns
    ]
    for place, metric in enumerate(shown):
        axes = drawing.add_subplot(1, len(shown), place + 1)
        strip(axes, results, metric, columns)
        room = (style.WIDTH / len(shown) - 0.75) / max(1, len(texts))
        wide = any(len(line) * LETTER > room for text in texts for line in text.split("\n"))
        axes.set_xticks(range(len(columns)), texts, rotation=90 if wide else 0)
    level = numbers.percent(results.study.analysis.confidence)
    reading = f"A dot is one replicate, an open marker is the mean with its {level} t interval."
    return "sweep", drawing, f"Every view: {metric_words(results)}.", reading


def strip(axes: Axes, results: Results, metric: str, columns: list[tuple[SweepView, int]]) -> Axes:
    """Draw one metric.

    Args:
        axes: to draw on.
        results: of a sweep.
        metric: which; columns of views without it stay empty.
        columns: views and numbers of points.
    """
    value_axis(axes, results, metric)
    order = {view.name: index for index, view in enumerate(results.sweep)}
    for x, (view, number) in enumerate(columns):
        if metric not in view.values:
            continue
        values, index = view.values[metric][:, number], order[view.name]
        found = summary(values, results.study.analysis.confidence)
        kind, colour = style.marker(index), style.colour(index)
        spread = (np.arange(len(values)) % 5 - 2) * 0.05
        axes.plot(x - 0.12 + spread, values, kind, color=colour, markersize=3, alpha=0.55, markeredgewidth=0, zorder=2)
        axes.vlines(x + 0.18, max(float(found.low), axes.get_ylim()[0]), float(found.high), color=colour, linewidth=1.4, zorder=3)
        axes.plot(x + 0.18, float(found.mean), kind, color="white", markeredgecolor=colour, markersize=5, zorder=4)
    axes.set_xlim(-0.6, len(columns) - 0.4)
    return axes
