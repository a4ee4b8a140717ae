"""The two optimizers of binary networks: a method for the binary weights, and SGD or Adam for the other parameters."""

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
    """Networks whose hyperparameters differ only in real numbers.

    Attributes:
        slots: indices of the networks in the stack.
        rows: the same indices as a tensor on the device.
        hp: their hyperparameters. Real numbers are tensors (len(slots), 1, 1), or floats without a stack.
        states: state of the method for every layer.
    """

    slots: list[int]
    rows: Tensor
    hp: Hyperparameters
    states: list[State]


class BinaryOptimizer:
    """Optimizer of the binary weights. It holds the method's state of every binary layer and writes the weights to the layers.

    Args:
        network: one network, or a stack (`hpstudy.bnn.stack`). The constructor sets the weights of its binary layers.
        method: the update rule.
        hps: hyperparameters of the method for every network of the stack.
        noise: (filters, fan_in) numbers for every network and binary layer, from which theta_0 and w_0 are computed: standard normal
            (`initial_noise`), or the weights of a first step scaled to deviation 1. They are the same for every method, so that all methods
            start from the same signs.
        generators: generators for other random draws of the method, one for every network.
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
            states = [[method.init(z.clone(), hps[slot], generators[slot]) for z in noise[slot]] for slot in slots]
            rows = torch.tensor(slots, device=self.weights[0].device)
            self._groups.append(_Group(slots, rows, hp, states[0] if self.size == 1 else _stacked(states)))
        self._positions = {slot: (i, index) for i, group in enumerate(self._groups) for index, slot in enumerate(group.slots)}
        self._write(self.method.weight, clock)

    @property
    def states(self) -> list[list[State]]:
        """States of the method, for every group of networks and every layer."""
        return [group.states for group in self._groups]

    @states.setter
    def states(self, states: list[list[State]]) -> None:
        for group, group_states in zip(self._groups, states, strict=True):
            group.states = group_states

    def thetas(self) -> list[Tensor]:
        """Return the binary weights in {-1, +1} of every group and layer.

        Shapes are (networks, filters, fan_in) in a stack, and (filters, fan_in) for one network.
        """
        return [state["theta"] for group in self._groups for state in group.states]

    def part_of(self, slot: int, tensors: list[Tensor]) -> list[Tensor]:
        """Return views (filters, fan_in) of one network's part of `tensors` for every layer. `tensors` have the shapes of `thetas`."""
        if self.size == 1:
            return tensors
        group, index = self._positions[slot]
        layers = len(self.weights)
        return [tensor[index] for tensor in tensors[group * layers : (group + 1) * layers]]

    @torch.no_grad()
    def start_epoch(self, clock: Clock) -> None:
        """Call the method's `start_epoch`, and write the training weights to the layers."""
        for group in self._groups:
            group.states = [self.method.start_epoch(state, group.hp, clock) for state in group.states]
        self._write(self.method.weight, clock)

    @torch.no_grad()
    def step(self, clock: Clock) -> None:
        """Apply one update with the gradients of the layers, and set these gradients to None."""
        for layer, weight in enumerate(self.weights):
            assert weight.grad is not None, "step comes after backward"
            grad = weight.grad.flatten(1) if self.size == 1 else self._by_network(weight.grad).flatten(2)
            for group in self._groups:
                part = grad if len(group.slots) == self.size else grad[group.rows]
                state = self.method.update(group.states[layer], part, group.hp, clock)
                # A method may keep the gradient, but a recording writes the next one to the same memory (`hpstudy.bnn.passes`).
                group.states[layer] = {name: each.clone() if _shares_memory(each, grad) else each for name, each in state.items()}
            weight.grad = None
        self._write(self.method.weight, clock)

    @torch.no_grad()
    def use_evaluation_weights(self, clock: Clock) -> None:
        """Write the evaluation weights to the layers. They stay until the next `start_epoch`."""
        self._write(self.method.evaluation_weight, clock)

    @torch.no_grad()
    def _write(self, rule: Callable[[State, Any, Clock], Tensor], clock: Clock) -> None:
        for group in self._groups:
            for weight, state in zip(self.weights, group.states, strict=True):
                values = rule(state, group.hp, clock)
                if len(group.slots) == self.size:
                    weight.copy_(values.view_as(weight))
                else:
                    by_network = self._by_network(weight)
                    by_network.index_copy_(0, group.rows, values.view(-1, *by_network.shape[1:]))

    def _by_network(self, weight: Tensor) -> Tensor:
        """View the weight by network: (K filters, ...) -> (K, filters, ...)."""
        return weight.unflatten(0, (self.size, -1))  # type: ignore[no-any-return, no-untyped-call]


def _shares_memory(one: Tensor, other: Tensor) -> bool:
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def _stacked(states: Sequence[Sequence[State]]) -> list[State]:
    """Stack the states of all networks in a new first dimension, for every layer."""
    return [{name: torch.stack([state[name] for state in layer]) for name in layer[0]} for layer in zip(*states, strict=True)]


def initial_noise(network: nn.Module, generator: torch.Generator) -> list[Tensor]:
    """Draw (filters, fan_in) standard normal numbers for every binary layer, on the CPU: they are the same on every device."""
    return [
        torch.randn(weight.shape, generator=generator, dtype=weight.dtype).flatten(1).to(weight.device)
        for weight in binary_weights(network)
    ]


def trained_noise(network: nn.Module) -> list[Tensor]:
    """Return the real weights in the binary layers, scaled to deviation 1 per layer. A second step starts from them."""
    return [weight.detach().flatten(1).div(weight.detach().std()) for weight in binary_weights(network)]


def real_optimizer(network: nn.Module, settings: RealOptimizer) -> torch.optim.Optimizer:
    """Create the optimizer of the parameters that are not binary. The training loop applies the schedule."""
    decaying, others = network.real if isinstance(network, Stack) else real_parameters(network)
    groups = [
        {"params": decaying, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if settings.name == "adam":
        on_cuda = binary_weights(network)[0].is_cuda  # its step can be recorded there
        betas = (settings.momentum, 0.999)
        return torch.optim.Adam(groups, lr=settings.learning_rate, betas=betas, fused=True, capturable=on_cuda)
    return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=settings.momentum, fused=True)
