"""Counting how often binary weights change sign."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class EpochFlips:
    """Flips of one epoch, as shares of all binary weights.

    Attributes:
        flip_ratio: mean over the epoch's updates of the share of weights that flipped at an update (FF ratio, Eq. 18).
        layer_flip_ratios: the same for every layer.
        layer_never_flipped: never_flipped for every layer.
        epoch_flip_rate: share of weights whose sign at the end of the epoch differs from that at its start.
        never_flipped: share of weights that never flipped since training began.
    """

    flip_ratio: float
    layer_flip_ratios: tuple[float, ...]
    layer_never_flipped: tuple[float, ...]
    epoch_flip_rate: float
    never_flipped: float


class FlipCounter:
    """Counts flips on the binary weights that the network uses.

        FF_i = (1/N) sum over all binary weights of abs(theta_{i+1} - theta_i)/2        (Eq. 18)

    Every weight's flips are counted on the device until an epoch ends: no update waits for a number. The counter keeps the sum over the
    epoch's updates of theta_{i+1} theta_i, which is their number less twice the flips, exact up to 2^24 updates in float32: one pass over
    the weights.

    Args:
        thetas: binary weights in {-1, +1} before the first update, a tensor for every binary layer.
    """

    def __init__(self, thetas: Sequence[Tensor]) -> None:
        self._last = [theta.clone() for theta in thetas]
        self._start = [theta.clone() for theta in thetas]
        self._agreement = [torch.zeros_like(theta) for theta in thetas]
        self._ever = [torch.zeros_like(theta, dtype=torch.bool) for theta in thetas]
        self._updates = 0
        self._parts: list[FlipCounter] = []

    def part(self, pick: Callable[[list[Tensor]], list[Tensor]], never: Sequence[Tensor] | None = None) -> FlipCounter:
        """The counter of some of the weights. It counts whenever this one does.

        Args:
            pick: takes one tensor for each tensor of this counter, and returns views of them that hold the weights of the part.
            never: to continue from the end of an epoch, what `never` returned there.
        """
        part = copy.copy(self)
        part._last, part._start, part._agreement = pick(self._last), pick(self._start), pick(self._agreement)
        part._ever = pick(self._ever) if never is None else [~mask for mask in never]
        self._parts.append(part)
        return part

    def count(self, thetas: Sequence[Tensor]) -> None:
        """Take note of the weights after an update."""
        for theta, last, agreement in zip(thetas, self._last, self._agreement, strict=True):
            agreement.addcmul_(theta, last)
            last.copy_(theta)
        for counter in (self, *self._parts):
            counter._updates += 1

    def never(self) -> list[Tensor]:
        """For every layer, in the shape of its weights: whether a weight never flipped since training began."""
        return [~flipped & (agreement == self._updates) for flipped, agreement in zip(self._ever, self._agreement, strict=True)]

    def end_epoch(self) -> EpochFlips:
        """The epoch's shares; starts the next epoch."""
        updates = max(self._updates, 1)
        self._ever = [~mask for mask in self.never()]
        flips = [int((self._updates - agreement).div_(2).to(torch.int64).sum()) for agreement in self._agreement]
        changed = [int((last != start).count_nonzero()) for last, start in zip(self._last, self._start, strict=True)]
        ever = [int(mask.count_nonzero()) for mask in self._ever]
        sizes = [theta.numel() for theta in self._last]
        for last, start, agreement in zip(self._last, self._start, self._agreement, strict=True):
            start.copy_(last)
            agreement.zero_()
        self._updates = 0
        return EpochFlips(
            flip_ratio=sum(flips) / (sum(sizes) * updates),
            layer_flip_ratios=tuple(count / (size * updates) for count, size in zip(flips, sizes, strict=True)),
            layer_never_flipped=tuple(1 - count / size for count, size in zip(ever, sizes, strict=True)),
            epoch_flip_rate=sum(changed) / sum(sizes),
            never_flipped=1 - sum(ever) / sum(sizes),
        )
