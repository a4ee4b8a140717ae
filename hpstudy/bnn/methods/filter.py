"""The gradient filter: binary weights follow the sign of a gradient that is smoothed twice. There are no latent weights.

Quist, Li and van Gemert, ICLR 2023, Eq. 11-13. https://arxiv.org/abs/2303.02452
"""

from __future__ import annotations

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.schedules import Clock, Decay, Per


class FilterHyperparameters(Hyperparameters):
    """3 hyperparameters (Table 1, lower row) and how often the schedule is updated. None is based on magnitudes."""

    alpha: float = hyperparameter(
        1e-3, "rate of the slow filter: its window is about 1/alpha updates; 0 never forgets", ge=0, le=1
    )
    gamma: float = hyperparameter(0.1, "rate of the fast filter; 1 switches it off (a first-order filter)", gt=0, le=1)
    alpha_decay: Decay = hyperparameter("cosine", "schedule of alpha")
    decay_per: Per = hyperparameter("epoch", "how often the schedule is updated")


class Filter(Method[FilterHyperparameters]):
    """The negative sign of two exponential moving averages in series.

        m_i = (1 - gamma) m_{i-1} + gamma G_i                                   (11)
        g_i = (1 - alpha_i) g_{i-1} + alpha_i m_i,   alpha_i = alpha f_i        (12)
        theta_i = -sign(g_i)                                                    (13)

    Here f_i is the factor of the schedule, and g_{-1} = m_{-1} = 0. The state holds g/alpha,

        g'_i = (1 - alpha_i) g'_{i-1} + f_i m_i,

    which has the same signs and does not underflow for any alpha. alpha = 0 is an accumulator, which the paper approximates with
    alpha = 1e-20. The single difference equation (17) is not used: it equals the cascade only for constant alpha, and it loses
    precision. There is no bias correction (section 3 of the paper).

    State: theta; m, fast filter; g, slow filter divided by alpha.

    >>> Filter().example(alpha=0.1, gamma=0.5)["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: FilterHyperparameters, generator: Generator) -> State:
        """Start with random signs and filters of 0."""
        return {"theta": initial_signs(noise), "m": noise.new_zeros(noise.shape), "g": noise.new_zeros(noise.shape)}

    def update(self, state: State, grad: Tensor, hp: FilterHyperparameters, clock: Clock) -> State:
        """Apply Eq. 11-13."""
        f = clock.factor(hp.alpha_decay, hp.decay_per)
        m = state["m"].lerp_(grad, hp.gamma)
        g = state["g"].mul_(1 - hp.alpha * f).add_(m, alpha=f)
        return {"theta": follow(state["theta"], -g), "m": m, "g": g}
