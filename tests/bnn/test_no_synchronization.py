from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from hpstudy.bnn import train as training
from hpstudy.bnn.batches import Data, InMemory, epoch_batches
from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.images import ImageTransform
from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.networks.resnet20 import BiRealNet20
from hpstudy.bnn.networks.settings import ResNet20Settings
from hpstudy.bnn.settings import RealOptimizer, Surrogate, TrainSettings

READING_CALLS = {
    getattr(Tensor, name)
    for name in ("item", "tolist", "numpy", "cpu", "nonzero", "__array__", "__bool__", "__float__", "__int__", "__index__")
}
"""They bring values to the host. Some of them reach no operator when the tensor lies in host memory already."""

READING_OPERATORS = {
    "_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive",
    "repeat_interleave", "bincount",
}  # fmt: skip
"""They bring a value to the host, or the host must know one to know the size of what comes out."""


class RefusesCalls(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func not in READING_CALLS, f"{func.__name__} waits for the device"
        return func(*args, **(kwargs or {}))


class RefusesOperators(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert name not in READING_OPERATORS, f"aten::{name} waits for the device"
        if name in ("index", "index_put", "index_put_", "_index_put_impl_"):
            masks = [index for index in args[1] if index is not None and index.dtype in (torch.bool, torch.uint8)]
            assert not masks, "indexing by a mask waits for the device"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.sum().item(),
        lambda x: float(x.sum()),
        lambda x: "positive" if x.sum() > 0 else "negative",
        lambda x: x.tolist(),
        lambda x: x.cpu(),
        lambda x: x.nonzero(),
        lambda x: torch.nonzero(x),
        lambda x: torch.equal(x, x),
        lambda x: torch.unique(x),
        lambda x: x[x > 0],
        lambda x: x.clone().index_put_((x > 0,), torch.tensor(0.0)),
        lambda x: x.masked_select(x > 0),
    ],
)
def test_the_watch_sees_what_waits_for_the_device(read: Callable[[Tensor], object]) -> None:
    with RefusesCalls(), RefusesOperators(), pytest.raises(AssertionError, match="waits for the device"):
        read(torch.tensor([1.0, -1.0]))


def test_the_watch_lets_pass_what_does_not() -> None:
    with RefusesCalls(), RefusesOperators():
        x = torch.tensor([1.0, -1.0])
        x[torch.tensor([1, 0])].where(x > 0, 0.0).to(torch.float64).sum()


def watched_updates(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Makes every epoch's updates, and the drawing of its batches, run under the watch; collects their numbers."""
    updates: list[int] = []

    def batches(*args: Any) -> Iterator[tuple[Tensor, Tensor]]:
        with RefusesCalls(), RefusesOperators():
            number = 0
            for batch in epoch_batches(*args):
                number += 1
                yield batch
        updates.append(number)

    monkeypatch.setattr(training, "epoch_batches", batches)
    return updates


def train_two_epochs(method_name: str, optimizer: RealOptimizer, teacher: nn.Module | None = None) -> None:
    generator = torch.Generator().manual_seed(0)
    method = METHODS.load(method_name)()
    hp = method.Hyperparameters()

    def part(samples: int) -> InMemory:
        pixels = torch.randint(256, (samples, 8, 8, 3), generator=generator, dtype=torch.uint8)
        return InMemory(pixels, torch.randint(3, (samples,), generator=generator))

    transform = ImageTransform([0.5] * 3, [0.3] * 3, padding=1, mirror=True)
    network = BiRealNet20(
        ResNet20Settings(variant="B", width=2),
        channels_in=3,
        classes=3,
        activation=BinaryActivation(method.activation(hp) or Surrogate("approx_sign")),
        generator=generator,
    ).to(memory_format=torch.channels_last)
    settings = TrainSettings(epochs=2, batch_size=4, real_optimizer=optimizer)
    data = Data(part(12), part(4), part(4), transform)
    training.train(network, method, hp, data, settings, seed=0, report=lambda *_, **__: None, teacher=teacher)


@pytest.mark.parametrize("method_name", list(METHODS))
def test_no_update_waits_for_the_device(method_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    updates = watched_updates(monkeypatch)
    train_two_epochs(method_name, RealOptimizer(learning_rate=0.01))
    assert updates == [3, 3]


def test_no_update_waits_for_the_device_under_adam(monkeypatch: pytest.MonkeyPatch) -> None:
    updates = watched_updates(monkeypatch)
    train_two_epochs("filter", RealOptimizer(name="adam", learning_rate=1e-3))
    assert updates == [3, 3]


def test_no_update_waits_for_the_device_with_a_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    updates = watched_updates(monkeypatch)
    teacher = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )
    train_two_epochs("filter", RealOptimizer(learning_rate=0.01), teacher.eval())
    assert updates == [3, 3]
