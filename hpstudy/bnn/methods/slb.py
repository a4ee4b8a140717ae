"""SLB: soft weights that become binary as the inverse temperature increases.

Yang et al., "Searching for low-bit weights in quantized neural networks", NeurIPS 2020. https://arxiv.org/abs/2009.08695
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.schedules import Clock, Decay, Per

Growth = Literal["exp", "cos", "linear", "none"]
"""Shape of the schedule of the inverse temperature."""


class SLBHyperparameters(Hyperparameters):
    """Hyperparameters of SGD on two logits per weight, of the inverse temperature, and of batch normalization.

    Defaults are the published ones for ResNet-20 on CIFAR-10, if known. The schedule of the learning rate is not published, and the
    authors' port freezes the weights.
    """

    temperature_start: float = hyperparameter(1.0, "inverse temperature tau at the start", magnitude_based=True, gt=0)
    temperature_growth: float = hyperparameter(
        1.6e3, "tau at the end of its schedule, as a multiple of tau at the start", magnitude_based=True, ge=1
    )
    schedule: Growth = hyperparameter("exp", "how tau increases from schedule_start to schedule_end")
    schedule_start: float = hyperparameter(
        0.4, "share of training after which tau starts to increase", at_most="schedule_end", ge=0, le=1
    )
    schedule_end: float = hyperparameter(0.9, "share of training after which tau is constant", ge=0, le=1)
    learning_rate: float = hyperparameter(0.1, "step size of the two logits", magnitude_based=True, gt=0)
    learning_rate_decay: Decay = hyperparameter("cosine", "schedule of the learning rate", magnitude_based=True)
    restarts: int = hyperparameter(0, "number of restarts of tau's schedule, after equal shares of training", ge=0)
    momentum_rate: float = hyperparameter(0.1, "rate of the momentum filter: 1 - momentum", gt=0, le=1)
    weight_decay: float = hyperparameter(1e-4, "weight decay of the logits", magnitude_based=True, ge=0)
    init_scale: float = hyperparameter(0.1, "standard deviation of the normal initial logits", magnitude_based=True, gt=0)
    calibration: bool = hyperparameter(True, "recalibrate batch normalization with binary weights before an evaluation")
    freeze: bool = hyperparameter(False, "train with fixed binary weights from schedule_end on")
    decay_per: Per = hyperparameter("epoch", "how often the schedules are updated")


class SLB(Method[SLBHyperparameters]):
    """SGD on the logits A_-, A_+ of the two values of a weight. The network is trained with the mean of the values.

        P = softmax(tau A),  W = P_+ - P_- = tanh(tau a),  a = (A_+ - A_-) / 2
        theta = sign(a)

    Training uses W, whose gradient is exact: dW/da = tau (1 - W^2). Evaluation uses theta, the more probable value. tau is an *inverse*
    temperature, which increases until W and theta nearly agree. If it increases too early, tanh saturates and weights stop flipping.

    One tensor a represents the two logits. SGD in the libraries' convention on both logits with learning rate epsilon is equivalent to

        b_i = mu b_{i-1} + G_i tau (1 - W^2) / 2 + lambda a_{i-1},    a_i = a_{i-1} - epsilon b_i

    learning_rate, weight_decay and init_scale are therefore those of the published code, which has two logits. For SGD on a alone they
    would be epsilon/2, 2 lambda and init_scale/sqrt(2). Multiplying init_scale by s, tau by 1/s, epsilon by s^2 and lambda by 1/s^2
    changes no weight, so that one of the first three is redundant.

    tau is temperature_start until schedule_start, and temperature_start x temperature_growth from schedule_end on. In between it increases
    by a constant factor per step of the clock ("exp"), linearly ("linear"), or as half a cosine ("cos"). The schedule of the learning rate
    covers the whole training. With `restarts` the schedule of tau is repeated in each of restarts + 1 equal parts of training.

    With `freeze`, from schedule_end on theta is also used in training and a does not change; only the real-valued parameters are trained.

    State: theta; a, half the difference of the logits; b, its momentum; tau, (*stack, 1, 1), infinite when frozen.

    >>> SLB().example(learning_rate=1.0)["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: SLBHyperparameters, generator: Generator) -> State:
        """Start with a_0 = init_scale / sqrt(2) noise, half the difference of two normal logits."""
        tau = noise.new_ones((*noise.shape[:-2], 1, 1)) * hp.temperature_start
        a = noise * (hp.init_scale / math.sqrt(2))
        return {"theta": initial_signs(noise), "a": a, "b": noise.new_zeros(noise.shape), "tau": tau}

    def start_epoch(self, state: State, hp: SLBHyperparameters, clock: Clock) -> State:
        """Set tau for the first update of the epoch."""
        return {**state, "tau": temperature(state["tau"], hp, clock.elapsed(hp.decay_per))}

    def update(self, state: State, grad: Tensor, hp: SLBHyperparameters, clock: Clock) -> State:
        """Apply one step of SGD and set tau for the next update."""
        a, b, tau = state["a"], state["b"], state["tau"]
        slope = (a * tau).tanh_().square_().neg_().add_(1).mul_(tau / 2)
        epsilon: float | Tensor = hp.learning_rate * clock.factor(hp.learning_rate_decay, hp.decay_per)
        if hp.freeze:
            slope = slope.masked_fill_(tau.isinf(), 0.0)
            epsilon = epsilon * tau.isfinite()
        b = b.mul_(1 - hp.momentum_rate).addcmul_(grad, slope).add_(a * hp.weight_decay)
        a = a.sub_(b * epsilon)
        following = replace(clock, update=clock.update + 1)
        tau = temperature(tau, hp, following.elapsed(hp.decay_per))
        return {"theta": follow(state["theta"], a), "a": a, "b": b, "tau": tau}

    def weight(self, state: State, hp: SLBHyperparameters, clock: Clock) -> Tensor:
        """Return W, or theta when frozen."""
        soft = (state["a"] * state["tau"]).tanh_()
        return state["theta"].where(state["tau"].isinf(), soft) if hp.freeze else soft

    def evaluation_weight(self, state: State, hp: SLBHyperparameters, clock: Clock) -> Tensor:
        """Return theta. Soft weights are not used in evaluation, even if they are close to binary."""
        return state["theta"]

    def recalibrates(self, hp: SLBHyperparameters) -> bool:
        """Return `calibration`: the running statistics of training are those of the soft weights."""
        return hp.calibration


def temperature(like: Tensor, hp: SLBHyperparameters, elapsed: float) -> Tensor:
    """Return the inverse temperature tau.

    Args:
        like: a tensor with the shape of tau, (*stack, 1, 1).
        hp: hyperparameters of `SLB`.
        elapsed: elapsed share of training.

    Returns:
        tau; infinite from schedule_end on if the weights are frozen.
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
    tau: Tensor = hp.temperature_start * growth
    return tau.masked_fill(elapsed * r.new_ones(r.shape) >= hp.schedule_end, math.inf) if hp.freeze else tau


def since_restart(elapsed: float, restarts: int) -> float:
    """Return the elapsed share of the current one of `restarts` + 1 equal parts of training; 1 at the end of training.

    Restarts as in SGDR (Loshchilov and Hutter, 2017, https://arxiv.org/abs/1608.03983).

    >>> since_restart(0.625, 3)
    0.5
    """
    if elapsed >= 1:
        return 1.0
    position = elapsed * (restarts + 1)
    return max(position - math.floor(position + 1e-9), 0.0)
