"""Signs of raw and filtered gradients: what Figure 2 of Quist, Li and van Gemert (ICLR 2023) shows for one weight, for all of them.

A network is trained with the gradient filter. In the epoch in the middle the gradients of one binary layer are kept as they come, and then
passed through filters of order 0 (the gradient itself), 1 and 2 with one and the same alpha. What the training does is the same for
every order and alpha: only the filtering of the kept gradients differs, and it starts from empty filters.
"""

from __future__ import annotations

from typing import Any

import torch

from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.methods.interface import State
from hpstudy.bnn.schedules import Clock
from hpstudy.tasks.cifar import Cifar, CifarSettings, ImageSettings

LAYER = 9
"""Of the 18 binary layers of Bi-RealNet-20, counted from 0: one in the middle."""


class Recorder(Filter):
    """The gradient filter, which keeps one layer's gradients of the epoch in the middle."""

    def __init__(self) -> None:
        self.layers = 0
        self.gradients: list[torch.Tensor] = []

    def init(self, noise: torch.Tensor, hp: Any, generator: torch.Generator) -> State:
        """As `Filter`, with the layer's number."""
        self.layers += 1
        return {**super().init(noise, hp, generator), "layer": torch.tensor(self.layers - 1)}

    def update(self, state: State, grad: torch.Tensor, hp: Any, clock: Clock) -> State:
        """As `Filter`."""
        if clock.epoch == clock.epochs // 2 and int(state["layer"]) == LAYER:
            self.gradients.append(grad.clone())
        return {**super().update(state, grad, hp, clock), "layer": state["layer"]}


def sign_changes(params: dict[str, Any], seed: int) -> dict[str, float]:
    """The share of updates at which a filtered gradient changes its sign, over all weights of the layer.

    Args:
        params: `order` 0, 1 or 2; `alpha` and `gamma` of the filters; and the size of the training: train, validation, shrink,
            padding, epochs, batch_size, device.
        seed: of the training.

    Returns:
        sign_changes; val_accuracy of the network that the gradients come from; updates that were kept.
    """
    settings = CifarSettings(
        images=ImageSettings(
            train=params["train"] or None,
            validation=params["validation"],
            test=params["validation"],
            shrink=params["shrink"],
            padding=params["padding"],
        ),
        epochs=params["epochs"],
        batch_size=params["batch_size"],
        device=params["device"],
    )
    recorder = Recorder()
    accuracy = _train(settings, recorder, seed)
    signal = filtered(torch.stack(recorder.gradients).double(), params["order"], params["alpha"], params["gamma"])
    signs = signal.sign()
    return {
        "sign_changes": (signs[1:] != signs[:-1]).double().mean().item(),
        "val_accuracy": accuracy,
        "updates": float(len(signs)),
    }


def filtered(gradients: torch.Tensor, order: int, alpha: float, gamma: float) -> torch.Tensor:
    """(updates, ...) gradients behind a filter: order 0 as they are; 1, the slow filter alone; 2, both in cascade (Eq. 11-12)."""
    signal = gradients
    for rate in [gamma, alpha][2 - order :]:
        state, out = torch.zeros_like(signal[0]), []
        for value in signal:
            state = state.lerp(value, rate)
            out.append(state)
        signal = torch.stack(out)
    return signal


def _train(settings: CifarSettings, recorder: Recorder, seed: int) -> float:
    from hpstudy.bnn.binarize import BinaryActivation
    from hpstudy.bnn.settings import Surrogate
    from hpstudy.bnn.train import train
    from hpstudy.seeds import derive_seed

    task = Cifar(settings)
    network = task.network(
        BinaryActivation(Surrogate(settings.activation)), torch.Generator().manual_seed(derive_seed(seed, "network"))
    )
    found = train(network, recorder, Filter.Hyperparameters(), task.data(), settings, seed=seed, report=_ignore)
    return found["val_accuracy"]


def _ignore(epoch: int, **metrics: float) -> None:
    """A report that goes nowhere."""
