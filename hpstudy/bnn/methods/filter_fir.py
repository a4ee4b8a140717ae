"""The gradient filter with finite memory: the mean of the most recent gradients.

A filter in the form of Quist, Li and van Gemert, ICLR 2023, Eq. 14 with Q = 0. https://arxiv.org/abs/2303.02452
"""

from __future__ import annotations

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.schedules import Clock


class FIRFilterHyperparameters(Hyperparameters):
    """One hyperparameter, not based on magnitudes."""

    window: int = hyperparameter(
        100,
        "number of averaged gradients; memory and time increase with it, because it is also the number of stored tensors",
        ge=1,
    )


class FIRFilter(Method[FIRFilterHyperparameters]):
    """The negative sign of the sum of the last L gradients.

        theta_i = -sign(G_i + G_{i-1} + ... + G_{i-L+1}),   G_i = 0 for i < 0

    The sum is computed at every update. A running sum would accumulate rounding errors, but the sum must be exactly 0 for a weight whose
    last L gradients are all 0. The window has no schedule.

    State: theta; recent, the last L gradients, (*stack, L, filters, fan_in), in the order of update modulo L.

    >>> FIRFilter().example(window=10)["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: FIRFilterHyperparameters, generator: Generator) -> State:
        """Start with random signs and a window of zeros."""
        *stack, filters, fan_in = noise.shape
        return {"theta": initial_signs(noise), "recent": noise.new_zeros((*stack, hp.window, filters, fan_in))}

    def update(self, state: State, grad: Tensor, hp: FIRFilterHyperparameters, clock: Clock) -> State:
        """Replace the oldest gradient in the window by the new one."""
        recent = state["recent"]
        recent.select(-3, clock.update % hp.window).copy_(grad)
        return {"theta": follow(state["theta"], -recent.sum(-3)), "recent": recent}
