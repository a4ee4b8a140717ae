"""All that the rest of a training depends on, at the end of an epoch, as bytes: what a checkpoint keeps."""

from __future__ import annotations

from dataclasses import dataclass, fields
from io import BytesIO
from typing import Any

import torch
from torch import Tensor

from hpstudy.bnn.methods.interface import State


@dataclass(frozen=True)
class Snapshot:
    """A training of one network, or of several side by side, at the end of an epoch.

    Attributes:
        step: its number: 0 is the first, or the only one.
        epochs: of this step that are done.
        reported: epochs of all steps that are done.
        final: for every network, metrics of the last epoch.
        diverged: for every network, why it diverged; None for one that trains on.
        noise: what the step began from, for every network and binary layer.
        never: for every network and binary layer, whether a weight never flipped in this step.
        states: the method's, for every group of networks that it updates together, and every binary layer.
        network: its parameters and buffers.
        real: the state of the optimizer of the parameters that are not binary.
        generators: for every network, states of the generators of batch order and augmentation. (Those of initial weights and of a
            method draw before the first update only.)
    """

    step: int
    epochs: int
    reported: int
    final: list[dict[str, float]]
    diverged: list[str | None]
    noise: list[list[Tensor]]
    never: list[list[Tensor]]
    states: list[list[State]]
    network: dict[str, Any]
    real: dict[str, Any]
    generators: list[tuple[Tensor, Tensor]]

    def to_bytes(self) -> bytes:
        """The content of a file of torch.save that holds tensors and plain values only."""
        buffer = BytesIO()
        torch.save({field.name: getattr(self, field.name) for field in fields(self)}, buffer)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, device: torch.device) -> Snapshot:
        """What `to_bytes` gave, on the device of the training; states of generators stay on the CPU."""
        fields = torch.load(BytesIO(content), map_location=device, weights_only=True)
        generators = [(order.cpu(), augmentation.cpu()) for order, augmentation in fields.pop("generators")]
        return cls(**fields, generators=generators)
