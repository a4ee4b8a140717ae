"""Layers with binary weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class BinaryLinear(nn.Module):
    """A fully connected layer whose weight is set by a training method. It has no bias, because batch normalization follows.

    `weight` is a leaf parameter that holds the weights of the forward pass: theta in {-1, +1}, or theta times a positive scale s.
    Its gradient is therefore dL/d(s theta), without the factor s of autograd through the scale. The layer does not depend on the
    method; all weights are +1 until a method sets them.

    Args:
        inputs: number of input features.
        outputs: number of output features; weight has shape (outputs, inputs).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(outputs, inputs))

    def forward(self, x: Tensor) -> Tensor:
        """Compute x W^T. x: (batch, inputs) -> (batch, outputs)."""
        return functional.linear(x, self.weight)


class BinaryConv2d(nn.Module):
    """A convolution whose weight is set by a training method, as in `BinaryLinear`.

    Borders are padded with 0, as in all published code. After a binary activation the border then has a third value.

    Args:
        inputs: number of input channels.
        outputs: number of output channels; weight has shape (outputs, inputs, kernel, kernel).
        kernel: width and height of a filter.
        stride: stride of the filter.
        padding: width of the zero padding on every side.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(outputs, inputs, kernel, kernel))
        self.stride = stride
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """Convolve x: (batch, inputs, height, width) -> (batch, outputs, height', width')."""
        return functional.conv2d(x, self.weight, stride=self.stride, padding=self.padding)


BINARY_LAYERS = (BinaryLinear, BinaryConv2d)
"""Classes of layers with binary weights."""


def to_device(network: nn.Module, device: str) -> nn.Module:
    """Move a network to a device, with its convolutions in the channels-last memory format of the images. Returns the network."""
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def binary_weights(network: nn.Module) -> list[nn.Parameter]:
    """Return the weights of all binary layers in module order. In a block, a binary shortcut comes before the convolutions."""
    return [module.weight for module in network.modules() if isinstance(module, BINARY_LAYERS)]


def real_parameters(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Return the parameters that are not binary: those with weight decay, and those of batch normalization (without weight decay)."""
    binary = {id(weight) for weight in binary_weights(network)}
    norms = {id(p) for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) for p in m.parameters()}
    real = [p for p in network.parameters() if id(p) not in binary]
    return [p for p in real if id(p) not in norms], [p for p in real if id(p) in norms]
