"""The forward and backward pass of a batch. On CUDA they are recorded once and replayed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

from hpstudy.bnn import recording

Loss: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(logits, x, y) of a batch of one network -> mean loss."""


class Passes:
    """Forward and backward pass of all networks on a batch. It sets the gradients of the parameters.

    Args:
        network: one network, or a stack (`hpstudy.bnn.stack`).
        size: number of networks, K.
        loss: loss of each network.
    """

    def __init__(self, network: nn.Module, size: int, loss: Loss) -> None:
        self.network = network
        self.size = size
        self.loss = loss

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean loss (K,) and the number of correct predictions (K,) of every network.

        Args:
            x: (batch K, ...), with sample n of network k in row n K + k.
            y: (batch K,) classes.
        """
        logits = self.network(x)
        parts = zip(self._by_network(logits), self._by_network(x), self._by_network(y), strict=True)
        losses = [self.loss(*part) for part in parts]
        torch.autograd.backward(losses)  # each network's parameters affect only its own loss
        correct = (logits.detach().argmax(1) == y).view(-1, self.size).sum(0)
        return torch.stack([loss.detach() for loss in losses]), correct

    def invalidate(self) -> None:
        """Discard recorded values of module attributes. Call this after a change, for instance of an activation's temperature."""

    def _by_network(self, samples: Tensor) -> Sequence[Tensor]:
        """Split (batch K, ...) into a batch (batch, ...) for every network."""
        return [samples] if self.size == 1 else samples.view(-1, self.size, *samples.shape[1:]).unbind(1)


class RecordedPasses(Passes):
    """The passes as a CUDA graph, with bit-identical results: one launch instead of some hundred small operations.

    The first batch is recorded, and later batches must have its shape. A network whose forward pass synchronizes with the device cannot be
    recorded; its operations are launched individually.
    """

    def __init__(self, network: nn.Module, size: int, loss: Loss) -> None:
        super().__init__(network, size, loss)
        self._recording: recording.Recording[tuple[Tensor, Tensor]] | None = None
        self._recordable = True

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Replay the recorded passes, or record them first. Arguments and results are those of `Passes`."""
        if self._recording is None and self._recordable:
            self._record(x, y)
        if self._recording is None:
            return super().__call__(x, y)
        self._x.copy_(x)
        self._y.copy_(y)
        losses, correct = self._recording.replay()
        for parameter, gradient in self._gradients:
            parameter.grad = gradient
        return losses.clone(), correct.clone()

    def invalidate(self) -> None:
        """Discard the recording. The next batch is recorded."""
        self._recording = None

    def _record(self, x: Tensor, y: Tensor) -> None:
        self._x, self._y = x.clone(), y.clone()
        buffers = [(buffer, buffer.clone()) for buffer in self.network.buffers()]
        gradients = [(parameter, parameter.grad) for parameter in self.network.parameters()]

        def call() -> tuple[Tensor, Tensor]:
            return super(RecordedPasses, self).__call__(self._x, self._y)

        recording.warm_up(call)
        _restore(buffers, gradients)
        try:
            self._recording = recording.record(call)
        except RuntimeError:
            self._recordable = False
            _restore(buffers, gradients)
        else:
            self._gradients = [(parameter, parameter.grad) for parameter in self.network.parameters()]


def _restore(buffers: Sequence[tuple[Tensor, Tensor]], gradients: Sequence[tuple[nn.Parameter, Tensor | None]]) -> None:
    """Undo both passes: restore buffers and gradients. Gradients before an update are 0 or None."""
    for buffer, before in buffers:
        buffer.copy_(before)
    for parameter, gradient in gradients:
        parameter.grad = gradient if gradient is None else gradient.zero_()


def passes(network: nn.Module, size: int, loss: Loss, device: torch.device) -> Passes:
    """Create the fastest passes for a device."""
    return (RecordedPasses if device.type == "cuda" else Passes)(network, size, loss)
