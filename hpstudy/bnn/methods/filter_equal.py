"""The gradient filter with equal poles: one rate, any order (the paper, Eq. 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpstudy.bnn.methods.interface import Hyperparameters, Method, State, follow, hyperparameter, initial_signs
from hpstudy.bnn.schedules import Clock, Decay, Per, factor

if TYPE_CHECKING:
    import torch


class EqualFilterHyperparameters(Hyperparameters):
    """4 hyperparameters, none of them based on magnitudes."""

    order: int = hyperparameter(2, "number of filters in series, all of the same rate", magnitude_based=False, ge=1, le=4)
    alpha: float = hyperparameter(
        1e-2, "rate of every filter: each delays by about 1/alpha updates; 0 never forgets", magnitude_based=False, ge=0, le=1
    )
    alpha_decay: Decay = hyperparameter("cosine", "schedule of alpha", magnitude_based=False)
    decay_per: Per = hyperparameter("epoch", "how often the schedule moves", magnitude_based=False)


class EqualFilter(Method[EqualFilterHyperparameters]):
    """`order` exponential moving averages in series with one rate, of which only the sign matters.

        g^j_i = (1 - alpha_i) g^j_{i-1} + alpha_i g^{j-1}_i,   g^0 = G,   j = 1 .. order,   alpha_i = alpha f_i
        theta_i = -sign(g^order_i)

    with f_i the schedule's factor and all filters empty at first. Under constant alpha a gradient of r updates ago weighs
    about r^(order-1) (1 - alpha)^r, and its mean delay is order (1 - alpha) / alpha. The state keeps g^j / alpha^j, which has the
    same signs and underflows for no alpha.

    State: theta; g1, g2, ..., filters in series, the j-th divided by alpha^j.
    """

    def init(self, noise: torch.Tensor, hp: EqualFilterHyperparameters, generator: torch.Generator) -> State:
        """Random signs, empty filters."""
        filters = {name: noise.new_zeros(noise.shape) for name in _names(hp)}
        return {"theta": initial_signs(noise), **filters}

    def update(self, state: State, grad: torch.Tensor, hp: EqualFilterHyperparameters, clock: Clock) -> State:
        """All filters, each on the output of the one before."""
        f = factor(hp.alpha_decay, clock.elapsed(hp.decay_per))
        signal = grad
        for name in _names(hp):
            signal = state[name].mul_(1 - hp.alpha * f).add_(signal, alpha=f)
        return {**state, "theta": follow(state["theta"], -signal)}


def _names(hp: EqualFilterHyperparameters) -> list[str]:
    """Names of the filters, in series."""
    return [f"g{j}" for j in range(1, hp.order + 1)]
