"""A problem small enough to train on in a test, and a method that keeps what it saw."""

from __future__ import annotations

from collections.abc import Container

import torch
from torch import Tensor

from hpstudy.bnn.batches import Data, InMemory
from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.methods.interface import H, Method, State
from hpstudy.bnn.networks.mlp import BinaryMLP
from hpstudy.bnn.schedules import Clock
from hpstudy.bnn.settings import RealOptimizer, Surrogate, TrainSettings
from hpstudy.bnn.train import train

FEATURES, CLASSES, CLIPS, EPOCHS, BATCH = 20, 5, 400, 8, 20
SETTINGS = TrainSettings(epochs=EPOCHS, batch_size=BATCH, real_optimizer=RealOptimizer(learning_rate=0.05))


def make_data(*, dtype: torch.dtype = torch.float32, noise: float = 2.0) -> Data:
    """Gaussian clouds of deviation `noise` around one standard normal center per class."""
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(CLASSES, FEATURES, generator=generator, dtype=torch.float64)

    def part() -> InMemory:
        y = torch.randint(CLASSES, (CLIPS,), generator=generator)
        x = centers[y] + noise * torch.randn(CLIPS, FEATURES, generator=generator, dtype=torch.float64)
        return InMemory(x.to(dtype), y)

    return Data(part(), part(), part())


def make_network(*, dtype: torch.dtype = torch.float32, seed: int = 0) -> BinaryMLP:
    """A multilayer perceptron of width 32 for `make_data`."""
    return BinaryMLP(
        FEATURES, [32] * 3, CLASSES, BinaryActivation(Surrogate("approx_sign")), torch.Generator().manual_seed(seed)
    ).to(dtype)


def ignore(epoch: int, **metrics: float) -> None:
    """A report that goes nowhere."""


class Kept:
    """A checkpoint in memory: saves after chosen epochs, and gives back what it was made with."""

    def __init__(self, content: bytes | None = None, *, save_after: Container[int] = ()) -> None:
        self.content = content
        self.saved: dict[int, bytes] = {}
        self._epoch = 0
        self._save_after = save_after

    def load(self) -> bytes | None:
        """What it was made with."""
        return self.content

    def due(self) -> bool:
        """Whether this epoch is one of those chosen."""
        self._epoch += 1
        return self._epoch in self._save_after

    def save(self, state: bytes) -> None:
        """Keep it under the number of the epoch."""
        self.saved[self._epoch] = state


class Recorder(Method[H]):
    """A method that does as another does, and keeps every layer's gradients and thetas, by layer number."""

    def __init__(self, method: Method[H]) -> None:
        self.method = method
        self.gradients: dict[int, list[Tensor]] = {}
        self.thetas: dict[int, list[Tensor]] = {}

    def init(self, noise: Tensor, hp: H, generator: torch.Generator) -> State:
        """As the other method."""
        layer = len(self.gradients)
        self.gradients[layer] = []
        self.thetas[layer] = []
        return {**self.method.init(noise, hp, generator), "layer": torch.tensor(layer)}

    def update(self, state: State, grad: Tensor, hp: H, clock: Clock) -> State:
        """As the other method."""
        layer = int(state["layer"])
        self.gradients[layer].append(grad.clone())
        new = self.method.update(state, grad, hp, clock)
        self.thetas[layer].append(new["theta"].clone())
        return {**new, "layer": state["layer"]}

    def weight(self, state: State, hp: H, clock: Clock) -> Tensor:
        """As the other method."""
        return self.method.weight(state, hp, clock)


def record(
    method: Method[H], hp: H, *, dtype: torch.dtype = torch.float64, seed: int = 0, settings: TrainSettings = SETTINGS
) -> tuple[Recorder[H], dict[str, float]]:
    """Train the small network with `method`; return what it saw, and the final metrics."""
    recorder = Recorder(method)
    metrics = train(make_network(dtype=dtype), recorder, hp, make_data(dtype=dtype), settings, seed=seed, report=ignore)
    return recorder, metrics
