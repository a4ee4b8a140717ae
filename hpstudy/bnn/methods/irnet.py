"""IR-Net: standardised latent weights and a surrogate derivative that sharpens over training (Qin et al., CVPR 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import model_validator

from hpstudy.bnn.methods.interface import Hyperparameters, Method, State, follow, hyperparameter, initial_signs
from hpstudy.bnn.methods.latent import he_deviation, library_step
from hpstudy.bnn.methods.standardise import standardise, standardise_backward
from hpstudy.bnn.schedules import Clock, Decay, Per, factor, temperature
from hpstudy.bnn.settings import Surrogate

if TYPE_CHECKING:
    import torch


class IRNetHyperparameters(Hyperparameters):
    """SGD's, and the ends of the temperature."""

    learning_rate: float = hyperparameter(0.1, "step size of the latent weights", magnitude_based=True, gt=0)
    learning_rate_decay: Decay = hyperparameter("cosine", "schedule of the learning rate", magnitude_based=True)
    init_scale: float = hyperparameter(
        1.0, "initial latent weights are normal with this multiple of He's deviation sqrt(2 / fan_in)", magnitude_based=True, gt=0
    )
    momentum_rate: float = hyperparameter(0.1, "1 - momentum", magnitude_based=False, gt=0, le=1)
    weight_decay: float = hyperparameter(1e-4, "decay of the latent weights", magnitude_based=True, ge=0)
    t_min: float = hyperparameter(1e-3, "temperature at the start: below 1, nearly the identity", magnitude_based=False, gt=0)
    t_max: float = hyperparameter(10.0, "temperature at the end: above 1, nearly a step", magnitude_based=False, gt=0)
    own_activation: bool = hyperparameter(
        True, "activations sharpen with the weights (surrogate 'ede'); else they are the task's", magnitude_based=False
    )
    decay_per: Per = hyperparameter("epoch", "how often the learning rate's schedule moves", magnitude_based=False)

    @model_validator(mode="after")
    def _temperatures_rise(self) -> IRNetHyperparameters:
        if self.t_min > self.t_max:
            raise ValueError(f"t_min ({self.t_min:g}) is above t_max ({self.t_max:g}): lower t_min or raise t_max")
        return self


class IRNet(Method[IRNetHyperparameters]):
    """SGD on latent weights w that are standardised before their signs are taken.

        z = (w - mean) / deviation, per filter
        theta = sign(z),  the weight in use: 2^s theta,  s = round(log2 mean |z|), a constant to the gradient
        dL/dz = 2^s G max(t, 1) (1 - tanh^2(t z)),  t = t_min (t_max / t_min)^(e/E)

    G is the gradient with respect to the weight in use; dL/dw follows through the standardisation, and SGD in the libraries'
    convention moves w. The scale is 1 for filters of about normal weights.

    theta_0 is the sign of the noise without its mean per filter.

    State: theta; w, latent weight; m, momentum; z and deviation, w standardised.
    """

    def init(self, noise: torch.Tensor, hp: IRNetHyperparameters, generator: torch.Generator) -> State:
        """w_0 = init_scale sqrt(2 / fan_in) noise."""
        w = noise * (hp.init_scale * he_deviation(noise))
        z, deviation = standardise(w)
        return {"theta": initial_signs(z), "w": w, "m": noise.new_zeros(noise.shape), "z": z, "deviation": deviation}

    def update(self, state: State, grad: torch.Tensor, hp: IRNetHyperparameters, clock: Clock) -> State:
        """The gradient through scale, sign and standardisation; then SGD."""
        z, w, m = state["z"], state["w"], state["m"]
        inner = error_decay(z, temperature(clock, hp.t_min, hp.t_max)).mul_(grad).mul_(scale(z))
        w, m = library_step(
            w,
            m,
            standardise_backward(inner, z, state["deviation"]),
            step=hp.learning_rate * factor(hp.learning_rate_decay, clock.elapsed(hp.decay_per)),
            momentum_rate=hp.momentum_rate,
            weight_decay=hp.weight_decay,
        )
        z, deviation = standardise(w)
        return {"theta": follow(state["theta"], z), "w": w, "m": m, "z": z, "deviation": deviation}

    def weight(self, state: State, hp: IRNetHyperparameters, clock: Clock) -> torch.Tensor:
        """Theta times a power of two per filter."""
        return state["theta"] * scale(state["z"])

    def activation(self, hp: IRNetHyperparameters) -> Surrogate | None:
        """The error decay estimator with the temperatures of the weights."""
        return Surrogate("ede", hp.t_min, hp.t_max) if hp.own_activation else None


def error_decay(z: torch.Tensor, t: float | torch.Tensor) -> torch.Tensor:
    """The surrogate derivative max(t, 1) (1 - tanh^2(t z)), in the shape of z; t a number or (*stack, 1, 1)."""
    slope = (z * t).tanh_().square_().neg_().add_(1)
    return slope.maximum(slope * t)


def scale(z: torch.Tensor) -> torch.Tensor:
    """The power of two nearest to mean |z| (on a logarithmic scale) per filter; 1 for a filter of zeros.

    Args:
        z: (*stack, filters, fan_in).

    Returns:
        (*stack, filters, 1).
    """
    power = z.abs().mean(-1, keepdim=True).log2_().round_().exp2_()
    return power.masked_fill_(power == 0, 1.0)
