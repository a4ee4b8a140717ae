import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from hpstudy.bnn.batches import Data, InMemory
from hpstudy.bnn.evaluation import evaluate
from hpstudy.bnn.methods.filter import Filter, FilterHyperparameters
from hpstudy.bnn.methods.interface import Method
from hpstudy.bnn.methods.latent_sgd import LatentSGD
from hpstudy.bnn.settings import RealOptimizer, TrainSettings
from hpstudy.bnn.slot import Slot
from hpstudy.bnn.train import train
from hpstudy.errors import Diverged
from hpstudy.seeds import derive_seed
from tests.support.networks import EPOCHS, SETTINGS, ignore, make_data, make_network, record

METHODS = [Filter(), LatentSGD()]


def run(method=METHODS[0], *, seed=0, settings=SETTINGS, data=None, report=ignore, network=None, **hp):
    return train(
        network or make_network(),
        method,
        method.Hyperparameters(**hp),
        data or make_data(),
        settings,
        seed=seed,
        report=report,
    )


@pytest.mark.parametrize("method", METHODS, ids=["filter", "latent_sgd"])
def test_the_same_seed_gives_the_same_bits(method):
    assert run(method) == run(method)


@pytest.mark.parametrize("method", METHODS, ids=["filter", "latent_sgd"])
def test_the_global_generator_has_no_say(method):
    torch.manual_seed(1)
    first = run(method)
    torch.manual_seed(2)
    assert run(method) == first


def test_order_and_augmentation_have_streams_of_random_numbers_of_their_own():
    slot = Slot(make_network(), 3, ignore, make_data())
    streams = [slot.order.initial_seed(), slot.augmentation.initial_seed()]
    assert streams == [derive_seed(3, "order"), derive_seed(3, "augmentation")]


def test_another_seed_gives_another_training():
    assert run(seed=0) != run(seed=1)


def test_a_seed_of_zero_is_a_seed():
    assert run(seed=0) == run(seed=0) != run(seed=2**63 - 1)


@pytest.mark.parametrize("method", METHODS, ids=["filter", "latent_sgd"])
def test_a_binary_network_learns_what_can_be_learned(method):
    assert run(method, data=make_data(noise=0.5))["val_accuracy"] > 0.95


def test_methods_start_from_the_same_network_and_see_the_same_first_gradient():
    once = TrainSettings(epochs=1, batch_size=400)
    a, _ = record(LatentSGD(), LatentSGD.Hyperparameters(scaling=False), settings=once)
    b, _ = record(Filter(), Filter.Hyperparameters(), settings=once)
    assert all(torch.equal(a.gradients[layer][0], b.gradients[layer][0]) for layer in range(3))


@pytest.mark.parametrize(("hp", "scaled"), [({"scaling": False}, False), ({"scaling": True}, True)], ids=["plain", "scaled"])
def test_a_trained_layer_holds_signs_or_one_scale_per_filter(hp, scaled):
    network = make_network()
    run(LatentSGD(), network=network, **hp)
    for layer in network.layers:
        scale = layer.weight.abs()
        assert torch.equal(scale, scale[:, :1].expand_as(scale))
        assert bool((scale != 1).all()) is scaled


def test_metrics_are_reported_after_every_epoch_from_one():
    epochs = []
    run(report=lambda epoch, **metrics: epochs.append((epoch, sorted(metrics))))
    names = ["epoch_flip_rate", "flip_ratio", "never_flipped", "train_accuracy", "train_loss", "val_accuracy", "val_loss"]
    assert epochs == [(epoch + 1, names) for epoch in range(EPOCHS)]


def test_the_final_metrics_are_those_of_the_last_epoch_and_the_test_accuracy():
    reports = []
    final = run(report=lambda epoch, **metrics: reports.append(metrics))
    assert {**reports[-1], "test_accuracy": final["test_accuracy"]} == final


def test_loss_and_accuracy_of_training_are_means_over_the_updates_of_an_epoch(monkeypatch):
    seen = []

    def noting(logits, y):
        seen.append((cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()))
        return cross_entropy(logits, y)

    monkeypatch.setattr("hpstudy.bnn.train.cross_entropy", noting)
    metrics = run(settings=SETTINGS.model_copy(update={"epochs": 2}))
    losses, accuracies = zip(*seen[len(seen) // 2 :], strict=True)
    assert len(losses) == 20
    assert metrics["train_loss"] == pytest.approx(sum(losses) / 20, rel=1e-5)
    assert metrics["train_accuracy"] == pytest.approx(sum(accuracies) / 20, rel=1e-5)


def test_the_test_accuracy_is_that_of_the_trained_network():
    network, data = make_network(), make_data()
    assert run(network=network, data=data)["test_accuracy"] == evaluate(network, data, data.test).accuracy


def test_the_test_part_has_no_influence_on_training():
    data = make_data()
    other = Data(data.train, data.validation, InMemory(-data.test.x, data.test.y))
    a, b = run(data=data), run(data=other)
    assert a.pop("test_accuracy") != b.pop("test_accuracy")
    assert a == b


def test_the_mean_flip_ratio_is_that_of_the_weights_used():
    recorder, metrics = record(Filter(), Filter.Hyperparameters())
    per_epoch = 400 // 20
    flips = sum(int((a[1:] != a[:-1]).sum()) for a in (torch.stack(t[-per_epoch - 1 :]) for t in recorder.thetas.values()))
    weights = sum(t[0].numel() for t in recorder.thetas.values())
    assert metrics["flip_ratio"] == pytest.approx(flips / (weights * per_epoch))


def test_an_incomplete_last_batch_is_left_out():
    recorder, _ = record(Filter(), Filter.Hyperparameters(), settings=TrainSettings(epochs=1, batch_size=150))
    assert len(recorder.gradients[0]) == 2


def test_fewer_clips_than_a_batch_are_one_batch():
    recorder, _ = record(Filter(), Filter.Hyperparameters(), settings=TrainSettings(epochs=3, batch_size=1000))
    assert len(recorder.gradients[0]) == 3
    one_batch = [run(settings=TrainSettings(epochs=3, batch_size=size)) for size in (400, 1000)]
    assert one_batch[0] == one_batch[1]


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_a_learning_rate_out_of_bounds_diverges(name):
    wild = TrainSettings(epochs=3, batch_size=20, real_optimizer=RealOptimizer(name=name, learning_rate=1e38))
    with pytest.raises(Diverged):
        run(settings=wild)


def test_a_nan_that_the_signs_hide_from_the_loss_diverges():
    data = make_data()
    data.train.x[3, 0] = math.nan
    with pytest.raises(Diverged):
        run(data=data)


class Soft(Method[FilterHyperparameters]):
    """Trains with half the signs and evaluates with the negated signs; counts its epochs."""

    def __init__(self):
        self.started = []
        self.in_use = []

    def init(self, noise, hp, generator):
        return {"theta": torch.where(noise >= 0, 1.0, -1.0)}

    def start_epoch(self, state, hp, clock):
        self.started.append(clock.epoch)
        return state

    def update(self, state, grad, hp, clock):
        return state

    def weight(self, state, hp, clock):
        return state["theta"] / 2

    def evaluation_weight(self, state, hp, clock):
        return -state["theta"]


def test_a_soft_method_trains_with_its_weight_and_is_evaluated_with_its_evaluation_weight():
    network, seen = make_network(), {True: set(), False: set()}
    network.layers[0].register_forward_hook(lambda m, i, o: seen[m.training].update(m.weight.abs().unique().tolist()))
    run(Soft(), network=network)
    assert seen == {True: {0.5}, False: {1.0}}


def test_every_epoch_starts_once_for_every_layer():
    method = Soft()
    run(method)
    assert method.started == [epoch for epoch in range(EPOCHS) for _ in range(3)]


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_an_accelerator_is_asked_for_reproducible_kernels_and_the_precision_in_training_only(precision):
    def flags():
        cudnn = torch.backends.cudnn
        return cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32

    before, seen = flags(), []
    settings = SETTINGS.model_copy(update={"precision": precision})
    run(settings=settings, report=lambda epoch, **metrics: seen.append(flags()))
    assert set(seen) == {(True, False, precision == "tf32", precision == "tf32")}
    assert flags() == before
