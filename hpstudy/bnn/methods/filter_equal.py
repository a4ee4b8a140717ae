"""The gradient filter with equal poles: one rate, order 1 to 4.

A filter in the form of Quist, Li and van Gemert, ICLR 2023, Eq. 14. https://arxiv.org/abs/2303.02452
"""

from __future__ import annotations

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.schedules import Clock, Decay, Per


class EqualFilterHyperparameters(Hyperparameters):
    """4 hyperparameters, none of them based on magnitudes."""

    order: int = hyperparameter(2, "number of filters in series, all of the same rate", ge=1, le=4)
    alpha: float = hyperparameter(1e-2, "rate of every filter: each delays by about 1/alpha updates; 0 never forgets", ge=0, le=1)
    alpha_decay: Decay = hyperparameter("cosine", "schedule of alpha")
    decay_per: Per = hyperparameter("epoch", "how often the schedule is updated")


class EqualFilter(Method[EqualFilterHyperparameters]):
    """The negative sign of `order` exponential moving averages in series with one rate.

        g^j_i = (1 - alpha_i) g^j_{i-1} + alpha_i g^{j-1}_i,   g^0 = G,   j = 1 .. order,   alpha_i = alpha f_i
        theta_i = -sign(g^order_i)

    Here f_i is the factor of the schedule, and all filters start at 0. For constant alpha the weight of a gradient r updates ago is
    about r^(order-1) (1 - alpha)^r, and the mean delay is order (1 - alpha) / alpha updates. The state holds g^j / alpha^j, which has
    the same signs and does not underflow for any alpha.

    State: theta; g1, g2, ..., filters in series, the j-th divided by alpha^j.

    >>> EqualFilter().example(order=2, alpha=0.1)["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: EqualFilterHyperparameters, generator: Generator) -> State:
        """Start with random signs and filters of 0."""
        filters = {name: noise.new_zeros(noise.shape) for name in _names(hp)}
        return {"theta": initial_signs(noise), **filters}

    def update(self, state: State, grad: Tensor, hp: EqualFilterHyperparameters, clock: Clock) -> State:
        """Update all filters, each with the output of the previous one."""
        f = clock.factor(hp.alpha_decay, hp.decay_per)
        signal = grad
        for name in _names(hp):
            signal = state[name].mul_(1 - hp.alpha * f).add_(signal, alpha=f)
        return {**state, "theta": follow(state["theta"], -signal)}


def _names(hp: EqualFilterHyperparameters) -> list[str]:
    """Return the names of the filters, in series."""
    return [f"g{j}" for j in range(1, hp.order + 1)]
