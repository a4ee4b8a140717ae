"""The two optimizers of binary networks: a method for the binary weights, SGD or Adam for all the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hpstudy.bnn.layers import binary_weights, real_parameters
from hpstudy.bnn.methods.interface import Hyperparameters, Method, State, shared_choices
from hpstudy.bnn.schedules import Clock
from hpstudy.bnn.settings import RealOptimizer
from hpstudy.bnn.stack import Stack


@dataclass
class _Group:
    """Networks whose hyperparameters differ in numbers only.

    Attributes:
        slots: which networks of the stack.
        rows: the same as a tensor on the device.
        hp: their hyperparameters; numbers are tensors (len(slots), 1, 1), or plain where there is no stack.
        states: the method's, for every layer.
    """

    slots: list[int]
    rows: Tensor
    hp: Hyperparameters
    states: list[State]


class BinaryOptimizer:
    """Keeps a method's state of every binary layer, and the layers' weights in step with it.

    Args:
        network: whose binary layers are trained; their weights are set at once. One network, or a stack (`hpstudy.bnn.stack`).
        method: the update rule.
        hps: the method's hyperparameters, for every network of the stack.
        noise: for every network and binary layer (filters, fan_in) numbers that theta_0 and w_0 come from, standard normal
            (`initial_noise`) or the weights of a first step scaled to deviation 1; the same for every method, so that all start from
            the same signs.
        generators: for the method's other draws, one for every network.
        clock: the start of training.
    """

    def __init__(
        self,
        network: nn.Module,
        method: Method[Any],
        hps: Sequence[Hyperparameters],
        *,
        noise: Sequence[list[Tensor]],
        generators: Sequence[torch.Generator],
        clock: Clock,
    ) -> None:
        self.weights = binary_weights(network)
        self.method = method
        self.size = len(hps)
        self._groups: list[_Group] = []
        for slots, hp in shared_choices(hps, self.weights[0]):
            states = [[method.init(z, hps[slot], generators[slot]) for z in noise[slot]] for slot in slots]
            rows = torch.tensor(slots, device=self.weights[0].device)
            self._groups.append(_Group(slots, rows, hp, states[0] if self.size == 1 else _stacked(states)))
        self._places = {slot: (i, place) for i, group in enumerate(self._groups) for place, slot in enumerate(group.slots)}
        self._put(self.method.weight, clock)

    @property
    def states(self) -> list[list[State]]:
        """The method's, for every group of networks with the same choices and every layer."""
        return [group.states for group in self._groups]

    @states.setter
    def states(self, states: list[list[State]]) -> None:
        for group, own in zip(self._groups, states, strict=True):
            group.states = own

    def thetas(self) -> list[Tensor]:
        """The binary weights in {-1, +1} of every group and layer: (networks, filters, fan_in); (filters, fan_in) without a stack."""
        return [state["theta"] for group in self._groups for state in group.states]

    def own(self, slot: int, tensors: list[Tensor]) -> list[Tensor]:
        """The part of one network of `tensors`, which are shaped as `thetas` returns them: views (filters, fan_in) for every layer."""
        if self.size == 1:
            return tensors
        group, place = self._places[slot]
        layers = len(self.weights)
        return [tensor[place] for tensor in tensors[group * layers : (group + 1) * layers]]

    @torch.no_grad()
    def start_epoch(self, clock: Clock) -> None:
        """What the method does once per epoch; leaves the training weights in the layers."""
        for group in self._groups:
            group.states = [self.method.start_epoch(state, group.hp, clock) for state in group.states]
        self._put(self.method.weight, clock)

    @torch.no_grad()
    def step(self, clock: Clock) -> None:
        """One update from the gradients in the layers, which are taken away."""
        for layer, weight in enumerate(self.weights):
            assert weight.grad is not None, "step comes after backward"
            grad = weight.grad.flatten(1) if self.size == 1 else self._apart(weight.grad).flatten(2)
            for group in self._groups:
                own = grad if len(group.slots) == self.size else grad[group.rows]
                group.states[layer] = self.method.update(group.states[layer], own, group.hp, clock)
            weight.grad = None
        self._put(self.method.weight, clock)

    @torch.no_grad()
    def use_evaluation_weights(self, clock: Clock) -> None:
        """Put the evaluation weights into the layers, until the next `start_epoch`."""
        self._put(self.method.evaluation_weight, clock)

    @torch.no_grad()
    def _put(self, rule: Callable[[State, Any, Clock], Tensor], clock: Clock) -> None:
        for group in self._groups:
            for weight, state in zip(self.weights, group.states, strict=True):
                values = rule(state, group.hp, clock)
                if len(group.slots) == self.size:
                    weight.copy_(values.view_as(weight))
                else:
                    apart = self._apart(weight)
                    apart.index_copy_(0, group.rows, values.view(-1, *apart.shape[1:]))

    def _apart(self, weight: Tensor) -> Tensor:
        """(K filters, ...) -> (K, filters, ...)."""
        return weight.unflatten(0, (self.size, -1))  # type: ignore[no-any-return, no-untyped-call]


def _stacked(states: Sequence[Sequence[State]]) -> list[State]:
    """For every layer the states of all networks as one, stacked in a new first dimension."""
    return [{name: torch.stack([own[name] for own in layer]) for name in layer[0]} for layer in zip(*states, strict=True)]


def initial_noise(network: nn.Module, generator: torch.Generator) -> list[Tensor]:
    """(filters, fan_in) standard normal numbers for every binary layer, drawn on the CPU: the same on every device."""
    return [
        torch.randn(weight.shape, generator=generator, dtype=weight.dtype).flatten(1).to(weight.device)
        for weight in binary_weights(network)
    ]


def trained_noise(network: nn.Module) -> list[Tensor]:
    """The real weights that stand in the binary layers, scaled in every layer to deviation 1: where a second step starts."""
    return [weight.detach().flatten(1).div(weight.detach().std()) for weight in binary_weights(network)]


def real_optimizer(network: nn.Module, settings: RealOptimizer) -> torch.optim.Optimizer:
    """The optimizer of the parameters that are not binary; `set_learning_rate` moves its schedule."""
    decaying, others = network.real if isinstance(network, Stack) else real_parameters(network)
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
