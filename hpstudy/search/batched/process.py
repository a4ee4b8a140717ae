"""K independent Gaussian processes: BoTorch's default model for K searches as one batch of tensors.

Kernel, likelihood and priors are those of BoTorch's `SingleTaskGP`: a squared-exponential kernel of unit variance with a lengthscale
per coordinate, a constant mean, and noise. `SingleTaskGP` itself also takes a batch, but only if all searches have the same number of
values, and one singular matrix makes all of them fail.

Every search has N rows. Rows without a value (trials that failed, padding) are unit rows of its covariance matrix: they change
neither the likelihood nor the posterior.

References:
    C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning", MIT Press (2006), chapters 2 and 5.
    C. Hvarfner et al., "Vanilla Bayesian optimization performs great in high dimensions", ICML 2024,
        https://arxiv.org/abs/2402.02229 (the priors).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from botorch.models.utils.gpytorch_modules import (
    get_covar_module_with_dim_scaled_prior,
    get_gaussian_likelihood_with_lognormal_prior,
)
from torch import Tensor
from torch.distributions import LogNormal

from hpstudy.search.batched.lbfgs import minimize

FIT_ITERATIONS = 15_000
"""Maximum iterations of a fit: scipy's default."""

JITTERS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4)
"""Values added in turn to the diagonal of a covariance matrix that rounding made singular, until it is regular."""


@dataclass(frozen=True)
class Trials:
    """The trials of K searches.

    Attributes:
        points: (K, N, D) coordinates in [0, 1], snapped.
        values: (K, N) standardized values; 0 in rows without one.
        valued: (K, N) whether a row has a value.
    """

    points: Tensor
    values: Tensor
    valued: Tensor


@dataclass(frozen=True)
class Hyperparameters:
    """The hyperparameters of K Gaussian processes.

    Attributes:
        noise: (K,) variance of the noise.
        mean: (K,) prior mean.
        lengthscale: (K, D) lengthscales of the coordinates.
    """

    noise: Tensor
    mean: Tensor
    lengthscale: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> Hyperparameters:
        """From (K, 2 + D) rows of noise, mean and lengthscales."""
        return cls(rows[:, 0], rows[:, 1], rows[:, 2:])


class Posterior:
    """The posterior of the noise-free values, given the trials.

    At a point with prior covariances k with the rows, the posterior mean is `hyperparameters.mean + weights @ k`, the posterior variance
    `1 - |root @ k|^2`, and the posterior covariances with the values at the rows are `k @ cross`.

    Attributes:
        points: (K, N, D) coordinates of the rows.
        hyperparameters: hyperparameters of the K searches.
        mean: (K, N) posterior means at the rows.
        covariance: (K, N, N) posterior covariances of the rows.
        weights: (K, N).
        root: (K, N, N).
        cross: (K, N, N).
    """

    def __init__(self, trials: Trials, hyperparameters: Hyperparameters) -> None:
        self.points, self.hyperparameters = trials.points, hyperparameters
        prior = kernel(trials.points, trials.points, hyperparameters.lengthscale)
        factor = cholesky(_value_covariance(prior, hyperparameters.noise, trials.valued))
        self.root = torch.linalg.solve_triangular(factor, torch.diag_embed(trials.valued.to(prior)), upper=False)
        residual = torch.where(trials.valued, trials.values - hyperparameters.mean[:, None], 0.0)
        self.weights = (self.root.mT @ (self.root @ residual[..., None])).squeeze(-1)
        explained = self.root @ prior
        self.mean = hyperparameters.mean[:, None] + (prior @ self.weights[..., None]).squeeze(-1)
        self.covariance = prior - explained.mT @ explained
        self.cross = torch.eye(prior.shape[-1]).to(prior) - self.root.mT @ explained


def kernel(points: Tensor, others: Tensor, lengthscale: Tensor) -> Tensor:
    """(K, A, D) and (K, B, D) coordinates, (K, D) lengthscales -> (K, A, B) prior covariances."""
    points, others = points / lengthscale[:, None], others / lengthscale[:, None]
    squares = points.square().sum(-1)[:, :, None] + others.square().sum(-1)[:, None] - 2 * points @ others.mT
    return squares.clamp_min(0).mul(-0.5).exp()


def fit(trials: Trials, *, tolerance: float) -> Hyperparameters:
    """The maximum a posteriori hyperparameters of each search; NaN where the fit failed.

    Args:
        trials: trials of the K searches.
        tolerance: relative change of the objective at which a fit ends.
    """
    searches, _, width = trials.points.shape
    likelihood, covariance = _modules(width)
    noise, lengthscale = likelihood.noise_covar.raw_noise_constraint, covariance.raw_lengthscale_constraint
    initial = [float(noise.initial_value), 0.0, *[float(lengthscale.initial_value)] * width]
    lower = [float(noise.lower_bound), -math.inf, *[float(lengthscale.lower_bound)] * width]
    rows, values = minimize(
        lambda rows: objective(trials, Hyperparameters.of(rows)),
        torch.tensor(initial, dtype=torch.float64).repeat(searches, 1),
        [(bound, math.inf) for bound in lower],
        tolerance=tolerance,
        iterations=FIT_ITERATIONS,
    )
    return Hyperparameters.of(torch.where(values.isfinite()[:, None], rows, math.nan))


def objective(trials: Trials, hyperparameters: Hyperparameters) -> Tensor:
    """The objective of the fit: minus the log posterior density of the hyperparameters, per value.

    Args:
        trials: trials of the K searches.
        hyperparameters: hyperparameters of the K searches.

    Returns:
        (K,) values; NaN where a covariance matrix is singular.
    """
    density_of_noise, density_of_lengthscale = log_priors(trials.points.shape[-1])
    prior = kernel(trials.points, trials.points, hyperparameters.lengthscale)
    # factor: (K, N, N). residual and white: (K, N). The other terms: (K,).
    factor, info = torch.linalg.cholesky_ex(_value_covariance(prior, hyperparameters.noise, trials.valued))
    residual = torch.where(trials.valued, trials.values - hyperparameters.mean[:, None], 0.0)
    white = torch.linalg.solve_triangular(factor, residual[..., None], upper=False).squeeze(-1)
    log_determinant = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    count = trials.valued.sum(-1).to(prior)
    log_likelihood = -0.5 * (white.square().sum(-1) + log_determinant + count * math.log(2 * math.pi))
    log_prior = density_of_noise(hyperparameters.noise) + density_of_lengthscale(hyperparameters.lengthscale).sum(-1)
    return torch.where(info == 0, -(log_likelihood + log_prior) / count.clamp_min(1), math.nan)


def restricted(matrices: Tensor, rows: Tensor) -> Tensor:
    """(K, N, N) symmetric matrices, replaced by the identity in all rows and columns except the (K, N) given ones."""
    return torch.where(rows[:, :, None] & rows[:, None], matrices, torch.eye(matrices.shape[-1]).to(matrices))


def cholesky(matrices: Tensor) -> Tensor:
    """(K, N, N) covariance matrices -> lower factors; NaN where the largest jitter is not enough.

    Only matrices that need jitter get it.
    """
    factor, info = torch.linalg.cholesky_ex(matrices)
    for jitter in JITTERS:
        singular = info > 0
        if not singular.any():
            break
        diagonal = torch.where(singular, jitter, 0.0).to(matrices)[:, None].expand(matrices.shape[:2])
        retried, retried_info = torch.linalg.cholesky_ex(matrices + torch.diag_embed(diagonal))
        factor, info = torch.where(singular[:, None, None], retried, factor), torch.where(singular, retried_info, info)
    return torch.where((info > 0)[:, None, None], math.nan, factor)


def _value_covariance(prior: Tensor, noise: Tensor, valued: Tensor) -> Tensor:
    """(K, N, N) covariances of the values, from the noise-free ones; unit rows where there is no value."""
    return restricted(prior + torch.diag_embed(noise[:, None].expand(prior.shape[:2])), valued)


@cache
def _modules(width: int) -> tuple[Any, Any]:
    """BoTorch's likelihood and kernel, used for their priors, bounds and initial values."""
    return get_gaussian_likelihood_with_lognormal_prior(), get_covar_module_with_dim_scaled_prior(width)


@cache
def log_priors(width: int) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """The log prior densities of the noise and of a lengthscale; NaN in one search does not raise an error for all."""
    likelihood, covariance = _modules(width)
    priors = likelihood.noise_covar.noise_prior, covariance.lengthscale_prior
    noise, lengthscale = (LogNormal(prior.loc, prior.scale, validate_args=False) for prior in priors)
    return noise.log_prob, lengthscale.log_prob
