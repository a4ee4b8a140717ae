"""ResNet-18 for small images: a real 3x3 convolution of stride 1 without pooling, 4 stages of 2 blocks, and a real classifier.

A block has one shortcut around its two convolutions. Hardtanh follows every normalization or addition except that of the stem. Batch
normalization precedes the classifier. Published code differs in the shortcuts between stages. Numbers of parameters are for width 64 and
10 classes.

| downsampling | shortcut between stages | binary | parameters | source |
|---|---|---|---|---|
| binary | binary 1x1 convolution, BN | 11 157 504 | 11 174 986 | RBNN (Lin et al., 2020), OvSW (Xiang et al., 2024) |
| real | real 1x1 convolution, BN | 10 985 472 | 11 174 986 | IR-Net (Qin et al., 2020) |
| pooled | mean of 2 x 2, zero channels | 10 985 472 | 11 001 162 | ReCU (Xu et al., 2021) |
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.networks.initial import real_conv, real_linear
from hpstudy.bnn.networks.residual import BinaryBlock, ResidualNetwork, stages
from hpstudy.bnn.networks.settings import ResNet18Settings
from hpstudy.bnn.networks.shortcuts import binary_convolution, pooled_and_padded, real_convolution

BLOCKS_PER_STAGE = 2


class ResNet18(ResidualNetwork):
    """ResNet-18.

    Args:
        settings: shortcuts between stages, and width.
        channels_in, classes, activation, generator: see `hpstudy.bnn.networks.interface.MakesNetwork`.
    """

    Settings: ClassVar = ResNet18Settings

    def __init__(
        self,
        settings: ResNet18Settings,
        *,
        channels_in: int,
        classes: int,
        activation: BinaryActivation,
        generator: torch.Generator,
    ) -> None:
        def shortcut(inputs: int, outputs: int) -> nn.Module:
            if inputs == outputs:
                return nn.Identity()
            if settings.downsampling == "binary":
                return binary_convolution(inputs, outputs, activation)
            if settings.downsampling == "pooled":
                return pooled_and_padded(inputs, outputs)
            return real_convolution(inputs, outputs, generator)

        def block(inputs: int, outputs: int) -> BinaryBlock:
            around = shortcut(inputs, outputs)
            return BinaryBlock(
                inputs, outputs, activation=activation, nonlinearity=nn.Hardtanh(), shortcut=around, shortcuts="pair"
            )

        width = settings.width
        stem = nn.Sequential(real_conv(channels_in, width, 3, generator, padding=1), nn.BatchNorm2d(width))
        blocks = stages((width, 2 * width, 4 * width, 8 * width), BLOCKS_PER_STAGE, block)
        head = nn.Sequential(nn.BatchNorm1d(8 * width), real_linear(8 * width, classes, generator))
        super().__init__(activation, stem, blocks, head)
