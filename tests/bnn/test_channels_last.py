from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn
from torch.nn import functional

from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.networks.resnet20 import BiRealNet20
from hpstudy.bnn.networks.settings import ResNet20Settings, Variant
from hpstudy.bnn.settings import Surrogate


@pytest.mark.parametrize("variant", get_args(Variant))
def test_gradients_reach_every_normalization_in_channels_last_order(variant: Variant) -> None:
    generator = torch.Generator().manual_seed(0)
    activation = BinaryActivation(Surrogate("approx_sign"))
    network = BiRealNet20(
        ResNet20Settings(variant=variant, width=4), channels_in=3, classes=2, activation=activation, generator=generator
    ).to(memory_format=torch.channels_last)
    arrived: dict[str, bool] = {}

    def note(name: str, y: torch.Tensor) -> None:
        y.register_hook(lambda grad: arrived.update({name: grad.is_contiguous(memory_format=torch.channels_last)}))

    norms = {name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    for name, norm in norms.items():
        # The clone stands between the norm's output, whose own hook must run first, and operations in place.
        norm.register_forward_hook(lambda _module, _inputs, y, name=name: (note(name, y), y.clone())[1])
    x = torch.randn(2, 16, 16, 3, generator=generator).permute(0, 3, 1, 2)
    functional.cross_entropy(network(x), torch.tensor([0, 1])).backward()
    assert arrived == dict.fromkeys(norms, True)
