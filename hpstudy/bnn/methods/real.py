"""Real weights under SGD: the reference without binary weights.

As the first step of two: Martinez et al., "Training binary neural networks with real-to-binary convolutions", ICLR 2020,
https://arxiv.org/abs/2003.11535; ReActNet, https://arxiv.org/abs/2003.03488.
"""

from __future__ import annotations

from typing import Literal

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.methods.latent import he_deviation, library_step
from hpstudy.bnn.schedules import Clock, Decay, Per
from hpstudy.bnn.settings import Surrogate


class RealSGDHyperparameters(Hyperparameters):
    """Hyperparameters of SGD, and the activation."""

    learning_rate: float = hyperparameter(0.1, "step size of the weights", magnitude_based=True, gt=0)
    learning_rate_decay: Decay = hyperparameter("cosine", "schedule of the learning rate", magnitude_based=True)
    momentum_rate: float = hyperparameter(0.1, "rate of the momentum filter: 1 - momentum", gt=0, le=1)
    weight_decay: float = hyperparameter(1e-4, "weight decay", magnitude_based=True, ge=0)
    init_scale: float = hyperparameter(
        1.0, "deviation of the normal initial weights, as a multiple of sqrt(2 / fan_in)", magnitude_based=True, gt=0
    )
    activation: Literal["task", "relu", "hardtanh"] = hyperparameter(
        "task", "task: the binary activation of the task; relu or hardtanh: a real-valued activation instead"
    )
    decay_per: Per = hyperparameter("epoch", "how often the schedule is updated")


class RealSGD(Method[RealSGDHyperparameters]):
    """SGD in the convention of deep-learning libraries, on weights that the network uses directly.

        V_i = (1 - momentum_rate) V_{i-1} + G_i + weight_decay w_{i-1}
        w_i = w_{i-1} - epsilon_i V_i

    With a real-valued activation this is the full-precision reference, from which the cost of binary weights and activations is measured.
    With the task's binary activation it is the first step of the two-step strategy: real weights first, then binary weights that start
    from their signs (Martinez et al., 2020; ReActNet).

    theta, the signs of w, is used only to count flips. A weight of exactly 0 is used as 0, while its theta keeps its value.

    State: theta; w, weight; m, momentum V.

    >>> RealSGD().example(learning_rate=1.0)["w"]
    tensor([[-0.6465, -1.7070,  2.0606,  0.8586]])
    """

    def init(self, noise: Tensor, hp: RealSGDHyperparameters, generator: Generator) -> State:
        """Start with w_0 = init_scale sqrt(2 / fan_in) noise."""
        w = noise * (hp.init_scale * he_deviation(noise))
        return {"theta": initial_signs(noise), "w": w, "m": noise.new_zeros(noise.shape)}

    def update(self, state: State, grad: Tensor, hp: RealSGDHyperparameters, clock: Clock) -> State:
        """Apply one step of SGD."""
        epsilon = hp.learning_rate * clock.factor(hp.learning_rate_decay, hp.decay_per)
        w, m = library_step(
            state["w"], state["m"], grad, step=epsilon, momentum_rate=hp.momentum_rate, weight_decay=hp.weight_decay
        )
        return {"theta": follow(state["theta"], w), "w": w, "m": m}

    def weight(self, state: State, hp: RealSGDHyperparameters, clock: Clock) -> Tensor:
        """Return the real weights w."""
        return state["w"]

    def activation(self, hp: RealSGDHyperparameters) -> Surrogate | None:
        """Return the real-valued activation, or None for that of the task."""
        return None if hp.activation == "task" else Surrogate(hp.activation)
