"""Latent weights under LARS: the step of every layer is relative to the norm of its weights.

You et al., "Large batch training of convolutional networks", 2017, https://arxiv.org/abs/1708.03888; in the form of OvSW (Xiang et al.,
ECCV 2024), Appendix D, Algorithm 2, https://arxiv.org/abs/2407.05257.
"""

from __future__ import annotations

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.methods.latent import library_step
from hpstudy.bnn.schedules import Clock, Decay, Per


class LatentLARSHyperparameters(Hyperparameters):
    """Only the product of trust and learning_rate matters, except in a layer whose weights are all 0.

    With the default product, the relative step of a layer is the minimum relative step of a filter with adaptive gradient scaling on
    CIFAR-10. The usual trust 1e-3 is for learning rates of 1 and more: with 0.1 hardly any weight flips in a hundred updates.
    """

    trust: float = hyperparameter(0.04, "trust coefficient eta, the step of a layer relative to the norm of its weights", gt=0)
    learning_rate: float = hyperparameter(0.1, "beta, multiplies the trust coefficient", gt=0)
    learning_rate_decay: Decay = hyperparameter("cosine", "schedule of the learning rate")
    momentum_rate: float = hyperparameter(0.1, "rate of the momentum filter: 1 - momentum", gt=0, le=1)
    weight_decay: float = hyperparameter(1e-4, "weight decay phi", magnitude_based=True, ge=0)
    init_scale: float = hyperparameter(
        0.1,
        "standard deviation of the normal initial latent weights w_0; without weight decay all values but 0 are equivalent",
        magnitude_based=True,
        ge=0,
    )
    decay_per: Per = hyperparameter("epoch", "how often the schedule is updated")


class LatentLARS(Method[LatentLARSHyperparameters]):
    """Layer-wise adaptive rate scaling (You et al., 2017) on real weights w, whose signs the network uses.

        l_i = eta ||w_{i-1}|| / (||G_i|| + phi ||w_{i-1}||)
        V_i = (1 - momentum_rate) V_{i-1} + G_i + phi w_{i-1}
        w_i = w_{i-1} - beta_i l_i V_i
        theta_i = sign(w_i)

    Norms are over a whole layer. The local rate l is not part of the momentum, so that V has the units of the gradient.

    Without weight decay the signs do not depend on the scale of w_0. There are two special cases. l = 1 if ||w|| = 0, because the layer
    would otherwise stop permanently. l = 0 if G and phi are both exactly 0, because the quotient would be infinite.

    State: theta; w, latent weight; m, momentum V.

    >>> LatentLARS().example(trust=10.0)["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: LatentLARSHyperparameters, generator: Generator) -> State:
        """Start with w_0 = init_scale noise, and the signs of the noise even if init_scale is 0."""
        return {"theta": initial_signs(noise), "w": noise * hp.init_scale, "m": noise.new_zeros(noise.shape)}

    def update(self, state: State, grad: Tensor, hp: LatentLARSHyperparameters, clock: Clock) -> State:
        """Apply Algorithm 2."""
        beta = hp.learning_rate * clock.factor(hp.learning_rate_decay, hp.decay_per)
        w, m = library_step(
            state["w"],
            state["m"],
            grad,
            step=local_rate(state["w"], grad, hp.trust, hp.weight_decay) * beta,
            momentum_rate=hp.momentum_rate,
            weight_decay=hp.weight_decay,
        )
        return {"theta": follow(state["theta"], w), "w": w, "m": m}


def local_rate(w: Tensor, grad: Tensor, trust: float | Tensor, weight_decay: float | Tensor) -> Tensor:
    """Return the local rate l of a layer.

    Args:
        w: latent weights, (*stack, filters, fan_in).
        grad: gradient, same shape.
        trust: eta.
        weight_decay: phi.

    Returns:
        (*stack, 1, 1).
    """
    size = _norm(w)
    rate = size * trust / (_norm(grad) + size * weight_decay)
    return rate.masked_fill_(rate.isinf(), 0.0).masked_fill_(size == 0, 1.0)


def _norm(x: Tensor) -> Tensor:
    return x.square().sum((-2, -1), keepdim=True).sqrt_()
