"""Noisy expected improvement of K searches, for one new point each.

It is BoTorch's `qLogNoisyExpectedImprovement` for one candidate: the log of its mean improvement over the best of a baseline, over samples
of their joint posterior. For one candidate, each sample is linear in the candidate's covariances with the rows. So the baseline is sampled
once, and an evaluation is two matrix products.

References:
    B. Letham et al., "Constrained Bayesian optimization with noisy experiments", Bayesian Analysis 14 (2019),
        https://arxiv.org/abs/1706.07094.
    S. Ament et al., "Unexpected improvements to expected improvement for Bayesian optimization", NeurIPS 2023,
        https://arxiv.org/abs/2310.20708.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from botorch.acquisition.logei import TAU_RELU
from botorch.utils.safe_math import fatplus
from botorch.utils.sampling import draw_sobol_normal_samples
from torch import Tensor

from hpstudy.search.batched.process import Posterior, cholesky, kernel, restricted

SAMPLES = 512
"""Samples of the posterior: BoTorch's default."""

PRUNING_SAMPLES = 2_048
"""Samples used to select the points that may be the best: BoTorch's default."""

MIN_VARIANCE = 1e-12
"""Smallest variance of a candidate given the baseline. At a baseline point, rounding can make it negative."""


class NoisyImprovement:
    """The acquisitions of K searches.

    Args:
        posterior: posterior of the K searches.
        baseline: (K, N) rows to improve on.
        seeds: seeds of the samples, one per search.
        snap: maps coordinates to those that the kernel compares.
    """

    def __init__(self, posterior: Posterior, baseline: Tensor, seeds: Sequence[int], snap: Callable[[Tensor], Tensor]) -> None:
        row_samples, self._candidate_samples = normal_samples(baseline, seeds)
        factor = cholesky(restricted(posterior.covariance, baseline))
        # Samples of the values at the rows, (K, M, N), and the largest in the baseline, (K, M).
        sampled = posterior.mean[:, None] + row_samples @ factor.mT
        self._best = sampled.masked_fill(~baseline[:, None], -torch.inf).amax(-1)
        # The contribution of the normal variate of each baseline row to the candidate's value, per covariance with a row, (K, N, N).
        effects = torch.linalg.solve_triangular(factor, posterior.cross.mT * baseline[..., None], upper=False)
        self._roots = torch.cat([posterior.root, effects], 1).mT.contiguous()
        self._slopes = (posterior.weights[:, None] + row_samples @ effects).mT.contiguous()
        self._posterior, self._snap = posterior, snap

    def __call__(self, candidates: Tensor) -> Tensor:
        """(K, R, D) coordinates of R candidates -> (K, R) log improvements."""
        hyperparameters = self._posterior.hyperparameters
        # covariances: (K, R, N). variance: (K, R). samples: (K, R, M).
        covariances = kernel(self._snap(candidates), self._posterior.points, hyperparameters.lengthscale)
        variance = (1 - (covariances @ self._roots).square().sum(-1)).clamp_min(MIN_VARIANCE)
        samples = covariances @ self._slopes + variance.sqrt()[..., None] * self._candidate_samples[:, None]
        improvement = samples + (hyperparameters.mean[:, None] - self._best)[:, None]
        return fatplus(improvement, tau=TAU_RELU).mean(-1).log()


def normal_samples(baseline: Tensor, seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Quasi-random standard normal samples. Each search has its own sequence.

    Args:
        baseline: (K, N) rows that need samples.
        seeds: seeds of the K sequences.

    Returns:
        (K, M, N) samples of the rows, 0 in those outside the baseline, and (K, M) samples of the candidate.
    """
    row_samples = torch.zeros(len(seeds), SAMPLES, baseline.shape[1], dtype=torch.float64)
    candidate_samples = torch.empty(len(seeds), SAMPLES, dtype=torch.float64)
    for search, (seed, rows) in enumerate(zip(seeds, baseline, strict=True)):
        drawn = draw_sobol_normal_samples(int(rows.sum()) + 1, SAMPLES, dtype=torch.float64, seed=seed)
        row_samples[search][:, rows], candidate_samples[search] = drawn[:, :-1], drawn[:, -1]
    return row_samples, candidate_samples


def possible_best(posterior: Posterior, rows: Tensor, seeds: Sequence[int]) -> Tensor:
    """The rows that are the best of their search in some posterior sample, as in BoTorch's `prune_inferior_points`.

    Args:
        posterior: posterior of the K searches.
        rows: (K, N) rows to choose from.
        seeds: seeds of the samples, one per search.

    Returns:
        (K, N) rows.
    """
    kept = torch.zeros_like(rows)
    for search, seed in enumerate(seeds):
        indices = rows[search].nonzero().squeeze(1)
        if len(indices):
            factor = cholesky(posterior.covariance[search][indices][None, :, indices])[0]
            normals = draw_sobol_normal_samples(len(indices), PRUNING_SAMPLES, dtype=torch.float64, seed=seed)
            samples = posterior.mean[search, indices] + normals @ factor.mT
            kept[search, indices[samples.argmax(1)]] = True
    return kept
