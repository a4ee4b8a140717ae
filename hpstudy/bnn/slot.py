"""What each of the networks that are trained side by side has of its own."""

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
from hpstudy.bnn.optimizers import initial_noise, trained_noise
from hpstudy.bnn.settings import TrainSettings
from hpstudy.bnn.silent import never_flipped_histogram
from hpstudy.errors import Diverged
from hpstudy.seeds import derive_seed

Report = Callable[..., None]
"""Called as report(epoch, **metrics) after every epoch, from 1."""


class Slot:
    """One network, its random numbers, and what was measured on it.

    Args:
        network: with binary layers.
        seed: of batch order, augmentation, initial binary weights, calibration batches and the method's own draws.
        report: takes the metrics of every epoch.
        data: that it is trained and measured on.

    Attributes:
        noise: what the present step began from, for every binary layer.
        flips: of its binary weights in the present step.
        final: metrics of the last epoch.
        diverged: why it ended before the others; its numbers are not looked at any more.
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
        """A new one for one of the seed's streams."""
        return torch.Generator().manual_seed(derive_seed(self.seed, stream))

    def start_from_trained(self) -> None:
        """Let the next step begin from the weights of this one."""
        self.noise = trained_noise(self.network)

    def end_epoch(self, epoch: int, train_loss: float, train_accuracy: float, settings: TrainSettings, calibration: int) -> None:
        """Measure with the evaluation weights, and report; or end as diverged.

        Args:
            epoch: its number in the report.
            train_loss: mean over the epoch's updates.
            train_accuracy: the same.
            settings: what is measured.
            calibration: batches for measuring the statistics of batch normalisation again; 0 keeps them.
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
        """Add the histograms of a whole step to the metrics, if `bins` asks for them."""
        if bins is not None and not self.diverged:
            self.final = {**self.final, **never_flipped_histogram(self.noise, self.flips.never(), bins)}

    def outcome(self, top_k: int | None) -> dict[str, float] | Diverged:
        """All metrics, those of the test part among them; or why there are none."""
        if self.diverged:
            return self.diverged
        return {**self.final, **evaluate(self.network, self.data, self.data.test, top_k).metrics("test", loss=False)}

    def _calibration_batches(self, size: int, number: int) -> Iterator[Tensor]:
        """The same training samples at every calibration, without augmentation."""
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
    # The sign of an activation hides a NaN before it from the loss, so the parameters are looked at too.
    for parameters in real_parameters(network):
        if not all(bool(p.isfinite().all()) for p in parameters):
            raise Diverged(f"a real-valued parameter is not finite after epoch {epoch}")
