"""Learning curves of the points of a sweep: a metric against the epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hpstudy.analysis.results import Results
from hpstudy.analysis.sweep import SweepView, best_point, summary
from hpstudy.report import numbers, style
from hpstudy.report.figures.marks import COLUMNS, MOST_LINES, metrics, shades, thinned
from hpstudy.report.figures.swept import Layout, layout, rank, spans_decades, text_of, value_range
from hpstudy.report.labels import label
from hpstudy.study.space import Value

STYLES = len(style.LINES)
"""Values of a second hyperparameter that line styles can tell apart."""


@dataclass(frozen=True)
class Curve:
    """One point as a line.

    Attributes:
        number: of the point.
        value: of the main hyperparameter; None where there is none.
        held: values of the other swept hyperparameters.
        style: number of the line style.
    """

    number: int
    value: Value | None
    held: Mapping[str, Value]
    style: int


def chosen(results: Results, view: SweepView, found: Layout) -> tuple[list[Curve], str]:
    """The points that are drawn, and which they are when they are not all; "" when they are.

    Too many lines hide each other. Then the points that share the other hyperparameters with the best point stand for all, and of
    those evenly spread ones.
    """
    lines, note = list(found.lines), ""
    if sum(len(line.numbers) for line in lines) > MOST_LINES or len(lines) > STYLES:
        best = best_point(
            summary(view.values[results.study.metric.name], results.study.analysis.confidence), results.study.metric.goal
        )
        kept = next((line for line in lines if best in line.numbers), lines[0])
        if len(lines) > 1:
            note = f"{view.name}: only the points with {text_of(kept.held)}, those of the best point."
        lines = [kept]
    curves = [
        Curve(number, view.points[number][found.main] if found.main else None, line.held, index)
        for index, line in enumerate(lines)
        for number in line.numbers
    ]
    if len(curves) > MOST_LINES:
        note = f"{note} {view.name}: {MOST_LINES} of {len(curves)} points, evenly spread.".strip()
        curves = thinned(curves)
    return curves, note


def figures(results: Results) -> Iterator[tuple[str, Figure, str, str]]:
    """Name, figure, caption and reading for every metric with curves of two epochs or more."""
    for metric in metrics(results):
        shown = [view for view in results.sweep if metric in view.curves and len(view.epochs) > 1]
        blocks = [shown[start : start + 3 * COLUMNS] for start in range(0, len(shown), 3 * COLUMNS)]
        for part, views in enumerate(blocks):
            name = "learning_curves" + ("" if metric == results.study.metric.name else f"_{metric}")
            yield (
                f"{name}_{part + 1}" if len(blocks) > 1 else name,
                *_figure(results, metric, views, limits(results, metric, shown)),
            )


def _figure(results: Results, metric: str, views: Sequence[SweepView], ends: tuple[float, float]) -> tuple[Figure, str, str]:
    columns = min(len(views), COLUMNS)
    rows = -(-len(views) // columns)
    drawing = Figure(figsize=(style.WIDTH, 2.6 * rows + 0.3), layout="constrained")
    notes = []
    for at, view in enumerate(views):
        axes = drawing.add_subplot(rows, columns, at + 1)
        curves, note = chosen(results, view, layout(results, view))
        notes.append(note)
        panel(axes, results, metric, view, curves)
        if _logarithmic(results, metric, views):
            axes.set_yscale("log")
        axes.set_ylim(*ends)
        if len(results.sweep) > 1:
            axes.set_title(label(results, view.name))
        if at % columns:
            axes.set_ylabel("")
    level = numbers.percent(results.study.analysis.confidence)
    reading = (
        f"A line is the mean over replicates at one point, its band the {level} t interval at each epoch. "
        f"{' '.join(note for note in notes if note)}"
    )
    return drawing, f"Learning curves: {metric} against the epoch.", reading.strip()


def _logarithmic(results: Results, metric: str, views: Sequence[SweepView]) -> bool:
    """Whether the axis is logarithmic, which that of the objective never is."""
    means = np.concatenate([summary(view.curves[metric], 0.9).mean.ravel() for view in views])
    return metric != results.study.metric.name and spans_decades(means)


def limits(results: Results, metric: str, views: Sequence[SweepView]) -> tuple[float, float]:
    """Ends of the axis of values, the same for all views."""
    found = [summary(view.curves[metric], results.study.analysis.confidence) for view in views]
    means = np.concatenate([means.mean.ravel() for means in found])
    bands = np.concatenate([end.ravel() for means in found for end in (means.low, means.high)])
    return value_range(means, bands, log=_logarithmic(results, metric, views))


def panel(axes: Axes, results: Results, metric: str, view: SweepView, curves: Sequence[Curve]) -> Axes:
    """Draw the curves of one view.

    Args:
        axes: to draw on.
        results: of a sweep.
        metric: which; the view has curves of it.
        view: one of the sweep's.
        curves: the points to draw.
    """
    values: list[Value | None] = list(dict.fromkeys(curve.value for curve in curves))
    main = layout(results, view).main
    ordered = main is not None and rank(results.study.views[view.name].space.root[main]) < 2
    colours = shades(len(values)) if ordered else [style.colour(index) for index in range(len(values))]
    plain = len(values) < 2
    for index, curve in enumerate(curves):
        colour = style.colour(index) if plain else colours[values.index(curve.value)]
        found = summary(view.curves[metric][:, curve.number], results.study.analysis.confidence)
        axes.fill_between(view.epochs, found.low, found.high, color=colour, alpha=0.13, linewidth=0, zorder=1)
        every = max(1, len(view.epochs) // 5)
        place = index if plain else values.index(curve.value)
        axes.plot(
            view.epochs,
            found.mean,
            color=colour,
            linestyle=style.line(curve.style),
            linewidth=1.2,
            marker=style.marker(place),
            markersize=3.2,
            markeredgecolor="white",
            markeredgewidth=0.3,
            markevery=(place * every // max(1, len(values)), every),
            zorder=3,
            label=_name(main, curve, len(view.points)),
        )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel(style.plain(metric, "value"))
    style.guides(axes)
    _key(axes, main, curves)
    return axes


def _name(main: str | None, curve: Curve, points: int) -> str:
    """A point in the legend: its value of the main hyperparameter, then the others."""
    texts = [] if main is None else [numbers.hyperparameter(curve.value)]
    if curve.held:
        texts.append(text_of(curve.held))
    return style.plain(", ".join(texts) or (f"point {curve.number}" if points > 1 else "the only point"))


def _key(axes: Axes, main: str | None, curves: Sequence[Curve]) -> None:
    """A legend below the panel, one entry for each line; its title is the hyperparameter."""
    if len(curves) < 2:
        return
    handles, names = axes.get_legend_handles_labels()
    longest = max(map(len, names))
    axes.legend(
        handles,
        names,
        title=style.plain(main) if main else None,
        title_fontsize=7,
        fontsize=6.5,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.22),
        ncols=max(1, min(3, 36 // (longest + 9))),
        handlelength=2.2,
        columnspacing=0.9,
    )
