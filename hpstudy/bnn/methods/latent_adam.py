"""Latent weights under Adam, as in Bi-Real Net (PyTorch code), ReActNet and AdamBNN.

Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, Algorithm 1, https://arxiv.org/abs/1412.6980;
Bi-Real Net https://arxiv.org/abs/1808.00278; ReActNet https://arxiv.org/abs/2003.03488; AdamBNN https://arxiv.org/abs/2106.11309.
"""

from __future__ import annotations

from typing import Literal

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.methods.latent import scaled_signs
from hpstudy.bnn.schedules import Clock, Decay, Per

EPSILON = 1e-8
"""Added to the root of the second moment; in units of the gradient."""


class LatentAdamHyperparameters(Hyperparameters):
    """Defaults are those of Bi-Real Net on ImageNet, with the weight decay of ReActNet's first step.

    Both start from weights that are uniform in [-1e-3, 1e-3].
    """

    learning_rate: float = hyperparameter(1e-3, "step size of the latent weights", magnitude_based=True, gt=0)
    learning_rate_decay: Decay = hyperparameter("linear", "schedule of the learning rate", magnitude_based=True)
    init_scale: float = hyperparameter(
        1e-3, "standard deviation of the normal initial latent weights w_0; 0 starts them at 0", magnitude_based=True, ge=0
    )
    beta1_rate: float = hyperparameter(0.1, "rate of the first moment: 1 - beta1", gt=0, le=1)
    beta2_rate: float = hyperparameter(1e-3, "rate of the second moment: 1 - beta2", gt=0, le=1)
    weight_decay: float = hyperparameter(
        1e-5, "weight decay lambda, added to the gradient before both moments", magnitude_based=True, ge=0
    )
    scaling: bool = hyperparameter(
        True, "multiply the signs of every filter by its mean absolute latent weight", magnitude_based=True
    )
    clipping: Literal["none", "gradient", "weight"] = hyperparameter(
        "gradient", "gradient: 0 where abs(w) > 1; weight: clamp w to [-1, 1] after every update", magnitude_based=True
    )
    decay_per: Per = hyperparameter("epoch", "how often the schedule is updated")


class LatentAdam(Method[LatentAdamHyperparameters]):
    """Adam with coupled weight decay (not AdamW) on real weights w, whose signs the network uses.

        d_i = G_i + lambda w_{i-1}
        m_i = beta1 m_{i-1} + (1 - beta1) d_i
        v_i = beta2 v_{i-1} + (1 - beta2) d_i^2
        w_i = w_{i-1} - epsilon_i (m_i / (1 - beta1^i)) / (sqrt(v_i / (1 - beta2^i)) + 1e-8),   i from 1
        theta_i = sign(w_i)

    Because of the division by the root of v, the step of every weight is about epsilon, independent of the magnitude of its gradient. No
    gradient filter with common rates for all weights is equivalent. With lambda = 0, w_0 = 0, and without scaling and clipping, the signs
    do not depend on the learning rate. With w_0 != 0 they depend on learning_rate / init_scale. The weight decay is also divided: a weight
    that never had a gradient moves to 0 with the same step, as long as lambda abs(w) is well above 1e-8. Its momentum then moves it past
    0, so that it flips.

    Gradient clipping is applied to G, before the weight decay. `scaling` is the same as in `hpstudy.bnn.methods.latent_sgd`.

    State: theta; w, latent weight; m and v, first and second moment.

    >>> LatentAdam().example(learning_rate=0.1)["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: LatentAdamHyperparameters, generator: Generator) -> State:
        """Start with w_0 = init_scale noise, and the signs of the noise even if init_scale is 0."""
        zeros = noise.new_zeros(noise.shape)
        return {"theta": initial_signs(noise), "w": noise * hp.init_scale, "m": zeros, "v": zeros.clone()}

    def update(self, state: State, grad: Tensor, hp: LatentAdamHyperparameters, clock: Clock) -> State:
        """Apply Adam (Kingma and Ba, 2015, Algorithm 1), with the number of updates from the clock."""
        w, number = state["w"], clock.update + 1
        epsilon = hp.learning_rate * clock.factor(hp.learning_rate_decay, hp.decay_per)
        if hp.clipping == "gradient":
            grad = grad * (w.abs() <= 1)
        d = grad + w * hp.weight_decay
        m = state["m"].lerp_(d, hp.beta1_rate)
        v = state["v"].lerp_(d.square(), hp.beta2_rate)
        mean = m / bias_correction(hp.beta1_rate, number)
        root = (v / bias_correction(hp.beta2_rate, number)).sqrt_().add_(EPSILON)
        w = w.sub_(mean.div_(root).mul_(epsilon))
        if hp.clipping == "weight":
            w = w.clamp_(-1, 1)
        return {"theta": follow(state["theta"], w), "w": w, "m": m, "v": v}

    def weight(self, state: State, hp: LatentAdamHyperparameters, clock: Clock) -> Tensor:
        """Return theta, or s_c theta with `scaling`."""
        return scaled_signs(state["theta"], state["w"]) if hp.scaling else state["theta"]


def bias_correction(rate: float | Tensor, updates: int) -> float | Tensor:
    """Return Adam's bias correction 1 - (1 - rate)^updates; for a tensor without cancellation.

    >>> f"{bias_correction(0.1, 2):.2f}"
    '0.19'
    """
    if isinstance(rate, float):
        return 1 - (1 - rate) ** updates
    return -(-rate).log1p().mul(updates).expm1()
