"""Latent weights standardised, with the gradient stopped beyond a quantile that moves outwards (ReCU: Xu et al., ICCV 2021)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import model_validator

from hpstudy.bnn.methods.interface import Hyperparameters, Method, State, follow, hyperparameter, initial_signs
from hpstudy.bnn.methods.latent import he_deviation
from hpstudy.bnn.methods.standardise import standardise, standardise_backward
from hpstudy.bnn.schedules import Clock, Decay, Per, warmed_up
from hpstudy.bnn.settings import Surrogate

if TYPE_CHECKING:
    import torch

DEVIATION = 2 * math.sqrt(2)
"""Standard deviation to which the published code standardises: that of a Laplace distribution of scale 2."""


class ReCUHyperparameters(Hyperparameters):
    """SGD's, and the two ends of the quantile's schedule. Defaults are the published ones."""

    learning_rate: float = hyperparameter(0.1, "step size of the latent weights", magnitude_based=True, gt=0)
    learning_rate_decay: Decay = hyperparameter("cosine", "schedule of the learning rate", magnitude_based=True)
    momentum_rate: float = hyperparameter(0.1, "rate of the momentum filter: 1 - momentum", magnitude_based=False, gt=0, le=1)
    weight_decay: float = hyperparameter(5e-4, "weight decay of the latent weights", magnitude_based=True, ge=0)
    init_scale: float = hyperparameter(
        1.0, "initial latent weights are normal with this multiple of He's deviation sqrt(2 / fan_in)", magnitude_based=True, gt=0
    )
    quantile_start: float = hyperparameter(
        0.85,
        "quantile tau of the standardised weights, at the start: beyond it they are clamped",
        magnitude_based=False,
        gt=0.5,
        lt=1,
    )
    quantile_end: float = hyperparameter(0.99, "quantile tau at the end", magnitude_based=False, gt=0.5, lt=1)
    warmup_epochs: int = hyperparameter(
        5, "number of epochs over which the learning rate rises; 0 switches it off", magnitude_based=True, ge=0
    )
    own_activation: bool = hyperparameter(
        True,
        "activations divide their input by its deviation (surrogate 'recu'); else they are the task's",
        magnitude_based=False,
    )
    decay_per: Per = hyperparameter("epoch", "how often the schedules move", magnitude_based=False)

    @model_validator(mode="after")
    def _check(self) -> ReCUHyperparameters:
        if self.quantile_start > self.quantile_end:
            raise ValueError(
                f"quantile_start is {self.quantile_start} and quantile_end is {self.quantile_end}: "
                "the quantile moves outwards; give a quantile_start of at most quantile_end"
            )
        return self


class ReCU(Method[ReCUHyperparameters]):
    """Library SGD on w, of which the network uses the signs after a rectified clamp.

        v = 2 sqrt(2) (w - mean) / deviation, per filter
        Q = -mean(abs(v)) ln(2 - 2 tau), per layer, taken as a constant
        theta = sign(clamp(v, -Q, Q))

    Q is where a Laplace distribution with the layer's mean abs(v) has its quantile tau. The clamp changes no sign. It is its
    gradient that matters: with an identity for the sign's, dL/dv is G where abs(v) <= Q and 0 beyond, as in the published code.
    From there it goes through the standardisation, by which a clamped weight still feels the rest of its filter: it shares the
    filter's mean and deviation.

        b_i = mu b_{i-1} + dL/dw + lambda w_{i-1},    w_i = w_{i-1} - epsilon_i b_i

    A learned scale per filter is left out, which the batch normalisation behind the layer divides out.

    The learning rate's schedule begins after the warm-up. Multiplying init_scale by s, epsilon
    by s^2 and lambda by 1/s^2 changes no sign: one of the three is redundant. (The published code adds 1e-5 to the variance,
    which a layer of usual weights does not notice.)

    theta_0 is the sign of the noise less its mean, per filter.

    State: theta; w, latent weight; b, momentum.
    """

    def init(self, noise: torch.Tensor, hp: ReCUHyperparameters, generator: torch.Generator) -> State:
        """w_0 = init_scale sqrt(2 / fan_in) noise."""
        theta = follow(initial_signs(noise), noise - noise.mean(-1, keepdim=True))
        return {"theta": theta, "w": noise * (hp.init_scale * he_deviation(noise)), "b": noise.new_zeros(noise.shape)}

    def update(self, state: State, grad: torch.Tensor, hp: ReCUHyperparameters, clock: Clock) -> State:
        """Back through clamp and standardisation, and one step of SGD."""
        w, b = state["w"], state["b"]
        z, deviation = standardise(w)
        unclamped = z.abs() <= limit(z, quantile(hp, clock.elapsed(hp.decay_per)))
        through = standardise_backward(grad * unclamped, z, deviation).mul_(DEVIATION)
        epsilon = hp.learning_rate * warmed_up(hp.learning_rate_decay, clock, hp.decay_per, hp.warmup_epochs)
        b = b.mul_(1 - hp.momentum_rate).add_(through).add_(w * hp.weight_decay)
        w = w.sub_(b * epsilon)
        return {"theta": follow(state["theta"], w - w.mean(-1, keepdim=True)), "w": w, "b": b}

    def activation(self, hp: ReCUHyperparameters) -> Surrogate | None:
        """approx_sign of the input divided by its deviation per sample, in training."""
        return Surrogate("recu") if hp.own_activation else None


def quantile(hp: ReCUHyperparameters, elapsed: float) -> float:
    """The quantile start + (end - start) (e^r - 1) / (e - 1), r the share of training that is over; a tensor if its ends are."""
    return hp.quantile_start + (hp.quantile_end - hp.quantile_start) * (math.expm1(elapsed) / math.expm1(1))


def limit(z: torch.Tensor, tau: float | torch.Tensor) -> torch.Tensor:
    """Q in units of the deviation, (*stack, 1, 1).

    Args:
        z: standardised weights, (*stack, filters, fan_in).
        tau: the quantile, in (0.5, 1): a number, or a tensor (*stack, 1, 1).
    """
    log = (z.new_ones(()) * (2 - 2 * tau)).log()
    return z.abs().mean((-2, -1), keepdim=True).mul(-log)
