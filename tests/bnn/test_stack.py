"""Several networks trained in one pass end as they would alone, and do not notice each other."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from hpstudy.bnn.batches import Data, InMemory, Transform
from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.networks.mlp import BinaryMLP
from hpstudy.bnn.settings import FirstStep, RealOptimizer, Surrogate, TrainSettings
from hpstudy.bnn.train import train, train_many
from hpstudy.errors import Diverged, UsageError
from tests.support.networks import CLASSES, FEATURES, Kept, make_data

SETTINGS = TrainSettings(epochs=2, batch_size=10, real_optimizer=RealOptimizer(learning_rate=0.05))
DOUBLE, SINGLE = torch.float64, torch.float32


def small(data, clips=40):
    """The same problem with few clips."""
    train_part = InMemory(data.train.x[:clips], data.train.y[:clips])
    return Data(train_part, data.validation, data.test, data.transform)


DATA = {dtype: small(make_data(dtype=dtype)) for dtype in (DOUBLE, SINGLE)}


def make_networks(method, hps, seeds, dtype, widths):
    activations = [BinaryActivation(method.activation(hp) or Surrogate("approx_sign")) for hp in hps]
    return [
        BinaryMLP(FEATURES, widths, CLASSES, activation, torch.Generator().manual_seed(seed)).to(dtype)
        for activation, seed in zip(activations, seeds, strict=True)
    ]


def run(name, points, seeds, *, alone=False, dtype=DOUBLE, settings=SETTINGS, data=None, widths=(7, 6), checkpoint=None, **more):
    """For every network its outcome, its reports, and its parameters and buffers."""
    method = METHODS.load(name)()
    hps = [method.Hyperparameters(**point) for point in points]
    networks = make_networks(method, hps, seeds, dtype, widths)
    curves = [[] for _ in seeds]
    reports = [lambda epoch, curve=curve, **metrics: curve.append((epoch, metrics)) for curve in curves]
    given = [data or DATA[dtype], settings]
    if alone:
        outcomes = [
            train(network, method, hp, *given, seed=seed, report=report, **more)
            for network, hp, seed, report in zip(networks, hps, seeds, reports, strict=True)
        ]
    else:
        outcomes = train_many(networks, method, hps, *given, seeds=seeds, reports=reports, checkpoint=checkpoint, **more)
    return list(zip(outcomes, curves, [network.state_dict() for network in networks], strict=True))


def assert_equal(one, other, **tolerance):
    """Same outcome, reports, parameters and buffers; bit by bit without `tolerance`."""
    tolerance = tolerance or {"rtol": 0, "atol": 0}
    torch.testing.assert_close(one, other, equal_nan=True, **tolerance)


def assert_as_alone(name, points, seeds=(3, 4, 5), **more):
    together, alone = run(name, points, seeds, **more), run(name, points, seeds, alone=True, **more)
    for one, other in zip(together, alone, strict=True):
        assert_equal(one, other, rtol=1e-6, atol=1e-7)


RATES = {"beta1_rate": (0.1, 0.2, 0.3), "gamma": (0.1, 0.2, 0.3), "omega": (0.1, 0.2, 0.3), "t_max": (5.0, 10.0, 20.0)}


@pytest.mark.parametrize("name", list(METHODS))
def test_stacked_networks_end_as_they_would_alone(name):
    fields = METHODS.load(name).Hyperparameters.model_fields
    numbers = [{key: values[k] for key, values in RATES.items() if key in fields} for k in range(3)]
    schedule = {"gamma_decay": "none"} if name == "bop" else {}
    assert_as_alone(name, [{**schedule, **point} for point in numbers])


@pytest.mark.parametrize(
    "changed",
    [
        {"first_step": FirstStep(epochs=1), "initial_weight_bins": 3, "layer_metrics": True},
        {"real_optimizer": RealOptimizer(name="adam", learning_rate=1e-3, warmup_epochs=1), "top_k": 2},
        {"recalibrate": "end", "calibration_batches": 2},
    ],
    ids=["two steps", "adam", "recalibrated"],
)
def test_every_setting_is_that_of_a_network_alone(changed):
    assert_as_alone(
        "latent_sgd", [{"learning_rate": 0.1}, {"learning_rate": 0.2}], (1, 2), settings=SETTINGS.model_copy(update=changed)
    )


class Jitter(Transform):
    """Adds noise to every training sample."""

    def draw(self, samples, generator):
        return torch.randn(samples, 1, generator=generator)

    def __call__(self, x, draws):
        return x if draws is None else x + draws


def test_every_network_has_its_own_augmentation():
    assert_as_alone("filter", [{}, {}], (1, 2), data=replace(DATA[DOUBLE], transform=Jitter()))


def test_every_network_learns_from_the_teacher():
    teacher = nn.Linear(FEATURES, CLASSES, dtype=DOUBLE)
    nn.init.normal_(teacher.weight, generator=torch.Generator().manual_seed(0))
    nn.init.zeros_(teacher.bias)
    assert_as_alone("filter", [{}, {}], (1, 2), teacher=teacher)


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("latent_sgd", [{"clipping": "weight", "scaling": False}, {"gamma": 0.5}, {"learning_rate_decay": "none"}, {"gamma": 0.2}]),
        ("slb", [{"calibration": False}, {"freeze": True, "schedule_end": 0.5}, {}, {"restarts": 1}]),
        ("irnet", [{"own_activation": False}, {}, {"t_min": 0.01}, {"decay_per": "update"}]),
        ("rbnn", [{"rotation_period": 0}, {"beta_init": 1.0}, {"beta_init": 0.5}, {"alternations": 1}]),
        ("real", [{"activation": "relu"}, {"activation": "hardtanh"}, {"learning_rate": 0.01}, {}]),
        ("filter_cascade", [{"order": 3}, {"order": 4}, {}, {"gamma": 0.3}]),
        ("filter_fir", [{"window": 3}, {"window": 2}, {"window": 3}, {"window": 1}]),
    ],
)  # fmt: skip
def test_networks_may_differ_in_choices_too(name, points):
    assert_as_alone(name, points, (1, 2, 3, 4))


SEEDS = (3, 4, 5, 6)
POINTS = [{"gamma": 0.1}, {"gamma": 0.2, "clipping": "none"}, {"gamma": 0.3}, {"gamma": 0.4, "scaling": False}]


@pytest.mark.parametrize("widths", [(7, 6), (24, 32)], ids=["odd", "even"])
@pytest.mark.parametrize("name", list(METHODS))
def test_the_order_of_networks_changes_no_bit(name, widths):
    points = [{}] * 4 if name != "latent_sgd" else POINTS
    more = {"dtype": SINGLE, "widths": widths}
    forwards = run(name, points, SEEDS, **more)
    backwards = run(name, points[::-1], SEEDS[::-1], **more)
    for one, other in zip(forwards, backwards[::-1], strict=True):
        assert_equal(one, other)


def test_other_neighbors_change_no_bit():
    before = run("latent_sgd", POINTS, SEEDS, dtype=SINGLE)
    others = [
        POINTS[0],
        {"gamma": 0.9, "convention": "library"},
        {"learning_rate": 0.7, "decay_per": "update"},
        {"clipping": "weight"},
    ]
    after = run("latent_sgd", others, (3, 14, 15, 16), dtype=SINGLE)
    assert_equal(before[0], after[0])
    assert before[1][0] != after[1][0]


@pytest.mark.parametrize("width", [7, 24])
def test_a_network_that_diverges_ends_alone(width):
    points, more = [{"learning_rate": rate} for rate in (0.1, 0.1, 0.1)], {"dtype": SINGLE, "widths": (width, 6)}
    healthy = run("latent_sgd", points, SEEDS[:3], **more)
    points[1] = {"learning_rate": 3e38, "weight_decay": 3e38, "scaling": True}
    ill = run("latent_sgd", points, SEEDS[:3], **more)
    assert isinstance(ill[1][0], Diverged)
    assert ill[1][1] == []
    assert_equal(healthy[0], ill[0])
    assert_equal(healthy[2], ill[2])


def test_a_training_of_which_all_networks_diverge_ends():
    settings = SETTINGS.model_copy(update={"epochs": 10**6, "real_optimizer": RealOptimizer(learning_rate=1e38)})
    assert all(isinstance(outcome, Diverged) for outcome, *_ in run("filter", [{}, {}], (1, 2), dtype=SINGLE, settings=settings))


@pytest.mark.parametrize("changed", [{}, {"first_step": FirstStep(epochs=2)}], ids=["one step", "two steps"])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_stack_that_goes_on_from_a_checkpoint_ends_as_one_that_was_not_interrupted(after, changed):
    more = {"dtype": SINGLE, "settings": SETTINGS.model_copy(update={"epochs": 4, **changed})}
    whole = run("latent_sgd", POINTS, SEEDS, **more)
    first = Kept(save_after=(after,))
    run("latent_sgd", POINTS, SEEDS, checkpoint=first, **more)
    again = run("latent_sgd", POINTS, SEEDS, checkpoint=Kept(first.saved[after]), **more)
    for (outcome, curve, state), (other, later, trained) in zip(whole, again, strict=True):
        assert later == curve[after:]
        assert_equal((outcome, state), (other, trained))


def test_a_network_that_diverged_before_an_interruption_stays_so():
    points = [{"learning_rate": 0.1}, {"learning_rate": 3e38, "weight_decay": 3e38}]
    first = Kept(save_after=(1,))
    whole = run("latent_sgd", points, (1, 2), dtype=SINGLE, checkpoint=first)
    again = run("latent_sgd", points, (1, 2), dtype=SINGLE, checkpoint=Kept(first.saved[1]))
    assert again[0][0] == whole[0][0]
    assert (type(again[1][0]), str(again[1][0])) == (Diverged, str(whole[1][0]))


class Mixing(BinaryMLP):
    stackable = False


def test_a_network_that_does_not_say_so_is_not_stacked():
    networks = [Mixing(FEATURES, [4], CLASSES, BinaryActivation(Surrogate("relu")), torch.Generator()) for _ in range(2)]
    method = METHODS.load("filter")()
    hps = [method.Hyperparameters()] * 2
    with pytest.raises(UsageError, match="Mixing"):
        train_many(networks, method, hps, DATA[SINGLE], SETTINGS, seeds=(1, 2), reports=[print] * 2)


def test_a_layer_without_a_rule_is_not_stacked():
    networks = [BinaryMLP(FEATURES, [4], CLASSES, BinaryActivation(Surrogate("relu")), torch.Generator()) for _ in range(2)]
    for network in networks:
        network.norms[0] = nn.GroupNorm(2, 4)
    method = METHODS.load("filter")()
    hps = [method.Hyperparameters()] * 2
    with pytest.raises(UsageError, match="GroupNorm"):
        train_many(networks, method, hps, DATA[SINGLE], SETTINGS, seeds=(1, 2), reports=[print] * 2)


def test_the_networks_that_were_given_are_trained():
    (outcome, _, state), _ = run("filter", [{}, {}], (1, 2))
    assert math.isfinite(outcome["val_loss"])
    assert set(state["layers.0.weight"].unique().tolist()) == {-1.0, 1.0}
