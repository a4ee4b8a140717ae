"""BinaryNet in the published code of Bop (Helwegen et al., 2019): all layers are binary, including the first and the last.

Six 3x3 convolutions and three fully connected layers. The input of the first convolution is the real-valued image, without padding. Every
second convolution is followed by max pooling before its batch normalization. All normalizations, including that of the logits, have a shift
but no scale, and the constants of Keras: epsilon 1e-3, and running averages with a momentum of 0.99. With width 128, 1024 dense units and
10 classes the network has 10 352 000 binary and 3 850 real parameters. https://arxiv.org/abs/1906.02107
"""

from __future__ import annotations

import itertools
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.layers import BinaryConv2d, BinaryLinear
from hpstudy.bnn.networks.settings import BinaryNetSettings
from hpstudy.bnn.networks.sizes import require_size


def _without_scale(norm: type[nn.BatchNorm1d] | type[nn.BatchNorm2d], features: int) -> nn.Module:
    module = norm(features, eps=1e-3, momentum=0.01)
    module.register_parameter("weight", None)
    return module


class BinaryNet(nn.Module):
    """BinaryNet. It does not use the generator, because all weights are set by the method.

    Args:
        settings: width, dense units, and image size.
        channels_in, classes, activation, generator: see `hpstudy.bnn.networks.interface.MakesNetwork`.
    """

    Settings: ClassVar = BinaryNetSettings

    def __init__(
        self,
        settings: BinaryNetSettings,
        *,
        channels_in: int,
        classes: int,
        activation: BinaryActivation,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        widths = [settings.width * factor for factor in (1, 1, 2, 2, 4, 4)]
        pixels = ((settings.input_size - 2) // 8) ** 2
        units = [widths[-1] * pixels, settings.dense_units, settings.dense_units, classes]
        self.input_size = settings.input_size
        self.activation = activation
        self.first = BinaryConv2d(channels_in, widths[0])
        self.convs = nn.ModuleList(BinaryConv2d(*pair, padding=1) for pair in itertools.pairwise(widths))
        self.conv_norms = nn.ModuleList(_without_scale(nn.BatchNorm2d, width) for width in widths)
        self.dense = nn.ModuleList(BinaryLinear(*pair) for pair in itertools.pairwise(units))
        self.dense_norms = nn.ModuleList(_without_scale(nn.BatchNorm1d, outputs) for outputs in units[1:])

    def forward(self, x: Tensor) -> Tensor:
        """Return logits. x: (batch, channels_in, input_size, input_size) -> (batch, classes). Raises UsageError for another size."""
        require_size(x, self.input_size)
        x = self.conv_norms[0](self.first(x))
        for number, conv in enumerate(self.convs, start=1):
            x = conv(self.activation(x))
            if number % 2:
                x = functional.max_pool2d(x, 2)
            x = self.conv_norms[number](x)
        x = x.flatten(1)
        for layer, norm in zip(self.dense, self.dense_norms, strict=True):
            x = norm(layer(self.activation(x)))
        return x
