"""Measure the running statistics of batch normalisation again, for weights that are not those of the last training batches."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


@torch.no_grad()
def recalibrate(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set the running mean and variance of every batch normalisation to their averages over `batches`; no weight changes.

    Bop's ImageNet run ends with it (Helwegen et al., 2019, rebuttal); methods that train with soft weights and evaluate hard ones
    need it before every evaluation (Yang et al., 2020, "BN calibration").
    """
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average of all batches
    network.train()
    for x in batches:
        network(x)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
