"""Recorded passes give the bits of passes that run one operation after the other. On machines without CUDA only the latter are tested."""

import pytest
import torch
from torch import nn

from hpstudy.bnn import train as training
from hpstudy.bnn.batches import Data, InMemory
from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.images import ImageTransform
from hpstudy.bnn.layers import to_device
from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.networks.mlp import BinaryMLP
from hpstudy.bnn.networks.resnet20 import BiRealNet20
from hpstudy.bnn.networks.settings import ResNet20Settings
from hpstudy.bnn.passes import Passes, RecordedPasses, passes
from hpstudy.bnn.settings import RealOptimizer, Surrogate, TrainSettings
from tests.support.networks import CLASSES, FEATURES, make_data, make_network

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
SETTINGS = TrainSettings(epochs=3, batch_size=20, real_optimizer=RealOptimizer(learning_rate=0.05))


def on_cuda(data):
    parts = [InMemory(part.x.cuda(), part.y.cuda()) for part in (data.train, data.validation, data.test)]
    return Data(*parts, transform=data.transform)


def mean_loss(logits, x, y):
    return nn.functional.cross_entropy(logits, y)


def test_losses_and_correct_answers_are_those_of_the_network():
    network, data = make_network(), make_data()
    x, y = data.train.x[:20], data.train.y[:20]
    losses, correct = passes(network, 1, mean_loss, torch.device("cpu"))(x, y)
    logits = network(x)
    assert losses.tolist() == [pytest.approx(mean_loss(logits, x, y).item())]
    assert correct.tolist() == [(logits.argmax(1) == y).sum().item()]
    assert all(parameter.grad is not None for parameter in network.parameters())


def outcomes(monkeypatch, networks, method, data, *, eager, settings=SETTINGS):
    """What training gives, with the parameters and buffers after it."""
    made = []

    def choose(*arguments):
        made.append(Passes(*arguments[:3]) if eager else passes(*arguments))
        return made[-1]

    monkeypatch.setattr(training, "passes", choose)
    hps = [method.Hyperparameters()] * len(networks)
    found = training.train_many(
        networks, method, hps, data, settings, seeds=range(len(networks)), reports=[lambda *_, **__: None] * len(networks)
    )
    return found, [network.state_dict() for network in networks], made[0]


def mlps(method, size):
    activation = BinaryActivation(method.activation(method.Hyperparameters()) or Surrogate("approx_sign"))
    return [
        BinaryMLP(FEATURES, [32] * 3, CLASSES, activation, torch.Generator().manual_seed(seed)).cuda() for seed in range(size)
    ]


@cuda
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("name", list(METHODS))
def test_recorded_passes_change_no_bit(name, size, monkeypatch):
    method, data = METHODS.load(name)(), on_cuda(make_data())
    eager, recorded = (outcomes(monkeypatch, mlps(method, size), method, data, eager=eager) for eager in (True, False))
    assert isinstance(recorded[2], RecordedPasses)
    assert recorded[2]._graph is not None
    torch.testing.assert_close(recorded[:2], eager[:2], rtol=0, atol=0, equal_nan=True)


@cuda
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_recorded_passes_of_convolutions_change_no_bit(optimizer, monkeypatch):
    method, generator = METHODS.load("filter")(), torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (64, 8, 8, 3), generator=generator, dtype=torch.uint8).cuda()
    part = InMemory(pixels, torch.randint(3, (64,), generator=generator).cuda())
    transform = ImageTransform([0.5] * 3, [0.3] * 3, padding=1, mirror=True).to(torch.device("cuda"))

    def network():
        activation, own = BinaryActivation(Surrogate("approx_sign")), torch.Generator().manual_seed(1)
        settings = ResNet20Settings(variant="B", width=4)
        return [to_device(BiRealNet20(settings, channels_in=3, classes=3, activation=activation, generator=own), "cuda")]

    settings = TrainSettings(epochs=3, batch_size=16, real_optimizer=RealOptimizer(name=optimizer, learning_rate=0.01))
    data = Data(part, part, part, transform)
    eager, recorded = (outcomes(monkeypatch, network(), method, data, eager=e, settings=settings) for e in (True, False))
    assert recorded[2]._graph is not None
    torch.testing.assert_close(recorded[:2], eager[:2], rtol=0, atol=0)


class Waiting(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        x.sum().item()
        return self.network(x)


@cuda
def test_a_network_that_waits_for_the_device_trains_without_a_recording(monkeypatch):
    method, data = METHODS.load("filter")(), on_cuda(make_data())
    eager, waiting = (outcomes(monkeypatch, [Waiting(*mlps(method, 1))], method, data, eager=eager) for eager in (True, False))
    assert waiting[2]._graph is None
    torch.testing.assert_close(waiting[:2], eager[:2], rtol=0, atol=0)
