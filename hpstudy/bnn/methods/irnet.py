"""IR-Net: standardized latent weights and a surrogate derivative that becomes sharper during training.

Qin et al., "Forward and backward information retention for accurate binary neural networks", CVPR 2020.
https://arxiv.org/abs/1909.10788
"""

from __future__ import annotations

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.methods.latent import he_deviation, he_scale, library_step
from hpstudy.bnn.methods.standardize import standardize, standardize_backward
from hpstudy.bnn.schedules import Clock, Decay, Per, temperature
from hpstudy.bnn.settings import Surrogate


class IRNetHyperparameters(Hyperparameters):
    """Hyperparameters of SGD, and the temperatures at the start and the end."""

    learning_rate: float = hyperparameter(0.1, "step size of the latent weights", magnitude_based=True, gt=0)
    learning_rate_decay: Decay = hyperparameter("cosine", "schedule of the learning rate", magnitude_based=True)
    init_scale: float = he_scale(gt=0)
    momentum_rate: float = hyperparameter(0.1, "1 - momentum", gt=0, le=1)
    weight_decay: float = hyperparameter(1e-4, "decay of the latent weights", magnitude_based=True, ge=0)
    t_min: float = hyperparameter(
        1e-3, "temperature at the start; below 1 the surrogate is nearly the identity", at_most="t_max", gt=0
    )
    t_max: float = hyperparameter(10.0, "temperature at the end; above 1 the surrogate is nearly a step", gt=0)
    own_activation: bool = hyperparameter(True, "use the activation 'ede' with the same temperatures; false: that of the task")
    decay_per: Per = hyperparameter("epoch", "how often the schedule of the learning rate is updated")


class IRNet(Method[IRNetHyperparameters]):
    """SGD on latent weights w, which are standardized before their signs are used.

        z = (w - mean) / deviation, per filter
        theta = sign(z),  weight: 2^s theta,  s = round(log2 mean |z|), a constant for the gradient
        dL/dz = 2^s G max(t, 1) (1 - tanh^2(t z)),  t = t_min (t_max / t_min)^(e/E)

    G is the gradient with respect to the weight 2^s theta. dL/dw is computed through the standardization, and w is updated by SGD in the
    libraries' convention. The scale 2^s is 1 for filters with approximately normal weights.

    theta_0 is the sign of the noise minus its mean per filter.

    State: theta; w, latent weight; m, momentum; z and deviation, the standardized w and its deviation.

    >>> IRNet().example(learning_rate=1.0)["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: IRNetHyperparameters, generator: Generator) -> State:
        """Start with w_0 = init_scale sqrt(2 / fan_in) noise."""
        w = noise * (hp.init_scale * he_deviation(noise))
        z, deviation = standardize(w)
        return {"theta": initial_signs(z), "w": w, "m": noise.new_zeros(noise.shape), "z": z, "deviation": deviation}

    def update(self, state: State, grad: Tensor, hp: IRNetHyperparameters, clock: Clock) -> State:
        """Backpropagate through scale, sign and standardization, then apply SGD."""
        z, w, m = state["z"], state["w"], state["m"]
        inner = error_decay(z, temperature(clock, hp.t_min, hp.t_max)).mul_(grad).mul_(scale(z))
        w, m = library_step(
            w,
            m,
            standardize_backward(inner, z, state["deviation"]),
            step=hp.learning_rate * clock.factor(hp.learning_rate_decay, hp.decay_per),
            momentum_rate=hp.momentum_rate,
            weight_decay=hp.weight_decay,
        )
        z, deviation = standardize(w)
        return {"theta": follow(state["theta"], z), "w": w, "m": m, "z": z, "deviation": deviation}

    def weight(self, state: State, hp: IRNetHyperparameters, clock: Clock) -> Tensor:
        """Return theta times a power of two per filter."""
        return state["theta"] * scale(state["z"])

    def activation(self, hp: IRNetHyperparameters) -> Surrogate | None:
        """Return the error decay estimator with the temperatures of the weights."""
        return Surrogate("ede", hp.t_min, hp.t_max) if hp.own_activation else None


def error_decay(z: Tensor, t: float | Tensor) -> Tensor:
    """Return the surrogate derivative max(t, 1) (1 - tanh^2(t z)), in the shape of z. t is a number or (*stack, 1, 1)."""
    slope = (z * t).tanh_().square_().neg_().add_(1)
    return slope.maximum(slope * t)


def scale(z: Tensor) -> Tensor:
    """Return the power of two nearest to mean |z| on a logarithmic scale, per filter; 1 for a filter of zeros.

    Args:
        z: (*stack, filters, fan_in).

    Returns:
        (*stack, filters, 1).
    """
    power = z.abs().mean(-1, keepdim=True).log2_().round_().exp2_()
    return power.masked_fill_(power == 0, 1.0)
