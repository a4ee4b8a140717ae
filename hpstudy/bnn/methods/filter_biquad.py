"""The gradient filter with a pair of complex poles: a damped oscillator driven by the gradient.

A second-order filter in the form of Quist, Li and van Gemert, ICLR 2023, Eq. 14. https://arxiv.org/abs/2303.02452
"""

from __future__ import annotations

import math

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.schedules import Clock, Decay, Per


class BiquadFilterHyperparameters(Hyperparameters):
    """4 hyperparameters, none of them based on magnitudes."""

    omega: float = hyperparameter(
        1e-2, "natural frequency in radians per update: the filter's window is about 1/omega", ge=1e-6, le=math.pi
    )
    zeta: float = hyperparameter(
        0.7, "damping: below 1 the filter oscillates, sqrt(1/2) is Butterworth, 1 has two equal poles", ge=1e-3, le=1
    )
    omega_decay: Decay = hyperparameter("cosine", "schedule of omega")
    decay_per: Per = hyperparameter("epoch", "how often the schedule is updated")


class BiquadFilter(Method[BiquadFilterHyperparameters]):
    """The negative sign of a second-order filter with the poles z = exp(-zeta omega +- j omega sqrt(1 - zeta^2)).

        v_i = |z_i|^2 v_{i-1} + |1 - z_i|^2 (G_i - y_{i-1}),   omega_i = omega f_i
        y_i = y_{i-1} + v_i
        theta_i = -sign(y_i)

    Here f_i is the factor of the schedule, and y_{-1} = v_{-1} = 0. It models a mass at position y that a spring pulls to the gradient.
    For constant omega this is Eq. 14 with a = [1, -2 Re z, |z|^2] and b = |1 - z|^2. Position and velocity lose less precision than two
    past outputs, and remain valid while omega decays. The poles are inside the unit circle for all omega and zeta in the domain.

    Two real rates cannot express this filter. SGD in the libraries' convention with learning rate x weight decay above
    (1 - sqrt(momentum))^2 is this filter with |z|^2 = momentum and |1 - z|^2 = learning rate x weight decay.

    State: theta; v, velocity; y, position.

    >>> BiquadFilter().example(omega=0.1, zeta=0.7)["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: BiquadFilterHyperparameters, generator: Generator) -> State:
        """Start with random signs, and position and velocity 0."""
        return {"theta": initial_signs(noise), "v": noise.new_zeros(noise.shape), "y": noise.new_zeros(noise.shape)}

    def update(self, state: State, grad: Tensor, hp: BiquadFilterHyperparameters, clock: Clock) -> State:
        """Update the velocity, then the position."""
        omega = grad.new_zeros(()) + hp.omega * clock.factor(hp.omega_decay, hp.decay_per)
        retention, stiffness = coefficients(omega, hp.zeta)
        v = state["v"].mul_(retention).add_((grad - state["y"]).mul_(stiffness))
        y = state["y"].add_(v)
        return {"theta": follow(state["theta"], -y), "v": v, "y": y}


def coefficients(omega: Tensor, zeta: float | Tensor) -> tuple[Tensor, Tensor]:
    """Return |z|^2 and |1 - z|^2 of the pole z, without the cancellation of 1 - 2 Re z + |z|^2 at small omega.

    Args:
        omega: natural frequency in radians per update.
        zeta: damping in (0, 1], a number or a tensor that broadcasts with omega.
    """
    decay, angle = omega * zeta, omega * (1 - zeta**2) ** 0.5
    return (-2 * decay).exp(), (-decay).expm1() ** 2 + 4 * (-decay).exp() * (angle / 2).sin() ** 2
