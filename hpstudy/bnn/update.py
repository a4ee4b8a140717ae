"""The update of all weights after a backward pass. On CUDA it is recorded once in every epoch and replayed."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hpstudy.bnn import recording
from hpstudy.bnn.flips import FlipCounter
from hpstudy.bnn.methods.interface import State
from hpstudy.bnn.optimizers import BinaryOptimizer
from hpstudy.bnn.schedules import Clock, EpochClock, UpdateNumberRead, warmed_up
from hpstudy.bnn.settings import RealOptimizer
from hpstudy.bnn.stack import Stack


class Update:
    """An update of the binary weights by their method and of all others by SGD or Adam. It counts the flips.

    Args:
        network: one network, or a stack (`hpstudy.bnn.stack`).
        binary: optimizer of the binary weights.
        real: optimizer of the other parameters.
        schedule: schedule of its learning rate.
        flips: counter of the flips.
    """

    def __init__(
        self,
        network: nn.Module,
        binary: BinaryOptimizer,
        real: torch.optim.Optimizer,
        schedule: RealOptimizer,
        flips: FlipCounter,
    ) -> None:
        self.binary = binary
        self.real = real
        self.flips = flips
        self._schedule = schedule
        self._parameters = list(network.parameters())
        self._stacked = isinstance(network, Stack)  # gradients in a stack are views: they are set to 0, not to None

    def start_epoch(self, clock: Clock) -> None:
        """Start an epoch of the method, and write the training weights to the network."""
        self.binary.start_epoch(clock)

    def __call__(self, clock: Clock) -> None:
        """Apply the gradients of a backward pass, and clear them."""
        schedule = self._schedule
        learning_rate = schedule.learning_rate * warmed_up(schedule.decay, clock, schedule.decay_per, schedule.warmup_epochs)
        for group in self.real.param_groups:
            group["lr"] = learning_rate
        self.real.step()
        self.real.zero_grad(set_to_none=not self._stacked)
        self.binary.step(clock)
        self.flips.count(self.binary.thetas())


class RecordedUpdate(Update):
    """The update as a CUDA graph, with bit-identical results.

    All updates of an epoch are the same operations, unless a schedule or method reads the number of the update. The first one is launched
    operation by operation, because the optimizers create their states in the first update of a training. The second one is recorded if
    its gradients are in the same memory (`hpstudy.bnn.passes`), and replayed. A method that waits for the device is not recorded.
    """

    _recording: recording.Recording[None] | None = None
    _recordable = True
    _gradients: Sequence[Tensor | None] = ()
    _cleared: Sequence[Tensor | None] = ()

    def start_epoch(self, clock: Clock) -> None:
        """Discard the recording."""
        super().start_epoch(clock)
        self._recording, self._gradients = None, ()

    def __call__(self, clock: Clock) -> None:
        """Replay the update, or record it first."""
        before, self._gradients = self._gradients, self._current_gradients()
        if len(before) == 0 or any(map(operator.is_not, before, self._gradients)):
            self._recording = None
        elif not self._recording and self._recordable:
            self._record(clock)
        if self._recording:
            self._recording.replay()
            self._set_gradients(self._cleared)
        else:
            super().__call__(clock)

    def _record(self, clock: Clock) -> None:
        # Dictionaries of its own: a method may replace tensors in those that it is given.
        states = [[dict(state) for state in layers] for layers in self.binary.states]
        epoch_clock = EpochClock(clock.epoch, clock.epochs, clock.update, clock.updates)

        def call() -> None:
            super(RecordedUpdate, self).__call__(epoch_clock)
            _overwrite(states, self.binary.states)

        try:
            self._recording = recording.record(call)
        except (RuntimeError, UpdateNumberRead):
            self._recordable = False
        finally:
            self.binary.states = states
            self._cleared = self._current_gradients()
            self._set_gradients(self._gradients)

    def _current_gradients(self) -> list[Tensor | None]:
        return [parameter.grad for parameter in self._parameters]

    def _set_gradients(self, gradients: Sequence[Tensor | None]) -> None:
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = gradient


def _overwrite(states: list[list[State]], new_states: list[list[State]]) -> None:
    """Copy the tensors of new states into those of the old ones, from which the next update reads.

    Raises:
        RuntimeError: the states differ in names, shapes or types.
    """
    replaced = []
    for layers, new_layers in zip(states, new_states, strict=True):
        for state, new_state in zip(layers, new_layers, strict=True):
            if _kinds(state) != _kinds(new_state):
                raise RuntimeError("an update changes names, shapes or types of a state")
            # A copy first: a new tensor can be the old one of another name.
            replaced += [(old, new_state[name].clone()) for name, old in state.items() if new_state[name] is not old]
    for old, new in replaced:
        old.copy_(new)


def _kinds(state: State) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in state.items()}


def update(
    network: nn.Module,
    binary: BinaryOptimizer,
    real: torch.optim.Optimizer,
    schedule: RealOptimizer,
    flips: FlipCounter,
    device: torch.device,
) -> Update:
    """Create the fastest update for a device."""
    return (RecordedUpdate if device.type == "cuda" else Update)(network, binary, real, schedule, flips)
