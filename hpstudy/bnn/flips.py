"""Counts of sign changes (flips) of binary weights."""

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
        flip_ratio: share of weights that flip at an update, averaged over the epoch's updates (FF ratio, Eq. 18).
        layer_flip_ratios: flip_ratio of every layer.
        layer_never_flipped: never_flipped of every layer.
        epoch_flip_rate: share of weights whose sign at the end of the epoch differs from that at its start.
        never_flipped: share of weights that have not flipped since the start of training.
    """

    flip_ratio: float
    layer_flip_ratios: tuple[float, ...]
    layer_never_flipped: tuple[float, ...]
    epoch_flip_rate: float
    never_flipped: float


class FlipCounter:
    """Counter of flips of the binary weights that the network uses.

        FF_i = (1/N) sum over all binary weights of abs(theta_{i+1} - theta_i)/2        (Eq. 18)

    Flips are counted on the device until the end of an epoch, so that no update waits for the device. The counter accumulates
    theta_{i+1} theta_i over the epoch's updates. This sum is the number of updates minus twice the number of flips. It is exact for up
    to 2^24 updates in float32 and needs only one pass over the weights per update.

    Args:
        thetas: binary weights in {-1, +1} before the first update, one tensor per binary layer.
    """

    def __init__(self, thetas: Sequence[Tensor]) -> None:
        self._last = [theta.clone() for theta in thetas]
        self._start = [theta.clone() for theta in thetas]
        self._agreement = [torch.zeros_like(theta) for theta in thetas]
        self._ever = [torch.zeros_like(theta, dtype=torch.bool) for theta in thetas]
        # On the device too, because an update can be a recording (`hpstudy.bnn.update`), which no Python code follows.
        self._counted = torch.zeros((), dtype=torch.int64, device=thetas[0].device)
        self._counted_before = 0

    def part(self, pick: Callable[[list[Tensor]], list[Tensor]], never_flipped: Sequence[Tensor] | None = None) -> FlipCounter:
        """Return a counter of a part of the weights. It counts whenever this counter counts.

        Args:
            pick: maps a list of tensors, one for each tensor of this counter, to views of the part's weights.
            never_flipped: result of `never_flipped` at the end of an epoch, to continue from there.
        """
        part = copy.copy(self)
        part._last, part._start, part._agreement = pick(self._last), pick(self._start), pick(self._agreement)
        part._ever = pick(self._ever) if never_flipped is None else [~mask for mask in never_flipped]
        return part

    @property
    def _updates(self) -> int:
        """Number of updates since the start of the epoch."""
        return int(self._counted) - self._counted_before

    def count(self, thetas: Sequence[Tensor]) -> None:
        """Count the flips of an update, given the weights after it."""
        for theta, last, agreement in zip(thetas, self._last, self._agreement, strict=True):
            agreement.addcmul_(theta, last)
            last.copy_(theta)
        self._counted.add_(1)

    def never_flipped(self) -> list[Tensor]:
        """Return a mask for every layer, in the shape of its weights: True for weights that have never flipped."""
        updates = self._updates
        return [~flipped & (agreement == updates) for flipped, agreement in zip(self._ever, self._agreement, strict=True)]

    def end_epoch(self) -> EpochFlips:
        """Return the flips of the epoch, and start the next epoch."""
        counted = self._updates
        updates = max(counted, 1)
        self._ever = [~mask for mask in self.never_flipped()]
        flips = [int((counted - agreement).div_(2).to(torch.int64).sum()) for agreement in self._agreement]
        changed = [int((last != start).count_nonzero()) for last, start in zip(self._last, self._start, strict=True)]
        ever = [int(mask.count_nonzero()) for mask in self._ever]
        sizes = [theta.numel() for theta in self._last]
        for last, start, agreement in zip(self._last, self._start, self._agreement, strict=True):
            start.copy_(last)
            agreement.zero_()
        self._counted_before += counted
        return EpochFlips(
            flip_ratio=sum(flips) / (sum(sizes) * updates),
            layer_flip_ratios=tuple(count / (size * updates) for count, size in zip(flips, sizes, strict=True)),
            layer_never_flipped=tuple(1 - count / size for count, size in zip(ever, sizes, strict=True)),
            epoch_flip_rate=sum(changed) / sum(sizes),
            never_flipped=1 - sum(ever) / sum(sizes),
        )
