"""Bop: a binary weight flips when its filtered gradient exceeds a threshold.

Helwegen et al., "Latent weights do not exist: rethinking binarized neural network optimization", NeurIPS 2019, Algorithm 1.
https://arxiv.org/abs/1906.02107
"""

from __future__ import annotations

from pydantic import model_validator

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, hyperparameter, initial_signs
from hpstudy.bnn.schedules import Clock, Decay, Per, factor

CHANGE = "{} at the end of training as a multiple of its initial value; linear in between; 1 keeps it constant"
"""Description of a hyperparameter that changes another one over training."""


class BopHyperparameters(Hyperparameters):
    """6 hyperparameters. The threshold is in units of the gradient. Defaults are those of the published CIFAR-10 run."""

    gamma: float = hyperparameter(1e-4, "adaptivity rate: the gradient filter's window is about 1/gamma updates", gt=0, le=1)
    tau: float = hyperparameter(
        1e-8, "threshold that the filtered gradient must exceed; 0 gives a first-order filter", magnitude_based=True, ge=0
    )
    gamma_decay: Decay = hyperparameter("step", "schedule of gamma")
    gamma_change: float = hyperparameter(1.0, f"{CHANGE.format('gamma')}; needs gamma_decay none", ge=0)
    tau_change: float = hyperparameter(1.0, CHANGE.format("tau"), ge=0)
    decay_per: Per = hyperparameter("epoch", "how often the schedules are updated")

    @model_validator(mode="after")
    def _gamma_has_one_schedule(self) -> BopHyperparameters:
        if self.gamma_change != 1 and self.gamma_decay != "none":
            raise ValueError(
                f"gamma_change is {self.gamma_change:g} and gamma_decay is {self.gamma_decay}: gamma has one schedule; "
                "set gamma_decay to none, or gamma_change to 1"
            )
        require_rate("gamma", self.gamma, self.gamma_change)
        return self


class Bop(Method[BopHyperparameters]):
    """One exponential moving average of the gradient with a dead zone (Helwegen et al. 2019, Algorithm 1).

        m_i = (1 - gamma_i) m_{i-1} + gamma_i G_i,   gamma_i = gamma f_i,   m_{-1} = 0
        theta_i = -theta_{i-1} where m_i theta_{i-1} > tau_i

    Here f_i is the factor of the schedule, or linear from 1 to gamma_change, and tau_i is linear from tau to tau tau_change. The ImageNet
    run of the author response has gamma 5e-4 with gamma_decay none and gamma_change 1e-3, and tau 1e-7 with tau_change 0.1. With tau = 0
    the weights follow -sign(m), a first-order gradient filter. A loss that is c times as large is equivalent to the threshold tau/c, so
    that the best tau changes with the width, and if the loss of a batch is summed instead of averaged.

    The comparison is strict, so that a weight without a gradient keeps its sign also for tau = 0. (The published code maps a sign of 0
    to +1 and thereby sets such weights to +1, and it starts from real-valued weights until the first update.)

    State: theta; m, filtered gradient.

    >>> Bop().example(gamma=0.5, tau=0.1, gamma_decay="none")["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: BopHyperparameters, generator: Generator) -> State:
        """Start with random signs and m = 0."""
        return {"theta": initial_signs(noise), "m": noise.new_zeros(noise.shape)}

    def update(self, state: State, grad: Tensor, hp: BopHyperparameters, clock: Clock) -> State:
        """Update the filter, then flip weights."""
        elapsed = clock.elapsed(hp.decay_per)
        m = state["m"].lerp_(grad, hp.gamma * factor(hp.gamma_decay, elapsed) * linear(hp.gamma_change, elapsed))
        return {"theta": flip(state["theta"], m, hp.tau * linear(hp.tau_change, elapsed)), "m": m}


def require_rate(name: str, rate: float, change: float) -> None:
    """Raise ValueError if a rate that changes linearly by the factor `change` ends above 1."""
    if rate * change > 1:
        raise ValueError(
            f"{name} ends at {name} x {name}_change = {rate * change:g}, but a rate must be at most 1: lower one of the two"
        )


def linear(change: float, elapsed: float) -> float:
    """Return the factor of an initial value: 1 at the start of training, `change` at its end. Works elementwise on tensors."""
    return 1 + (change - 1) * elapsed


def flip(theta: Tensor, signal: Tensor, threshold: float | Tensor) -> Tensor:
    """Flip theta in place where signal theta > threshold. NaN flips no weight.

    Args:
        theta: binary weights in {-1, +1}, any shape.
        signal: filtered gradient, shape of theta.
        threshold: a number of at least 0, or a tensor that broadcasts to the shape of theta.
    """
    flips = (theta * signal).gt_(threshold)
    return theta.addcmul_(theta, flips, value=-2)
