"""Shortcuts that halve height and width, rounded up, and increase the number of channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.layers import BinaryConv2d
from hpstudy.bnn.networks.initial import real_conv


def halving() -> nn.AvgPool2d:
    """Create the mean of 2 x 2 pixels. A last odd row or column is averaged separately, because a convolution of stride 2 keeps it."""
    return nn.AvgPool2d(2, ceil_mode=True)


class EverySecondPixel(nn.Module):
    """Subsampling to rows and columns 0, 2, 4, ..."""

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, channels, height, width) -> (batch, channels, ceil(height / 2), ceil(width / 2))."""
        return x.permute(0, 2, 3, 1)[:, ::2, ::2].permute(
            0, 3, 1, 2
        )  # keeps the gradient in channels-last format, see pixel_means


class ZeroChannels(nn.Module):
    """Padding with channels of zeros, half before and half after the given ones: option A of He et al. (2016), centered as in IR-Net.

    Args:
        inputs: number of input channels.
        outputs: number of output channels; outputs - inputs must be even.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.each_side = (outputs - inputs) // 2

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, inputs, height, width) -> (batch, outputs, height, width)."""
        return functional.pad(x, (0, 0, 0, 0, self.each_side, self.each_side))


def sliced_and_padded(inputs: int, outputs: int) -> nn.Module:
    """Create a shortcut of every second pixel and channels of zeros (IR-Net, RBNN)."""
    return nn.Sequential(EverySecondPixel(), ZeroChannels(inputs, outputs))


def pooled_and_padded(inputs: int, outputs: int) -> nn.Module:
    """Create a shortcut of the mean of 2 x 2 pixels and channels of zeros (ReCU; OvSW's ResNet-20)."""
    return nn.Sequential(halving(), ZeroChannels(inputs, outputs))


def pooled_and_convolved(inputs: int, outputs: int, generator: torch.Generator) -> nn.Module:
    """Create a shortcut of the mean of 2 x 2 pixels, a real 1x1 convolution and batch normalization (Bi-Real Net)."""
    return nn.Sequential(halving(), real_conv(inputs, outputs, 1, generator), nn.BatchNorm2d(outputs))


def real_convolution(inputs: int, outputs: int, generator: torch.Generator) -> nn.Module:
    """Create a shortcut of a real 1x1 convolution of stride 2 and batch normalization (IR-Net's ResNet-18)."""
    return nn.Sequential(real_conv(inputs, outputs, 1, generator, stride=2), nn.BatchNorm2d(outputs))


def binary_convolution(inputs: int, outputs: int, activation: BinaryActivation) -> nn.Module:
    """Create a shortcut of the activation, a binary 1x1 convolution of stride 2 and batch normalization (ResNet-18 of RBNN and OvSW)."""
    return nn.Sequential(activation, BinaryConv2d(inputs, outputs, 1, stride=2), nn.BatchNorm2d(outputs))
