"""The two optimizers of a binary network: a method for the binary weights, SGD or Adam for all the rest."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hpstudy.bnn.layers import binary_weights
from hpstudy.bnn.methods.interface import Hyperparameters, Method, State
from hpstudy.bnn.schedules import Clock
from hpstudy.bnn.settings import RealOptimizer


class BinaryOptimizer:
    """Keeps a method's state of every binary layer, and the layers' weights in step with it.

    Args:
        network: whose binary layers are trained; their weights are set at once.
        method: the update rule.
        hp: the method's hyperparameters.
        noise: for every binary layer (filters, fan_in) numbers that theta_0 and w_0 come from, standard normal (`initial_noise`) or
            the weights of a first step scaled to deviation 1; the same for every method, so that all start from the same signs.
        generator: for the method's other draws.
        clock: the start of training.
    """

    def __init__(
        self,
        network: nn.Module,
        method: Method[Any],
        hp: Hyperparameters,
        *,
        noise: list[Tensor],
        generator: torch.Generator,
        clock: Clock,
    ) -> None:
        self.weights = binary_weights(network)
        self.method = method
        self.hp = hp
        self.states: list[State] = [method.init(z, hp, generator) for z in noise]
        self._put(clock)

    @property
    def thetas(self) -> list[Tensor]:
        """The binary weights of every layer, in {-1, +1}, shape (filters, fan_in)."""
        return [state["theta"] for state in self.states]

    @torch.no_grad()
    def start_epoch(self, clock: Clock) -> None:
        """What the method does once per epoch; leaves the training weights in the layers."""
        self.states = [self.method.start_epoch(state, self.hp, clock) for state in self.states]
        self._put(clock)

    @torch.no_grad()
    def step(self, clock: Clock) -> None:
        """One update from the gradients in the layers, which are taken away."""
        for layer, weight in enumerate(self.weights):
            assert weight.grad is not None, "step comes after backward"
            self.states[layer] = self.method.update(self.states[layer], weight.grad.flatten(1), self.hp, clock)
            weight.grad = None
        self._put(clock)

    @torch.no_grad()
    def use_evaluation_weights(self, clock: Clock) -> None:
        """Put the evaluation weights into the layers, until the next `start_epoch`."""
        for weight, state in zip(self.weights, self.states, strict=True):
            weight.copy_(self.method.evaluation_weight(state, self.hp, clock).view_as(weight))

    @torch.no_grad()
    def _put(self, clock: Clock) -> None:
        for weight, state in zip(self.weights, self.states, strict=True):
            weight.copy_(self.method.weight(state, self.hp, clock).view_as(weight))


def initial_noise(network: nn.Module, generator: torch.Generator) -> list[Tensor]:
    """(filters, fan_in) standard normal numbers for every binary layer, drawn on the CPU: the same on every device."""
    return [
        torch.randn(weight.shape, generator=generator, dtype=weight.dtype).flatten(1).to(weight.device)
        for weight in binary_weights(network)
    ]


def trained_noise(network: nn.Module) -> list[Tensor]:
    """The real weights that stand in the binary layers, scaled in every layer to deviation 1: where a second step starts."""
    return [weight.detach().flatten(1).div(weight.detach().std()) for weight in binary_weights(network)]


def real_parameters(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The parameters that are not binary: those that decay, and those of batch normalisation, which do not."""
    binary = {id(weight) for weight in binary_weights(network)}
    norms = {id(p) for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) for p in m.parameters()}
    real = [p for p in network.parameters() if id(p) not in binary]
    return [p for p in real if id(p) not in norms], [p for p in real if id(p) in norms]


def real_optimizer(network: nn.Module, settings: RealOptimizer) -> torch.optim.Optimizer:
    """The optimizer of the parameters that are not binary; `set_learning_rate` moves its schedule."""
    decaying, others = real_parameters(network)
    groups = [
        {"params": decaying, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if settings.name == "adam":
        return torch.optim.Adam(groups, lr=settings.learning_rate, betas=(settings.momentum, 0.999), fused=True)
    return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=settings.momentum, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """The same learning rate for every group."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
