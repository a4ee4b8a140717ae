"""ReCU: standardized latent weights whose gradient is 0 beyond a quantile, which moves outwards during training.

Xu et al., "ReCU: reviving the dead weights in binary neural networks", ICCV 2021. https://arxiv.org/abs/2103.12369
"""

from __future__ import annotations

import math

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.methods.latent import he_deviation, he_scale
from hpstudy.bnn.methods.standardize import standardize, standardize_backward
from hpstudy.bnn.schedules import Clock, Decay, Per, warmed_up
from hpstudy.bnn.settings import Surrogate

DEVIATION = 2 * math.sqrt(2)
"""Standard deviation of the weights after standardization in the published code, that of a Laplace distribution of scale 2."""


class ReCUHyperparameters(Hyperparameters):
    """Hyperparameters of SGD, and the quantile at the start and the end. Defaults are the published ones."""

    learning_rate: float = hyperparameter(0.1, "step size of the latent weights", magnitude_based=True, gt=0)
    learning_rate_decay: Decay = hyperparameter("cosine", "schedule of the learning rate", magnitude_based=True)
    momentum_rate: float = hyperparameter(0.1, "rate of the momentum filter: 1 - momentum", gt=0, le=1)
    weight_decay: float = hyperparameter(5e-4, "weight decay of the latent weights", magnitude_based=True, ge=0)
    init_scale: float = he_scale(gt=0)
    quantile_start: float = hyperparameter(
        0.85,
        "quantile tau of the standardized weights at the start; weights beyond it are clamped",
        at_most="quantile_end",
        gt=0.5,
        lt=1,
    )
    quantile_end: float = hyperparameter(0.99, "quantile tau at the end", gt=0.5, lt=1)
    warmup_epochs: int = hyperparameter(
        5, "number of epochs over which the learning rate rises; 0 disables the warm-up", magnitude_based=True, ge=0
    )
    own_activation: bool = hyperparameter(
        True, "use the activation 'recu', which divides its input by its deviation; false: that of the task"
    )
    decay_per: Per = hyperparameter("epoch", "how often the schedules are updated")


class ReCU(Method[ReCUHyperparameters]):
    """SGD in the libraries' convention on w, whose signs the network uses after a rectified clamp.

        v = 2 sqrt(2) (w - mean) / deviation, per filter
        Q = -mean(abs(v)) ln(2 - 2 tau), per layer, a constant for the gradient
        theta = sign(clamp(v, -Q, Q))

    Q is the quantile tau of a Laplace distribution with the layer's mean abs(v). The clamp does not change signs; only its gradient
    matters. With the identity as the gradient of the sign, dL/dv is G where abs(v) <= Q and 0 elsewhere, as in the published code. The
    gradient then passes through the standardization. A clamped weight therefore still depends on the rest of its filter, with which it
    shares the mean and deviation.

        b_i = mu b_{i-1} + dL/dw + lambda w_{i-1},    w_i = w_{i-1} - epsilon_i b_i

    The learned scale per filter is omitted, because the batch normalization after the layer cancels it.

    The schedule of the learning rate starts after the warm-up. Multiplying init_scale by s, epsilon by s^2 and lambda by 1/s^2 changes no
    sign, so that one of the three is redundant. (The published code adds 1e-5 to the variance, which has no effect for usual weights.)

    theta_0 is the sign of the noise minus its mean per filter.

    State: theta; w, latent weight; b, momentum.

    >>> ReCU().example(learning_rate=1.0)["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: ReCUHyperparameters, generator: Generator) -> State:
        """Start with w_0 = init_scale sqrt(2 / fan_in) noise."""
        theta = follow(initial_signs(noise), noise - noise.mean(-1, keepdim=True))
        return {"theta": theta, "w": noise * (hp.init_scale * he_deviation(noise)), "b": noise.new_zeros(noise.shape)}

    def update(self, state: State, grad: Tensor, hp: ReCUHyperparameters, clock: Clock) -> State:
        """Backpropagate through clamp and standardization, then apply SGD."""
        w, b = state["w"], state["b"]
        z, deviation = standardize(w)
        unclamped = z.abs() <= limit(z, quantile(hp, clock.elapsed(hp.decay_per)))
        through = standardize_backward(grad * unclamped, z, deviation).mul_(DEVIATION)
        epsilon = hp.learning_rate * warmed_up(hp.learning_rate_decay, clock, hp.decay_per, hp.warmup_epochs)
        b = b.mul_(1 - hp.momentum_rate).add_(through).add_(w * hp.weight_decay)
        w = w.sub_(b * epsilon)
        return {"theta": follow(state["theta"], w - w.mean(-1, keepdim=True)), "w": w, "b": b}

    def activation(self, hp: ReCUHyperparameters) -> Surrogate | None:
        """Return the activation "recu": approx_sign of the input divided by its deviation per sample, in training."""
        return Surrogate("recu") if hp.own_activation else None


def quantile(hp: ReCUHyperparameters, elapsed: float) -> float:
    """Return the quantile start + (end - start) (e^r - 1) / (e - 1), where r is the elapsed share of training; a tensor in a stack."""
    return hp.quantile_start + (hp.quantile_end - hp.quantile_start) * (math.expm1(elapsed) / math.expm1(1))


def limit(z: Tensor, tau: float | Tensor) -> Tensor:
    """Return Q in units of the deviation, (*stack, 1, 1).

    Args:
        z: standardized weights, (*stack, filters, fan_in).
        tau: the quantile in (0.5, 1), a number or a tensor (*stack, 1, 1).
    """
    log = (z.new_ones(()) * (2 - 2 * tau)).log()
    return z.abs().mean((-2, -1), keepdim=True).mul(-log)
