from dataclasses import replace

import pytest
import torch
from torch import nn

from hpstudy.bnn.batches import Transform
from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.settings import FirstStep, RealOptimizer
from hpstudy.bnn.snapshot import Snapshot
from hpstudy.bnn.train import train
from tests.support.networks import SETTINGS, Kept, make_data, make_network

EPOCHS = 4


def settings(**changed):
    return SETTINGS.model_copy(update={"epochs": EPOCHS, **changed})


class Jitter(Transform):
    """Adds noise to every training sample."""

    def draw(self, samples, generator):
        return torch.randn(samples, 1, generator=generator)

    def __call__(self, x, draws):
        return x if draws is None else x + draws


def dropping(network):
    torch.manual_seed(0)
    return nn.Sequential(nn.Dropout(0.2), network)


def run(method="filter", *, checkpoint=None, data=None, wrap=lambda network: network, **changed):
    """Final metrics, all reports, and the trained network."""
    network, reports = make_network(), []
    rule = METHODS.load(method)()
    final = train(
        wrap(network),
        rule,
        rule.Hyperparameters(),
        data or make_data(),
        settings(**changed),
        seed=3,
        report=lambda epoch, **metrics: reports.append((epoch, metrics)),
        checkpoint=checkpoint,
    )
    return final, reports, network.state_dict()


def gone_on(after, method="filter", **changed):
    """The same from a checkpoint after so many reported epochs; and the reports that were made again."""
    first = Kept(save_after=(after,))
    run(method, checkpoint=first, **changed)
    return run(method, checkpoint=Kept(first.saved[after]), **changed)


def assert_equal(network, other):
    assert network.keys() == other.keys()
    for name, values in network.items():
        assert torch.equal(values, other[name]), name


@pytest.mark.parametrize("method", list(METHODS))
def test_a_training_that_goes_on_from_a_checkpoint_ends_as_one_that_was_not_interrupted(method):
    final, reports, network = run(method)
    again, later, trained = gone_on(2, method)
    assert again == final
    assert later == reports[2:]
    assert_equal(trained, network)


def test_saving_changes_nothing():
    assert run(checkpoint=Kept(save_after=range(1, EPOCHS + 1)))[:2] == run()[:2]


@pytest.mark.parametrize("after", range(1, EPOCHS + 1))
def test_every_epoch_can_be_gone_on_from_also_the_last(after):
    assert gone_on(after)[0] == run()[0]


@pytest.mark.parametrize("after", [1, 2, 3, 5])
@pytest.mark.parametrize("method", ["filter", "latent_sgd"])
def test_both_of_two_steps_can_be_gone_on_from_also_at_the_end_of_the_first(method, after):
    two = {"first_step": FirstStep(epochs=2)}
    final, reports, network = run(method, **two)
    again, later, trained = gone_on(after, method, **two)
    assert again == final
    assert later == reports[after:]
    assert_equal(trained, network)


@pytest.mark.parametrize(
    "changed",
    [
        {"real_optimizer": RealOptimizer(name="adam", learning_rate=1e-3, decay="linear", warmup_epochs=2)},
        {"recalibrate": "every_epoch"},
        {"recalibrate": "end"},
        {"initial_weight_bins": 4, "first_step": FirstStep(epochs=1)},
        {"layer_metrics": True, "top_k": 2},
        {"activation": "ede"},
    ],
)
def test_every_setting_goes_on(changed):
    assert gone_on(3, **changed)[0] == run(**changed)[0]


def test_a_snapshot_holds_what_it_was_given():
    first = Kept(save_after=(2,))
    _, reports, _ = run(checkpoint=first)
    found = Snapshot.from_bytes(first.saved[2], torch.device("cpu"))
    assert (found.step, found.epochs, found.reported, found.final) == (0, 2, 2, [reports[1][1]])


def test_without_a_due_checkpoint_nothing_is_saved():
    kept = Kept()
    run(checkpoint=kept)
    assert kept.saved == {}


def test_augmentation_goes_on():
    data = replace(make_data(), transform=Jitter())
    assert run(data=data)[0] != run()[0]
    assert gone_on(2, data=data)[0] == run(data=data)[0]


def test_dropout_goes_on():
    assert run(wrap=dropping)[0] != run()[0]
    assert gone_on(2, wrap=dropping)[0] == run(wrap=dropping)[0]
