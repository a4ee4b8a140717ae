"""Binary layers of a sweep: the share of weights that never changed sign, and the initial values of these weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.sweeps.points import SweepView
from hpstudy.metric_names import REACH, of_layer

INITIAL, NEVER = "initial", "never_flipped"
"""Metrics of a layer's bins: the share of its weights that started in the bin, and the share that started in it and never flipped."""


@dataclass(frozen=True)
class ViewLayers:
    """The layers of one view.

    Attributes:
        numbers: (layers,) numbers of the layers, from 1, ascending.
        never: (replicates x points x layers) share of the layer's weights that never flipped; NaN where there is none.
        edges: (bins + 1,) edges of the bins in standard deviations of the initial weights; empty without recorded bins.
        initial: (replicates x points x layers x bins) share of the layer's weights that started in the bin.
        still: (replicates x points x layers x bins) share of the layer's weights that started in the bin and never flipped.
    """

    numbers: tuple[int, ...]
    never: Floats
    edges: Floats
    initial: Floats
    still: Floats


def layers(view: SweepView) -> ViewLayers | None:
    """Convert a view's layer metrics to arrays; None without metrics of weights that never flipped.

    If only bins were recorded, the share of a layer is the sum over its bins.
    """
    parts = {name: part for name in view.values if (part := of_layer(name)) and part.metric in (INITIAL, NEVER)}
    numbers = sorted({part.layer for part in parts.values() if part.metric == NEVER})
    if not numbers:
        return None
    bins = max(part.bin for part in parts.values())
    shape = (*next(iter(view.values.values())).shape, len(numbers))
    # (replicates, points, layers, 1 + bins) for each metric: the whole layer, then its bins.
    blocks = {kind: np.full((*shape, bins + 1), np.nan) for kind in (INITIAL, NEVER)}
    for name, part in parts.items():
        if part.layer in numbers:
            blocks[part.metric][..., numbers.index(part.layer), part.bin] = view.values[name]
    initial, still, never = blocks[INITIAL][..., 1:], blocks[NEVER][..., 1:], blocks[NEVER][..., 0]
    edges = np.linspace(-REACH, REACH, bins + 1) if bins else np.zeros(0)
    return ViewLayers(tuple(numbers), np.where(np.isnan(never) & (bins > 0), still.sum(axis=-1), never), edges, initial, still)
