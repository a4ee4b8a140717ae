"""Learning curves of the points of a sweep: a metric against the epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView, best_point, summary
from hpstudy.report import numbers, style
from hpstudy.report.charts.sweep_metrics import COLUMNS, MOST_LINES, metrics, thinned
from hpstudy.report.charts.swept import Layout, layout, rank, spans_decades, text_of, value_range
from hpstudy.report.figures.marks import fill
from hpstudy.report.labels import label
from hpstudy.study.space import Value

STYLES = len(style.LINES)
"""Values of a second hyperparameter that line styles can tell apart."""


BANDS = 7
"""Lines up to which each has its band; more bands would hide each other."""


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
            name = "learning_curves" + ("" if metric == results.study.metric.name else "_flips")
            yield (
                f"{name}_{part + 1}" if len(blocks) > 1 else name,
                *_figure(results, metric, views, limits(results, metric, shown)),
            )


def _figure(results: Results, metric: str, views: Sequence[SweepView], ends: tuple[float, float]) -> tuple[Figure, str, str]:
    columns = min(len(views), COLUMNS)
    rows = -(-len(views) // columns)
    picked = [chosen(results, view, layout(results, view)) for view in views]
    keys = [Key.of(results, view, curves) for view, (curves, _) in zip(views, picked, strict=True)]
    common = all(key.names == keys[0].names and key.title == keys[0].title for key in keys)
    room = keys[0].height(style.WIDTH) if common else max(key.height(style.WIDTH / columns) for key in keys) * rows
    drawing = Figure(figsize=(style.WIDTH, 2.1 * rows + room), layout="constrained")
    log = _logarithmic(results, metric, views)
    for at, (view, (curves, _), key) in enumerate(zip(views, picked, keys, strict=True)):
        axes = drawing.add_subplot(rows, columns, at + 1)
        if log:
            axes.set_yscale("log")
        axes.set_ylim(*ends)
        panel(axes, results, metric, view, curves)
        if len(results.sweep) > 1:
            axes.set_title(label(results, view.name))
        if at % columns:
            axes.set_ylabel("")
        if not common:
            key.below(axes, style.WIDTH / columns)
    if common:
        keys[0].under(drawing)
    level = numbers.percent(results.study.analysis.confidence)
    reading = f"A line is the mean over replicates at one point, a band the {level} t interval at each epoch"
    reading += "; panels with many lines have no bands." if max(len(curves) for curves, _ in picked) > BANDS else "."
    caption = f"Learning curves: {metric} against the epoch."
    return drawing, caption, " ".join([reading, *(note for _, note in picked if note)])


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
        axes: to draw on, with their final scale and limits.
        results: of a sweep.
        metric: which; the view has curves of it.
        view: one of the sweep's.
        curves: the points to draw.
    """
    looks = _looks(results, view, curves)
    every = max(1, len(view.epochs) // 5)
    for curve in curves:
        place, colour = looks[curve.value, curve.number if curve.value is None else None]
        found = summary(view.curves[metric][:, curve.number], results.study.analysis.confidence)
        if len(curves) <= BANDS:
            fill(axes, view.epochs, found.low, found.high, color=colour, alpha=0.13, zorder=1)
        axes.plot(
            view.epochs,
            found.mean,
            color=colour,
            linestyle=style.line(curve.style),
            linewidth=1.2,
            marker=style.marker(place),
            markersize=3.6,
            markeredgewidth=0,
            markevery=(place * every // max(1, len(looks)), every),
            zorder=3,
        )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel("epoch")
    axes.set_ylabel(style.plain(metric, "value"))
    style.guides(axes)
    return axes


Looks = dict[tuple[Value | None, int | None], tuple[int, str]]
"""(value of the main hyperparameter, or None and the number of the point) -> (number of the marker, colour)."""


def _looks(results: Results, view: SweepView, curves: Sequence[Curve]) -> Looks:
    """Shades from dark to light along an ordered hyperparameter, else the palette."""
    main = layout(results, view).main
    ordered = main is not None and rank(results.study.views[view.name].space.root[main]) < 2
    found = list(dict.fromkeys((curve.value, curve.number if curve.value is None else None) for curve in curves))
    colours = style.shades(len(found)) if ordered else [style.colour(index) for index in range(len(found))]
    return {key: (index, colour) for index, (key, colour) in enumerate(zip(found, colours, strict=True))}


@dataclass(frozen=True)
class Key:
    """What the lines of a panel are: a legend.

    Attributes:
        title: the hyperparameter along which colours and markers change; "" where there is none.
        names: one for each colour, then one for each line style when there are several.
        handles: as many, drawn beside them.
    """

    title: str
    names: tuple[str, ...]
    handles: tuple[Line2D, ...]

    @classmethod
    def of(cls, results: Results, view: SweepView, curves: Sequence[Curve]) -> Key:
        """The key of one view's curves; empty for a single line."""
        main = layout(results, view).main
        if len(curves) < 2:
            return cls("", (), ())
        names, handles = [], []
        for (value, number), (place, colour) in _looks(results, view, curves).items():
            names.append(style.plain(f"point {number}" if value is None else numbers.hyperparameter(value)))
            handles.append(Line2D([], [], color=colour, marker=style.marker(place), markersize=3.6, linewidth=1.2))
        held = {curve.style: text_of(curve.held) for curve in curves}
        if len(held) > 1:
            names += [style.plain(text) for text in held.values()]
            for index in held:
                line = Line2D([], [], color="0.2", linewidth=1.2)
                line.set_linestyle(style.line(index))  # type: ignore[arg-type]
                handles.append(line)
        return cls(style.plain(main) if main else "", tuple(names), tuple(handles))

    def columns(self, inches: float) -> int:
        """How many entries fit side by side."""
        longest = max(map(len, self.names), default=1)
        return max(1, min(len(self.names), int((inches - 0.3) / (0.055 * longest + 0.5))))

    def height(self, inches: float) -> float:
        """Inches that the legend takes below a panel or figure of that width."""
        return 0.15 * (-(-len(self.names) // self.columns(inches)) + bool(self.title)) + 0.1 if self.names else 0.0

    def below(self, axes: Axes, inches: float) -> None:
        """Set the legend below the label of a panel's horizontal axis."""
        figure = axes.get_figure()
        if self.names and figure is not None:
            shift = ScaledTranslation(0, -32 / 72, figure.dpi_scale_trans)
            axes.legend(
                **self._settings(inches), loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=axes.transAxes + shift
            )

    def under(self, figure: Figure) -> None:
        """Set the legend below all panels."""
        if self.names:
            figure.legend(**self._settings(style.WIDTH), loc="outside lower center")

    def _settings(self, inches: float) -> dict[str, Any]:
        return {
            "handles": self.handles,
            "labels": self.names,
            "title": self.title or None,
            "title_fontsize": 7,
            "fontsize": 6.5,
            "ncols": self.columns(inches),
            "handlelength": 2.2,
            "columnspacing": 0.9,
        }
