"""OvSW: adaptive gradient scaling and silence-aware decay make silent weights flip.

Xiang et al., "OvSW: overcoming silent weights for accurate binary neural networks", ECCV 2024, Eq. 14-16.
https://arxiv.org/abs/2407.05257
"""

from __future__ import annotations

from pydantic import model_validator

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.methods.latent import he_deviation, he_scale, library_step
from hpstudy.bnn.schedules import Clock, Decay, Per, warmed_up
from hpstudy.bnn.settings import Surrogate

GRADIENT_FLOOR = 1e-6
"""Lower bound of the gradient norm in Eq. 14. It limits the amplification of noise in a filter without a gradient."""

WEIGHT_FLOOR = 1e-3
"""Lower bound of the weight norm in Eq. 14, so that filters that start near 0 can move."""


class OvSWHyperparameters(Hyperparameters):
    """Defaults are those of ResNet-20 on CIFAR-10, but without its 5 epochs of warm-up."""

    ags: float = hyperparameter(
        0.04, "lambda: minimum norm of a filter's gradient relative to that of its weights; 0 = off", magnitude_based=True, ge=0
    )
    sad: float = hyperparameter(9e-4, "tau: additional weight decay of silent weights; 0 = off", magnitude_based=True, ge=0)
    track_rate: float = hyperparameter(1e-3, "1 - m_S: rate of the average S of a weight's flips", gt=0, le=1)
    track_threshold: float = hyperparameter(1e-4, "sigma: weights with S below it are silent; less than track_rate", gt=0)
    start_active: bool = hyperparameter(False, "S_0: true starts at 1, all weights active; false at 0")
    learning_rate: float = hyperparameter(0.1, "step size epsilon of the latent weights", magnitude_based=True, gt=0)
    learning_rate_decay: Decay = hyperparameter("cosine", "schedule of the learning rate", magnitude_based=True)
    momentum_rate: float = hyperparameter(0.1, "1 - mu: rate of the momentum filter: 1 - momentum", gt=0, le=1)
    weight_decay: float = hyperparameter(5e-4, "weight decay phi of all weights", magnitude_based=True, ge=0)
    init_scale: float = he_scale(ge=0)
    warmup_epochs: int = hyperparameter(
        0, "number of epochs over which the learning rate rises linearly", magnitude_based=True, ge=0
    )
    own_activation: bool = hyperparameter(True, "true: the activation of the method's authors; false: that of the task")
    decay_per: Per = hyperparameter("epoch", "how often the schedule is updated")

    @model_validator(mode="after")
    def _one_flip_counts(self) -> OvSWHyperparameters:
        if self.track_threshold >= self.track_rate:
            raise ValueError(
                f"track_threshold is {self.track_threshold:g} and must be below track_rate, which is {self.track_rate:g}: one flip "
                "raises S by track_rate, so that a weight that has flipped once would still count as silent; set both, or leave both at "
                "their defaults, 0.0001 and 0.001"
            )
        return self


class OvSW(Method[OvSWHyperparameters]):
    """SGD on real weights w, whose signs the network uses, with two measures against weights that never flip.

    Per filter c, with norms over the filter:

        n_G = max(||G_c||, 1e-6),   n_w = max(||w_c||, 1e-3)
        adaptive gradient scaling (AGS):   G'_c = G_c max(1, lambda n_w / n_G)                     (14)
        flips, averaged:                   S <- m_S S + (1 - m_S) 1[theta_{i-1} != theta_{i-2}]    (15)
        silence-aware decay (SAD):         G' <- G' + tau w where S < sigma                        (16)
        V_i = mu V_{i-1} + G' + phi w_{i-1},   w_i = w_{i-1} - epsilon_i V_i,   theta_i = sign(w_i)

    AGS enforces a lower bound on ||G_c|| / ||w_c||. It never reduces the gradient, and does not include the weight decay. Where it is
    active, the step is relative to the weights, so that the scale of w_0 cancels, down to the floor 1e-3 of n_w.

    After one flip a weight is active for ln((1 - m_S) / sigma) / -ln m_S updates: 2302 with the defaults. With S_0 = 0 every weight starts
    as silent. With S_0 = 1 SAD starts after ln(sigma) / ln m_S updates: 9206 with the defaults.

    epsilon_i is multiplied by min((e + 1) / warmup_epochs, 1). Its schedule starts after the warm-up and is a pure cosine (the authors add
    1e-5). They use 5 epochs of warm-up in trainings of several hundred epochs.

    State: theta; w, latent weight; m, momentum V; s, average of flips S; previous, theta before the last update.

    >>> OvSW().example(learning_rate=1.0)["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: OvSWHyperparameters, generator: Generator) -> State:
        """Start with w_0 = init_scale sqrt(2 / fan_in) noise, and the signs of the noise even if init_scale is 0."""
        theta = initial_signs(noise)
        return {
            "theta": theta,
            "w": noise * (hp.init_scale * he_deviation(noise)),
            "m": noise.new_zeros(noise.shape),
            "s": noise.new_full(noise.shape, float(hp.start_active)),
            "previous": theta.clone(),
        }

    def update(self, state: State, grad: Tensor, hp: OvSWHyperparameters, clock: Clock) -> State:
        """Apply Eq. 14-16 in the order of the authors' code: the flips of an update are counted at the start of the next one."""
        theta, previous = state["theta"], state["previous"]
        grad = scaled_gradient(state["w"], grad, hp.ags)
        s = state["s"].lerp_((theta != previous).to(grad.dtype), hp.track_rate)
        grad = grad.add_(state["w"] * (s < hp.track_threshold) * hp.sad)
        epsilon = hp.learning_rate * warmed_up(hp.learning_rate_decay, clock, hp.decay_per, hp.warmup_epochs)
        w, m = library_step(
            state["w"], state["m"], grad, step=epsilon, momentum_rate=hp.momentum_rate, weight_decay=hp.weight_decay
        )
        previous.copy_(theta)
        return {"theta": follow(theta, w), "w": w, "m": m, "s": s, "previous": previous}

    def activation(self, hp: OvSWHyperparameters) -> Surrogate | None:
        """Return the activation "ovsw": approx_sign of the input divided by its deviation per sample, in training."""
        return Surrogate("ovsw") if hp.own_activation else None


def scaled_gradient(w: Tensor, grad: Tensor, ratio: float | Tensor) -> Tensor:
    """Return the gradient of Eq. 14: its norm is at least `ratio` times that of the weights per filter, except for the floors.

    Args:
        w: latent weights, (*stack, filters, fan_in).
        grad: gradient, same shape.
        ratio: lambda.
    """
    size = _norm(w).clamp_(min=WEIGHT_FLOOR)
    return grad * (size * ratio / _norm(grad).clamp_(min=GRADIENT_FLOOR)).clamp_(min=1)


def _norm(x: Tensor) -> Tensor:
    return x.square().sum(-1, keepdim=True).sqrt_()
