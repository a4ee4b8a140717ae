"""Learning curves of the points of a sweep: a metric against epochs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView, summary
from hpstudy.report import numbers, style, sweeps
from hpstudy.report.charts.axes import trial_axis
from hpstudy.report.charts.grid import in_grid, parts, title_length
from hpstudy.report.charts.intervals import NO_INTERVALS, has_intervals, mean_curve
from hpstudy.report.charts.marks import Mark
from hpstudy.report.charts.model import Axis, Chart, Data, Entry, Key, Panel
from hpstudy.report.charts.spread import evenly
from hpstudy.report.charts.sweep_metrics import COLUMNS, MOST_LINES, mean_hover, metrics, point_words, points, spanning
from hpstudy.report.charts.swept import Layout, layout, rank, text_of
from hpstudy.report.charts.views import bands_first, index_of
from hpstudy.report.charts.words import confidence, label
from hpstudy.report.csvs import Row
from hpstudy.report.style import Look
from hpstudy.study.parameters import Value

PANELS = 3 * COLUMNS
"""Maximum number of views in one figure."""

BANDS = 7
"""Maximum number of lines with a band; more bands would hide each other."""


@dataclass(frozen=True)
class Curve:
    """One point as a line.

    Attributes:
        number: of the point.
        value: value of the main hyperparameter; None without one.
        held: values of the other swept hyperparameters.
        rank: rank of its value, or of the point without one, among all drawn ones.
        look: color and marker depend on the main hyperparameter, the line pattern on the others.
    """

    number: int
    value: Value | None
    held: Mapping[str, Value]
    rank: int
    look: Look


def charts(results: Results) -> Iterator[Chart]:
    """A chart for every metric with curves of two epochs or more, and for every `PANELS` views."""
    for metric in metrics(results):
        views = [view for view in results.sweep if metric in view.curves and len(view.epochs) > 1]
        if not views:
            continue
        summaries = [summary(view.curves[metric], results.study.analysis.confidence) for view in views]
        values = spanning(results, metric, np.concatenate([means.mean.ravel() for means in summaries]), summaries)
        name = "learning_curves" + ("" if metric == results.study.metric.name else "_flips")
        for part_name, part_views in parts(name, views, PANELS):
            yield _chart(results, part_name, metric, part_views, values)


def _chart(results: Results, name: str, metric: str, views: Sequence[SweepView], values: Axis) -> Chart:
    columns = min(len(views), COLUMNS)
    rows = -(-len(views) // columns)
    selected = [chosen(results, view, layout(results, view)) for view in views]
    keys = [_key(results, view, curves) for view, (curves, _) in zip(views, selected, strict=True)]
    common = all(key == keys[0] for key in keys)
    key_height = (
        _key_height(*keys[0], style.WIDTH) if common else max(_key_height(*key, style.WIDTH / columns) for key in keys) * rows
    )
    legend: list[Entry] = list(keys[0][1]) if common else []
    panels = []
    for view, (curves, _), (title, entries) in zip(views, selected, keys, strict=True):
        own = None if common else Key(tuple(range(len(legend), len(legend) + len(entries))), title)
        legend += () if common else entries
        panels.append(
            Panel(
                trial_axis(int(view.epochs[-1]), int(view.epochs[0]), "epoch"),
                values,
                _marks(results, metric, view, curves, values.limits[0], legend),
                title=label(results, view.name, title_length(columns)) if len(results.sweep) > 1 else "",
                key=own,
            )
        )
    level = confidence(results)
    reading = f"A line is the mean over replicates at one point, a band the {level} t interval at each epoch"
    reading += "; panels with many lines have no bands." if max(len(curves) for curves, _ in selected) > BANDS else "."
    if not has_intervals(summary(view.curves[metric], 0.9).low for view in views):
        reading = f"A line is the mean over replicates at one point. {NO_INTERVALS}"
    return Chart(
        name,
        in_grid(panels, columns, shared=True),
        f"Learning curves: {metric} against the epoch.",
        " ".join([reading, *(note for _, note in selected if note)]),
        Data.of(results, learning_curves),
        2.1 * rows + key_height,
        legend=tuple(legend),
        legend_title=keys[0][0],
        legend_below=True,
    )


def chosen(results: Results, view: SweepView, view_layout: Layout) -> tuple[list[Curve], str]:
    """The points to draw, and a description if they are a subset; "" if all are drawn.

    Too many lines would hide each other. In this case only points that share the other hyperparameters of the best point are drawn, and of
    these an evenly spaced subset.
    """
    lines, note = list(view_layout.lines), ""
    if sum(len(line.numbers) for line in lines) > MOST_LINES or len(lines) > len(style.DASHES):
        best = sweeps.best(results, view)
        kept = next((line for line in lines if best in line.numbers), lines[0])
        if len(lines) > 1:
            note = f"{view.name}: only the points with {text_of(kept.held)}, those of the best point."
        lines = [kept]
    drawn = [(index, line.held, number) for index, line in enumerate(lines) for number in line.numbers]
    if len(drawn) > MOST_LINES:
        note = f"{note} {view.name}: {MOST_LINES} of {len(drawn)} points, evenly spread.".strip()
        drawn = evenly(drawn, MOST_LINES)
    along = [view.points[number][view_layout.main] if view_layout.main else number for *_, number in drawn]
    ranks = {value: at for at, value in enumerate(dict.fromkeys(along))}
    ordered = view_layout.main is not None and rank(results.study.views[view.name].space.root[view_layout.main]) < 2
    # A single line has the color and marker of its view, as in the other figures.
    looks = [style.look(at if len(drawn) > 1 else index_of(results, view.name)) for at in range(len(ranks))]
    if ordered:
        looks = [look._replace(color=shade) for look, shade in zip(looks, style.shades(len(ranks)), strict=True)]
    return [
        Curve(
            number, value if view_layout.main else None, held, ranks[value], looks[ranks[value]]._replace(dash=style.dash(index))
        )
        for (index, held, number), value in zip(drawn, along, strict=True)
    ], note


def _marks(
    results: Results, metric: str, view: SweepView, curves: Sequence[Curve], bottom: float, legend: list[Entry]
) -> tuple[Mark, ...]:
    """Bands, then means; each curve's entry for the page is added to the legend."""
    every = max(1, len(view.epochs) // 5)
    step = max(1, len({curve.rank for curve in curves}))
    x = view.epochs.astype(np.float64)
    marks: list[Mark] = []
    for curve in curves:
        means = summary(view.curves[metric][:, curve.number], results.study.analysis.confidence)
        point = text_of({name: value for name, value in view.points[curve.number].items() if name in view.swept})
        name = point or (f"point {curve.number}" if len(curves) > 1 else label(results, view.name))
        entry = Entry(name, *curve.look, media="page")
        if entry not in legend:
            legend.append(entry)
        head = point_words(results, view, curve.number)
        hover = mean_hover(results, metric, means, [f"{head}\nepoch {epoch}" for epoch in view.epochs.tolist()])
        ends = (means.mean, np.maximum(means.low, bottom), np.maximum(means.high, bottom))
        spaced, groups = (curve.rank * every // step, every), (legend.index(entry),)
        band, line = mean_curve(x, ends, curve.look, alpha=0.13, size=3.6, groups=groups, width=1.2, every=spaced, hover=hover)
        marks += [band, line] if len(curves) <= BANDS else [line]
    return bands_first(marks)


def _key(results: Results, view: SweepView, curves: Sequence[Curve]) -> tuple[str, tuple[Entry, ...]]:
    """Title and entries in print: one for each color, then one for each line pattern if there are several; none for a single line."""
    if len(curves) < 2:
        return "", ()
    colors = {
        curve.rank: Entry(
            f"point {curve.number}" if curve.value is None else numbers.hyperparameter(curve.value),
            *curve.look._replace(dash="solid"),
            width=1.2,
            media="print",
        )
        for curve in curves
    }
    held = {curve.look.dash: text_of(curve.held) for curve in curves}
    patterns = [Entry(text, style.gray(0.2), dash, width=1.2, media="print") for dash, text in held.items()]
    return layout(results, view).main or "", (*colors.values(), *(patterns if len(held) > 1 else ()))


def _key_height(title: str, entries: Sequence[Entry], inches: float) -> float:
    """Height in inches of a key below a panel or figure of the given width."""
    rows = -(-len(entries) // style.key_columns([entry.name for entry in entries], inches))
    return 0.15 * (rows + bool(title)) + 0.1 if entries else 0.0


def learning_curves(results: Results) -> Iterator[Row]:
    """The mean over replicates of every metric with curves, at every point and epoch."""
    yield "view", "number", "point", "metric", "epoch", "replicates", "mean", "low", "high"
    for view in results.sweep:
        for metric, values in view.curves.items():
            means = summary(values, results.study.analysis.confidence)
            for number, point in points(view):
                columns = (block[number].tolist() for block in (means.replicates, means.mean, means.low, means.high))
                for epoch, n, *ends in zip(view.epochs.tolist(), *columns, strict=True):
                    if n:
                        yield view.name, number, point, metric, epoch, n, *ends
