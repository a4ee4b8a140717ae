"""RBNN: latent weights are rotated toward their signs once per epoch.

Lin et al., "Rotated binary neural network", NeurIPS 2020. https://arxiv.org/abs/2009.13055
"""

from __future__ import annotations

import math

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.methods.latent import he_deviation, he_scale, library_step
from hpstudy.bnn.methods.standardize import standardize, standardize_backward
from hpstudy.bnn.schedules import Clock, Decay, Per, temperature, warmed_up
from hpstudy.bnn.settings import Surrogate


class RBNNHyperparameters(Hyperparameters):
    """Hyperparameters of SGD, the temperatures at the start and the end, and those of the rotation."""

    learning_rate: float = hyperparameter(
        0.1, "step size of the latent weights and of the angles beta", magnitude_based=True, gt=0
    )
    learning_rate_decay: Decay = hyperparameter("cosine", "schedule of the learning rate", magnitude_based=True)
    init_scale: float = he_scale(gt=0)
    momentum_rate: float = hyperparameter(0.1, "1 - momentum", gt=0, le=1)
    weight_decay: float = hyperparameter(1e-4, "decay of the latent weights and of the angles beta", magnitude_based=True, ge=0)
    t_min: float = hyperparameter(
        1e-2, "temperature at the start; below 1 the surrogate is nearly the identity", at_most="t_max", gt=0
    )
    t_max: float = hyperparameter(10.0, "temperature at the end; above 1 the surrogate is nearly a step", gt=0)
    rotation_period: int = hyperparameter(1, "number of epochs between rotations; 0 disables the rotation", ge=0)
    alternations: int = hyperparameter(3, "rounds of the two Procrustes steps in a rotation", ge=1)
    beta_init: float = hyperparameter(
        math.pi / 2,
        "initial angle beta; |sin beta| is the share of the rotated weight. At pi/2 the latent weights move only by weight decay",
        ge=0,
        le=math.pi / 2,
    )
    warmup_epochs: int = hyperparameter(0, "epochs over which the learning rate rises", magnitude_based=True, ge=0)
    own_activation: bool = hyperparameter(True, "use the activation 'rbnn' with the same temperatures; false: that of the task")
    decay_per: Per = hyperparameter("epoch", "how often the schedule of the learning rate is updated")


class RBNN(Method[RBNNHyperparameters]):
    """SGD on latent weights w. The network uses the signs of a mixture of the standardized w and its rotation.

        z = (w - mean) / deviation, per filter
        Y = R1^T Z R2: Z is the filter's z as an a x b matrix, a the largest divisor of fan_in that is at most sqrt(fan_in)
        v = z + alpha (Y - z),  alpha = |sin beta|, one angle per filter                  (11)
        theta = sign(v)
        dL/dv = G max(1/t, 1) max(0, sqrt(2) t - t^2 |v|),  t = t_min (t_max / t_min)^(e/E)
        dL/dz = (1 - alpha) dL/dv
        dL/dbeta = sum of dL/dv sign(sin beta) cos(beta) (Y - z), per filter

    Y is a constant for the gradient, as in the authors' code. The rotations R1 and R2 are orthogonal matrices, shared by the filters of a
    layer and initially random (uniform). Every `rotation_period` epochs, starting with the first, `rotate` updates them so that Y is closer
    to its signs. w and beta are updated by SGD in the libraries' convention, both with weight decay.

    At beta = pi/2, the published initial value, alpha = 1 and w receives no gradient. Learning starts only because weight decay reduces
    beta. At beta = 0 the angle does not change, because the derivative of |sin| is defined as 0 there. With `rotation_period` 0, beta
    starts at 0 and R1 and R2 are identities. Only the surrogate derivative remains, as in the paper's ablation without rotation.

    The learned scale per filter of the paper is omitted: the following batch normalization cancels it, also in G. The schedule of the
    learning rate starts after the warm-up.

    Each alternation of a rotation costs 2 filters fan_in (a + b) multiplications and two singular value decompositions. An update costs
    filters fan_in (a + b) multiplications. If fan_in is prime, a = 1 and b = fan_in, which is correct but slow.

    State: theta; w, latent weight; m, its momentum; beta and beta_m, angle and its momentum, (*stack, filters, 1); r1, r2,
    rotations, (*stack, a, a) and (*stack, b, b); z, deviation and y, from which theta was computed.

    >>> RBNN().example(learning_rate=10.0, beta_init=0.5)["theta"]
    tensor([[ 1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: RBNNHyperparameters, generator: Generator) -> State:
        """Start with w_0 = init_scale sqrt(2 / fan_in) noise. Stacked networks share the random rotations, like the seed of the noise."""
        stack, fan_in = noise.shape[:-2], noise.shape[-1]
        a = rows(fan_in)
        rotations = [
            random_rotation(n, generator, noise) if hp.rotation_period else noise.new_ones(n).diag() for n in (a, fan_in // a)
        ]
        beta = noise.new_zeros(*noise.shape[:-1], 1) + hp.beta_init * (hp.rotation_period > 0)
        state = {
            "w": noise * (hp.init_scale * he_deviation(noise)),
            "m": noise.new_zeros(noise.shape),
            "beta": beta,
            "beta_m": noise.new_zeros(beta.shape),
            "r1": rotations[0].repeat(*stack, 1, 1),
            "r2": rotations[1].repeat(*stack, 1, 1),
        }
        state["z"], state["deviation"] = standardize(state["w"])
        state["y"] = rotated(state["z"], state["r1"], state["r2"])
        return {"theta": initial_signs(_mixture(state)), **state}

    def start_epoch(self, state: State, hp: RBNNHyperparameters, clock: Clock) -> State:
        """Update the rotations every `rotation_period` epochs."""
        if hp.rotation_period == 0 or clock.epoch % hp.rotation_period:
            return state
        r1, r2 = rotate(state["z"], state["r1"], state["r2"], hp.alternations)
        new = {**state, "r1": r1, "r2": r2, "y": rotated(state["z"], r1, r2)}
        return {**new, "theta": follow(state["theta"], _mixture(new))}

    def update(self, state: State, grad: Tensor, hp: RBNNHyperparameters, clock: Clock) -> State:
        """Compute the gradients of w and beta, then apply SGD to both."""
        w, beta, z, y = state["w"], state["beta"], state["z"], state["y"]
        outer = training_aware(_mixture(state), temperature(clock, hp.t_min, hp.t_max)).mul_(grad)
        angle = (outer * (y - z)).sum(-1, keepdim=True).mul_(beta.sin().sign_()).mul_(beta.cos())
        rates = {
            "step": hp.learning_rate * warmed_up(hp.learning_rate_decay, clock, hp.decay_per, hp.warmup_epochs),
            "momentum_rate": hp.momentum_rate,
            "weight_decay": hp.weight_decay,
        }
        inner = standardize_backward(outer.mul_(1 - _share(beta)), z, state["deviation"])
        w, m = library_step(w, state["m"], inner, **rates)
        beta, beta_m = library_step(beta, state["beta_m"], angle, **rates)
        z, deviation = standardize(w)
        moved = {"w": w, "m": m, "beta": beta, "beta_m": beta_m, "z": z, "deviation": deviation}
        new = {**state, **moved, "y": rotated(z, state["r1"], state["r2"])}
        return {**new, "theta": follow(state["theta"], _mixture(new))}

    def activation(self, hp: RBNNHyperparameters) -> Surrogate | None:
        """Return the training-aware approximation with the temperatures of the weights."""
        return Surrogate("rbnn", hp.t_min, hp.t_max) if hp.own_activation else None


def rows(fan_in: int) -> int:
    """Return the number of rows of a filter as a matrix: the largest divisor of fan_in that is at most sqrt(fan_in).

    >>> rows(576), rows(20), rows(7)
    (24, 4, 1)
    """
    return next(a for a in range(math.isqrt(fan_in), 0, -1) if fan_in % a == 0)


def rotated(z: Tensor, r1: Tensor, r2: Tensor) -> Tensor:
    """Compute Y = R1^T Z R2 of every filter, an (a x b) matrix in row order.

    Args:
        z: (*stack, filters, a b).
        r1: (*stack, a, a).
        r2: (*stack, b, b).

    Returns:
        (*stack, filters, a b).
    """
    return _from_the_left(r1, _from_the_right(z, r2)).flatten(-2)


def rotate(z: Tensor, r1: Tensor, r2: Tensor, alternations: int) -> tuple[Tensor, Tensor]:
    """Return rotations for which Y = R1^T Z R2 is closer to its signs B: tr(B^T R1^T Z R2), summed over filters, does not decrease.

    Each alternation sets B = sign(Y), and then optimizes each rotation in turn for B and the other rotation (an orthogonal Procrustes
    problem).

    Args:
        z: (*stack, filters, a b); non-finite numbers count as 0.
        r1: (*stack, a, a), orthogonal; not overwritten.
        r2: (*stack, b, b), orthogonal; not overwritten.
        alternations: number of alternations.

    Returns:
        The new r1 and r2.
    """
    a, b = r1.shape[-1], r2.shape[-1]
    z = z.nan_to_num(0.0, 0.0, 0.0)
    matrices = z.unflatten(-1, (a, b))  # type: ignore[no-untyped-call]
    for _ in range(alternations):
        # B = sign(R1^T Z R2), (*stack, filters, a, b).
        half = _from_the_right(z, r2)
        signs = initial_signs(_from_the_left(r1, half))
        # The best R1 for B and R2: the matrices of all filters side by side, (*stack, a, filters b).
        r1 = _nearest_rotation(_side_by_side(half) @ _side_by_side(signs).mT)
        # The best R2 for B and the new R1: the matrices of all filters on top of each other, (*stack, filters a, b).
        turned = _from_the_left(r1, matrices)
        r2 = _nearest_rotation(turned.flatten(-3, -2).mT @ signs.flatten(-3, -2))
    return r1, r2


def random_rotation(n: int, generator: Generator, like: Tensor) -> Tensor:
    """Draw an orthogonal n x n matrix from the uniform (Haar) distribution, with the type and device of `like`."""
    import torch

    normal = torch.randn(n, n, generator=generator, device=generator.device, dtype=like.dtype)
    q, r = torch.linalg.qr(normal)
    # The signs of r's diagonal make q independent of the QR algorithm.
    return (q * r.diagonal().sign()).to(like.device)  # type: ignore[no-any-return]


def training_aware(v: Tensor, t: float | Tensor) -> Tensor:
    """Return the surrogate derivative max(1/t, 1) max(0, sqrt(2) t - t^2 |v|), in the shape of v. t is a number or (*stack, 1, 1)."""
    slope = (v.abs() * -(t * t)).add_(2**0.5 * t).clamp_(min=0)
    return slope.maximum(slope / t)


def _share(beta: Tensor) -> Tensor:
    """Return the share of the rotated weight, alpha = |sin beta|."""
    return beta.sin().abs_()


def _mixture(state: State) -> Tensor:
    """Return v of Eq. 11, whose sign is theta."""
    return state["z"] + _share(state["beta"]) * (state["y"] - state["z"])


def _from_the_right(z: Tensor, r2: Tensor) -> Tensor:
    """Compute Z R2 of every filter, (*stack, filters, a, b), as one product of large matrices."""
    filters, fan_in = z.shape[-2:]
    b = r2.shape[-1]
    a = fan_in // b
    product: Tensor = z.reshape(*z.shape[:-2], filters * a, b) @ r2
    return product.reshape(*z.shape[:-2], filters, a, b)


def _from_the_left(r1: Tensor, matrices: Tensor) -> Tensor:
    """Compute R1^T M of every filter; `matrices` is (*stack, filters, a, b)."""
    product: Tensor = r1.mT.unsqueeze(-3) @ matrices
    return product


def _side_by_side(matrices: Tensor) -> Tensor:
    """Concatenate the matrices of all filters horizontally: (*stack, filters, a, b) -> (*stack, a, filters b)."""
    return matrices.transpose(-3, -2).flatten(-2)


def _nearest_rotation(m: Tensor) -> Tensor:
    """Return the orthogonal R that maximizes tr(R^T M): U V^T for M = U S V^T."""
    import torch

    u, _, v = torch.linalg.svd(m)
    product: Tensor = u @ v
    return product
