"""Training a binary network: one loop for every network and method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hpstudy.bnn.batches import Data, Part, epoch_batches, evaluation_batches
from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.calibration import recalibrate
from hpstudy.bnn.flips import EpochFlips, FlipCounter
from hpstudy.bnn.methods.interface import Method
from hpstudy.bnn.methods.real import RealSGD
from hpstudy.bnn.optimizers import (
    BinaryOptimizer,
    initial_noise,
    real_optimizer,
    real_parameters,
    set_learning_rate,
    trained_noise,
)
from hpstudy.bnn.schedules import Clock, factor, warmup
from hpstudy.bnn.settings import FirstStep, RealOptimizer, TrainSettings
from hpstudy.errors import Diverged
from hpstudy.seeds import derive_seed

Report = Callable[..., None]
"""Called as report(epoch, **metrics) after every epoch, from 1."""


def train(
    network: nn.Module, method: Method, hp: Any, data: Data, settings: TrainSettings, *, seed: int, report: Report
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

    Returns:
        val_accuracy, val_loss, test_accuracy of the trained network; train_accuracy, train_loss, flip_ratio, epoch_flip_rate of
        the last epoch, the first two as means over its updates; never_flipped since the (second) step began. Accuracies are shares.

    Raises:
        Diverged: a loss or a real-valued parameter is not finite.
    """
    training = _Training(network, data, settings, seed, report)
    noise = initial_noise(network, _generator(seed, "weights"))
    # On CUDA, cuDNN would otherwise choose among kernels by their speed, some of which add in no fixed order.
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        if settings.first_step is not None:
            training.step(RealSGD(), _first_hyperparameters(settings.first_step), noise, _first_settings(settings))
            noise = trained_noise(network)
        final = training.step(method, hp, noise, settings)
        return {**final, "test_accuracy": evaluate(network, data, data.test)[1]}


@torch.inference_mode()
def evaluate(network: nn.Module, data: Data, part: Part) -> tuple[float, float]:
    """Mean cross-entropy and share of correct classes of a part of `data`, with running statistics in batch normalisation."""
    network.eval()
    logits = torch.cat([network(x) for x in evaluation_batches(data, part)])
    return functional.cross_entropy(logits, part.y).item(), _accuracy(logits, part.y)


@dataclass
class _Training:
    """One network's training, in one step or two."""

    network: nn.Module
    data: Data
    settings: TrainSettings
    seed: int
    report: Report
    epochs_done: int = 0

    def __post_init__(self) -> None:
        self.updates_per_epoch = max(len(self.data.train.y) // self.settings.batch_size, 1)
        self.order, self.augmentation = _generator(self.seed, "order"), _generator(self.seed, "augmentation")
        self.activations = [module for module in self.network.modules() if isinstance(module, BinaryActivation)]

    def step(self, method: Method, hp: Any, noise: list[Tensor], settings: TrainSettings) -> dict[str, float]:
        """Train for `settings.epochs`, from `noise`; the metrics of the last epoch."""
        updates = settings.epochs * self.updates_per_epoch
        start = Clock(0, settings.epochs, 0, updates)
        binary = BinaryOptimizer(self.network, method, hp, noise=noise, generator=_generator(self.seed, "method"), clock=start)
        real = real_optimizer(self.network, settings.real_optimizer)
        flips = FlipCounter(binary.thetas)
        final: dict[str, float] = {}
        for epoch in range(settings.epochs):
            clock = Clock(epoch, settings.epochs, epoch * self.updates_per_epoch, updates)
            train_loss, train_accuracy = self._epoch(binary, real, settings.real_optimizer, flips, clock)
            _check_loss("training", train_loss, self.epochs_done + 1)
            _check_parameters(self.network, self.epochs_done + 1)
            binary.use_evaluation_weights(clock)
            last = epoch + 1 == settings.epochs
            if method.recalibrates(hp) or settings.recalibrate == "every_epoch" or (settings.recalibrate == "end" and last):
                recalibrate(self.network, self._calibration_batches())
            val_loss, val_accuracy = evaluate(self.network, self.data, self.data.validation)
            _check_loss("validation", val_loss, self.epochs_done + 1)
            final = {
                "val_accuracy": val_accuracy,
                "val_loss": val_loss,
                "train_accuracy": train_accuracy,
                "train_loss": train_loss,
                **_flip_metrics(flips.end_epoch(), by_layer=settings.layer_metrics),
            }
            self.epochs_done += 1
            self.report(self.epochs_done, **final)
        return final

    def _epoch(
        self, binary: BinaryOptimizer, real: torch.optim.Optimizer, schedule: RealOptimizer, flips: FlipCounter, start: Clock
    ) -> tuple[float, float]:
        """Mean loss and accuracy over the epoch's updates. Nothing is read back from the device before the epoch ends."""
        self.network.train()
        for activation in self.activations:
            activation.start_epoch(start)
        binary.start_epoch(start)
        losses, outputs, classes = [], [], []
        batches = epoch_batches(self.data, self.settings.batch_size, self.updates_per_epoch, self.order, self.augmentation)
        for number, (x, y) in enumerate(batches):
            clock = Clock(start.epoch, start.epochs, start.update + number, start.updates)
            set_learning_rate(real, _learning_rate(schedule, clock))
            logits = self.network(x)
            loss = functional.cross_entropy(logits, y)
            loss.backward()  # type: ignore[no-untyped-call]
            real.step()
            real.zero_grad()
            binary.step(clock)
            flips.count(binary.thetas)
            losses.append(loss.detach())
            outputs.append(logits.detach())
            classes.append(y)
        return torch.stack(losses).mean().item(), _accuracy(torch.cat(outputs), torch.cat(classes))

    def _calibration_batches(self) -> Iterator[Tensor]:
        """The same training samples at every calibration, without augmentation."""
        part, size = self.data.train, self.settings.batch_size
        rows = torch.randperm(len(part.y), generator=_generator(self.seed, "calibration"))
        rows = rows[: size * min(self.settings.calibration_batches, self.updates_per_epoch)]
        for batch in torch.split(rows.to(part.y.device), size):
            yield self.data.transform(part.x[batch], None)


def _learning_rate(schedule: RealOptimizer, clock: Clock) -> float:
    decay = factor(schedule.decay, clock.elapsed(schedule.decay_per))
    return schedule.learning_rate * decay * warmup(clock, schedule.warmup_epochs)


def _first_hyperparameters(step: FirstStep) -> Any:
    return RealSGD.Hyperparameters(
        learning_rate=step.learning_rate,
        learning_rate_decay=step.decay,
        momentum_rate=step.momentum_rate,
        weight_decay=step.weight_decay,
    )


def _first_settings(settings: TrainSettings) -> TrainSettings:
    assert settings.first_step is not None, "asked of a training in two steps"
    return settings.model_copy(
        update={
            "epochs": settings.first_step.epochs,
            "real_optimizer": settings.first_step.real_optimizer,
            "recalibrate": "never",
        }
    )


def _flip_metrics(counted: EpochFlips, *, by_layer: bool) -> dict[str, float]:
    found = {
        "flip_ratio": counted.flip_ratio,
        "epoch_flip_rate": counted.epoch_flip_rate,
        "never_flipped": counted.never_flipped,
    }
    if by_layer:
        for layer, (ratio, never) in enumerate(zip(counted.layer_flip_ratios, counted.layer_never_flipped, strict=True), 1):
            found |= {f"flip_ratio.layer{layer}": ratio, f"never_flipped.layer{layer}": never}
    return found


def _accuracy(logits: Tensor, y: Tensor) -> float:
    return (logits.argmax(1) == y).float().mean().item()


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
