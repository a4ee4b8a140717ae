"""Fits the Gaussian process of one search: BoTorch's fits, with the objective computed in half of the time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.optim.fit import fit_gpytorch_mll_scipy
from gpytorch.mlls import ExactMarginalLogLikelihood
from linear_operator.utils.cholesky import psd_safe_cholesky
from linear_operator.utils.errors import NanError, NotPSDError
from torch import Tensor

from hpstudy.search.batched.process import log_priors
from hpstudy.search.effort import DEFAULT, Effort


def fit(model: Any, effort: Effort) -> None:
    """Fit a `SingleTaskGP` with BoTorch's default modules.

    Raises:
        botorch.exceptions.errors.ModelFittingError: if every attempt failed.
    """
    likelihood = ExactMarginalLogLikelihood(model.likelihood, model).train()
    closure = objective(likelihood)
    if effort == DEFAULT:
        fit_gpytorch_mll(likelihood, closure=closure)
        return
    # Fit once, to a tolerance. After a singular matrix, BoTorch's own fit retries from other starting values.
    start = {name: value.clone() for name, value in likelihood.state_dict().items()}
    try:
        fit_gpytorch_mll_scipy(likelihood, closure=closure, options={"ftol": effort.fit_tolerance})
    except (NotPSDError, NanError, np.linalg.LinAlgError):
        likelihood.load_state_dict(start)
        fit_gpytorch_mll(likelihood, closure=closure)
    likelihood.eval()


def objective(likelihood: Any) -> Callable[[], tuple[Tensor, tuple[Tensor, ...]]]:
    """The objective of the fit with its gradients, as a function of the current parameters.

    It is minus the log posterior density of the hyperparameters, per value. The operations are those of GPyTorch, in the same order and
    with the same memory layout, so that all bits are equal; GPyTorch's lazy matrices and its checks of arguments are left out.

    Args:
        likelihood: the marginal likelihood of a model in training mode.
    """
    model = likelihood.model
    noise, mean, kernel = model.likelihood.noise_covar, model.mean_module, model.covar_module
    (points,), values = model.train_inputs, model.train_targets
    points, count = model.transform_inputs(points), len(values)
    density_of_noise, density_of_lengthscale = log_priors(points.shape[-1])
    parameters = [parameter for parameter in likelihood.parameters() if parameter.requires_grad]

    def evaluate() -> tuple[Tensor, tuple[Tensor, ...]]:
        covariance = kernel.forward(points, points) + torch.diag_embed(noise.noise.expand(count))
        factor = psd_safe_cholesky(covariance).contiguous()
        residual = values - mean.constant.expand(count)
        white = torch.linalg.solve_triangular(factor, residual[:, None], upper=False)
        log_likelihood = -0.5 * (count * math.log(2 * math.pi) + white.square().sum()) - factor.diagonal().log().sum()
        log_prior = density_of_noise(noise.noise).sum()
        log_posterior = log_likelihood + log_prior + density_of_lengthscale(kernel.lengthscale).sum()
        loss = -log_posterior / count
        return loss, torch.autograd.grad(loss, parameters)

    return evaluate
