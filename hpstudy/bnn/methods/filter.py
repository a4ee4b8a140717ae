"""The gradient filter: binary weights follow the sign of a twice-smoothed gradient (the paper, Eq. 11-13). No latent weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpstudy.bnn.methods.interface import Hyperparameters, Method, State, follow, hyperparameter, initial_signs
from hpstudy.bnn.schedules import Clock, Decay, Per, factor

if TYPE_CHECKING:
    import torch


class FilterHyperparameters(Hyperparameters):
    """Table 1, lower row: 3 hyperparameters, none of them based on magnitudes."""

    alpha: float = hyperparameter(
        1e-3, "rate of the slow filter: its window is about 1/alpha updates; 0 never forgets", magnitude_based=False, ge=0, le=1
    )
    gamma: float = hyperparameter(
        0.1, "rate of the fast filter; 1 switches it off (a first-order filter)", magnitude_based=False, gt=0, le=1
    )
    alpha_decay: Decay = hyperparameter("cosine", "schedule of alpha", magnitude_based=False)
    decay_per: Per = hyperparameter("epoch", "how often the schedule moves", magnitude_based=False)


class Filter(Method[FilterHyperparameters]):
    """Two exponential moving averages in cascade, of which only the sign matters.

        m_i = (1 - gamma) m_{i-1} + gamma G_i                                   (11)
        g_i = (1 - alpha_i) g_{i-1} + alpha_i m_i,   alpha_i = alpha f_i        (12)
        theta_i = -sign(g_i)                                                    (13)

    with f_i the schedule's factor, and g_{-1} = m_{-1} = 0. The state keeps g/alpha,

        g'_i = (1 - alpha_i) g'_{i-1} + f_i m_i,

    which has the same signs and underflows for no alpha; alpha = 0 becomes the plain accumulator that the paper approaches by
    alpha = 1e-20. The single difference equation (17) equals the cascade for constant alpha only, and loses precision: it is not
    used here. No bias correction (section 3 of the paper).

    State: theta; m, fast filter; g, slow filter divided by alpha.
    """

    def init(self, noise: torch.Tensor, hp: FilterHyperparameters, generator: torch.Generator) -> State:
        """Random signs, empty filters."""
        return {"theta": initial_signs(noise), "m": noise.new_zeros(noise.shape), "g": noise.new_zeros(noise.shape)}

    def update(self, state: State, grad: torch.Tensor, hp: FilterHyperparameters, clock: Clock) -> State:
        """Eq. 11-13."""
        f = factor(hp.alpha_decay, clock.elapsed(hp.decay_per))
        m = state["m"].lerp_(grad, hp.gamma)
        g = state["g"].mul_(1 - hp.alpha * f).add_(m, alpha=f)
        return {"theta": follow(state["theta"], -g), "m": m, "g": g}
