"""Training binary networks: one loop for every network and method, and for several networks side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hpstudy.bnn.batches import Data, epoch_batches
from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.distillation import distillation_loss
from hpstudy.bnn.flips import FlipCounter
from hpstudy.bnn.methods.interface import H, Method
from hpstudy.bnn.optimizers import BinaryOptimizer, real_optimizer, set_learning_rate
from hpstudy.bnn.passes import passes
from hpstudy.bnn.schedules import Clock, warmed_up
from hpstudy.bnn.settings import RealOptimizer, TrainSettings
from hpstudy.bnn.slot import Report, Slot
from hpstudy.bnn.snapshot import Snapshot
from hpstudy.bnn.stack import side_by_side
from hpstudy.bnn.steps import Step, steps
from hpstudy.checkpoint import Checkpoint
from hpstudy.errors import Diverged

Outcome: TypeAlias = dict[str, float] | Diverged
"""A network's metrics, or why it has none."""


def train(
    network: nn.Module,
    method: Method[H],
    hp: H,
    data: Data,
    settings: TrainSettings,
    *,
    seed: int,
    report: Report,
    teacher: nn.Module | None = None,
    checkpoint: Checkpoint | None = None,
) -> dict[str, float]:
    """Train, and measure after the last epoch (no choice of a best epoch, which would be a selection on the validation part).

    Args:
        network: with binary layers; trained in place.
        method: what trains the binary weights.
        hp: the method's hyperparameters.
        data: on the device and in the type of the network.
        settings: epochs, batch size, optimizer of the real-valued parameters, a first step.
        seed: of batch order, augmentation, initial binary weights, calibration batches and the method's own draws: five streams; all
            but the last are common to all methods.
        report: told of every epoch; those of a first step come first.
        teacher: a trained network, in evaluation mode; its outputs then take the place of the classes in the loss of training.
        checkpoint: keeps the state of a long training, which then continues after an interruption and ends with the same numbers.

    Returns:
        val_accuracy, val_loss, test_accuracy of the trained network, and with `settings.top_k` the accuracies of that number of guesses;
        train_accuracy, train_loss, flip_ratio, epoch_flip_rate of the last epoch, the first two as means over its updates;
        never_flipped since the (second) step began. Accuracies are shares.

    Raises:
        Diverged: a loss or a real-valued parameter is not finite.
    """
    (outcome,) = train_many(
        [network], method, [hp], data, settings, seeds=[seed], reports=[report], teacher=teacher, checkpoint=checkpoint
    )
    if isinstance(outcome, Diverged):
        raise outcome
    return outcome


def train_many(
    networks: Sequence[nn.Module],
    method: Method[H],
    hps: Sequence[H],
    data: Data,
    settings: TrainSettings,
    *,
    seeds: Sequence[int],
    reports: Sequence[Report],
    teacher: nn.Module | None = None,
    checkpoint: Checkpoint | None = None,
) -> list[Outcome]:
    """Train K networks of one shape in one pass, each with its own hyperparameters, seed and batch order.

    A network's numbers depend on its own arguments and on K, not on the other networks. For K = 1 they are those of `train`; for more
    they agree with them up to rounding, which training amplifies. A network that diverges ends alone.

    Memory: K times the parameters, method states and activations of one network; the data once.

    Args:
        networks: see `hpstudy.bnn.stack.Stack`; one network may be of any class.
        method: of all networks.
        hps: of each network.
        data: as in `train`.
        settings: of all networks.
        seeds: of each network.
        reports: of each network.
        teacher: of all networks.
        checkpoint: keeps the state of all networks together.

    Returns:
        For each network what `train` returns or raises.

    Raises:
        UsageError: the networks cannot be stacked.
    """
    slots = [Slot(network, seed, report, data) for network, seed, report in zip(networks, seeds, reports, strict=True)]
    training = _Training(slots, data, settings, teacher, checkpoint)
    with _reproducible(tf32=settings.precision == "tf32"):
        training.run(steps(method, hps, settings))
        return [slot.outcome(settings.top_k) for slot in slots]


@contextmanager
def _reproducible(*, tf32: bool) -> Iterator[None]:
    """On CUDA, the same kernels at every run. cuDNN would otherwise choose among them by their speed, and some add in no fixed order."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=tf32):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


class _Training:
    """The training of all slots' networks, in one step or two."""

    def __init__(
        self,
        slots: Sequence[Slot],
        data: Data,
        settings: TrainSettings,
        teacher: nn.Module | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        self.slots = slots
        self.network = side_by_side([slot.network for slot in slots])
        self.data = data
        self.batch_size = settings.batch_size
        self.teacher = teacher
        self.checkpoint = checkpoint
        self.reported = 0
        self.updates_per_epoch = max(len(data.train.y) // settings.batch_size, 1)
        self.activations = [module for module in self.network.modules() if isinstance(module, BinaryActivation)]
        self.passes = passes(self.network, len(slots), self._loss, data.train.y.device)

    def run(self, steps: Sequence[Step]) -> None:
        """Train step by step, from the checkpoint where there is one."""
        kept = self._kept()
        for number, step in enumerate(steps):
            if kept and number < kept.step:
                continue
            if number > 0 and not kept:
                for slot in self.slots:
                    slot.start_from_trained()
            self._step(number, step, kept)
            kept = None

    def _step(self, number: int, step: Step, kept: Snapshot | None) -> None:
        """Train for the step's epochs, from the slots' noise or from what was kept, as long as a network has not diverged."""
        settings = step.settings
        updates = settings.epochs * self.updates_per_epoch
        if kept:
            self._put_back_slots(kept)
        binary = BinaryOptimizer(
            self.network,
            step.method,
            step.hps,
            noise=[slot.noise for slot in self.slots],
            generators=[slot.generator("method") for slot in self.slots],
            clock=Clock(0, settings.epochs, 0, updates),
        )
        real = real_optimizer(self.network, settings.real_optimizer)
        if kept:
            self.network.load_state_dict(kept.network)
            binary.states = kept.states
            real.load_state_dict(kept.real)
        flips = FlipCounter(binary.thetas())
        for index, slot in enumerate(self.slots):
            slot.flips = flips.part(partial(binary.own, index), kept.never[index] if kept else None)
        for epoch in range(kept.epochs if kept else 0, settings.epochs):
            if all(slot.diverged for slot in self.slots):
                return
            clock = Clock(epoch, settings.epochs, epoch * self.updates_per_epoch, updates)
            training = self._epoch(binary, real, flips, settings.real_optimizer, clock)
            binary.use_evaluation_weights(clock)
            self.reported += 1
            for slot, hp, (loss, accuracy) in zip(self.slots, step.hps, training, strict=True):
                if not slot.diverged:
                    again = step.method.recalibrates(hp) or _recalibrates(settings, last=epoch + 1 == settings.epochs)
                    batches = min(settings.calibration_batches, self.updates_per_epoch) if again else 0
                    slot.end_epoch(self.reported, loss, accuracy, settings, batches)
            if self.checkpoint and self.checkpoint.due():
                self.checkpoint.save(self._snapshot(number, epoch + 1, binary, real).to_bytes())
        for slot in self.slots:
            slot.end_step(settings.initial_weight_bins)

    def _epoch(
        self, binary: BinaryOptimizer, real: torch.optim.Optimizer, flips: FlipCounter, schedule: RealOptimizer, start: Clock
    ) -> list[tuple[float, float]]:
        """Mean loss and accuracy over the epoch's updates, of every network.

        Nothing is read back from the device before the epoch ends.
        """
        self.network.train()
        self._start_activations(start)
        binary.start_epoch(start)
        losses, correct, samples = [], [], 0
        orders, augmentations = [slot.order for slot in self.slots], [slot.augmentation for slot in self.slots]
        batches = epoch_batches(self.data, self.batch_size, self.updates_per_epoch, orders, augmentations)
        for number, (x, y) in enumerate(batches):
            clock = Clock(start.epoch, start.epochs, start.update + number, start.updates)
            loss, right = self.passes(x, y)
            set_learning_rate(real, _learning_rate(schedule, clock))
            real.step()
            real.zero_grad(set_to_none=len(self.slots) == 1)  # a stack's are views
            binary.step(clock)
            flips.count(binary.thetas())
            losses.append(loss)
            correct.append(right)
            samples += len(y) // len(self.slots)
        accuracies = (torch.stack(correct).sum(0).float() / samples).tolist()
        means = [values.mean().item() for values in torch.stack(losses, 1)]
        return list(zip(means, accuracies, strict=True))

    def _start_activations(self, clock: Clock) -> None:
        before = [activation.t for activation in self.activations]
        for activation in self.activations:
            activation.start_epoch(clock)
        if before != [activation.t for activation in self.activations]:
            self.passes.forget()

    def _loss(self, logits: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return cross_entropy(logits, y) if self.teacher is None else distillation_loss(logits, self.teacher, x)

    def _snapshot(self, step: int, epochs: int, binary: BinaryOptimizer, real: torch.optim.Optimizer) -> Snapshot:
        return Snapshot(
            step=step,
            epochs=epochs,
            reported=self.reported,
            final=[slot.final for slot in self.slots],
            diverged=[str(slot.diverged) if slot.diverged else None for slot in self.slots],
            noise=[slot.noise for slot in self.slots],
            never=[slot.flips.never() for slot in self.slots],
            states=binary.states,
            network=self.network.state_dict(),
            real=real.state_dict(),
            generators=[(slot.order.get_state(), slot.augmentation.get_state()) for slot in self.slots],
        )

    def _kept(self) -> Snapshot | None:
        content = self.checkpoint.load() if self.checkpoint else None
        return None if content is None else Snapshot.from_bytes(content, self.data.train.y.device)

    def _put_back_slots(self, kept: Snapshot) -> None:
        self.reported = kept.reported
        for index, slot in enumerate(self.slots):
            slot.final = kept.final[index]
            slot.diverged = None if (message := kept.diverged[index]) is None else Diverged(message)
            slot.noise = kept.noise[index]
            order, augmentation = kept.generators[index]
            slot.order.set_state(order)
            slot.augmentation.set_state(augmentation)


def _learning_rate(schedule: RealOptimizer, clock: Clock) -> float:
    return schedule.learning_rate * warmed_up(schedule.decay, clock, schedule.decay_per, schedule.warmup_epochs)


def _recalibrates(settings: TrainSettings, *, last: bool) -> bool:
    """Whether the settings ask for it after an epoch, independent of the method."""
    return settings.recalibrate == "every_epoch" or (settings.recalibrate == "end" and last)
