"""The forward and the backward pass of a batch; on CUDA they are recorded once and replayed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

Loss: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(logits, x, y) of one network's batch -> its mean loss."""


class Passes:
    """Both passes of all networks on a batch. They leave gradients in the parameters.

    Args:
        network: one network, or a stack (`hpstudy.bnn.stack`).
        size: networks in it, K.
        loss: of each network.
    """

    def __init__(self, network: nn.Module, size: int, loss: Loss) -> None:
        self.network = network
        self.size = size
        self.loss = loss

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss (K,) and number of correct answers (K,) of every network.

        Args:
            x: (batch K, ...), sample n of network k in row n K + k.
            y: (batch K,) classes.
        """
        logits = self.network(x)
        own = zip(self._apart(logits), self._apart(x), self._apart(y), strict=True)
        losses = [self.loss(*parts) for parts in own]
        torch.autograd.backward(losses)  # the gradient of their sum, in which every network has its own loss only
        correct = (logits.detach().argmax(1) == y).view(-1, self.size).sum(0)
        return torch.stack([loss.detach() for loss in losses]), correct

    def forget(self) -> None:
        """Read attributes of the network's modules again, such as the temperature of an activation: a recording holds their values."""

    def _apart(self, samples: Tensor) -> Sequence[Tensor]:
        """(batch K, ...) as a batch (batch, ...) for every network."""
        return [samples] if self.size == 1 else samples.view(-1, self.size, *samples.shape[1:]).unbind(1)


class RecordedPasses(Passes):
    """The same on CUDA, with the same bits: a CUDA graph is launched at once, instead of some hundred small operations one by one.

    https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs

    The first batch is recorded. Later batches must have its shape. A network that waits for the device in its forward pass cannot be
    recorded; its passes run one by one.
    """

    def __init__(self, network: nn.Module, size: int, loss: Loss) -> None:
        super().__init__(network, size, loss)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._recordable = True

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """See `Passes`."""
        if self._graph is None and self._recordable:
            self._record(x, y)
        if self._graph is None:
            return super().__call__(x, y)
        self._x.copy_(x)
        self._y.copy_(y)
        self._graph.replay()
        for parameter, gradient in self._gradients:
            parameter.grad = gradient
        losses, correct = self._results
        return losses.clone(), correct.clone()

    def forget(self) -> None:
        """Record the next batch again."""
        self._graph = None

    def _record(self, x: Tensor, y: Tensor) -> None:
        self._x, self._y = x.clone(), y.clone()
        buffers = [(buffer, buffer.clone()) for buffer in self.network.buffers()]
        gradients = [(parameter, parameter.grad) for parameter in self.network.parameters()]
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            super().__call__(self._x, self._y)  # libraries choose kernels and workspaces at their first call
        torch.cuda.current_stream().wait_stream(stream)
        _put_back(buffers, gradients)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                self._results = super().__call__(self._x, self._y)
        except RuntimeError:  # the class of all errors of a recording
            self._recordable = False
            _put_back(buffers, gradients)
        else:
            self._graph = graph
            self._gradients = [(parameter, parameter.grad) for parameter in self.network.parameters()]


def _put_back(buffers: Sequence[tuple[Tensor, Tensor]], gradients: Sequence[tuple[nn.Parameter, Tensor | None]]) -> None:
    """Undo a backward pass. Gradients before an update are 0 or None."""
    for buffer, before in buffers:
        buffer.copy_(before)
    for parameter, gradient in gradients:
        parameter.grad = gradient if gradient is None else gradient.zero_()


def passes(network: nn.Module, size: int, loss: Loss, device: torch.device) -> Passes:
    """Those that are fastest on the device."""
    return (RecordedPasses if device.type == "cuda" else Passes)(network, size, loss)
