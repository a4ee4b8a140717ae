"""Counting how often binary weights change sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class EpochFlips:
    """Flips of one epoch, as shares of all binary weights.

    Attributes:
        flip_ratio: mean over the epoch's updates of the share of weights that flipped at an update (FF ratio, Eq. 18).
        layer_flip_ratios: the same for every layer.
        epoch_flip_rate: share of weights whose sign at the end of the epoch differs from that at its start.
        never_flipped: share of weights that never flipped since training began.
    """

    flip_ratio: float
    layer_flip_ratios: tuple[float, ...]
    epoch_flip_rate: float
    never_flipped: float


class FlipCounter:
    """Counts flips on the binary weights that the network uses.

        FF_i = (1/N) sum over all binary weights of abs(theta_{i+1} - theta_i)/2        (Eq. 18)

    Counts stay on the device as integers until an epoch ends: no update waits for a number.

    Args:
        thetas: for every binary layer its weights in {-1, +1} before the first update; copied.
    """

    def __init__(self, thetas: Sequence[Tensor]) -> None:
        self._last = [theta.clone() for theta in thetas]
        self._start = [theta.clone() for theta in thetas]
        self._ever = [torch.zeros_like(theta, dtype=torch.bool) for theta in thetas]
        self._counts = torch.zeros(len(thetas), dtype=torch.int64, device=thetas[0].device)
        self._updates = 0

    def count(self, thetas: Sequence[Tensor]) -> None:
        """Take note of the weights after an update."""
        for layer, (theta, last, ever) in enumerate(zip(thetas, self._last, self._ever, strict=True)):
            flipped = theta != last
            self._counts[layer] += flipped.count_nonzero()
            ever |= flipped
            last.copy_(theta)
        self._updates += 1

    def end_epoch(self) -> EpochFlips:
        """The epoch's shares; starts the next epoch."""
        sizes = [theta.numel() for theta in self._last]
        counts = self._counts.tolist()
        total, updates = sum(sizes), max(self._updates, 1)
        changed = sum(int((now != then).count_nonzero()) for now, then in zip(self._last, self._start, strict=True))
        ever = sum(int(mask.count_nonzero()) for mask in self._ever)
        self._start = [theta.clone() for theta in self._last]
        self._counts.zero_()
        self._updates = 0
        return EpochFlips(
            flip_ratio=sum(counts) / (total * updates),
            layer_flip_ratios=tuple(c / (size * updates) for c, size in zip(counts, sizes, strict=True)),
            epoch_flip_rate=changed / total,
            never_flipped=1 - ever / total,
        )
