"""Weights that never change sign, layer by layer, where a sweep recorded them (after Figures 5 and 6 of OvSW, Xiang et al., ECCV 2024)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

import numpy as np

from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.layers import ViewLayers, layers
from hpstudy.analysis.sweeps.points import SweepView, summary
from hpstudy.metric_names import REACH
from hpstudy.report import numbers
from hpstudy.report.csvs import Row
from hpstudy.report.figures import layers as figures
from hpstudy.report.model import Block, Drawing, Paragraph, Section


def never_flipped_by_layer(results: Results) -> Iterator[Row]:
    """The mean over replicates of every layer's share, at every point of every view."""
    yield "view", "number", "point", "layer", "replicates", "mean", "low", "high"
    for view, found, number, point in _points(results):
        means = summary(found.never[:, number], results.study.analysis.confidence)
        columns = (means.replicates.tolist(), means.mean.tolist(), means.low.tolist(), means.high.tolist())
        for layer, *row in zip(found.numbers, *columns, strict=True):
            yield view.name, number, point, layer, *row


def never_flipped_histograms(results: Results) -> Iterator[Row]:
    """The means over replicates of every bin of every layer, at every point of every view; bins count from 1."""
    yield "view", "number", "point", "layer", "bin", "from", "to", "replicates", "initial", "never_flipped", "low", "high"
    for view, found, number, point in _points(results):
        ends = list(zip(found.edges[:-1].tolist(), found.edges[1:].tolist(), strict=True))
        initial, still = (summary(block[:, number], results.study.analysis.confidence) for block in (found.initial, found.still))
        for (place, at), n in np.ndenumerate(still.replicates):
            values = (float(block[place, at]) for block in (initial.mean, still.mean, still.low, still.high))
            yield view.name, number, point, found.numbers[place], at + 1, *ends[at], int(n), *values


TABLES = {function.__name__: function for function in (never_flipped_by_layer, never_flipped_histograms)}


def chapter(results: Results) -> Iterator[Section]:
    """The share of every layer, and histograms where bins were recorded; nothing where no layer's share was."""
    rows = figures.shown(results)
    if not rows:
        return
    blocks: list[Block] = [Paragraph(_summary(results, rows))]
    parts = [rows[start : start + figures.ROWS] for start in range(0, len(rows), figures.ROWS)]
    for number, part in enumerate(parts, 1):
        end = f"_{number}" if len(parts) > 1 else ""
        if binned := [row for row in part if row.layers.edges.size]:
            blocks.append(
                Drawing(
                    f"never_flipped_histograms{end}",
                    partial(figures.histograms, results, binned),
                    "Initial weights of the first, the middle and the last binary layer, and those of them that never changed sign.",
                    _histograms_reading(results),
                    ("never_flipped_histograms", "never_flipped_by_layer"),
                )
            )
        blocks.append(
            Drawing(
                f"never_flipped_by_layer{end}",
                partial(figures.shares, results, part),
                "Share of every binary layer's weights that never changed sign.",
                f"Small marks are single replicates, lines their mean, with a band: the {_level(results)} t interval over replicates.",
                ("never_flipped_by_layer",),
            )
        )
    yield Section("Weights that never change sign, layer by layer", tuple(blocks))


def _points(results: Results) -> Iterator[tuple[SweepView, ViewLayers, int, str]]:
    """View, its layers, number and JSON of every point at which a layer has a value."""
    for view in results.sweep:
        if (found := layers(view)) is not None:
            for number in np.flatnonzero(np.isfinite(found.never).any(axis=(0, 2))).tolist():
                yield view, found, number, json.dumps(view.points[number], ensure_ascii=False)


def _summary(results: Results, rows: list[figures.Shown]) -> str:
    swept = any(row.view.swept for row in rows)
    every = len(results.sweep) == 1
    opening = "Every view is shown at its best point." if swept and not every else ""
    if every and swept and (count := sum(1 for _ in _points(results))) > len(rows):
        opening = f"{len(rows)} of {count} points are shown, evenly spread."
    return " ".join(filter(None, [opening, *(_of_row(results, row) for row in rows)]))


def _of_row(results: Results, row: figures.Shown) -> str:
    mean = row.never(results).mean
    low, high = int(np.nanargmin(mean)), int(np.nanargmax(mean))
    least, most = (numbers.metric(float(mean[place]), figures.DECIMALS) for place in (low, high))
    if len(mean) == 1:
        return f"{row.name}: {least} of the weights of layer {row.layers.numbers[0]} never change sign."
    return (
        f"{row.name}: from {least} (layer {row.layers.numbers[low]}) to {most} (layer {row.layers.numbers[high]}) of a layer's weights "
        "never change sign."
    )


def _histograms_reading(results: Results) -> str:
    return (
        "Blue is the share of the layer's weights that began in a bin, orange the share that did and never changed sign, both means over "
        "replicates; above a panel stands the orange part of the blue area, the share of the layer's weights that never changed sign, "
        f"with its {_level(results)} t interval. Weights are in standard deviations of the layer's initial weights, which are "
        f"common to all views; the bins at ±{REACH:.0f} hold all beyond."
    )


def _level(results: Results) -> str:
    return numbers.percent(results.study.analysis.confidence)
