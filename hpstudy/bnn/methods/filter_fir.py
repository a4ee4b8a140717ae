"""The gradient filter of finite memory: the mean of the last gradients (the paper, Eq. 14, with Q = 0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpstudy.bnn.methods.interface import Hyperparameters, Method, State, follow, hyperparameter, initial_signs
from hpstudy.bnn.schedules import Clock

if TYPE_CHECKING:
    import torch


class FIRFilterHyperparameters(Hyperparameters):
    """One hyperparameter, not based on magnitudes."""

    window: int = hyperparameter(
        100,
        "number of gradients averaged; memory and time grow with it: it is also the number of tensors kept",
        magnitude_based=False,
        ge=1,
    )


class FIRFilter(Method[FIRFilterHyperparameters]):
    """The last L gradients with equal weight, of which only the sign of the sum matters.

        theta_i = -sign(G_i + G_{i-1} + ... + G_{i-L+1}),   G_i = 0 for i < 0

    The sum is computed again at every update: a running sum would accumulate rounding errors, and a weight whose last L gradients
    are all 0 must have a sum of exactly 0. A window does not decay.

    State: theta; recent, the last L gradients, (*stack, L, filters, fan_in), in the order of update modulo L.
    """

    def init(self, noise: torch.Tensor, hp: FIRFilterHyperparameters, generator: torch.Generator) -> State:
        """Random signs, empty window."""
        *stack, filters, fan_in = noise.shape
        return {"theta": initial_signs(noise), "recent": noise.new_zeros((*stack, hp.window, filters, fan_in))}

    def update(self, state: State, grad: torch.Tensor, hp: FIRFilterHyperparameters, clock: Clock) -> State:
        """The gradient of L updates ago makes room for the new one."""
        recent = state["recent"]
        recent.select(-3, clock.update % hp.window).copy_(grad)
        return {"theta": follow(state["theta"], -recent.sum(-3)), "recent": recent}
