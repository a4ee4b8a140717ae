"""Complete state of a training at the end of an epoch, as bytes for a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, fields
from io import BytesIO
from typing import Any

import torch
from torch import Tensor

from hpstudy.bnn.methods.interface import State


@dataclass(frozen=True)
class Snapshot:
    """State of a training of one or several networks at the end of an epoch.

    Attributes:
        step: index of the current step, from 0.
        epochs: completed epochs of this step.
        reported: completed epochs of all steps.
        final: metrics of the last epoch, for every network.
        diverged: the reason of the divergence for every network; None if it has not diverged.
        noise: numbers from which the step started, for every network and binary layer.
        never: mask of the weights that have not flipped in this step, for every network and binary layer.
        states: states of the method, for every group of networks that it updates together and every binary layer.
        network: parameters and buffers of the network.
        real: state of the optimizer of the parameters that are not binary.
        generators: states of the generators of batch order and augmentation, for every network. (The generators of the initial weights
            and of the method are used only before the first update.)
        global_generators: states of torch's global generators (`global_generators`).
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
    global_generators: list[Tensor]

    def to_bytes(self) -> bytes:
        """Serialize with torch.save. The content consists of tensors and plain values only."""
        buffer = BytesIO()
        torch.save({field.name: getattr(self, field.name) for field in fields(self)}, buffer)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, device: torch.device) -> Snapshot:
        """Restore a snapshot from `to_bytes`, on the training device. The states of generators stay on the CPU."""
        fields = torch.load(BytesIO(content), map_location=device, weights_only=True)
        generators = [(order.cpu(), augmentation.cpu()) for order, augmentation in fields.pop("generators")]
        shared = [state.cpu() for state in fields.pop("global_generators")]
        return cls(**fields, generators=generators, global_generators=shared)


def global_generators(device: torch.device) -> list[Tensor]:
    """Return the states of torch's global generators, on the CPU and on CUDA. hpstudy draws from neither, but dropout does."""
    return [torch.get_rng_state(), *([torch.cuda.get_rng_state()] if device.type == "cuda" else [])]


def restore_global_generators(states: list[Tensor]) -> None:
    """Restore the result of `global_generators`."""
    torch.set_rng_state(states[0])
    for state in states[1:]:
        torch.cuda.set_rng_state(state)
