"""Weights that never change sign, by layer, if a sweep recorded them (after Figures 5 and 6 of OvSW, Xiang et al., ECCV 2024)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.charts import layers
from hpstudy.report.model import Paragraph, Section

TABLES = (layers.never_flipped_by_layer, layers.never_flipped_histograms)


def chapter(results: Results) -> Iterator[Section]:
    """The share of every layer, and histograms if bins were recorded; empty without recorded shares."""
    if rows := layers.shown(results):
        yield Section(
            "Weights that never change sign, layer by layer", (Paragraph(_summary(results, rows)), *layers.charts(results, rows))
        )


def _summary(results: Results, rows: list[layers.DrawnPoint]) -> str:
    swept = any(row.view.swept for row in rows)
    every = len(results.sweep) == 1
    opening = "Every view is shown at its best point." if swept and not every else ""
    if every and swept and (count := sum(1 for _ in layers.points(results))) > len(rows):
        opening = f"{len(rows)} of {count} points {numbers.plural(len(rows), 'is', 'are')} shown, evenly spread."
    return " ".join(filter(None, [opening, *(_of_row(results, row) for row in rows)]))


def _of_row(results: Results, row: layers.DrawnPoint) -> str:
    mean = row.never(results).mean
    low, high = int(np.nanargmin(mean)), int(np.nanargmax(mean))
    lowest, highest = (numbers.metric(float(mean[index]), layers.DECIMALS) for index in (low, high))
    if len(mean) == 1:
        return f"{row.name}: {lowest} of the weights of layer {row.layers.numbers[0]} never change sign."
    return (
        f"{row.name}: from {lowest} (layer {row.layers.numbers[low]}) to {highest} (layer {row.layers.numbers[high]}) of a layer's weights "
        "never change sign."
    )
