import pytest
import torch

from hpstudy.bnn.methods.real import RealSGD
from hpstudy.bnn.schedules import Clock
from hpstudy.bnn.settings import Surrogate
from hpstudy.bnn.train import train
from hpstudy.testing.methods import normal
from tests.support.networks import SETTINGS, ignore, make_data, make_network

NOW = Clock(0, 1, 0, 1)


def test_two_updates_are_sgd_with_momentum_and_coupled_weight_decay():
    # He's deviation is 1 at a fan-in of 2.
    hp = RealSGD.Hyperparameters(learning_rate=0.1, momentum_rate=0.25, weight_decay=0.5)
    state = RealSGD().init(torch.tensor([[0.5, -1.0]]), hp, torch.Generator())
    state = RealSGD().update(state, torch.tensor([[2.0, 0.0]]), hp, NOW)
    torch.testing.assert_close(state["m"], torch.tensor([[2.25, -0.5]]))
    torch.testing.assert_close(state["w"], torch.tensor([[0.275, -0.95]]))
    state = RealSGD().update(state, torch.tensor([[1.0, 0.0]]), hp, NOW)
    torch.testing.assert_close(state["m"], torch.tensor([[0.75 * 2.25 + 1 + 0.1375, 0.75 * -0.5 - 0.475]]))


def test_it_is_the_sgd_of_torch(recorded):
    hp = RealSGD.Hyperparameters(
        learning_rate=0.1, momentum_rate=0.2, weight_decay=1e-2, learning_rate_decay="none", init_scale=0.5
    )
    noise = normal(*recorded.shape[1:], seed=5)
    state = RealSGD().init(noise, hp, torch.Generator())
    parameter = torch.nn.Parameter(0.5 * (2 / noise.shape[1]) ** 0.5 * noise)
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.8, weight_decay=1e-2)
    for gradient in recorded:
        state = RealSGD().update(state, gradient, hp, NOW)
        parameter.grad = gradient.clone()
        optimizer.step()
    torch.testing.assert_close(RealSGD().weight(state, hp, NOW), parameter.detach())


def test_the_network_uses_the_weights_themselves():
    hp = RealSGD.Hyperparameters()
    noise = normal(3, 8, seed=0)
    state = RealSGD().init(noise, hp, torch.Generator())
    torch.testing.assert_close(RealSGD().weight(state, hp, NOW), 0.5 * noise)
    torch.testing.assert_close(RealSGD().evaluation_weight(state, hp, NOW), 0.5 * noise)


def test_a_weight_of_exactly_zero_is_used_as_zero_and_keeps_its_sign():
    hp = RealSGD.Hyperparameters(learning_rate=1.0, weight_decay=0.0)
    state = RealSGD().init(torch.tensor([[-1.0, 1.0]]), hp, torch.Generator())
    state = RealSGD().update(state, torch.tensor([[-1.0, 0.0]]), hp, NOW)
    assert RealSGD().weight(state, hp, NOW).tolist() == [[0.0, 1.0]]
    assert state["theta"].tolist() == [[-1.0, 1.0]]


@pytest.mark.parametrize(
    ("activation", "expected"), [("task", None), ("relu", Surrogate("relu")), ("hardtanh", Surrogate("hardtanh"))]
)
def test_the_activation_is_that_of_the_task_or_a_real_one(activation, expected):
    assert RealSGD().activation(RealSGD.Hyperparameters(activation=activation)) == expected


def test_it_learns_in_closed_loop_what_an_untrained_network_does_not_know():
    def loss(learning_rate):
        hp = RealSGD.Hyperparameters(learning_rate=learning_rate)
        return train(make_network(), RealSGD(), hp, make_data(), SETTINGS, seed=0, report=ignore)["train_loss"]

    assert loss(0.1) < 0.8 * loss(1e-9)


def test_momentum_activation_and_the_clock_are_not_based_on_magnitudes():
    model = RealSGD.Hyperparameters
    assert set(model.model_fields) - set(model.magnitude_based()) == {"momentum_rate", "activation", "decay_per"}


@pytest.mark.parametrize("values", [{"init_scale": 0.0}, {"momentum_rate": 0.0}, {"activation": "sign"}, {"learning_rate": 0.0}])
def test_values_outside_the_domain_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        RealSGD.Hyperparameters(**values)
