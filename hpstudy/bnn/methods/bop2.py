"""Bop with a second moment: the threshold is relative to the root mean square of the gradient.

Suarez-Ramirez et al., "A Bop and beyond: a second order optimizer for binarized neural networks", CVPR Workshops 2021.
https://arxiv.org/abs/2104.05124
"""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from hpstudy.bnn.methods.bop import CHANGE, flip, linear, require_rate
from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, hyperparameter, initial_signs
from hpstudy.bnn.schedules import Clock, Per


class Bop2ndOrderHyperparameters(Hyperparameters):
    """8 hyperparameters, none of them based on magnitudes. Defaults are those of the published class, without schedules."""

    gamma: float = hyperparameter(1e-6, "rate of the first moment: its window is about 1/gamma updates", gt=0, le=1)
    sigma: float = hyperparameter(1e-2, "rate of the second moment: its window is about 1/sigma updates", gt=0, le=1)
    tau: float = hyperparameter(
        1e-6, "threshold of the normalized gradient, whose spread under white noise is about sqrt(gamma/2)", ge=0
    )
    variant: Literal["biased", "unbiased"] = hyperparameter("biased", "unbiased: moments divided by their rates gamma and sigma")
    gamma_change: float = hyperparameter(1.0, CHANGE.format("gamma"), ge=0)
    sigma_change: float = hyperparameter(1.0, CHANGE.format("sigma"), ge=0)
    tau_change: float = hyperparameter(1.0, CHANGE.format("tau"), ge=0)
    decay_per: Per = hyperparameter("epoch", "how often the schedules are updated")

    @model_validator(mode="after")
    def _rates_stay_below_one(self) -> Bop2ndOrderHyperparameters:
        require_rate("gamma", self.gamma, self.gamma_change)
        require_rate("sigma", self.sigma, self.sigma_change)
        return self


class Bop2ndOrder(Method[Bop2ndOrderHyperparameters]):
    """Bop on a gradient that is divided by its running root mean square (Suarez-Ramirez et al. 2021).

        m_i = (1 - gamma_i) m_{i-1} + gamma_i G_i,   v_i = (1 - sigma_i) v_{i-1} + sigma_i G_i^2,   m_{-1} = v_{-1} = 0
        variant "biased":      r_i = m_i / sqrt(v_i)
        variant "unbiased":    r_i = (m_i / gamma_i) / sqrt(v_i / sigma_i)
        theta_i = -theta_{i-1} where r_i theta_{i-1} > tau_i

    The comparison is strict, as in `Bop`. In the variant "unbiased" r_0 is exactly the sign of G_0, so that tau = 1 flips no weight at
    the first update. Otherwise r_i is subject to rounding, like rates such as 0.01. (In the published code a weight becomes +1 where
    r_i theta_{i-1} = tau_i.)

    "Unbiased" is not Adam's bias correction: with constant rates it is equivalent to "biased" with the threshold
    tau gamma / sqrt(sigma). In these terms the published CIFAR-10 run has gamma 1e-2 with change 1e-3, sigma 1e-7 with change 1e5, and
    tau 1e-5 with change 1e-3.

    No constant is added to the denominator (the published 1e-10 makes the rule depend on the scale of small gradients). The rule is
    evaluated without a division, as m_i theta_{i-1} > tau_i sqrt(v_i). A weight that never had a gradient compares 0 > 0 and keeps its
    sign. The state holds s = sqrt(v), with the update

        s_i = hypot(sqrt(1 - sigma_i) s_{i-1}, sqrt(sigma_i) G_i),

    so that squared gradients do not underflow.

    State: theta; m, first moment; s, root of the second moment.

    >>> Bop2ndOrder().example(gamma=0.5, sigma=0.5, tau=0.1)["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: Bop2ndOrderHyperparameters, generator: Generator) -> State:
        """Start with random signs and moments of 0."""
        return {"theta": initial_signs(noise), "m": noise.new_zeros(noise.shape), "s": noise.new_zeros(noise.shape)}

    def update(self, state: State, grad: Tensor, hp: Bop2ndOrderHyperparameters, clock: Clock) -> State:
        """Update both moments, then flip weights."""
        elapsed = clock.elapsed(hp.decay_per)
        gamma = hp.gamma * linear(hp.gamma_change, elapsed)
        sigma = hp.sigma * linear(hp.sigma_change, elapsed)
        tau = hp.tau * linear(hp.tau_change, elapsed)
        m, s = state["m"], state["s"]
        unbiased = moments_in_units_of_gradient(m, s, grad, gamma, sigma) if hp.variant == "unbiased" else None
        m.lerp_(grad, gamma)
        s.mul_((1 - sigma) ** 0.5).hypot_(grad * sigma**0.5)
        signal, spread = unbiased or (m, s)
        return {"theta": flip(state["theta"], signal, spread * tau), "m": m, "s": s}


def moments_in_units_of_gradient(
    m: Tensor, s: Tensor, grad: Tensor, gamma: float | Tensor, sigma: float | Tensor
) -> tuple[Tensor, Tensor]:
    """Return m_i / gamma_i and sqrt(v_i / sigma_i). At the first update they are exactly G and abs(G), even with rounded rates.

    Args:
        m: m_{i-1}, any shape.
        s: sqrt(v_{i-1}), same shape.
        grad: G_i, same shape.
        gamma: gamma_i.
        sigma: sigma_i.
    """
    return (m * ((1 - gamma) / gamma)).add_(grad), (s * ((1 - sigma) / sigma) ** 0.5).hypot_(grad)
