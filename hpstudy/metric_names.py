"""Names of metrics of a layer, such as flip_ratio.layer1, or of a bin of its weights, such as initial.layer1.bin07."""

from __future__ import annotations

import re
from typing import NamedTuple

REACH = 3.0
"""Bins have equal widths from -REACH to REACH standard deviations of the initial weights. 0.3% of a normal distribution is beyond them."""

_OF_LAYER = re.compile(r"(.+)\.layer(\d+)(?:\.bin(\d+))?")


class LayerMetric(NamedTuple):
    """The parts of the name of a layer's metric.

    Attributes:
        metric: name of the metric.
        layer: number of the layer, from 1.
        bin: number of the bin, from 1; 0 for the whole layer.
    """

    metric: str
    layer: int
    bin: int


def is_of_bin(name: str) -> bool:
    """Return whether a name is that of a bin's metric. Hundreds of them form one histogram, which has a separate table."""
    metric = of_layer(name)
    return metric is not None and metric.bin > 0


def of_layer(name: str) -> LayerMetric | None:
    """Return the parts of the name of a layer's metric; None for any other metric."""
    match = _OF_LAYER.fullmatch(name)
    return LayerMetric(match[1], int(match[2]), int(match[3] or 0)) if match else None
