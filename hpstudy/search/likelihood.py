"""How well hyperparameters of a Gaussian process explain the data, with the gradient in closed form.

GPyTorch computes the same number through its kernel, operator and distribution objects and autograd: 1.2 ms each for the 25
trials of a search, some 70 times in every fit. In plain arrays it is 0.1 ms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LogNormal:
    """The prior of a positive number: log x ~ Normal(location, scale)."""

    location: float
    scale: float

    def log_density(self, x: Array) -> tuple[float, Array]:
        """Sum of the log densities at x, and its gradient, of x's shape."""
        z = (np.log(x) - self.location) / self.scale
        constant = math.log(self.scale) + 0.5 * math.log(2 * math.pi)
        return float(np.sum(-np.log(x) - 0.5 * z**2 - constant)), -(1 + z / self.scale) / x


class Loss:
    """Minus the log posterior density of a Gaussian process's hyperparameters, divided by the number of observations.

    The process has a constant mean c, noise variance v and the kernel k(x, x') = exp(-sum_j (x_j - x'_j)^2 / (2 l_j^2)). With
    S = K + v I, r = y - c, a = S^-1 r:

        log p(y | l, v, c) = -(r^T a + log det S + n log 2 pi) / 2
        d log p / dS       = (a a^T - S^-1) / 2

    Args:
        x: (n, d) inputs.
        y: (n,) observations.
        length_prior: prior of every length scale l_j.
        noise_prior: prior of v.

    Source:
        C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning" (2006), equations 5.8 and 5.9.
    """

    def __init__(self, x: Array, y: Array, *, length_prior: LogNormal, noise_prior: LogNormal) -> None:
        self.y = y
        self.length_prior = length_prior
        self.noise_prior = noise_prior
        self.squares = np.ascontiguousarray(((x[:, None, :] - x[None, :, :]) ** 2).transpose(2, 0, 1))

    def __call__(self, lengths: Array, noise: float, mean: float) -> tuple[float, Array, float, float]:
        """The loss at (d,) length scales, a noise variance and a mean, and its derivatives by each of them.

        Raises:
            numpy.linalg.LinAlgError: when S is not positive definite in floating point.
        """
        n = len(self.y)
        kernel = np.exp(-0.5 * np.tensordot(lengths**-2.0, self.squares, 1))
        factor = np.linalg.cholesky(kernel + noise * np.eye(n))
        half = np.linalg.inv(factor)
        precision = half.T @ half
        residual = self.y - mean
        weights = precision @ residual
        by_matrix = 0.5 * (np.outer(weights, weights) - precision)

        fit = -0.5 * float(residual @ weights) - float(np.log(np.diag(factor)).sum()) - 0.5 * n * math.log(2 * math.pi)
        of_lengths, by_lengths = self.length_prior.log_density(lengths)
        of_noise, by_noise = self.noise_prior.log_density(np.array([noise]))
        by_lengths = by_lengths + np.tensordot(self.squares, by_matrix * kernel, 2) / lengths**3
        return (
            -(fit + of_lengths + of_noise) / n,
            -by_lengths / n,
            -(float(np.trace(by_matrix)) + float(by_noise[0])) / n,
            -float(weights.sum()) / n,
        )
