"""How a metric of one layer of a network is called: flip_ratio.layer1, or of one bin of its weights: initial.layer1.bin07."""

from __future__ import annotations

import re
from typing import NamedTuple

REACH = 3.0
"""Bins are equal from -REACH to REACH standard deviations of the initial weights; beyond lie 0.3 % of a normal distribution."""

_OF_LAYER = re.compile(r"(.+)\.layer(\d+)(?:\.bin(\d+))?")


class LayerMetric(NamedTuple):
    """What the name of a layer's metric says.

    Attributes:
        metric: what was measured.
        layer: of which layer, from 1.
        bin: of which bin of its weights, from 1; 0 for the whole layer.
    """

    metric: str
    layer: int
    bin: int


def is_of_bin(name: str) -> bool:
    """Whether it is the metric of a bin: hundreds of them belong to one histogram, which has a table of its own."""
    metric = of_layer(name)
    return metric is not None and metric.bin > 0


def of_layer(name: str) -> LayerMetric | None:
    """The parts of a layer's metric; None for any other metric. There are too many of a layer's metrics to be listed one by one."""
    match = _OF_LAYER.fullmatch(name)
    return LayerMetric(match[1], int(match[2]), int(match[3] or 0)) if match else None
