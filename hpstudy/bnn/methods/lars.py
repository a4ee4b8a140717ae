"""Latent weights under LARS: every layer's step is relative to the norm of its weights (OvSW, Appendix D, Algorithm 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpstudy.bnn.methods.interface import Hyperparameters, Method, State, follow, hyperparameter, initial_signs
from hpstudy.bnn.methods.latent import library_step
from hpstudy.bnn.schedules import Clock, Decay, Per, factor

if TYPE_CHECKING:
    import torch


class LatentLARSHyperparameters(Hyperparameters):
    """trust and learning_rate act through their product, but in a layer whose weights are all 0.

    The default product gives a layer the least relative step that adaptive gradient scaling gives a filter on CIFAR-10. The usual
    trust 1e-3 belongs to learning rates of 1 and more: at 0.1 hardly a weight flips in a hundred updates.
    """

    trust: float = hyperparameter(
        0.04, "trust coefficient eta: step of a layer relative to the norm of its weights", magnitude_based=False, gt=0
    )
    learning_rate: float = hyperparameter(0.1, "beta, multiplies the trust coefficient", magnitude_based=False, gt=0)
    learning_rate_decay: Decay = hyperparameter("cosine", "schedule of the learning rate", magnitude_based=False)
    momentum_rate: float = hyperparameter(0.1, "rate of the momentum filter: 1 - momentum", magnitude_based=False, gt=0, le=1)
    weight_decay: float = hyperparameter(1e-4, "weight decay phi", magnitude_based=True, ge=0)
    init_scale: float = hyperparameter(
        0.1,
        "standard deviation of the normal initial latent weights w_0; without weight decay any but 0 does the same",
        magnitude_based=True,
        ge=0,
    )
    decay_per: Per = hyperparameter("epoch", "how often the schedule moves", magnitude_based=False)


class LatentLARS(Method[LatentLARSHyperparameters]):
    """Layer-wise adaptive rate scaling (You et al., 2017) on real weights w, of which the network uses the signs.

        l_i = eta ||w_{i-1}|| / (||G_i|| + phi ||w_{i-1}||)
        V_i = (1 - momentum_rate) V_{i-1} + G_i + phi w_{i-1}
        w_i = w_{i-1} - beta_i l_i V_i
        theta_i = sign(w_i)

    with norms over a whole layer. The local rate l stays outside the momentum: V has the units of the gradient.

    Without weight decay the signs do not depend on the scale of w_0. Two guards: l = 1 where ||w|| = 0, which would stop the layer
    permanently; and l = 0, the layer rests, where G and phi are both exactly 0 and the quotient is infinite.

    State: theta; w, latent weight; m, momentum V.
    """

    def init(self, noise: torch.Tensor, hp: LatentLARSHyperparameters, generator: torch.Generator) -> State:
        """w_0 = init_scale noise, with the signs of the noise even where init_scale is 0."""
        return {"theta": initial_signs(noise), "w": noise * hp.init_scale, "m": noise.new_zeros(noise.shape)}

    def update(self, state: State, grad: torch.Tensor, hp: LatentLARSHyperparameters, clock: Clock) -> State:
        """Algorithm 2."""
        beta = hp.learning_rate * factor(hp.learning_rate_decay, clock.elapsed(hp.decay_per))
        w, m = library_step(
            state["w"],
            state["m"],
            grad,
            step=local_rate(state["w"], grad, hp.trust, hp.weight_decay) * beta,
            momentum_rate=hp.momentum_rate,
            weight_decay=hp.weight_decay,
        )
        return {"theta": follow(state["theta"], w), "w": w, "m": m}


def local_rate(
    w: torch.Tensor, grad: torch.Tensor, trust: float | torch.Tensor, weight_decay: float | torch.Tensor
) -> torch.Tensor:
    """l, one for every layer.

    Args:
        w: latent weights, (*stack, filters, fan_in).
        grad: gradient, same shape.
        trust: eta.
        weight_decay: phi.

    Returns:
        Shape (*stack, 1, 1).
    """
    size = _norm(w)
    rate = size * trust / (_norm(grad) + size * weight_decay)
    return rate.masked_fill_(rate.isinf(), 0.0).masked_fill_(size == 0, 1.0)


def _norm(x: torch.Tensor) -> torch.Tensor:
    return x.square().sum((-2, -1), keepdim=True).sqrt_()
