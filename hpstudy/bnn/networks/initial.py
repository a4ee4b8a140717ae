"""Real-valued layers whose initial weights are drawn from a given generator instead of torch's global one."""

from __future__ import annotations

import torch
from torch import nn


def real_conv(
    inputs: int, outputs: int, kernel: int, generator: torch.Generator, *, stride: int = 1, padding: int = 0
) -> nn.Conv2d:
    """Create a convolution without bias. Weights are normal with variance 2 / fan_in (He et al., 2015, https://arxiv.org/abs/1502.01852)."""
    # Created without values, here and below: torch would draw them from the global generator.
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, bias=False, device="meta").to_empty(device="cpu")
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu", generator=generator)
    return conv


def real_linear(inputs: int, outputs: int, generator: torch.Generator, *, bias: bool = True) -> nn.Linear:
    """Create a fully connected layer. Weight and bias are uniform with variance 1 / (3 inputs), the default of torch."""
    linear = nn.Linear(inputs, outputs, bias=bias, device="meta").to_empty(device="cpu")
    for parameter in linear.parameters():
        nn.init.uniform_(parameter, -(inputs**-0.5), inputs**-0.5, generator=generator)
    return linear
