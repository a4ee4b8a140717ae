"""The steps of a training: one with the method of the view, or two, of which the first uses real weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hpstudy.bnn.methods.interface import Hyperparameters, Method
from hpstudy.bnn.methods.real import RealSGD, RealSGDHyperparameters
from hpstudy.bnn.settings import FirstStep, TrainSettings


@dataclass(frozen=True)
class Step:
    """A training step: the method for the binary weights, the hyperparameters of every network, and the settings."""

    method: Method[Any]
    hps: Sequence[Hyperparameters]
    settings: TrainSettings


def steps(method: Method[Any], hps: Sequence[Hyperparameters], settings: TrainSettings) -> list[Step]:
    """Return the steps in order. The last one uses `method`."""
    last = Step(method, hps, settings)
    return [last] if settings.first_step is None else [_first(settings.first_step, settings, len(hps)), last]


def _first(step: FirstStep, settings: TrainSettings, networks: int) -> Step:
    hp = RealSGDHyperparameters(
        learning_rate=step.learning_rate,
        learning_rate_decay=step.decay,
        momentum_rate=step.momentum_rate,
        weight_decay=step.weight_decay,
    )
    changed = {"epochs": step.epochs, "real_optimizer": step.real_optimizer, "recalibrate": "never", "initial_weight_bins": None}
    return Step(RealSGD(), [hp] * networks, settings.model_copy(update=changed))
