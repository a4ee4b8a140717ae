"""Histograms of the initial weights that never change sign (OvSW, Xiang et al., ECCV 2024, Figures 1, 5 and 6).

https://arxiv.org/abs/2407.05257
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hpstudy.metric_names import REACH


def never_flipped_histogram(noise: Sequence[Tensor], never: Sequence[Tensor], bins: int) -> dict[str, float]:
    """Compute histograms of the initial weights of every layer, and of the initial weights that never flipped.

    Initial weights are represented by the numbers from which the initial signs are computed, in standard deviations. The histogram
    therefore has the same meaning for methods without latent weights, and the initial part is the same for every method.

    Args:
        noise: (filters, fan_in) numbers of standard deviation 1 for every binary layer (`hpstudy.bnn.optimizers.initial_noise`).
        never: (filters, fan_in) mask for every layer, True for weights that never flipped (`FlipCounter.never_flipped`).
        bins: number of equal bins from -REACH to REACH. A bin includes its lower end but not its upper end. The first and the last bin
            include all values beyond the range.

    Returns:
        For layer L and bin B, both from 1, B with leading zeros: `initial.layerL.binB`, the share of the layer's weights that started
        in the bin, and `never_flipped.layerL.binB`, the share that started in the bin and never flipped.
    """
    shares = {}
    for layer, (z, unflipped) in enumerate(zip(noise, never, strict=True), 1):
        ends = torch.tensor([REACH * (2 * end / bins - 1) for end in range(1, bins)], dtype=z.dtype, device=z.device)
        bin_of = torch.bucketize(z, ends, right=True)
        for name, chosen in (("initial", bin_of.flatten()), ("never_flipped", bin_of[unflipped])):
            for number, count in enumerate(torch.bincount(chosen, minlength=bins).tolist(), 1):
                shares[f"{name}.layer{layer}.bin{number:0{len(str(bins))}}"] = count / z.numel()
    return shares
