"""What all figures of a sweep share: which metrics are drawn, on which axis of values, in which colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import summary
from hpstudy.report import numbers, style
from hpstudy.report.figures.swept import spans_decades, value_range

FLIPS = "flip_ratio"
"""The metric that is drawn beside the objective wherever it was recorded."""

COLUMNS = 3
"""Views side by side."""

MOST_LINES = 12
"""Lines in one panel."""


def metrics(results: Results) -> tuple[str, ...]:
    """What is drawn: the objective, and the flip ratio where any view recorded it."""
    objective = results.study.metric.name
    recorded = any(FLIPS in view.values for view in results.sweep) and objective != FLIPS
    return (objective, FLIPS) if recorded else (objective,)


def metric_words(results: Results) -> str:
    """The metrics that are drawn, in a sentence."""
    return " and ".join(metrics(results))


def all_values(results: Results, metric: str) -> Floats:
    """Every value of a metric in the study, as one row."""
    return np.concatenate([view.values[metric].ravel() for view in results.sweep if metric in view.values])


def logarithmic(results: Results, metric: str) -> bool:
    """Whether the axis of a metric is logarithmic: never that of the objective."""
    return metric != results.study.metric.name and spans_decades(all_values(results, metric))


def below_zero(results: Results, metric: str) -> bool:
    """Whether the interval of any point's mean includes 0, which a logarithmic axis cannot show."""
    found = [summary(view.values[metric], results.study.analysis.confidence) for view in results.sweep if metric in view.values]
    return any((means.low <= 0).any() for means in found)


def fill(axes: Axes, x: Any, low: Floats, high: Floats, **looks: Any) -> None:
    """A band within the axes' limits: the end of an interval that is not positive has no place on a logarithmic axis.

    Args:
        axes: with their final scale and limits.
        x: (points,) where the band is.
        low: (points,) its lower end.
        high: (points,) its upper end.
        **looks: of `Axes.fill_between`.
    """
    bottom = axes.get_ylim()[0]
    axes.fill_between(x, np.maximum(low, bottom), np.maximum(high, bottom), linewidth=0, **looks)


def value_axis(axes: Axes, results: Results, metric: str) -> None:
    """Limits, scale and label of the vertical axis: the same in all panels of a metric."""
    confidence, log = results.study.analysis.confidence, logarithmic(results, metric)
    found = [summary(view.values[metric], confidence) for view in results.sweep if metric in view.values]
    bands = np.concatenate([end for means in found for end in (means.low, means.high)])
    if log:
        axes.set_yscale("log")
    axes.set_ylim(*value_range(all_values(results, metric), bands, log=log))
    axes.set_ylabel(style.plain(metric, "value"))
    style.guides(axes)


def explained(results: Results, shape: str) -> str:
    """How to read the marks; `shape` says how an interval is drawn: "a band" or "a bar"."""
    level = numbers.percent(results.study.analysis.confidence)
    text = f"Small marks are single replicates, large ones their mean, with {shape}: the {level} t interval over replicates."
    for metric in metrics(results):
        if not logarithmic(results, metric):
            continue
        if zeros := int((all_values(results, metric) == 0).sum()):
            are, have = ("value", "is 0 and has") if zeros == 1 else ("values", "are 0 and have")
            text += f" {numbers.count(zeros)} {are} of {metric} {have} no place on its logarithmic axis."
        if below_zero(results, metric):
            text += f" An interval of {metric} that reaches the bottom of its axis includes 0."
    return text


def shades(count: int) -> list[str]:
    """Colours from dark to light for `count` ordered lines; the lightest yellow, which white paper swallows, is left out."""
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.86, max(count, 2)))[:count]
    return [mpl.colors.to_hex(tuple(colour)) for colour in colours]


def thinned(lines: Sequence[Any], most: int = MOST_LINES) -> list[Any]:
    """At most `most` of the lines, evenly spread, with the first and the last one."""
    if len(lines) <= most:
        return list(lines)
    return [lines[round(step)] for step in np.linspace(0, len(lines) - 1, most)]


def legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend for all panels, above them; none for a single line."""
    found: dict[str, Artist] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    if len(found) > 1:
        columns = style.legend_columns([f"{name}  " for name in found])
        figure.legend(found.values(), found.keys(), loc="outside upper left", ncols=columns)
