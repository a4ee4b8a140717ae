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

    Every weight's flips are counted on the device until an epoch ends: no update waits for a number.

    Args:
        thetas: for every binary layer its weights in {-1, +1} before the first update; or at the end of an epoch, to go on from there.
        never: to go on, what `never` gave there.
    """

    def __init__(self, thetas: Sequence[Tensor], never: Sequence[Tensor] | None = None) -> None:
        self._shapes = [theta.shape for theta in thetas]
        self._sizes = [theta.numel() for theta in thetas]
        self._last = self._start = _flat(thetas)
        self._counts = torch.zeros(len(self._last), dtype=torch.int32, device=self._last.device)
        self._ever = torch.zeros_like(self._counts, dtype=torch.bool) if never is None else ~_flat(never)
        self._updates = 0

    def count(self, thetas: Sequence[Tensor]) -> None:
        """Take note of the weights after an update."""
        now = _flat(thetas)
        self._counts += now != self._last
        self._last = now
        self._updates += 1

    def never(self) -> list[Tensor]:
        """For every layer, in the shape of its weights: whether a weight never flipped since training began."""
        never = torch.split_with_sizes(~(self._ever | (self._counts > 0)), self._sizes)
        return [mask.view(shape) for mask, shape in zip(never, self._shapes, strict=True)]

    def end_epoch(self) -> EpochFlips:
        """The epoch's shares; starts the next epoch."""
        updates = max(self._updates, 1)
        layers = [int(counts.sum()) for counts in torch.split_with_sizes(self._counts, self._sizes)]
        self._ever |= self._counts > 0
        never = [1 - _share(ever) for ever in torch.split_with_sizes(self._ever, self._sizes)]
        epoch = EpochFlips(
            flip_ratio=sum(layers) / (sum(self._sizes) * updates),
            layer_flip_ratios=tuple(flips / (size * updates) for flips, size in zip(layers, self._sizes, strict=True)),
            layer_never_flipped=tuple(never),
            epoch_flip_rate=_share(self._last != self._start),
            never_flipped=1 - _share(self._ever),
        )
        self._start = self._last
        self._counts.zero_()
        self._updates = 0
        return epoch


def _flat(thetas: Sequence[Tensor]) -> Tensor:
    return torch.cat([theta.flatten() for theta in thetas])


def _share(mask: Tensor) -> float:
    return int(mask.count_nonzero()) / mask.numel()
