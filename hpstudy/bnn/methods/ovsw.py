"""OvSW: wake up silent weights by adaptive gradient scaling and silence-aware decay (Xiang et al., ECCV 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import model_validator

from hpstudy.bnn.methods.interface import Hyperparameters, Method, State, follow, hyperparameter, initial_signs
from hpstudy.bnn.methods.latent import he_deviation, library_step
from hpstudy.bnn.schedules import Clock, Decay, Per, warmed_up
from hpstudy.bnn.settings import Surrogate

if TYPE_CHECKING:
    import torch

GRADIENT_FLOOR = 1e-6
"""Least norm of a filter's gradient that Eq. 14 divides by: it bounds how much the noise in a dead filter is amplified."""

WEIGHT_FLOOR = 1e-3
"""Least norm of a filter's latent weights in Eq. 14: filters that start near 0 still move."""


class OvSWHyperparameters(Hyperparameters):
    """Defaults: ResNet-20 on CIFAR-10, but without its 5 epochs of warm-up."""

    ags: float = hyperparameter(
        0.04, "lambda: least norm of a filter's gradient relative to that of its weights; 0 = off", magnitude_based=True, ge=0
    )
    sad: float = hyperparameter(9e-4, "tau: additional weight decay of silent weights; 0 = off", magnitude_based=True, ge=0)
    track_rate: float = hyperparameter(
        1e-3, "1 - m_S: rate of the average S of a weight's flips", magnitude_based=False, gt=0, le=1
    )
    track_threshold: float = hyperparameter(
        1e-4, "sigma: weights with S below it are silent; less than track_rate", magnitude_based=False, gt=0
    )
    start_active: bool = hyperparameter(False, "S_0: true starts at 1, all weights active; false at 0", magnitude_based=False)
    learning_rate: float = hyperparameter(0.1, "step size epsilon of the latent weights", magnitude_based=True, gt=0)
    learning_rate_decay: Decay = hyperparameter("cosine", "schedule of the learning rate", magnitude_based=True)
    momentum_rate: float = hyperparameter(
        0.1, "1 - mu: rate of the momentum filter: 1 - momentum", magnitude_based=False, gt=0, le=1
    )
    weight_decay: float = hyperparameter(5e-4, "weight decay phi of all weights", magnitude_based=True, ge=0)
    init_scale: float = hyperparameter(
        1.0,
        "initial latent weights are normal with this multiple of He's deviation sqrt(2 / fan_in)",
        magnitude_based=True,
        ge=0,
    )
    warmup_epochs: int = hyperparameter(
        0, "number of epochs over which the learning rate rises linearly", magnitude_based=True, ge=0
    )
    own_activation: bool = hyperparameter(
        True, "true: the activation of the method's authors; false: that of the task", magnitude_based=False
    )
    decay_per: Per = hyperparameter("epoch", "how often the schedule moves", magnitude_based=False)

    @model_validator(mode="after")
    def _one_flip_counts(self) -> OvSWHyperparameters:
        if self.track_threshold >= self.track_rate:
            raise ValueError(
                f"track_threshold is {self.track_threshold:g} and must be below track_rate, which is {self.track_rate:g}: one flip "
                "raises S by track_rate, and a weight that flipped once would still count as silent; state both, or leave both at "
                "their defaults, 0.0001 and 0.001"
            )
        return self


class OvSW(Method[OvSWHyperparameters]):
    """SGD on real weights w, of which the network uses the signs, with two measures against weights that never flip.

    Per filter c, with norms over the filter:

        n_G = max(||G_c||, 1e-6),   n_w = max(||w_c||, 1e-3)
        adaptive gradient scaling (AGS):   G'_c = G_c max(1, lambda n_w / n_G)                     (14)
        flips, averaged:                   S <- m_S S + (1 - m_S) 1[theta_{i-1} != theta_{i-2}]    (15)
        silence-aware decay (SAD):         G' <- G' + tau w where S < sigma                        (16)
        V_i = mu V_{i-1} + G' + phi w_{i-1},   w_i = w_{i-1} - epsilon_i V_i,   theta_i = sign(w_i)

    AGS is a lower bound on ||G_c|| / ||w_c||, which it never shrinks, and does not see the weight decay. Where it acts the step is
    relative to the weights, so that the scale of w_0 cancels, down to the floor 1e-3 of n_w.

    One flip keeps a weight active for ln((1 - m_S) / sigma) / -ln m_S updates: 2302 at the defaults. With S_0 = 0 every weight
    starts silent; with S_0 = 1 SAD waits for ln(sigma) / ln m_S updates: 9206.

    epsilon_i rises as min((e + 1) / warmup_epochs, 1); its schedule begins after that, and is the cosine alone (the authors add 1e-5).
    They use 5 epochs of warm-up in trainings of hundreds.

    State: theta; w, latent weight; m, momentum V; s, average of flips S; previous, theta before the last update.
    """

    def init(self, noise: torch.Tensor, hp: OvSWHyperparameters, generator: torch.Generator) -> State:
        """w_0 = init_scale sqrt(2 / fan_in) noise, with the signs of the noise even where init_scale is 0."""
        theta = initial_signs(noise)
        return {
            "theta": theta,
            "w": noise * (hp.init_scale * he_deviation(noise)),
            "m": noise.new_zeros(noise.shape),
            "s": noise.new_full(noise.shape, float(hp.start_active)),
            "previous": theta.clone(),
        }

    def update(self, state: State, grad: torch.Tensor, hp: OvSWHyperparameters, clock: Clock) -> State:
        """Eq. 14-16, in the order of the authors' code: the flips of an update are counted at the start of the next."""
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
        """approx_sign of the input divided by its deviation per sample, in training."""
        return Surrogate("ovsw") if hp.own_activation else None


def scaled_gradient(w: torch.Tensor, grad: torch.Tensor, ratio: float | torch.Tensor) -> torch.Tensor:
    """Eq. 14: a new tensor, with every filter's gradient at least `ratio` times as long as its weights, up to the floors.

    Args:
        w: latent weights, (*stack, filters, fan_in).
        grad: gradient, same shape.
        ratio: lambda.
    """
    size = _norm(w).clamp_(min=WEIGHT_FLOOR)
    return grad * (size * ratio / _norm(grad).clamp_(min=GRADIENT_FLOOR)).clamp_(min=1)


def _norm(x: torch.Tensor) -> torch.Tensor:
    return x.square().sum(-1, keepdim=True).sqrt_()
