"""VGG-small as in the code of IR-Net (Qin et al., 2020): six convolutions, the first of which is real, and a real classifier.

Every second convolution is followed by max pooling before its batch normalization. Hardtanh follows every normalization. With width 128
and 10 classes, 4 571 136 of 4 660 106 parameters are binary. https://arxiv.org/abs/1909.10788
"""

from __future__ import annotations

import itertools
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.layers import BinaryConv2d
from hpstudy.bnn.networks.initial import real_conv, real_linear
from hpstudy.bnn.networks.settings import VGGSmallSettings
from hpstudy.bnn.networks.sizes import require_size


class VGGSmall(nn.Module):
    """VGG-small.

    Args:
        settings: width and image size.
        channels_in, classes, activation, generator: see `hpstudy.bnn.networks.interface.MakesNetwork`.
    """

    Settings: ClassVar = VGGSmallSettings

    def __init__(
        self,
        settings: VGGSmallSettings,
        *,
        channels_in: int,
        classes: int,
        activation: BinaryActivation,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        widths = [settings.width * factor for factor in (1, 1, 2, 2, 4, 4)]
        self.input_size = settings.input_size
        self.activation = activation
        self.first = real_conv(channels_in, widths[0], 3, generator, padding=1)
        self.convs = nn.ModuleList(BinaryConv2d(*pair, padding=1) for pair in itertools.pairwise(widths))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths)
        self.classifier = real_linear(widths[-1] * (settings.input_size // 8) ** 2, classes, generator)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits. x: (batch, channels_in, input_size, input_size) -> (batch, classes). Raises UsageError for another size."""
        require_size(x, self.input_size)
        x = functional.hardtanh(self.norms[0](self.first(x)))
        for number, conv in enumerate(self.convs, start=1):
            x = conv(self.activation(x))
            if number % 2:
                x = functional.max_pool2d(x, 2)
            x = functional.hardtanh(self.norms[number](x))
        return self.classifier(x.flatten(1))  # type: ignore[no-any-return]
