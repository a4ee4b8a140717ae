"""Training a binary network: one loop for every network and method."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hpstudy.bnn.flips import FlipCounter
from hpstudy.bnn.methods.interface import Method
from hpstudy.bnn.optimizers import BinaryOptimizer, real_optimizer, real_parameters, set_learning_rate
from hpstudy.bnn.schedules import Clock, factor
from hpstudy.bnn.settings import TrainSettings
from hpstudy.errors import Diverged
from hpstudy.seeds import derive_seed

EVALUATION_ROWS = 4096
"""Clips per forward pass in evaluation. More costs memory, fewer cost time; no result depends on it beyond rounding."""


@dataclass(frozen=True)
class Part:
    """Clips in memory: x (n, features) float, y (n,) int64 classes."""

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Data:
    """The three parts of a data set, on the training device."""

    train: Part
    validation: Part
    test: Part


def train(
    network: nn.Module,
    method: Method,
    hp: Any,
    data: Data,
    settings: TrainSettings,
    *,
    seed: int,
    report: Callable[..., None],
) -> dict[str, float]:
    """Train, and measure after the last epoch (no choice of a best epoch, which would be a selection on the validation part).

    Args:
        network: with binary layers; trained in place.
        method: what trains the binary weights.
        hp: the method's hyperparameters.
        data: on the device and in the type of the network.
        settings: epochs, batch size, optimizer of the real-valued parameters.
        seed: of batch order, initial binary weights, and the method's own draws: three streams; the first two are common to all
            methods.
        report: called as report(epoch, **metrics) after every epoch, from 1.

    Returns:
        val_accuracy, val_loss, test_accuracy of the trained network; train_accuracy, train_loss, flip_ratio, epoch_flip_rate of
        the last epoch, the first two as means over its updates; never_flipped of the whole training. Accuracies are shares.

    Raises:
        Diverged: a loss or a real-valued parameter is not finite.
    """
    updates_per_epoch = max(len(data.train.y) // settings.batch_size, 1)
    start = Clock(0, settings.epochs, 0, settings.epochs * updates_per_epoch)
    order = _generator(seed, "order")
    binary = BinaryOptimizer(
        network, method, hp, noise=_generator(seed, "weights"), generator=_generator(seed, "method"), clock=start
    )
    real = real_optimizer(network, settings.real_optimizer)
    flips = FlipCounter(binary.thetas)
    final: dict[str, float] = {}
    for epoch in range(settings.epochs):
        clock = Clock(epoch, settings.epochs, epoch * updates_per_epoch, start.updates)
        optimizer = settings.real_optimizer
        set_learning_rate(real, optimizer.learning_rate * factor(optimizer.decay, clock.elapsed("epoch")))
        batches = _shuffled(data.train, settings.batch_size, updates_per_epoch, order)
        train_loss, train_accuracy = _train_epoch(network, binary, real, flips, batches, clock)
        _check_finite(network, train_loss, epoch)
        binary.use_evaluation_weights(clock)
        val_loss, val_accuracy = evaluate(network, data.validation)
        counted = flips.end_epoch()
        final = {
            "val_accuracy": val_accuracy,
            "val_loss": val_loss,
            "train_accuracy": train_accuracy,
            "train_loss": train_loss,
            "flip_ratio": counted.flip_ratio,
            "epoch_flip_rate": counted.epoch_flip_rate,
            "never_flipped": counted.never_flipped,
        }
        report(epoch + 1, **final)
    return {**final, "test_accuracy": evaluate(network, data.test)[1]}


@torch.inference_mode()
def evaluate(network: nn.Module, part: Part) -> tuple[float, float]:
    """Mean cross-entropy and share of correct classes, with running statistics in batch normalisation."""
    network.eval()
    logits = torch.cat([network(x) for x in _slices(part.x, EVALUATION_ROWS)])
    return functional.cross_entropy(logits, part.y).item(), _accuracy(logits, part.y)


def _train_epoch(
    network: nn.Module,
    binary: BinaryOptimizer,
    real: torch.optim.Optimizer,
    flips: FlipCounter,
    batches: list[Part],
    start: Clock,
) -> tuple[float, float]:
    """Mean loss and accuracy over the epoch's updates. Nothing is read back from the device before the epoch ends."""
    network.train()
    binary.start_epoch(start)
    losses, outputs = [], []
    for number, batch in enumerate(batches):
        logits = network(batch.x)
        loss = functional.cross_entropy(logits, batch.y)
        loss.backward()  # type: ignore[no-untyped-call]
        real.step()
        real.zero_grad()
        binary.step(Clock(start.epoch, start.epochs, start.update + number, start.updates))
        flips.count(binary.thetas)
        losses.append(loss.detach())
        outputs.append(logits.detach())
    return torch.stack(losses).mean().item(), _accuracy(torch.cat(outputs), torch.cat([batch.y for batch in batches]))


def _shuffled(part: Part, size: int, number: int, generator: torch.Generator) -> list[Part]:
    """An epoch's batches: slices of one shuffled copy; the incomplete last batch is left out."""
    permutation = torch.randperm(len(part.y), generator=generator)[: size * number].to(part.y.device)
    x, y = part.x[permutation], part.y[permutation]
    return [Part(*pair) for pair in zip(_slices(x, size), _slices(y, size), strict=True)]


def _slices(x: Tensor, size: int) -> tuple[Tensor, ...]:
    return x.split(size)  # type: ignore[no-untyped-call, no-any-return]


def _accuracy(logits: Tensor, y: Tensor) -> float:
    return (logits.argmax(1) == y).float().mean().item()


def _check_finite(network: nn.Module, loss: float, epoch: int) -> None:
    # The sign of an activation hides a NaN before it from the loss, so the parameters are looked at too.
    if not math.isfinite(loss):
        raise Diverged(f"the training loss of epoch {epoch + 1} is {loss}")
    for parameters in real_parameters(network):
        if not all(bool(p.isfinite().all()) for p in parameters):
            raise Diverged(f"a real-valued parameter is not finite after epoch {epoch + 1}")


def _generator(seed: int, stream: str) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, stream))
