"""Latent weights under Adam (Bi-Real Net in PyTorch, ReActNet, AdamBNN)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hpstudy.bnn.methods.interface import Hyperparameters, Method, State, follow, hyperparameter, initial_signs
from hpstudy.bnn.methods.latent import scaled_signs
from hpstudy.bnn.schedules import Clock, Decay, Per, factor

if TYPE_CHECKING:
    import torch

EPSILON = 1e-8
"""Added to the root of the second moment, in units of the gradient."""


class LatentAdamHyperparameters(Hyperparameters):
    """Defaults: Bi-Real Net on ImageNet, with the weight decay of ReActNet's first step; both start from uniform weights within 1e-3."""

    learning_rate: float = hyperparameter(1e-3, "step size of the latent weights", magnitude_based=True, gt=0)
    learning_rate_decay: Decay = hyperparameter("linear", "schedule of the learning rate", magnitude_based=True)
    init_scale: float = hyperparameter(
        1e-3, "standard deviation of the normal initial latent weights w_0; 0 starts them at 0", magnitude_based=True, ge=0
    )
    beta1_rate: float = hyperparameter(0.1, "rate of the first moment: 1 - beta1", magnitude_based=False, gt=0, le=1)
    beta2_rate: float = hyperparameter(1e-3, "rate of the second moment: 1 - beta2", magnitude_based=False, gt=0, le=1)
    weight_decay: float = hyperparameter(
        1e-5, "weight decay lambda, added to the gradient before both moments", magnitude_based=True, ge=0
    )
    scaling: bool = hyperparameter(
        True, "multiply the signs of every filter by its mean absolute latent weight", magnitude_based=True
    )
    clipping: Literal["none", "gradient", "weight"] = hyperparameter(
        "gradient", "gradient: 0 where abs(w) > 1; weight: clamp w to [-1, 1] after every update", magnitude_based=True
    )
    decay_per: Per = hyperparameter("epoch", "how often the schedule moves", magnitude_based=False)


class LatentAdam(Method[LatentAdamHyperparameters]):
    """Adam with coupled weight decay (not AdamW) on real weights w, of which the network uses the signs.

        d_i = G_i + lambda w_{i-1}
        m_i = beta1 m_{i-1} + (1 - beta1) d_i
        v_i = beta2 v_{i-1} + (1 - beta2) d_i^2
        w_i = w_{i-1} - epsilon_i (m_i / (1 - beta1^i)) / (sqrt(v_i / (1 - beta2^i)) + 1e-8),   i from 1
        theta_i = sign(w_i)

    The division by the root of v makes every weight's step about epsilon, independent of the magnitude of its gradient: no gradient
    filter with rates common to all weights is equivalent. With lambda = 0, w_0 = 0, and neither scaling nor clipping, the signs
    do not depend on the learning rate; with w_0 != 0 they depend on learning_rate / init_scale. Decay is divided too: a weight
    that never had a gradient is pulled to 0 at that same step while lambda abs(w) is well above 1e-8, and by its momentum past
    it, so that it flips.

    Gradient clipping acts on G, before the weight decay. `scaling` as in `hpstudy.bnn.methods.latent_sgd`.

    State: theta; w, latent weight; m and v, first and second moment.
    """

    def init(self, noise: torch.Tensor, hp: LatentAdamHyperparameters, generator: torch.Generator) -> State:
        """w_0 = init_scale noise, with the signs of the noise even where init_scale is 0."""
        zeros = noise.new_zeros(noise.shape)
        return {"theta": initial_signs(noise), "w": noise * hp.init_scale, "m": zeros, "v": zeros.clone()}

    def update(self, state: State, grad: torch.Tensor, hp: LatentAdamHyperparameters, clock: Clock) -> State:
        """Adam (Kingma and Ba, 2015, Algorithm 1), with the number of updates taken from the clock."""
        w, number = state["w"], clock.update + 1
        epsilon = hp.learning_rate * factor(hp.learning_rate_decay, clock.elapsed(hp.decay_per))
        if hp.clipping == "gradient":
            grad = grad * (w.abs() <= 1)
        d = grad + w * hp.weight_decay
        m = state["m"].lerp_(d, hp.beta1_rate)
        v = state["v"].lerp_(d.square(), hp.beta2_rate)
        mean = m / filled(hp.beta1_rate, number)
        root = (v / filled(hp.beta2_rate, number)).sqrt_().add_(EPSILON)
        w = w.sub_(mean.div_(root).mul_(epsilon))
        if hp.clipping == "weight":
            w = w.clamp_(-1, 1)
        return {"theta": follow(state["theta"], w), "w": w, "m": m, "v": v}

    def weight(self, state: State, hp: LatentAdamHyperparameters, clock: Clock) -> torch.Tensor:
        """Theta, or s_c theta."""
        return scaled_signs(state["theta"], state["w"]) if hp.scaling else state["theta"]


def filled(rate: float | torch.Tensor, updates: int) -> float | torch.Tensor:
    """1 - (1 - rate)^updates, the share of a moment's weights that are not on its start at 0; for a tensor without cancellation.

    >>> f"{filled(0.1, 2):.2f}"
    '0.19'
    """
    if isinstance(rate, float):
        return 1 - (1 - rate) ** updates
    return -(-rate).log1p().mul(updates).expm1()
