"""ReActNet-A (Liu et al., 2020) in its published code: MobileNet with binary 3x3 and 1x1 convolutions and learned shifts.

A real 3x3 convolution of stride 2, 13 blocks, the mean over all pixels, and a real classifier. The published RSign is a learned shift
followed by the sign, and RPReLU is shift, PReLU, shift, all per channel. Shifts start at 0 and slopes at 0.25. With width 32 and 1000
classes the network has 28 253 184 binary and 1 090 408 real parameters. https://arxiv.org/abs/2003.03488
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.layers import BinaryConv2d
from hpstudy.bnn.networks.initial import real_conv, real_linear
from hpstudy.bnn.networks.residual import pixel_means
from hpstudy.bnn.networks.settings import ReActNetASettings
from hpstudy.bnn.networks.shortcuts import halving

WIDTHS = (2, 4, 4, 8, 8, 16, 16, 16, 16, 16, 16, 32, 32)
"""Output channels of every block, as multiples of those of the first convolution."""


class Shift(nn.Module):
    """x + b with one learned b per channel, which starts at 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Add the shift to x, (batch, channels, height, width). Returns the same shape."""
        return x + self.bias[:, None, None]


def rprelu(channels: int) -> nn.Module:
    """Create shift, PReLU, shift, all per channel (RPReLU of Liu et al., 2020)."""
    return nn.Sequential(Shift(channels), nn.PReLU(channels), Shift(channels))


class ReActBlock(nn.Module):
    """A binary 3x3 convolution C and one or two binary 1x1 convolutions P_i, with shortcuts around each of them.

        h = RPReLU(BN(C a(x + b)) + S(x))        y = RPReLU(concatenation over i of BN(P_i a(h + b')) + h)

    Args:
        inputs: number of input channels.
        outputs: number of output channels, once or twice the input channels.
        stride: stride of C. S is the mean of 2 x 2 pixels for stride 2, otherwise the identity.
        activation: a.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, activation: BinaryActivation) -> None:
        super().__init__()
        self.activation = activation
        self.shortcut = halving() if stride == 2 else nn.Identity()
        self.shift1 = Shift(inputs)
        self.conv = BinaryConv2d(inputs, inputs, stride=stride, padding=1)
        self.norm = nn.BatchNorm2d(inputs)
        self.nonlinearity1 = rprelu(inputs)
        self.shift2 = Shift(inputs)
        self.branches = nn.ModuleList(
            nn.Sequential(BinaryConv2d(inputs, inputs, 1), nn.BatchNorm2d(inputs)) for _ in range(outputs // inputs)
        )
        self.nonlinearity2 = rprelu(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, inputs, height, width) -> (batch, outputs, ceil(height / stride), ceil(width / stride))."""
        h = self.nonlinearity1(self.norm(self.conv(self.activation(self.shift1(x)))) + self.shortcut(x))
        a = self.activation(self.shift2(h))
        return self.nonlinearity2(torch.cat([branch(a) + h for branch in self.branches], dim=1))  # type: ignore[no-any-return]


class ReActNetA(nn.Module):
    """ReActNet-A, for images of any size.

    Args:
        settings: the width.
        channels_in, classes, activation, generator: see `hpstudy.bnn.networks.interface.MakesNetwork`.
    """

    Settings: ClassVar = ReActNetASettings

    def __init__(
        self,
        settings: ReActNetASettings,
        *,
        channels_in: int,
        classes: int,
        activation: BinaryActivation,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.activation = activation
        inputs = settings.width
        self.stem = nn.Sequential(real_conv(channels_in, inputs, 3, generator, stride=2, padding=1), nn.BatchNorm2d(inputs))
        self.blocks = nn.Sequential()
        for factor in WIDTHS:
            outputs = factor * settings.width
            # The first block doubles the channels with stride 1, because the stem has already halved height and width.
            stride = 2 if outputs != inputs and len(self.blocks) > 0 else 1
            self.blocks.append(ReActBlock(inputs, outputs, stride, activation))
            inputs = outputs
        self.classifier = real_linear(inputs, classes, generator)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits. x: (batch, channels_in, height, width) -> (batch, classes)."""
        return self.classifier(pixel_means(self.blocks(self.stem(x))))  # type: ignore[no-any-return]
