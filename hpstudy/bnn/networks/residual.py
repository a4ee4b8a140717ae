"""Components of residual networks with binary 3x3 convolutions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Literal

from torch import Tensor, nn

from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.layers import BinaryConv2d

Shortcuts = Literal["every", "pair"]
"""Shortcuts around every convolution (Bi-Real Net, Liu et al., 2018, https://arxiv.org/abs/1808.00278), or around every pair (He et al.,
2016, https://arxiv.org/abs/1512.03385)."""


class BinaryBlock(nn.Module):
    """Two binary 3x3 convolutions C1 and C2, with activation a, shortcut S and nonlinearity f.

        "every":  h = f(BN(C1 a(x)) + S(x))    y = f(BN(C2 a(h)) + h)
        "pair":   h = f(BN(C1 a(x)))           y = f(BN(C2 a(h)) + S(x))

    Args:
        inputs: number of input channels.
        outputs: number of output channels. C1 has stride 2 if it differs from the input channels, otherwise 1.
        activation: a, before both convolutions.
        nonlinearity: f. The same object is used twice, so that its parameters, if any, are shared. It may overwrite its input.
        shortcut: S, from x to the shape of h.
        shortcuts: "every" or "pair".
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        activation: BinaryActivation,
        nonlinearity: nn.Module,
        shortcut: nn.Module,
        shortcuts: Shortcuts,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.nonlinearity = nonlinearity
        self.shortcut = shortcut
        self.shortcuts = shortcuts
        self.conv1 = BinaryConv2d(inputs, outputs, stride=1 if inputs == outputs else 2, padding=1)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = BinaryConv2d(outputs, outputs, padding=1)
        self.norm2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, inputs, height, width) -> (batch, outputs, ceil(height / stride), ceil(width / stride))."""
        h = self.norm1(self.conv1(self.activation(x)))
        around = self.shortcut(x)
        if self.shortcuts == "every":
            h = around = self.nonlinearity(h.add_(around))
        else:
            h = self.nonlinearity(h)
        return self.nonlinearity(self.norm2(self.conv2(self.activation(h))).add_(around))  # type: ignore[no-any-return]


def stages(widths: Sequence[int], depth: int, block: Callable[[int, int], BinaryBlock]) -> list[BinaryBlock]:
    """Create the blocks of all stages, in order.

    Args:
        widths: output channels of every stage; the first is also the number of input channels.
        depth: blocks per stage.
        block: creates a block, given the input and output channels.
    """
    outputs = [width for width in widths for _ in range(depth)]
    return [block(*pair) for pair in itertools.pairwise([widths[0], *outputs])]


class ResidualNetwork(nn.Module):
    """Stem, blocks, mean over all pixels, head; for images of any size.

    Args:
        activation: activation of the blocks.
        stem: module before the blocks.
        blocks: the blocks, in order.
        head: maps the means of the last block's channels to logits.
    """

    def __init__(self, activation: BinaryActivation, stem: nn.Module, blocks: list[BinaryBlock], head: nn.Module) -> None:
        super().__init__()
        self.activation = activation
        self.stem = stem
        self.blocks = nn.Sequential(*blocks)
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        """Return logits. x: (batch, channels, height, width) -> (batch, classes)."""
        return self.head(pixel_means(self.blocks(self.stem(x))))  # type: ignore[no-any-return]


def pixel_means(x: Tensor) -> Tensor:
    """Return the mean of every channel. (batch, channels, height, width) -> (batch, channels)."""
    # The gradient of mean((2, 3)) is not in channels-last memory format, nor is anything computed from it. On a CPU, batch normalization
    # then takes several times as long. Here and in EverySecondPixel the permutation keeps the channels last.
    return x.permute(0, 2, 3, 1).mean((1, 2))
