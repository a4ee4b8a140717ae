"""Which initial weights never change sign: the histograms of OvSW (Xiang et al., ECCV 2024, Figures 1, 5 and 6)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hpstudy.metric_names import REACH


def never_flipped_histogram(noise: Sequence[Tensor], never: Sequence[Tensor], bins: int) -> dict[str, float]:
    """How the initial weights of every layer spread, and how those of them that never flipped do.

    The numbers that the initial signs are made from represent the initial weights, in standard deviations: so the histogram means the
    same for a method without latent weights, and the initial part is the same for every method.

    Args:
        noise: for every binary layer (filters, fan_in) numbers of standard deviation 1 (`hpstudy.bnn.optimizers.initial_noise`).
        never: for every layer (filters, fan_in) whether a weight never flipped (`FlipCounter.never`).
        bins: how many equal bins from -REACH to REACH, each with its lower end but without its upper one; the outer two also hold all
            beyond.

    Returns:
        For layer L and bin B, both from 1, with leading zeros of B: `initial.layerL.binB`, the share of the layer's weights that started
        in the bin, and `never_flipped.layerL.binB`, the share of the layer's weights that did and never flipped.
    """
    shares = {}
    for layer, (z, unflipped) in enumerate(zip(noise, never, strict=True), 1):
        ends = torch.tensor([REACH * (2 * end / bins - 1) for end in range(1, bins)], dtype=z.dtype, device=z.device)
        bin_of = torch.bucketize(z, ends, right=True)
        for name, chosen in (("initial", bin_of.flatten()), ("never_flipped", bin_of[unflipped])):
            for number, count in enumerate(torch.bincount(chosen, minlength=bins).tolist(), 1):
                shares[f"{name}.layer{layer}.bin{number:0{len(str(bins))}}"] = count / z.numel()
    return shares
