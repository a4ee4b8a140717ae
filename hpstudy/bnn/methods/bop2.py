"""Bop with a second moment, of Suarez-Ramirez et al. 2021: the threshold is relative to the gradient's root mean square."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from hpstudy.bnn.methods.bop import CHANGE, flip, linear, require_rate
from hpstudy.bnn.methods.interface import Hyperparameters, Method, State, hyperparameter, initial_signs
from hpstudy.bnn.schedules import Clock, Per

if TYPE_CHECKING:
    import torch


class Bop2ndOrderHyperparameters(Hyperparameters):
    """8 hyperparameters, none of them based on magnitudes. Defaults are those of the published class, without schedules."""

    gamma: float = hyperparameter(
        1e-6, "rate of the first moment: its window is about 1/gamma updates", magnitude_based=False, gt=0, le=1
    )
    sigma: float = hyperparameter(
        1e-2, "rate of the second moment: its window is about 1/sigma updates", magnitude_based=False, gt=0, le=1
    )
    tau: float = hyperparameter(
        1e-6,
        "threshold of the normalised gradient, whose spread under white noise is about sqrt(gamma/2)",
        magnitude_based=False,
        ge=0,
    )
    variant: Literal["biased", "unbiased"] = hyperparameter(
        "biased", "unbiased: moments divided by their rates gamma and sigma", magnitude_based=False
    )
    gamma_change: float = hyperparameter(1.0, CHANGE.format("gamma"), magnitude_based=False, ge=0)
    sigma_change: float = hyperparameter(1.0, CHANGE.format("sigma"), magnitude_based=False, ge=0)
    tau_change: float = hyperparameter(1.0, CHANGE.format("tau"), magnitude_based=False, ge=0)
    decay_per: Per = hyperparameter("epoch", "how often the schedules move", magnitude_based=False)

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

    The comparison is strict, as in `Bop`. In the variant "unbiased" r_0 is the sign of G_0, exactly, so that tau = 1 flips nothing at
    the first update. Elsewhere r_i is known up to rounding only, as are rates such as 0.01. (In the published code a weight becomes
    +1 where r_i theta_{i-1} = tau_i.)

    "Unbiased" is not Adam's correction of the first updates: under constant rates it is "biased" with the threshold
    tau gamma / sqrt(sigma). The published CIFAR-10 run, in these terms: gamma 1e-2 with change 1e-3, sigma 1e-7 with change 1e5,
    tau 1e-5 with change 1e-3.

    No constant guards the denominator (the published 1e-10 makes the rule depend on the scale of gradients near it): the rule is
    evaluated as m_i theta_{i-1} > tau_i sqrt(v_i), which divides by no gradient. A weight that never had a gradient compares 0 > 0
    and keeps its sign. The state keeps s = sqrt(v), updated by

        s_i = hypot(sqrt(1 - sigma_i) s_{i-1}, sqrt(sigma_i) G_i),

    so that no square of a gradient underflows.

    State: theta; m, first moment; s, root of the second moment.
    """

    def init(self, noise: torch.Tensor, hp: Bop2ndOrderHyperparameters, generator: torch.Generator) -> State:
        """Random signs, empty filters."""
        return {"theta": initial_signs(noise), "m": noise.new_zeros(noise.shape), "s": noise.new_zeros(noise.shape)}

    def update(self, state: State, grad: torch.Tensor, hp: Bop2ndOrderHyperparameters, clock: Clock) -> State:
        """Both moments, then flip."""
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
    m: torch.Tensor, s: torch.Tensor, grad: torch.Tensor, gamma: float | torch.Tensor, sigma: float | torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """m_i / gamma_i and sqrt(v_i / sigma_i): exactly G and abs(G) at the first update, also when the rates are rounded.

    Args:
        m: m_{i-1}, any shape.
        s: sqrt(v_{i-1}), same shape.
        grad: G_i, same shape.
        gamma: gamma_i.
        sigma: sigma_i.
    """
    return (m * ((1 - gamma) / gamma)).add_(grad), (s * ((1 - sigma) / sigma) ** 0.5).hypot_(grad)
