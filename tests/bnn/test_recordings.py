"""Recorded passes and updates give the bits of operations that run one after the other: on CUDA, and on the CPU, where a tape records."""

from collections import Counter
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import torch
from torch import nn

from hpstudy.bnn import recording
from hpstudy.bnn import train as training
from hpstudy.bnn.batches import Data, InMemory
from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.images import ImageTransform
from hpstudy.bnn.layers import to_device
from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.networks.mlp import BinaryMLP
from hpstudy.bnn.networks.resnet20 import BiRealNet20
from hpstudy.bnn.networks.settings import ResNet20Settings
from hpstudy.bnn.passes import Passes, RecordedPasses, passes
from hpstudy.bnn.settings import RealOptimizer, Surrogate, TrainSettings
from hpstudy.bnn.update import RecordedUpdate, Update
from tests.support.networks import CLASSES, CLIPS, FEATURES, Kept, make_data, make_network
from tests.support.recordings import record_on_tape

EPOCHS, BATCH = 3, 20
UPDATES = CLIPS // BATCH
SETTINGS = TrainSettings(epochs=EPOCHS, batch_size=BATCH, real_optimizer=RealOptimizer(learning_rate=0.05))
READS_UPDATE_NUMBER = {"filter_fir", "latent_adam", "slb"}


@pytest.fixture(
    params=["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"))]
)
def device(request):
    return request.param


@pytest.fixture
def train(device, monkeypatch):
    """Train with recordings, or `eager`; returns metrics, parameters and buffers, and how often each kind of recording was replayed."""
    record = record_on_tape if device == "cpu" else recording.record
    if device == "cpu":
        monkeypatch.setattr(recording, "warm_up", lambda call: call())

    def run(networks, method, data, *, eager, settings=SETTINGS, hps=None, checkpoint=None):
        replays = Counter()

        def counted(call):
            made = record(call)

            def replay():
                results = made.replay()
                replays["updates" if results is None else "passes"] += 1
                return results

            return SimpleNamespace(replay=replay)

        monkeypatch.setattr(recording, "record", counted)
        monkeypatch.setattr(training, "passes", lambda *a: (Passes if eager else RecordedPasses)(*a[:-1]))
        monkeypatch.setattr(training, "update", lambda *a: (Update if eager else RecordedUpdate)(*a[:-1]))
        size = len(networks)
        outcome = training.train_many(
            networks,
            method,
            hps or [method.Hyperparameters()] * size,
            data,
            settings,
            seeds=range(size),
            reports=[lambda *_, **__: None] * size,
            checkpoint=checkpoint,
        )
        return (outcome, [network.state_dict() for network in networks]), replays

    return run


def data_on(device):
    data = make_data()
    parts = [InMemory(part.x.to(device), part.y.to(device)) for part in (data.train, data.validation, data.test)]
    return Data(*parts, transform=data.transform)


def mlps(method, size, device):
    activation = BinaryActivation(method.activation(method.Hyperparameters()) or Surrogate("approx_sign"))
    return [
        BinaryMLP(FEATURES, [32] * 3, CLASSES, activation, torch.Generator().manual_seed(seed)).to(device) for seed in range(size)
    ]


def assert_same_bits(one, other):
    torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


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


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("name", list(METHODS))
def test_recordings_change_no_bit(name, size, device, train):
    method, data = METHODS.load(name)(), data_on(device)
    eager, recorded = (train(mlps(method, size, device), method, data, eager=eager) for eager in (True, False))
    assert_same_bits(recorded[0], eager[0])
    assert eager[1] == {}
    assert recorded[1]["passes"] == EPOCHS * UPDATES
    assert recorded[1]["updates"] == (0 if name in READS_UPDATE_NUMBER else EPOCHS * (UPDATES - 1))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(("decay", "per"), [("cosine", "epoch"), ("cosine", "update"), ("none", "update")])
def test_an_update_is_replayed_only_within_the_time_in_which_schedules_are_constant(optimizer, decay, per, device, train):
    method, data = Filter(), data_on(device)
    real = RealOptimizer(name=optimizer, learning_rate=0.01, decay=decay, decay_per=per, warmup_epochs=2)
    settings = SETTINGS.model_copy(update={"real_optimizer": real})
    eager, recorded = (train(mlps(method, 2, device), method, data, eager=eager, settings=settings) for eager in (True, False))
    assert_same_bits(recorded[0], eager[0])
    assert recorded[1]["updates"] == (0 if (decay, per) == ("cosine", "update") else EPOCHS * (UPDATES - 1))


def test_networks_with_different_choices_are_recorded_together(device, train):
    method, data = METHODS.load("latent_sgd")(), data_on(device)
    hps = [method.Hyperparameters(scaling=scaling, clipping="weight") for scaling in (True, False, True)]
    eager, recorded = (train(mlps(method, 3, device), method, data, eager=eager, hps=hps) for eager in (True, False))
    assert_same_bits(recorded[0], eager[0])
    assert recorded[1]["updates"] == EPOCHS * (UPDATES - 1)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_recorded_training_goes_on_from_a_checkpoint(optimizer, device, train):
    method, data, kept = Filter(), data_on(device), Kept(save_after=[1])
    settings = SETTINGS.model_copy(update={"real_optimizer": RealOptimizer(name=optimizer, learning_rate=0.01)})
    whole, replays = train(mlps(method, 1, device), method, data, eager=False, settings=settings, checkpoint=kept)
    rest = train(mlps(method, 1, device), method, data, eager=False, settings=settings, checkpoint=Kept(kept.saved[1]))
    assert_same_bits(rest[0], whole)
    assert rest[1]["updates"] == replays["updates"] - (UPDATES - 1) > 0


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_recordings_of_convolutions_change_no_bit(optimizer, device, train):
    method, generator = Filter(), torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (64, 8, 8, 3), generator=generator, dtype=torch.uint8).to(device)
    part = InMemory(pixels, torch.randint(3, (64,), generator=generator).to(device))
    transform = ImageTransform([0.5] * 3, [0.3] * 3, padding=1, mirror=True).to(torch.device(device))

    def network():
        activation, own = BinaryActivation(Surrogate("approx_sign")), torch.Generator().manual_seed(1)
        settings = ResNet20Settings(variant="B", width=4)
        return [to_device(BiRealNet20(settings, channels_in=3, classes=3, activation=activation, generator=own), device)]

    settings = TrainSettings(epochs=3, batch_size=16, real_optimizer=RealOptimizer(name=optimizer, learning_rate=0.01))
    data = Data(part, part, part, transform)
    eager, recorded = (train(network(), method, data, eager=e, settings=settings) for e in (True, False))
    assert_same_bits(recorded[0], eager[0])
    assert recorded[1] == {"passes": 12, "updates": 9}


class Waiting(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        x.sum().item()
        return self.network(x)


def test_a_network_that_waits_for_the_device_trains_without_a_recording(device, train):
    method, data = Filter(), data_on(device)
    eager, waiting = (train([Waiting(*mlps(method, 1, device))], method, data, eager=eager) for eager in (True, False))
    assert_same_bits(waiting[0], eager[0])
    assert waiting[1] == {}  # nor is the update, whose gradients are elsewhere every time


class Copying(Filter):
    """A filter with a new tensor after every update, and two that change places."""

    def init(self, noise, hp, generator):
        return {**super().init(noise, hp, generator), "other": noise.clone(), "last": noise.clone()}

    def update(self, state, grad, hp, clock):
        new = super().update(state, grad, hp, clock)
        return {**new, "g": new["g"].clone(), "other": state["last"].add_(grad), "last": state["other"]}

    def weight(self, state, hp, clock):
        return state["theta"] * (2 + state["other"].tanh())


class Replacing(Filter):
    """A filter whose update replaces a tensor in the dictionary that it was given."""

    def init(self, noise, hp, generator):
        return {**super().init(noise, hp, generator), "other": noise.clone()}

    def update(self, state, grad, hp, clock):
        state |= super().update(state, grad, hp, clock)
        state["other"] = state["other"] / 2 + grad
        return state

    def weight(self, state, hp, clock):
        return state["theta"] * (2 + state["other"].tanh())


class Keeping(Filter):
    """A filter that keeps the gradient itself, not a copy, until the next update."""

    def init(self, noise, hp, generator):
        return {**super().init(noise, hp, generator), "last": noise.new_zeros(noise.shape)}

    def update(self, state, grad, hp, clock):
        return {**super().update(state, grad - state["last"] / 2, hp, clock), "last": grad}


class WaitingUpdate(Filter):
    def update(self, state, grad, hp, clock):
        return super().update(state, grad * (1 if grad.sum().item() > 0 else 2), hp, clock)


class Growing(Filter):
    def update(self, state, grad, hp, clock):
        return {**super().update(state, grad, hp, clock), f"extra {len(state)}": grad.clone()}


@pytest.mark.parametrize(
    ("method", "replays"),
    [*((method, EPOCHS * (UPDATES - 1)) for method in (Copying(), Replacing(), Keeping())), (WaitingUpdate(), 0), (Growing(), 0)],
)
@pytest.mark.parametrize("size", [1, 2])
def test_a_method_of_ones_own_is_recorded_if_that_changes_no_bit(method, replays, size, device, train):
    data = data_on(device)
    eager, recorded = (train(mlps(method, size, device), method, data, eager=eager) for eager in (True, False))
    assert_same_bits(recorded[0], eager[0])
    assert recorded[1]["updates"] == replays


class Stream:
    """As torch.cuda.stream, on the CPU."""

    current = "default"

    def __init__(self, new):
        self.new = new

    def __enter__(self):
        self.before, Stream.current = Stream.current, self.new

    def __exit__(self, *error):
        Stream.current = self.before


class FailingGraph:
    def capture_begin(self, **_):
        assert Stream.current == "side"

    def capture_end(self):
        raise RuntimeError("operation failed due to a previous error during capture")


def test_a_recording_that_fails_leaves_the_current_stream(monkeypatch):
    monkeypatch.setattr(recording, "_stream", lambda: "side")
    monkeypatch.setattr(torch._C, "_host_emptyCache", lambda: None, raising=False)
    monkeypatch.setattr(torch.cuda.graph, "default_capture_stream", "side")  # that of torch 2.6 is made with each graph
    for name, replacement in (
        ("stream", Stream),
        ("CUDAGraph", FailingGraph),
        ("synchronize", lambda: None),
        ("current_stream", Mock),
    ):
        monkeypatch.setattr(torch.cuda, name, replacement)
    with pytest.raises(RuntimeError, match="a previous error"):
        recording.record(lambda: torch.ones(()).item())
    assert Stream.current == "default"


def test_the_pass_before_a_recording_waits_for_the_stream_and_draws_nothing(monkeypatch):
    side, events = Mock(), []
    side.wait_stream.side_effect = lambda stream: events.append("side waits")
    now = Mock(**{"wait_stream.side_effect": lambda stream: events.append("current waits")})
    fork_rng = torch.random.fork_rng
    monkeypatch.setattr(recording, "_stream", lambda: side)
    monkeypatch.setattr(torch.random, "fork_rng", lambda devices: fork_rng([]))
    for name, replacement in (("stream", Stream), ("current_stream", lambda: now), ("current_device", lambda: 0)):
        monkeypatch.setattr(torch.cuda, name, replacement)
    before = torch.get_rng_state()
    recording.warm_up(lambda: events.append((Stream.current is side, len(torch.rand(2)))))
    assert events == ["side waits", (True, 2), "current waits"]
    assert torch.equal(torch.get_rng_state(), before)
