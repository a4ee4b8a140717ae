"""What residual networks of binary 3x3 convolutions have in common."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Literal

from torch import Tensor, nn

from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.layers import BinaryConv2d

Shortcuts = Literal["every", "pair"]
"""Around every convolution (Bi-Real Net, Liu et al., 2018), or around two (He et al., 2016)."""


class BinaryBlock(nn.Module):
    """Two binary 3x3 convolutions C1 and C2, with activation a, shortcut S and nonlinearity f.

        "every":  h = f(BN(C1 a(x)) + S(x))    y = f(BN(C2 a(h)) + h)
        "pair":   h = f(BN(C1 a(x)))           y = f(BN(C2 a(h)) + S(x))

    Args:
        inputs: channels in.
        outputs: channels out. C1 has stride 2 where they differ from the channels in, else 1.
        activation: a, in front of both convolutions.
        nonlinearity: f; one object for both places, so that its parameters, if it has any, are shared. It may overwrite its input.
        shortcut: S, from x to the shape of h.
        shortcuts: where they are.
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
    """The blocks of stages, in order.

    Args:
        widths: channels out of every stage; the first is also the channels in.
        depth: blocks of a stage.
        block: makes a block of channels in and channels out.
    """
    outputs = [width for width in widths for _ in range(depth)]
    return [block(*pair) for pair in itertools.pairwise([widths[0], *outputs])]


class ResidualNetwork(nn.Module):
    """Stem, blocks, mean over all pixels, head: any size of image.

    Args:
        activation: of the blocks.
        stem: in front of the blocks.
        blocks: one after the other.
        head: from the means of the last block's channels to the logits.
    """

    def __init__(self, activation: BinaryActivation, stem: nn.Module, blocks: list[BinaryBlock], head: nn.Module) -> None:
        super().__init__()
        self.activation = activation
        self.stem = stem
        self.blocks = nn.Sequential(*blocks)
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        """Logits. x: (batch, channels, height, width) -> (batch, classes)."""
        return self.head(pixel_means(self.blocks(self.stem(x))))  # type: ignore[no-any-return]


def pixel_means(x: Tensor) -> Tensor:
    """The mean of every channel. (batch, channels, height, width) -> (batch, channels)."""
    # The gradient of a plain mean((2, 3)) leaves channels-last order, and so does all that is computed from it: on a CPU,
    # batch normalisation then takes several times as long. Here and in EverySecondPixel the channels are last by permutation.
    return x.permute(0, 2, 3, 1).mean((1, 2))
