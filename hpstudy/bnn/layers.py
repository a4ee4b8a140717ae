"""Layers with binary weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class BinaryLinear(nn.Module):
    """A fully connected layer whose weight is set by a training method; no bias, as batch normalisation follows.

    `weight` is an ordinary leaf parameter that holds the weights of the forward pass: theta in {-1, +1}, or theta times a
    positive scale s. Its gradient is therefore dL/d(s theta), without the factor s that autograd through the scale would add.
    The layer knows nothing of methods; all weights are +1 until a method sets them.

    Args:
        inputs: features in.
        outputs: features out; weight has shape (outputs, inputs).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(outputs, inputs))

    def forward(self, x: Tensor) -> Tensor:
        """X W^T. x: (batch, inputs) -> (batch, outputs)."""
        return functional.linear(x, self.weight)


class BinaryConv2d(nn.Module):
    """A convolution whose weight is set by a training method, as in `BinaryLinear`.

    Borders are padded with 0, as in all published code: behind a binary activation the border then has a third value.

    Args:
        inputs: channels in.
        outputs: channels out; weight has shape (outputs, inputs, kernel, kernel).
        kernel: width and height of a filter.
        stride: step of the filter.
        padding: zeros on every side.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(outputs, inputs, kernel, kernel))
        self.stride = stride
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, inputs, height, width) -> (batch, outputs, height', width')."""
        return functional.conv2d(x, self.weight, stride=self.stride, padding=self.padding)


BINARY_LAYERS = (BinaryLinear, BinaryConv2d)
"""Classes whose `weight` is binary."""


def placed(network: nn.Module, device: str) -> nn.Module:
    """The network itself, on the device, its convolutions in channels-last order, in which images lie in memory."""
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def binary_weights(network: nn.Module) -> list[nn.Parameter]:
    """The weight of every binary layer, in the order of the network's modules: a block's binary shortcut comes before its convolutions."""
    return [module.weight for module in network.modules() if isinstance(module, BINARY_LAYERS)]


def real_parameters(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The parameters that are not binary: those that decay, and those of batch normalisation, which do not."""
    binary = {id(weight) for weight in binary_weights(network)}
    norms = {id(p) for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) for p in m.parameters()}
    real = [p for p in network.parameters() if id(p) not in binary]
    return [p for p in real if id(p) not in norms], [p for p in real if id(p) in norms]
