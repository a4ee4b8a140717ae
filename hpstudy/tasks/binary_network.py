"""Base class of tasks that train a binary network: the method of the view, its hyperparameters, the metrics."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.methods.interface import Hyperparameters, Method
from hpstudy.bnn.settings import Surrogate, TrainSettings
from hpstudy.errors import DataError, Problem
from hpstudy.seeds import derive_seed
from hpstudy.study.schema import View
from hpstudy.study.space import Point
from hpstudy.tasks.interface import Report, Result, Task
from hpstudy.tasks.method_views import check_method_point, check_method_view, complete_method_view

if TYPE_CHECKING:
    import torch
    from torch import nn

    from hpstudy.bnn.batches import Data
    from hpstudy.bnn.binarize import BinaryActivation


class BinaryNetworkTask(Task):
    """A task that trains the binary weights with the method of the view, and the other parameters with the optimizer of the task.

    Metrics: val_accuracy, val_loss; train_accuracy, train_loss, test_accuracy; flip_ratio, epoch_flip_rate, never_flipped (see
    `hpstudy.bnn.flips`). Final values are those of the last epoch. All metrics except test_accuracy are recorded for every epoch.
    Accuracies are shares.

    A subclass whose network can be stacked (`hpstudy.bnn.stack.Stack`) can set `stacks = True`. Convolutional networks cannot be stacked:
    as grouped convolutions they take twice as long on a CPU as one after the other.
    """

    settings: TrainSettings

    @abstractmethod
    def check_data(self) -> None:
        """Prepare the data in the cache, and check the sizes of the parts, without torch.

        Data that `data` has loaded are discarded: in a process with several runs they can be those of another data set of this name.

        Raises:
            DataError: the data set is not on this machine, or a part is smaller than requested.
        """

    @abstractmethod
    def data(self) -> Data:
        """Return the three parts. They are loaded once per process and shared by its trials."""

    @abstractmethod
    def network(self, activation: BinaryActivation, generator: torch.Generator) -> nn.Module:
        """Create a network on the training device. `generator` draws the initial values of its real parameters."""

    def teacher(self) -> nn.Module | None:
        """Return the trained network whose outputs replace the classes in the loss; None without one."""
        return None

    def objectives(self) -> Sequence[str]:
        """Return the metrics of the validation part. The test accuracy is recorded, but no search may use it."""
        return ("val_accuracy", "val_loss")

    def check_view(self, view: View) -> list[Problem]:
        """Check the method and its hyperparameters."""
        return check_method_view(view)

    def check_point(self, view: View, point: Point) -> list[str]:
        """Check the joint constraints of the method's hyperparameters."""
        return check_method_point(view, point)

    def complete_view(self, view: View) -> View:
        """Fix hyperparameters that the view does not set at the defaults of the method."""
        return complete_method_view(view)

    def prepare(self) -> None:
        """Check the device and the data. Workers load the data; this process does not need torch for a study on the CPU.

        Raises:
            DataError: there is no such device; otherwise as in `check_data`.
        """
        if self.settings.device == "cuda":
            import torch

            if not torch.cuda.is_available():
                raise DataError(
                    "task.device is cuda, but this machine (or this installation of torch) has no CUDA device",
                    "use a machine with a CUDA device, or set device: cpu, which is slow for large networks (see --scale small)",
                )
        self.check_data()

    def warm_up(self) -> None:
        """Import the modules that `evaluate` needs, and load the data if they stay on the CPU."""
        import_module("hpstudy.bnn.train")
        if self.settings.device == "cpu":
            self.data()

    def evaluate(self, view: View, point: Point, seed: int, report: Report) -> dict[str, float]:
        """Train one network. Its initial real weights have a separate seed stream, in addition to those of `bnn.train`."""
        (outcome,) = self._trained(view, [point], [seed], [report])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def evaluate_many(
        self, view: View, points: Sequence[Point], seeds: Sequence[int], reports: Sequence[Report]
    ) -> Sequence[Result | Exception]:
        """Train all networks in one pass if `stacks` is set, otherwise one after the other."""
        if not self.stacks:
            return super().evaluate_many(view, points, seeds, reports)
        return self._trained(view, points, seeds, reports)

    def _trained(
        self, view: View, points: Sequence[Point], seeds: Sequence[int], reports: Sequence[Report]
    ) -> Sequence[dict[str, float] | Exception]:
        import torch

        from hpstudy.bnn.binarize import BinaryActivation
        from hpstudy.bnn.train import train_many

        assert view.method is not None, "check_view refuses a view without a method"
        method: Method[Any] = METHODS.load(view.method)()
        hps: list[Hyperparameters] = []
        refused: dict[int, Exception] = {}
        for slot, point in enumerate(points):
            try:
                hps.append(method.Hyperparameters.model_validate({**view.fixed, **point}, strict=True))
            except ValidationError as error:
                if len(points) == 1:
                    raise
                # Another network replaces it, because the results of the others depend on the size of the stack.
                refused[slot] = error
                hps.append(method.Hyperparameters())
        networks = [
            self.network(
                BinaryActivation(method.activation(hp) or Surrogate(self.settings.activation)),
                torch.Generator().manual_seed(derive_seed(seed, "network")),
            )
            for hp, seed in zip(hps, seeds, strict=True)
        ]
        outcomes = train_many(
            networks,
            method,
            hps,
            self.data(),
            self.settings,
            seeds=seeds,
            reports=[_ignore_report if slot in refused else report for slot, report in enumerate(reports)],
            teacher=self.teacher(),
            checkpoint=reports[0].checkpoint,
        )
        return [refused.get(slot, outcome) for slot, outcome in enumerate(outcomes)]


def _ignore_report(epoch: int, **metrics: float) -> None:
    """Discard a report."""
