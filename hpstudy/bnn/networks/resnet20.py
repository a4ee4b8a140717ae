"""ResNet-20 and Bi-RealNet-20 for small images: 3 stages of 6 binary 3x3 convolutions. The first and last layers are real.

The papers do not describe the layouts completely; these are the layouts of the published code. Numbers of parameters are for width 16 and
10 classes.

| variant | shortcut between stages | nonlinearity | head | parameters | source |
|---|---|---|---|---|---|
| A | every second pixel, zero channels | none | linear | 269 722 | ports of Bi-Real Net to CIFAR |
| B | every second pixel, zero channels | Hardtanh | BN, linear | 269 850 | IR-Net (Qin et al., 2020), RBNN (Lin et al., 2020) |
| C | mean of 2 x 2, real 1x1 convolution, BN | none | linear | 272 474 | Bi-Real Net 18 and 34 (Liu et al., 2018) |
| D | every second pixel, zero channels | PReLU | BN, linear | 270 202 | Reproduce_BOP (Li) |
| E | mean of 2 x 2, zero channels | Hardtanh | BN, linear | 269 850 | ReCU (Xu et al., 2021), OvSW (Xiang et al., 2024) |

The nonlinearity follows the normalization of the stem and of every convolution, after the addition if there is one. PReLU has one slope
per channel, shared by the two convolutions of a block. All variants have 267 264 binary weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import nn

from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.networks.initial import real_conv, real_linear
from hpstudy.bnn.networks.residual import BinaryBlock, ResidualNetwork, Shortcuts, stages
from hpstudy.bnn.networks.settings import ResNet20Settings, Variant
from hpstudy.bnn.networks.shortcuts import pooled_and_convolved, pooled_and_padded, sliced_and_padded

BLOCKS_PER_STAGE = 3


@dataclass(frozen=True)
class Layout:
    """A row of the table above. `head_norm`: whether batch normalization precedes the classifier."""

    shortcut: Literal["sliced", "pooled", "convolved"]
    nonlinearity: Literal["none", "hardtanh", "prelu"]
    head_norm: bool


LAYOUTS: dict[Variant, Layout] = {
    "A": Layout("sliced", "none", head_norm=False),
    "B": Layout("sliced", "hardtanh", head_norm=True),
    "C": Layout("convolved", "none", head_norm=False),
    "D": Layout("sliced", "prelu", head_norm=True),
    "E": Layout("pooled", "hardtanh", head_norm=True),
}


def _shortcut(layout: Layout, inputs: int, outputs: int, generator: torch.Generator) -> nn.Module:
    if inputs == outputs:
        return nn.Identity()
    if layout.shortcut == "convolved":
        return pooled_and_convolved(inputs, outputs, generator)
    return sliced_and_padded(inputs, outputs) if layout.shortcut == "sliced" else pooled_and_padded(inputs, outputs)


def _nonlinearity(layout: Layout, channels: int) -> nn.Module:
    if layout.nonlinearity == "prelu":
        return nn.PReLU(channels)
    return nn.Hardtanh(inplace=True) if layout.nonlinearity == "hardtanh" else nn.Identity()


class ResNet20(ResidualNetwork):
    """ResNet-20: one shortcut per two convolutions.

    Args:
        settings: variant and width.
        channels_in, classes, activation, generator: see `hpstudy.bnn.networks.interface.MakesNetwork`.
    """

    Settings: ClassVar = ResNet20Settings
    shortcuts: ClassVar[Shortcuts] = "pair"

    def __init__(
        self,
        settings: ResNet20Settings,
        *,
        channels_in: int,
        classes: int,
        activation: BinaryActivation,
        generator: torch.Generator,
    ) -> None:
        layout, width = LAYOUTS[settings.variant], settings.width
        stem = nn.Sequential(
            real_conv(channels_in, width, 3, generator, padding=1), nn.BatchNorm2d(width), _nonlinearity(layout, width)
        )

        def block(inputs: int, outputs: int) -> BinaryBlock:
            return BinaryBlock(
                inputs,
                outputs,
                activation=activation,
                nonlinearity=_nonlinearity(layout, outputs),
                shortcut=_shortcut(layout, inputs, outputs, generator),
                shortcuts=self.shortcuts,
            )

        blocks = stages((width, 2 * width, 4 * width), BLOCKS_PER_STAGE, block)
        norm = nn.BatchNorm1d(4 * width) if layout.head_norm else nn.Identity()
        super().__init__(activation, stem, blocks, nn.Sequential(norm, real_linear(4 * width, classes, generator)))


class BiRealNet20(ResNet20):
    """Bi-RealNet-20: one shortcut per convolution."""

    shortcuts: ClassVar[Shortcuts] = "every"
