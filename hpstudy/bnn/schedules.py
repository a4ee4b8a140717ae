"""Schedules of hyperparameters over training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

Decay = Literal["none", "linear", "cosine", "step"]
"""Shape of a schedule."""

Per = Literal["epoch", "update"]
"""How often a schedule is updated."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Progress of training, on which schedules depend.

    Attributes:
        epoch: index of the epoch, from 0.
        epochs: number of epochs, E.
        update: index of the update in the whole training, from 0.
        updates: number of updates, T.
    """

    epoch: int
    epochs: int
    update: int
    updates: int

    def elapsed(self, per: Per, after: int = 0) -> float:
        """Return the elapsed share of training in [0, 1): e/E, or i/T.

        Args:
            per: what is counted.
            after: number of epochs without which the share is computed; it is 0 until they have passed.
        """
        if per == "epoch":
            return max(self.epoch - after, 0) / max(self.epochs - after, 1)
        first = after * (self.updates // self.epochs)
        return max(self.update - first, 0) / max(self.updates - first, 1)

    def factor(self, decay: Decay, per: Per, after: int = 0) -> float:
        """Return the factor of a schedule at this time: `factor` of `elapsed`. Without a decay the time is not read."""
        return 1.0 if decay == "none" else factor(decay, self.elapsed(per, after))


class UpdateNumberRead(Exception):
    """The number of the update was read from an `EpochClock`."""


class EpochClock(Clock):
    """The clock of all updates of an epoch, for operations that are the same in each of them.

    Raises:
        UpdateNumberRead: `update` is read.
    """

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        if name == "update":
            raise UpdateNumberRead
        return super().__getattribute__(name)


def factor(decay: Decay, elapsed: float) -> float:
    """Return the factor by which the initial value is multiplied.

        none: 1        linear: 1 - r        cosine: (1 + cos(pi r)) / 2        step: 10^-floor(5 r)

    It is 1 in the first epoch and above 0 in the last. (Published code that updates its schedule before the first epoch starts below 1
    and trains the last epoch with exactly 0.) "step" is the schedule of Bop on CIFAR-10: division by 10 after every 100 of 500 epochs.

    Args:
        decay: shape of the schedule.
        elapsed: r, the elapsed share of training, in [0, 1).

    >>> factor("cosine", 0.5)
    0.5
    """
    if decay == "cosine":
        return (1 + math.cos(math.pi * elapsed)) / 2
    if decay == "step":
        return 10.0 ** -math.floor(5 * elapsed + 1e-9)
    return 1 - elapsed if decay == "linear" else 1.0


def warmup(clock: Clock, epochs: int) -> float:
    """Return the warm-up factor of a learning rate: (e + 1) / epochs in the first `epochs` epochs, then 1.

    >>> warmup(Clock(epoch=1, epochs=100, update=0, updates=1), 5)
    0.4
    """
    return min((clock.epoch + 1) / epochs, 1.0) if epochs else 1.0


def warmed_up(decay: Decay, clock: Clock, per: Per, epochs: int) -> float:
    """Return the factor of a learning rate that rises over `epochs` epochs (`warmup`) and then follows its schedule to the end.

    >>> warmed_up("linear", Clock(epoch=6, epochs=12, update=0, updates=1), "epoch", 2)
    0.6
    """
    return clock.factor(decay, per, after=epochs) * warmup(clock, epochs)


def temperature(clock: Clock, t_min: float, t_max: float) -> float:
    """Return the temperature of a surrogate derivative, t = t_min (t_max / t_min)^(e/E), as in IR-Net and RBNN. Works on tensors too.

    >>> temperature(Clock(epoch=50, epochs=100, update=0, updates=1), 0.01, 1)
    0.1
    """
    return t_min * (t_max / t_min) ** clock.elapsed("epoch")  # type: ignore[no-any-return]
