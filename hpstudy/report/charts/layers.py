"""Weights that never changed sign, by layer: histograms of their initial values, and their share of each layer."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.layers import ViewLayers, layers
from hpstudy.analysis.sweeps.points import Means, SweepView, summary
from hpstudy.metric_names import REACH
from hpstudy.report import numbers, style, sweeps
from hpstudy.report.charts.axes import marked_axis, trial_axis
from hpstudy.report.charts.grid import parts
from hpstudy.report.charts.intervals import NO_INTERVALS, has_intervals
from hpstudy.report.charts.marks import Bars, Mark
from hpstudy.report.charts.model import Axis, Chart, Data, Entry, Panel
from hpstudy.report.charts.replicates import Series, marks, with_replicates
from hpstudy.report.charts.spread import evenly
from hpstudy.report.charts.sweep_metrics import mean_hover
from hpstudy.report.charts.swept import value_range
from hpstudy.report.charts.words import confidence, label
from hpstudy.report.csvs import Row, listed
from hpstudy.report.labels import ROW_LABEL, cut

ROWS = 6
"""Maximum number of views or points in one figure, which fits on a page."""

ROW_LETTERS = 60
"""Maximum number of characters of a row's name."""

DECIMALS = 3
"""Of a share."""

INITIAL, STILL = Entry("initial weights", "#56B4E9"), Entry("never changed sign", "#D55E00")
"""Blue and orange, as in OvSW's figures; they also differ in grayscale."""


@dataclass(frozen=True)
class DrawnPoint:
    """One point of a view as it is drawn.

    Attributes:
        view: of the sweep.
        layers: of that view.
        number: of the point.
        name: text that distinguishes it from the other drawn points.
    """

    view: SweepView
    layers: ViewLayers
    number: int
    name: str

    def never(self, results: Results) -> Means:
        """(layers,) shares of weights that never flipped."""
        return summary(self.layers.never[:, self.number], results.study.analysis.confidence)

    def few(self) -> list[int]:
        """Indices of the first, the middle and the last layer."""
        count = len(self.layers.numbers)
        return sorted({0, (count - 1) // 2, count - 1})


def shown(results: Results) -> list[DrawnPoint]:
    """The best point of every view with layer values; of a single view, `ROWS` of its points, evenly spaced."""
    drawn = []
    for view in results.sweep:
        view_layers, best = layers(view), sweeps.best(results, view)
        if view_layers is None:
            continue
        valued = np.flatnonzero(np.isfinite(view_layers.never).any(axis=(0, 2))).tolist()
        if len(results.sweep) == 1:
            points, name = evenly(valued, ROWS), "" if view.swept else label(results, view.name)
        else:
            points, name = [number for number in valued if number == best], label(results, view.name)
        for number in points:
            names = (name, sweeps.point_text(view, number) if view.swept else "")
            drawn.append(DrawnPoint(view, view_layers, number, cut(", ".join(filter(None, names)), ROW_LETTERS)))
    return drawn


def charts(results: Results, rows: Sequence[DrawnPoint]) -> Iterator[Chart]:
    """For every `ROWS` points, the histograms, if bins were recorded, and the shares."""
    for end, part in parts("", rows, ROWS):
        if binned := [row for row in part if row.layers.edges.size]:
            yield _histograms(results, f"never_flipped_histograms{end}", binned)
        yield _shares(results, f"never_flipped_by_layer{end}", part)


def _replicated(results: Results, rows: Sequence[DrawnPoint]) -> bool:
    """Whether the share of any layer has an interval."""
    return has_intervals(row.never(results).low for row in rows)


def _histograms(results: Results, name: str, rows: Sequence[DrawnPoint]) -> Chart:
    """A row of panels for each point: its first, middle and last layer."""
    intervals = f", with its {confidence(results)} t interval." if _replicated(results, rows) else f". {NO_INTERVALS}"
    highest = max(float(np.nanmax(summary(row.layers.initial[:, row.number, row.few()], 0.9).mean, initial=0.0)) for row in rows)
    y = Axis("share of weights", (0.0, 1.05 * highest or 1.0), grid=True)
    return Chart(
        name,
        tuple(_histogram(results, rows, row, column, y) for row in range(len(rows)) for column in range(len(rows[row].few()))),
        "Initial weights of the first, the middle and the last binary layer, and those of them that never changed sign.",
        "Blue: share of the layer's weights that began in a bin. Orange: share that began there and never changed sign. Both are means "
        f"over replicates. Above a panel: the share of the layer's weights that never changed sign{intervals} Weights are in standard "
        f"deviations of the layer's initial weights, which are common to all views; the bins at ±{REACH:.0f} include all larger weights.",
        Data.of(results, never_flipped_histograms, never_flipped_by_layer),
        0.6 + 1.4 * len(rows),
        legend=(INITIAL, STILL),
    )


def _histogram(results: Results, rows: Sequence[DrawnPoint], row: int, column: int, y: Axis) -> Panel:
    """Histograms of the initial weights of one layer, of all and of those that never flipped; means over replicates."""
    point, view_layers = rows[row], rows[row].layers
    depth = point.few()[column]
    layer = f"layer {view_layers.numbers[depth]}"
    bins = [f"{point.name}, {layer}\n{low:g} to {high:g} deviations" for low, high in pairwise(view_layers.edges.tolist())]
    bars: list[Mark] = []
    for group, (entry, block) in enumerate(((INITIAL, view_layers.initial), (STILL, view_layers.still))):
        means = summary(block[:, point.number, depth], results.study.analysis.confidence)
        hover = mean_hover(results, "share of weights that never changed sign" if group else "share of weights", means, bins)
        bars.append(
            Bars(
                left=view_layers.edges[:-1],
                right=view_layers.edges[1:],
                bottom=np.zeros(len(bins)),
                top=means.mean,
                color=entry.color,
                groups=(group,),
                hover=hover,
            )
        )
    never = point.never(results)
    mean, *ends = (numbers.metric(float(end[depth]), DECIMALS) for end in (never.mean, never.low, never.high))
    interval = f" ({' to '.join(ends)})" if never.replicates[depth] > 1 else ""
    last = not any(column < len(below.few()) for below in rows[row + 1 :])
    limits = (float(view_layers.edges[0]), float(view_layers.edges[-1]))
    ticks = range(math.ceil(limits[0]), math.floor(limits[1]) + 1)
    texts = [str(at).replace("-", "−") for at in ticks]
    return Panel(
        marked_axis("initial weight / its deviation", limits, ticks, texts, titled=last, labeled=last),
        y if column == 0 else Axis(f"{y.label}, {cut(point.name, ROW_LABEL)}", y.limits, grid=True, titled=False, labeled=False),
        tuple(bars),
        title=(f"{point.name}\n" if column == 0 else "") + f"{layer}: {mean}{interval}",
        row=row,
        column=column,
        title_size=7,
        title_align="left",
    )


def _shares(results: Results, name: str, rows: Sequence[DrawnPoint]) -> Chart:
    """The share of every layer, all points in one panel."""
    values = np.concatenate([row.layers.never[:, row.number].ravel() for row in rows])
    ends = np.concatenate([end for row in rows for end in (row.never(results).low, row.never(results).high)])
    y = Axis("share that never changed sign", (0.0, max(value_range(values, ends, log=False)[1], 1e-3)), grid=True)
    lines, legend = [], []
    for index, row in enumerate(rows):
        look, heads = style.look(index), [f"{row.name}, layer {number}" for number in row.layers.numbers]
        legend.append(Entry(row.name, *look))
        x = np.array(row.layers.numbers, dtype=np.float64)
        lines.append(Series(x, row.layers.never[:, row.number], heads, index, look))
    most = max(max(row.layers.numbers) for row in rows)
    intervals = f", with a band: the {confidence(results)} t interval over replicates."
    if not _replicated(results, rows):
        intervals = f". {NO_INTERVALS}"
    drawn = marks(results, "share that never changed sign", lines, len(legend), 0.0, joined=True)
    return Chart(
        name,
        (Panel(trial_axis(most, label="binary layer"), y, drawn),),
        "Share of every binary layer's weights that never changed sign.",
        f"Small marks are single replicates, lines their mean{intervals}",
        Data.of(results, never_flipped_by_layer),
        2.7,
        legend=with_replicates(legend),
    )


def points(results: Results) -> Iterator[tuple[SweepView, ViewLayers, int, str]]:
    """View, layers, number and JSON of every point with a layer value."""
    for view in results.sweep:
        if (view_layers := layers(view)) is not None:
            for number in np.flatnonzero(np.isfinite(view_layers.never).any(axis=(0, 2))).tolist():
                yield view, view_layers, number, json.dumps(view.points[number], ensure_ascii=False)


def never_flipped_by_layer(results: Results) -> Iterator[Row]:
    """The mean over replicates of every layer's share, at every point of every view."""
    yield "view", "number", "point", "layer", "replicates", "mean", "low", "high"
    for view, view_layers, number, point in points(results):
        means = summary(view_layers.never[:, number], results.study.analysis.confidence)
        for layer, *row in zip(view_layers.numbers, *listed(means.replicates, means.mean, means.low, means.high), strict=True):
            yield view.name, number, point, layer, *row


def never_flipped_histograms(results: Results) -> Iterator[Row]:
    """The means over replicates of every bin of every layer, at every point of every view; bins count from 1."""
    yield "view", "number", "point", "layer", "bin", "from", "to", "replicates", "initial", "never_flipped", "low", "high"
    for view, view_layers, number, point in points(results):
        ends = list(zip(view_layers.edges[:-1].tolist(), view_layers.edges[1:].tolist(), strict=True))
        initial, still = (
            summary(block[:, number], results.study.analysis.confidence) for block in (view_layers.initial, view_layers.still)
        )
        for (depth, at), n in np.ndenumerate(still.replicates):
            values = (float(block[depth, at]) for block in (initial.mean, still.mean, still.low, still.high))
            yield view.name, number, point, view_layers.numbers[depth], at + 1, *ends[at], int(n), *values
