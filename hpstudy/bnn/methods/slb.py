"""Searching for low-bit weights: soft weights that a growing temperature hardens (Yang et al., NeurIPS 2020)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from hpstudy.bnn.methods.interface import Hyperparameters, Method, State, follow, hyperparameter, initial_signs
from hpstudy.bnn.schedules import Clock, Decay, Per, factor

if TYPE_CHECKING:
    import torch

Growth = Literal["exp", "cos", "linear", "none"]
"""Shape of the temperature's schedule."""


class SLBHyperparameters(Hyperparameters):
    """SGD on two logits per weight, a temperature with its schedule, and what is done about batch normalisation.

    Defaults are the published ones for ResNet-20 on CIFAR-10, where known: how the learning rate decays is not, and the authors' port
    freezes the weights.
    """

    temperature_start: float = hyperparameter(1.0, "inverse temperature tau at the start", magnitude_based=True, gt=0)
    temperature_growth: float = hyperparameter(
        1.6e3, "tau at the end of its schedule as a multiple of tau at the start", magnitude_based=True, ge=1
    )
    schedule: Growth = hyperparameter("exp", "how tau grows between schedule_start and schedule_end", magnitude_based=False)
    schedule_start: float = hyperparameter(
        0.4, "share of training after which tau starts to grow", magnitude_based=False, ge=0, le=1
    )
    schedule_end: float = hyperparameter(0.9, "share of training after which tau is constant", magnitude_based=False, ge=0, le=1)
    learning_rate: float = hyperparameter(0.1, "step size of the two logits", magnitude_based=True, gt=0)
    learning_rate_decay: Decay = hyperparameter("cosine", "schedule of the learning rate", magnitude_based=True)
    restarts: int = hyperparameter(
        0, "how often the temperature's schedule starts again, after equal shares of training", magnitude_based=False, ge=0
    )
    momentum_rate: float = hyperparameter(0.1, "rate of the momentum filter: 1 - momentum", magnitude_based=False, gt=0, le=1)
    weight_decay: float = hyperparameter(1e-4, "weight decay of the logits", magnitude_based=True, ge=0)
    init_scale: float = hyperparameter(0.1, "standard deviation of the normal initial logits", magnitude_based=True, gt=0)
    calibration: bool = hyperparameter(
        True,
        "measure the statistics of batch normalisation again, with binary weights, before an evaluation",
        magnitude_based=False,
    )
    freeze: bool = hyperparameter(False, "train with fixed binary weights from schedule_end on", magnitude_based=False)
    decay_per: Per = hyperparameter("epoch", "how often the schedules move", magnitude_based=False)

    @model_validator(mode="after")
    def _check(self) -> SLBHyperparameters:
        if self.schedule_start > self.schedule_end:
            raise ValueError(
                f"schedule_start is {self.schedule_start} and schedule_end is {self.schedule_end}: "
                "tau cannot stop growing before it starts; give a schedule_start of at most schedule_end"
            )
        return self


class SLB(Method[SLBHyperparameters]):
    """SGD on the logits A_-, A_+ of a weight's two values, of which the network trains with the mean.

        P = softmax(tau A),  W = P_+ - P_- = tanh(tau a),  a = (A_+ - A_-) / 2
        theta = sign(a)

    Training uses W, whose gradient is exact: dW/da = tau (1 - W^2). Evaluation uses theta, the likelier value. tau, an *inverse*
    temperature, grows until the two nearly agree; too early, and tanh saturates: the weights stop to flip.

    One tensor a represents the two logits. Library SGD on both, at learning rate epsilon, is on a

        b_i = mu b_{i-1} + G_i tau (1 - W^2) / 2 + lambda a_{i-1},    a_i = a_{i-1} - epsilon b_i

    so learning_rate, weight_decay and init_scale are those of the published code, which has two logits; for SGD on a alone they
    would be epsilon/2, 2 lambda and init_scale/sqrt(2). Multiplying init_scale by s, tau by 1/s, epsilon by s^2 and lambda by
    1/s^2 changes no weight: one of the first three is redundant.

    tau is temperature_start up to schedule_start, temperature_start x temperature_growth from schedule_end on (the learning rate
    continues), and in between "exp": a constant factor per step of the clock; "linear"; "cos": half a cosine. With `restarts` all of this
    happens in each of restarts + 1 equal parts of the training.

    With `freeze`, theta is used in training too from schedule_end on, and a stays; only the real-valued parameters train on.

    State: theta; a, half the difference of the logits; b, its momentum; tau, (*stack, 1, 1), in use, infinite once frozen.
    """

    def init(self, noise: torch.Tensor, hp: SLBHyperparameters, generator: torch.Generator) -> State:
        """a_0 = init_scale / sqrt(2) noise: half the difference of two normal logits."""
        tau = noise.new_ones((*noise.shape[:-2], 1, 1)) * hp.temperature_start
        a = noise * (hp.init_scale / math.sqrt(2))
        return {"theta": initial_signs(noise), "a": a, "b": noise.new_zeros(noise.shape), "tau": tau}

    def start_epoch(self, state: State, hp: SLBHyperparameters, clock: Clock) -> State:
        """The temperature of the epoch's first update."""
        return {**state, "tau": temperature(state["tau"], hp, clock.elapsed(hp.decay_per))}

    def update(self, state: State, grad: torch.Tensor, hp: SLBHyperparameters, clock: Clock) -> State:
        """One step of SGD, and the temperature of the next update."""
        a, b, tau = state["a"], state["b"], state["tau"]
        slope = (a * tau).tanh_().square_().neg_().add_(1).mul_(tau / 2)
        epsilon: float | torch.Tensor = hp.learning_rate * factor(hp.learning_rate_decay, clock.elapsed(hp.decay_per))
        if hp.freeze:
            slope = slope.masked_fill_(tau.isinf(), 0.0)
            epsilon = epsilon * tau.isfinite()
        b = b.mul_(1 - hp.momentum_rate).addcmul_(grad, slope).add_(a * hp.weight_decay)
        a = a.sub_(b * epsilon)
        following = replace(clock, update=clock.update + 1)
        tau = temperature(tau, hp, following.elapsed(hp.decay_per))
        return {"theta": follow(state["theta"], a), "a": a, "b": b, "tau": tau}

    def weight(self, state: State, hp: SLBHyperparameters, clock: Clock) -> torch.Tensor:
        """W; theta once frozen."""
        soft = (state["a"] * state["tau"]).tanh_()
        return state["theta"].where(state["tau"].isinf(), soft) if hp.freeze else soft

    def evaluation_weight(self, state: State, hp: SLBHyperparameters, clock: Clock) -> torch.Tensor:
        """Theta: a soft weight is no binary weight, however little it differs."""
        return state["theta"]

    def recalibrates(self, hp: SLBHyperparameters) -> bool:
        """With `calibration`: the statistics that training keeps are those of the soft weights."""
        return hp.calibration


def temperature(like: torch.Tensor, hp: SLBHyperparameters, elapsed: float) -> torch.Tensor:
    """The inverse temperature tau.

    Args:
        like: any tensor of the shape (*stack, 1, 1) that tau shall have.
        hp: hyperparameters of `SLB`.
        elapsed: the share of training that is over.

    Returns:
        tau; infinite from schedule_end on where the weights are frozen.
    """
    elapsed = since_restart(elapsed, hp.restarts)
    start = like.new_ones(like.shape) * hp.schedule_start
    r = (elapsed - start).div_((hp.schedule_end - start).clamp_(min=1e-12)).clamp_(0, 1)
    if hp.schedule == "exp":
        growth = hp.temperature_growth**r
    elif hp.schedule == "none":
        growth = r.new_ones(r.shape)
    else:
        share = r if hp.schedule == "linear" else (1 - (math.pi * r).cos()) / 2
        growth = 1 + (hp.temperature_growth - 1) * share
    tau: torch.Tensor = hp.temperature_start * growth
    return tau.masked_fill(elapsed * r.new_ones(r.shape) >= hp.schedule_end, math.inf) if hp.freeze else tau


def since_restart(elapsed: float, restarts: int) -> float:
    """The share that is over of the present of `restarts` + 1 equal parts of training (SGDR); 1 at the end of training.

    >>> since_restart(0.625, 3)
    0.5
    """
    if elapsed >= 1:
        return 1.0
    position = elapsed * (restarts + 1)
    return max(position - math.floor(position + 1e-9), 0.0)
