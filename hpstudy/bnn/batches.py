"""From a data set in memory to batches on the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class Part:
    """Samples in memory: x (n, ...), y (n,) int64 classes."""

    x: Tensor
    y: Tensor


class Transform:
    """What happens to samples between memory and network: nothing, unless a subclass says otherwise.

    All draws are made on the CPU, for a whole epoch at once: the same on every device, and no batch waits for a number.
    """

    def draw(self, samples: int, generator: torch.Generator) -> Tensor | None:
        """(samples, ...) random numbers of an epoch's augmentation; None without any."""
        return None

    def __call__(self, x: Tensor, draws: Tensor | None) -> Tensor:
        """What the network sees of a batch.

        Args:
            x: (batch, ...) as in memory.
            draws: (batch, ...) of `draw` in training; None in evaluation.
        """
        return x


@dataclass(frozen=True)
class Data:
    """The three parts of a data set, on the training device.

    Attributes:
        train, validation, test: samples.
        transform: between memory and network.
        evaluation_rows: samples per forward pass in evaluation. More cost memory, fewer cost time; no result depends on it beyond
            rounding.
    """

    train: Part
    validation: Part
    test: Part
    transform: Transform = field(default_factory=Transform)
    evaluation_rows: int = 4096


def epoch_batches(
    data: Data, size: int, number: int, order: torch.Generator, augmentation: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """An epoch's (x, y): `number` batches of `size` samples in a new random order; the incomplete last batch is left out."""
    part = data.train
    rows = torch.randperm(len(part.y), generator=order)[: size * number].to(part.y.device)
    draws = data.transform.draw(len(rows), augmentation)
    moved = [None] * number if draws is None else torch.split(draws.to(part.x.device), size)
    for batch, drawn in zip(torch.split(rows, size), moved, strict=True):
        yield data.transform(part.x[batch], drawn), part.y[batch]


def evaluation_batches(data: Data, part: Part) -> Iterator[Tensor]:
    """The samples of a part, in order and without augmentation."""
    for x in torch.split(part.x, data.evaluation_rows):
        yield data.transform(x, None)
