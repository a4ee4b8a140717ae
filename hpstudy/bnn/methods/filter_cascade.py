"""The gradient filter of order 2 to 4: exponential moving averages in series, one of them slow.

A filter in the form of Quist, Li and van Gemert, ICLR 2023, Eq. 14. https://arxiv.org/abs/2303.02452
"""

from __future__ import annotations

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.schedules import Clock, Decay, Per


class CascadeFilterHyperparameters(Hyperparameters):
    """5 hyperparameters, none of them based on magnitudes."""

    order: int = hyperparameter(
        2, "number of filters in series: 1 slow, the others fast; for a first-order filter set gamma to 1", ge=2, le=4
    )
    alpha: float = hyperparameter(
        1e-3, "rate of the slow filter: its window is about 1/alpha updates; 0 never forgets", ge=0, le=1
    )
    gamma: float = hyperparameter(0.1, "rate of each fast filter; 1 switches them off", gt=0, le=1)
    alpha_decay: Decay = hyperparameter("cosine", "schedule of alpha")
    decay_per: Per = hyperparameter("epoch", "how often the schedule is updated")


class CascadeFilter(Method[CascadeFilterHyperparameters]):
    """The negative sign of order - 1 fast filters and a slow one in series.

        m^1_i = (1 - gamma) m^1_{i-1} + gamma G_i,   m^j_i = (1 - gamma) m^j_{i-1} + gamma m^{j-1}_i,   j = 2 .. order - 1
        g_i = (1 - alpha_i) g_{i-1} + alpha_i m^{order-1}_i,   alpha_i = alpha f_i
        theta_i = -sign(g_i)

    Here f_i is the factor of the schedule, and all filters start at 0. For constant alpha this is Eq. 14 with the poles 1 - alpha and
    (order - 1 times) 1 - gamma, which are inside the unit circle. Order 2 is the method "filter". Unlike the difference equation of
    Eq. 14, the series stays exact while alpha decays. As in "filter", the state holds g/alpha.

    A higher order smooths more and delays more. At equal rates, noise flips fewer weights, and the mean delay of a gradient is
    (1 - alpha)/alpha + (order - 1)(1 - gamma)/gamma updates.

    State: theta; m1, m2, ..., fast filters; g, slow filter divided by alpha.

    >>> CascadeFilter().example(order=3, alpha=0.1, gamma=0.5)["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: CascadeFilterHyperparameters, generator: Generator) -> State:
        """Start with random signs and filters of 0."""
        filters = {name: noise.new_zeros(noise.shape) for name in (*_fast(hp), "g")}
        return {"theta": initial_signs(noise), **filters}

    def update(self, state: State, grad: Tensor, hp: CascadeFilterHyperparameters, clock: Clock) -> State:
        """Update the fast filters, then the slow one."""
        f = clock.factor(hp.alpha_decay, hp.decay_per)
        signal = grad
        for name in _fast(hp):
            signal = state[name].lerp_(signal, hp.gamma)
        g = state["g"].mul_(1 - hp.alpha * f).add_(signal, alpha=f)
        return {**state, "theta": follow(state["theta"], -g)}


def _fast(hp: CascadeFilterHyperparameters) -> list[str]:
    """Return the names of the fast filters, in series."""
    return [f"m{j}" for j in range(1, hp.order)]
