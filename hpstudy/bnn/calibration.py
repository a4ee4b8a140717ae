"""Recalibration of batch normalization for weights that differ from those of the last training batches."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


@torch.no_grad()
def recalibrate(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set the running mean and variance of every batch normalization to their averages over `batches`. Weights do not change.

    Bop's ImageNet run ends with a recalibration (Helwegen et al., 2019, author response). Methods that train with soft weights and
    evaluate binary weights need one before every evaluation ("BN calibration", Yang et al., 2020, https://arxiv.org/abs/2009.08695).
    """
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the unweighted average over all batches
    network.train()
    for x in batches:
        network(x)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
