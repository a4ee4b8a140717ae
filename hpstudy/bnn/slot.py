"""State of each of the networks that are trained together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from hpstudy.bnn.batches import Data, plain_batches
from hpstudy.bnn.calibration import recalibrate
from hpstudy.bnn.evaluation import evaluate
from hpstudy.bnn.flips import EpochFlips, FlipCounter
from hpstudy.bnn.layers import real_parameters
from hpstudy.bnn.optimizers import initial_noise
from hpstudy.bnn.settings import TrainSettings
from hpstudy.bnn.silent import never_flipped_histogram
from hpstudy.errors import Diverged
from hpstudy.seeds import derive_seed

Report = Callable[..., None]
"""Called as report(epoch, **metrics) after every epoch, from 1."""


class Slot:
    """One network with its generators and metrics.

    Args:
        network: a network with binary layers.
        seed: seed of batch order, augmentation, initial binary weights, calibration batches and random draws of the method.
        report: called with the metrics of every epoch.
        data: the data for training and evaluation.

    Attributes:
        noise: numbers from which the current step started, for every binary layer.
        flips: counter of flips of its binary weights in the current step.
        final: metrics of the last epoch.
        diverged: the error if the network has diverged; it is then not evaluated any more.
    """

    flips: FlipCounter

    def __init__(self, network: nn.Module, seed: int, report: Report, data: Data) -> None:
        self.network = network
        self.seed = seed
        self.report = report
        self.data = data
        self.order, self.augmentation = self.generator("order"), self.generator("augmentation")
        self.noise = initial_noise(network, self.generator("weights"))
        self.final: dict[str, float] = {}
        self.diverged: Diverged | None = None

    def generator(self, stream: str) -> torch.Generator:
        """Create a generator for a stream of the seed."""
        return torch.Generator().manual_seed(derive_seed(self.seed, stream))

    def end_epoch(self, epoch: int, train_loss: float, train_accuracy: float, settings: TrainSettings, calibration: int) -> None:
        """Evaluate with the evaluation weights and report the metrics, or set `diverged`.

        Args:
            epoch: number of the epoch in the report.
            train_loss: mean loss over the epoch's updates.
            train_accuracy: mean accuracy over the epoch's updates.
            settings: settings of the metrics.
            calibration: number of batches for a recalibration of batch normalization; 0 for none.
        """
        try:
            _check_loss("training", train_loss, epoch)
            _check_parameters(self.network, epoch)
            if calibration:
                recalibrate(self.network, self._calibration_batches(settings.batch_size, calibration))
            validation = evaluate(self.network, self.data, self.data.validation, settings.top_k)
            _check_loss("validation", validation.loss, epoch)
        except Diverged as error:
            self.diverged = error
            return
        self.final = {
            **validation.metrics("val"),
            "train_accuracy": train_accuracy,
            "train_loss": train_loss,
            **_flip_metrics(self.flips.end_epoch(), by_layer=settings.layer_metrics),
        }
        self.report(epoch, **self.final)

    def end_step(self, bins: int | None) -> None:
        """Add the histograms of the step to the metrics, unless `bins` is None."""
        if bins is not None and not self.diverged:
            self.final = {**self.final, **never_flipped_histogram(self.noise, self.flips.never_flipped(), bins)}

    def outcome(self, top_k: int | None) -> dict[str, float] | Diverged:
        """Return all metrics including those of the test part, or the error if the network has diverged."""
        if self.diverged:
            return self.diverged
        return {**self.final, **evaluate(self.network, self.data, self.data.test, top_k).metrics("test", loss=False)}

    def _calibration_batches(self, size: int, number: int) -> Iterator[Tensor]:
        """Return the batches of a calibration: the same training samples every time, without augmentation."""
        rows = torch.randperm(len(self.data.train.y), generator=self.generator("calibration"))
        return plain_batches(self.data, rows[: size * number], size)


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
    # The sign of an activation hides an earlier NaN from the loss, so that the parameters are checked too.
    for parameters in real_parameters(network):
        if not all(bool(p.isfinite().all()) for p in parameters):
            raise Diverged(f"a real-valued parameter is not finite after epoch {epoch}")
