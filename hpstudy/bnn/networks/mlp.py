"""The multilayer perceptron of the paper's section 4.2: 4 layers with batch normalization; the first layer is not binary."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.layers import BinaryLinear
from hpstudy.bnn.networks.initial import real_linear


class BinaryMLP(nn.Module):
    """A real layer and binary layers, each after batch normalization and a binary activation, with batch normalization of the logits.

        h_1 = W_1 x        h_k = W_k sign(BN(h_{k-1})), k = 2..L        logits = BN(h_L)

    The paper gives only the number of layers. The normalization of the logits is our choice: the outputs of the last binary layer are
    integers of magnitude sqrt(width), which saturate a softmax.

    Args:
        inputs: number of features of a clip.
        widths: number of outputs of every layer except the last; L = len(widths) + 1.
        classes: number of outputs of the last layer.
        activation: the activation before every binary layer.
        generator: draws the initial weights of the real layer, uniform with variance 1/(3 inputs) (the default of torch).
    """

    stackable: ClassVar = True

    def __init__(
        self, inputs: int, widths: Sequence[int], classes: int, activation: BinaryActivation, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.activation = activation
        sizes = [*widths, classes]
        self.first = real_linear(inputs, sizes[0], generator, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm1d(size) for size in sizes)
        self.layers = nn.ModuleList(BinaryLinear(*pair) for pair in itertools.pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits. x: (batch, inputs) -> (batch, classes)."""
        h = self.first(x)
        for norm, layer in zip(self.norms, self.layers, strict=False):
            h = layer(self.activation(norm(h)))
        return self.norms[-1](h)  # type: ignore[no-any-return]
