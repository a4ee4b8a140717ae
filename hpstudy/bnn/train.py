"""Training a binary network: one loop for every network and method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hpstudy.bnn.batches import Data, epoch_batches, plain_batches
from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.calibration import recalibrate
from hpstudy.bnn.distillation import distillation_loss
from hpstudy.bnn.evaluation import evaluate
from hpstudy.bnn.flips import EpochFlips, FlipCounter
from hpstudy.bnn.methods.interface import H, Hyperparameters, Method
from hpstudy.bnn.methods.real import RealSGD, RealSGDHyperparameters
from hpstudy.bnn.optimizers import (
    BinaryOptimizer,
    initial_noise,
    real_optimizer,
    real_parameters,
    set_learning_rate,
    trained_noise,
)
from hpstudy.bnn.schedules import Clock, warmed_up
from hpstudy.bnn.settings import RealOptimizer, TrainSettings
from hpstudy.bnn.silent import never_flipped_histogram
from hpstudy.bnn.snapshot import Snapshot
from hpstudy.checkpoint import Checkpoint
from hpstudy.errors import Diverged
from hpstudy.seeds import derive_seed

Report = Callable[..., None]
"""Called as report(epoch, **metrics) after every epoch, from 1."""


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
        checkpoint: keeps the state of a long training, which then goes on after an interruption and ends with the same numbers.

    Returns:
        val_accuracy, val_loss, test_accuracy of the trained network, and with `settings.top_k` accuracies of so many guesses;
        train_accuracy, train_loss, flip_ratio, epoch_flip_rate of the last epoch, the first two as means over its updates;
        never_flipped since the (second) step began. Accuracies are shares.

    Raises:
        Diverged: a loss or a real-valued parameter is not finite.
    """
    training = _Training(network, data, settings, seed, report, teacher, checkpoint)
    # On CUDA, cuDNN would otherwise choose among kernels by their speed, some of which add in no fixed order.
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        final = training.run([*_first_steps(settings), _Step(method, hp, settings)])
        return {**final, **evaluate(network, data, data.test, settings.top_k).metrics("test", loss=False)}


@dataclass(frozen=True)
class _Step:
    """A method for the binary weights, with its hyperparameters, and how long and with what optimizer it trains."""

    method: Method[Any]
    hp: Hyperparameters
    settings: TrainSettings


@dataclass
class _Training:
    """One network's training, in one step or two."""

    network: nn.Module
    data: Data
    settings: TrainSettings
    seed: int
    report: Report
    teacher: nn.Module | None
    checkpoint: Checkpoint | None
    reported: int = 0

    def __post_init__(self) -> None:
        self.updates_per_epoch = max(len(self.data.train.y) // self.settings.batch_size, 1)
        self.order, self.augmentation = _generator(self.seed, "order"), _generator(self.seed, "augmentation")
        self.activations = [module for module in self.network.modules() if isinstance(module, BinaryActivation)]

    def run(self, steps: Sequence[_Step]) -> dict[str, float]:
        """Train step by step, from the checkpoint where there is one; the metrics of the last epoch."""
        noise = initial_noise(self.network, _generator(self.seed, "weights"))
        kept = self._kept()
        final: dict[str, float] = {}
        for number, step in enumerate(steps[kept.step :] if kept else steps, kept.step if kept else 0):
            final = self._step(number, step, kept.noise if kept else noise, kept)
            noise, kept = trained_noise(self.network), None
        return final

    def _step(self, number: int, step: _Step, noise: list[Tensor], kept: Snapshot | None) -> dict[str, float]:
        """Train for the step's epochs, from `noise` or from what was kept; the metrics of the last epoch."""
        method, hp, settings = step.method, step.hp, step.settings
        updates = settings.epochs * self.updates_per_epoch
        start = Clock(0, settings.epochs, 0, updates)
        binary = BinaryOptimizer(self.network, method, hp, noise=noise, generator=_generator(self.seed, "method"), clock=start)
        real = real_optimizer(self.network, settings.real_optimizer)
        if kept:
            self._put_back(kept, binary, real)
        flips = FlipCounter(binary.thetas, kept.never if kept else None)
        final = kept.final if kept else {}
        for epoch in range(kept.epochs if kept else 0, settings.epochs):
            clock = Clock(epoch, settings.epochs, epoch * self.updates_per_epoch, updates)
            train_loss, train_accuracy = self._epoch(binary, real, settings.real_optimizer, flips, clock)
            _check_loss("training", train_loss, self.reported + 1)
            _check_parameters(self.network, self.reported + 1)
            binary.use_evaluation_weights(clock)
            last = epoch + 1 == settings.epochs
            if method.recalibrates(hp) or settings.recalibrate == "every_epoch" or (settings.recalibrate == "end" and last):
                recalibrate(self.network, self._calibration_batches())
            validation = evaluate(self.network, self.data, self.data.validation, settings.top_k)
            _check_loss("validation", validation.loss, self.reported + 1)
            final = {
                **validation.metrics("val"),
                "train_accuracy": train_accuracy,
                "train_loss": train_loss,
                **_flip_metrics(flips.end_epoch(), by_layer=settings.layer_metrics),
            }
            self.reported += 1
            self.report(self.reported, **final)
            if self.checkpoint and self.checkpoint.due():
                self.checkpoint.save(self._snapshot(number, epoch + 1, final, noise, binary, real, flips).to_bytes())
        if settings.initial_weight_bins is not None:
            final = {**final, **never_flipped_histogram(noise, flips.never(), settings.initial_weight_bins)}
        return final

    def _snapshot(
        self,
        step: int,
        epochs: int,
        final: dict[str, float],
        noise: list[Tensor],
        binary: BinaryOptimizer,
        real: torch.optim.Optimizer,
        flips: FlipCounter,
    ) -> Snapshot:
        return Snapshot(
            step=step,
            epochs=epochs,
            reported=self.reported,
            final=final,
            noise=noise,
            never=flips.never(),
            states=binary.states,
            network=self.network.state_dict(),
            real=real.state_dict(),
            generators={"order": self.order.get_state(), "augmentation": self.augmentation.get_state()},
        )

    def _kept(self) -> Snapshot | None:
        content = self.checkpoint.load() if self.checkpoint else None
        return None if content is None else Snapshot.from_bytes(content, self.data.train.y.device)

    def _put_back(self, kept: Snapshot, binary: BinaryOptimizer, real: torch.optim.Optimizer) -> None:
        self.reported = kept.reported
        self.network.load_state_dict(kept.network)
        binary.states = kept.states
        real.load_state_dict(kept.real)
        self.order.set_state(kept.generators["order"])
        self.augmentation.set_state(kept.generators["augmentation"])

    def _epoch(
        self, binary: BinaryOptimizer, real: torch.optim.Optimizer, schedule: RealOptimizer, flips: FlipCounter, start: Clock
    ) -> tuple[float, float]:
        """Mean loss and accuracy over the epoch's updates. Nothing is read back from the device before the epoch ends."""
        self.network.train()
        for activation in self.activations:
            activation.start_epoch(start)
        binary.start_epoch(start)
        losses, correct, samples = [], [], 0
        batches = epoch_batches(self.data, self.settings.batch_size, self.updates_per_epoch, self.order, self.augmentation)
        for number, (x, y) in enumerate(batches):
            clock = Clock(start.epoch, start.epochs, start.update + number, start.updates)
            set_learning_rate(real, _learning_rate(schedule, clock))
            logits = self.network(x)
            loss = cross_entropy(logits, y) if self.teacher is None else distillation_loss(logits, self.teacher, x)
            loss.backward()  # type: ignore[no-untyped-call]
            real.step()
            real.zero_grad()
            binary.step(clock)
            flips.count(binary.thetas)
            losses.append(loss.detach())
            correct.append((logits.detach().argmax(1) == y).sum())
            samples += len(y)
        return torch.stack(losses).mean().item(), (torch.stack(correct).sum().float() / samples).item()

    def _calibration_batches(self) -> Iterator[Tensor]:
        """The same training samples at every calibration, without augmentation."""
        size = self.settings.batch_size
        rows = torch.randperm(len(self.data.train.y), generator=_generator(self.seed, "calibration"))
        return plain_batches(self.data, rows[: size * min(self.settings.calibration_batches, self.updates_per_epoch)], size)


def _learning_rate(schedule: RealOptimizer, clock: Clock) -> float:
    return schedule.learning_rate * warmed_up(schedule.decay, clock, schedule.decay_per, schedule.warmup_epochs)


def _first_steps(settings: TrainSettings) -> list[_Step]:
    """The first of two steps, where there are two."""
    step = settings.first_step
    if step is None:
        return []
    hp = RealSGDHyperparameters(
        learning_rate=step.learning_rate,
        learning_rate_decay=step.decay,
        momentum_rate=step.momentum_rate,
        weight_decay=step.weight_decay,
    )
    changed = {"epochs": step.epochs, "real_optimizer": step.real_optimizer, "recalibrate": "never", "initial_weight_bins": None}
    return [_Step(RealSGD(), hp, settings.model_copy(update=changed))]


def _flip_metrics(counted: EpochFlips, *, by_layer: bool) -> dict[str, float]:
    metrics = {
        "flip_ratio": counted.flip_ratio,
        "epoch_flip_rate": counted.epoch_flip_rate,
        "never_flipped": counted.never_flipped,
    }
    if by_layer:
        for layer, (ratio, never) in enumerate(zip(counted.layer_flip_ratios, counted.layer_never_flipped, strict=True), 1):
            metrics |= {f"flip_ratio.layer{layer}": ratio, f"never_flipped.layer{layer}": never}
    return metrics


def _check_loss(part: str, loss: float, epoch: int) -> None:
    if not math.isfinite(loss):
        raise Diverged(f"the {part} loss of epoch {epoch} is {loss}")


def _check_parameters(network: nn.Module, epoch: int) -> None:
    # The sign of an activation hides a NaN before it from the loss, so the parameters are looked at too.
    for parameters in real_parameters(network):
        if not all(bool(p.isfinite().all()) for p in parameters):
            raise Diverged(f"a real-valued parameter is not finite after epoch {epoch}")


def _generator(seed: int, stream: str) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, stream))
