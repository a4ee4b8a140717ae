"""Training of binary networks: one loop for all networks and methods, and for several networks together."""

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
from hpstudy.bnn.optimizers import BinaryOptimizer, real_optimizer, trained_noise
from hpstudy.bnn.passes import passes
from hpstudy.bnn.schedules import Clock
from hpstudy.bnn.settings import TrainSettings
from hpstudy.bnn.slot import Report, Slot
from hpstudy.bnn.snapshot import Snapshot, global_generators, restore_global_generators
from hpstudy.bnn.stack import Stack
from hpstudy.bnn.steps import Step, steps
from hpstudy.bnn.update import Update, update
from hpstudy.checkpoint import Checkpoint
from hpstudy.errors import Diverged

Outcome: TypeAlias = dict[str, float] | Diverged
"""The metrics of a network, or the error if it has diverged."""


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
    """Train one network in place and return its metrics. The arguments are those of `train_many`, for one network.

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
    """Train K networks of the same shape in one pass, each with its own hyperparameters, seed and batch order. Evaluate the last epoch.

    The best epoch is not selected, because this would be a selection on the validation part.

    The results of a network depend on its own arguments and on K, but not on the other networks. For K > 1 they agree with those for
    K = 1 up to rounding, which training amplifies. A network that diverges does not affect the others.

    Memory: K times the parameters, method states and activations of one network; the data is stored once.

    Args:
        networks: networks with binary layers, trained in place: see `hpstudy.bnn.stack.Stack`; a single network can be of any class.
        method: training method of the binary weights.
        hps: hyperparameters of the method for each network.
        data: on the device and in the type of the networks.
        settings: epochs, batch size, optimizer of the real-valued parameters, a first step.
        seeds: for each network, seed of batch order, augmentation, initial binary weights, calibration batches and random draws of the
            method. These are five streams; all but the last are the same for all methods.
        reports: for each network, called after every epoch, starting with the epochs of a first step.
        teacher: a trained network in evaluation mode; its outputs then replace the classes in the training loss.
        checkpoint: stores the state of all networks together. After an interruption the training resumes from it, with identical results.

    Returns:
        For each network, a Diverged error if a loss or a real-valued parameter is not finite. Otherwise val_accuracy, val_loss and
        test_accuracy of the trained network, and with `settings.top_k` the top-k accuracies; train_accuracy, train_loss, flip_ratio and
        epoch_flip_rate of the last epoch, the first two as means over its updates; never_flipped since the start of the (second) step.
        Accuracies are shares.

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
    """Use deterministic kernels on CUDA within the block. By default cuDNN selects kernels by speed, and some are not deterministic."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=tf32):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


class _Training:
    """A training of all slots' networks, in one or two steps."""

    def __init__(
        self,
        slots: Sequence[Slot],
        data: Data,
        settings: TrainSettings,
        teacher: nn.Module | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        self.slots = slots
        self.network = slots[0].network if len(slots) == 1 else Stack([slot.network for slot in slots])
        self.data = data
        self.batch_size = settings.batch_size
        self.teacher = teacher
        self.checkpoint = checkpoint
        self.reported = 0
        self.updates_per_epoch = max(len(data.train.y) // settings.batch_size, 1)
        self.activations = [module for module in self.network.modules() if isinstance(module, BinaryActivation)]
        self.passes = passes(self.network, len(slots), self._loss, data.train.y.device)

    def run(self, steps: Sequence[Step]) -> None:
        """Train step by step, resuming from the checkpoint if there is one."""
        content = self.checkpoint.load() if self.checkpoint else None
        snapshot = None if content is None else Snapshot.from_bytes(content, self.data.train.y.device)
        for number, step in enumerate(steps):
            if snapshot and number < snapshot.step:
                continue
            if number > 0 and not snapshot:
                for slot in self.slots:
                    slot.noise = trained_noise(slot.network)
            self._step(number, step, snapshot)
            snapshot = None

    def _step(self, number: int, step: Step, snapshot: Snapshot | None) -> None:
        """Train for the step's epochs, from the slots' noise or a snapshot. Stops early if all networks have diverged."""
        settings = step.settings
        updates = settings.epochs * self.updates_per_epoch
        if snapshot:
            self._restore(snapshot)
        # Both optimizers in their initial states, or in those of the snapshot.
        binary = BinaryOptimizer(
            self.network,
            step.method,
            step.hps,
            noise=[slot.noise for slot in self.slots],
            generators=[slot.generator("method") for slot in self.slots],
            clock=Clock(0, settings.epochs, 0, updates),
        )
        real = real_optimizer(self.network, settings.real_optimizer)
        if snapshot:
            self.network.load_state_dict(snapshot.network)
            binary.states = snapshot.states
            real.load_state_dict(snapshot.real)
        # One counter for all networks, with a view of it for each network.
        flips = FlipCounter(binary.thetas())
        for index, slot in enumerate(self.slots):
            slot.flips = flips.part(partial(binary.part_of, index), snapshot.never[index] if snapshot else None)
        apply = update(self.network, binary, real, settings.real_optimizer, flips, self.data.train.y.device)
        for epoch in range(snapshot.epochs if snapshot else 0, settings.epochs):
            if all(slot.diverged for slot in self.slots):
                return
            clock = Clock(epoch, settings.epochs, epoch * self.updates_per_epoch, updates)
            training = self._epoch(apply, clock)
            # Evaluate and report each network with its evaluation weights.
            binary.use_evaluation_weights(clock)
            self.reported += 1
            for slot, hp, (loss, accuracy) in zip(self.slots, step.hps, training, strict=True):
                if not slot.diverged:
                    recalibrates = step.method.recalibrates(hp) or _recalibrates(settings, last=epoch + 1 == settings.epochs)
                    batches = min(settings.calibration_batches, self.updates_per_epoch) if recalibrates else 0
                    slot.end_epoch(self.reported, loss, accuracy, settings, batches)
            if self.checkpoint and self.checkpoint.due():
                self.checkpoint.save(self._snapshot(number, epoch + 1, binary, real).to_bytes())
        for slot in self.slots:
            slot.end_step(settings.initial_weight_bins)

    def _epoch(self, apply: Update, start: Clock) -> list[tuple[float, float]]:
        """Train for one epoch. Returns the mean loss and accuracy over its updates for every network.

        No value is read from the device before the end of the epoch.
        """
        self.network.train()
        self._start_activations(start)
        apply.start_epoch(start)
        losses, correct, samples = [], [], 0
        orders, augmentations = [slot.order for slot in self.slots], [slot.augmentation for slot in self.slots]
        batches = epoch_batches(self.data, self.batch_size, self.updates_per_epoch, orders, augmentations)
        for number, (x, y) in enumerate(batches):
            clock = Clock(start.epoch, start.epochs, start.update + number, start.updates)
            loss, batch_correct = self.passes(x, y)
            apply(clock)
            losses.append(loss)
            correct.append(batch_correct)
            samples += len(y) // len(self.slots)
        accuracies = (torch.stack(correct).sum(0).float() / samples).tolist()
        means = [values.mean().item() for values in torch.stack(losses, 1)]
        return list(zip(means, accuracies, strict=True))

    def _start_activations(self, clock: Clock) -> None:
        before = [activation.t for activation in self.activations]
        for activation in self.activations:
            activation.start_epoch(clock)
        if before != [activation.t for activation in self.activations]:
            self.passes.invalidate()

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
            never=[slot.flips.never_flipped() for slot in self.slots],
            states=binary.states,
            network=self.network.state_dict(),
            real=real.state_dict(),
            generators=[(slot.order.get_state(), slot.augmentation.get_state()) for slot in self.slots],
            global_generators=global_generators(self.data.train.y.device),
        )

    def _restore(self, snapshot: Snapshot) -> None:
        self.reported = snapshot.reported
        restore_global_generators(snapshot.global_generators)
        for index, slot in enumerate(self.slots):
            slot.final = snapshot.final[index]
            slot.diverged = None if (message := snapshot.diverged[index]) is None else Diverged(message)
            slot.noise = snapshot.noise[index]
            order, augmentation = snapshot.generators[index]
            slot.order.set_state(order)
            slot.augmentation.set_state(augmentation)


def _recalibrates(settings: TrainSettings, *, last: bool) -> bool:
    """Return whether the settings require a recalibration after an epoch, independent of the method."""
    return settings.recalibrate == "every_epoch" or (settings.recalibrate == "end" and last)
