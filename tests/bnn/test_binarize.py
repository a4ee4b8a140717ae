import typing

import pytest
import torch

from hpstudy.bnn.binarize import ACTIVATIONS, BinaryActivation
from hpstudy.bnn.schedules import Clock
from hpstudy.bnn.settings import Activation, Surrogate

X = [-2.0, -1.0, -0.25, 0.0, 0.25, 1.0, 2.0]
BINARY = [name for name in ACTIVATIONS if name not in ("hardtanh", "relu")]


def derivative(name, *, epoch=0, epochs=2, t_min=None, t_max=None):
    activation = BinaryActivation(Surrogate(name, t_min, t_max))
    activation.start_epoch(Clock(epoch, epochs, 0, epochs))
    x = torch.tensor([X], dtype=torch.float64, requires_grad=True)
    activation(x).sum().backward()
    return x.grad[0].tolist()


def make(name):
    return BinaryActivation(Surrogate(name))


@pytest.mark.parametrize("name", BINARY)
def test_an_activation_is_the_sign_with_plus_one_at_zero(name):
    x = [v for v in X if v or name != "rbnn"]  # the mean of a sample is 0 up to rounding
    assert make(name)(torch.tensor([x])).tolist() == [[-1 if v < 0 else 1 for v in x]]


@pytest.mark.parametrize("name", BINARY)
def test_negative_zero_is_a_zero(name):
    assert make(name)(torch.tensor([[-0.0, -0.0]])).tolist() == [[1, 1]]


def test_the_derivative_of_approx_sign_is_a_triangle():
    assert derivative("approx_sign") == [0, 0, 1.5, 2, 1.5, 0, 0]


def test_the_derivative_of_ste_clip_is_a_box():
    assert derivative("ste_clip") == [0, 1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_derivative_multiplies_the_gradient_from_above(name):
    x = torch.tensor([X], dtype=torch.float64, requires_grad=True)
    (3 * make(name)(x)).sum().backward()
    torch.testing.assert_close(x.grad[0].tolist(), [3 * d for d in derivative(name)])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_keeps_the_type(name, dtype):
    assert make(name)(torch.tensor([X], dtype=dtype)).dtype == dtype


def test_the_settings_name_every_activation():
    assert set(typing.get_args(Activation)) == set(ACTIVATIONS)


def test_the_derivative_of_ede_is_that_of_a_scaled_tanh():
    x = torch.tensor(X, dtype=torch.float64)
    for t, k in ((0.1, 10.0), (4.0, 1.0)):
        expected = k * t * (1 - torch.tanh(t * x) ** 2)
        torch.testing.assert_close(derivative("ede", t_min=t, t_max=t), expected.tolist())


def test_the_temperature_rises_geometrically_over_the_epochs():
    activation = BinaryActivation(Surrogate("ede", 0.01, 100.0))
    found = []
    for epoch in range(4):
        activation.start_epoch(Clock(epoch, 4, 0, 4))
        found.append(activation.t)
    assert found == pytest.approx([0.01, 0.1, 1.0, 10.0])


def test_the_derivative_of_rbnn_is_a_triangle_of_the_standardized_value_carried_back():
    t = 2.0
    x = torch.tensor([X], dtype=torch.float64, requires_grad=True)
    z = (x - x.mean()) / x.std()
    (z * (2**0.5 * t - t * t * z.abs()).clamp(min=0).detach()).sum().backward()
    torch.testing.assert_close(derivative("rbnn", t_min=t, t_max=t), x.grad[0].tolist())


LOPSIDED = [[-2.0, -0.5, 0.25, 4.0], [0.1, 0.2, -0.05, 0.6]]
"""Two samples of different mean and deviation, neither symmetric: terms of a derivative that cancel in X do not cancel here."""


def lopsided_derivative(name, scale=1.0, **ends):
    """The gradient of a weighted sum, of samples as they come from a convolution: (batch, 2, 1, 2)."""
    x = (scale * torch.tensor(LOPSIDED, dtype=torch.float64).view(2, 2, 1, 2)).requires_grad_()
    activation = BinaryActivation(Surrogate(name, **ends))
    (activation(x).flatten() * torch.arange(1.0, 9.0, dtype=torch.float64)).sum().backward()
    return x.grad.view(2, 4)


def test_rbnn_standardizes_every_sample_by_itself_and_the_gradient_goes_through_mean_and_deviation():
    t = 2.0
    x = torch.tensor(LOPSIDED, dtype=torch.float64, requires_grad=True)
    z = (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)
    above = torch.arange(1.0, 9.0, dtype=torch.float64).view(2, 4)
    (above * z * (2**0.5 * t - t * t * z.abs()).clamp(min=0).detach()).sum().backward()
    torch.testing.assert_close(lopsided_derivative("rbnn", t_min=t, t_max=t), x.grad)


def test_the_temperature_of_rbnn_acts_on_activations_from_one_on():
    at_one = lopsided_derivative("rbnn", t_min=1.0, t_max=10.0)
    assert torch.equal(lopsided_derivative("rbnn", t_min=0.01, t_max=10.0), at_one)
    assert not torch.equal(lopsided_derivative("rbnn", t_min=1.5, t_max=10.0), at_one)


def test_rbnn_standardizes_in_evaluation_too():
    x = torch.tensor([[1.0, 2.0, 6.0]])
    assert make("rbnn").eval()(x).tolist() == make("rbnn")(x).tolist() == [[-1, -1, 1]]


def test_ovsw_takes_the_deviation_of_every_sample_as_a_constant():
    x = torch.tensor(LOPSIDED, dtype=torch.float64)
    s = x.std(1, keepdim=True)
    above = torch.arange(1.0, 9.0, dtype=torch.float64).view(2, 4)
    torch.testing.assert_close(lopsided_derivative("ovsw"), above * (2 - 2 * (x / s).abs()).clamp(min=0) / s)


@pytest.mark.parametrize("scale", [1.0, 1e-2])
def test_recu_divides_every_sample_by_its_deviation_and_the_gradient_goes_through_it(scale):
    x = (scale * torch.tensor(LOPSIDED, dtype=torch.float64)).requires_grad_()
    z = x / (x.var(1, keepdim=True) + 1e-5).sqrt()
    approximation = torch.where(z.abs() < 1, z * (2 - z.abs()), z.sign())
    (approximation * torch.arange(1.0, 9.0, dtype=torch.float64).view(2, 4)).sum().backward()
    torch.testing.assert_close(lopsided_derivative("recu", scale), x.grad)


def test_recu_changes_no_sign_and_divides_in_training_only():
    x = torch.tensor([[0.2, 1.0, 7.0], [-0.5, 0.0, 3.0]])
    assert make("recu")(x).tolist() == make("recu").eval()(x).tolist() == [[1, 1, 1], [-1, 1, 1]]
    assert make("recu").eval()(x[:, :1]).tolist() == [[1], [-1]]  # a sample of one value has no deviation


@pytest.mark.parametrize(("name", "ends"), [("ede", (1e-3, 10.0)), ("rbnn", (1e-2, 10.0))])
def test_temperatures_that_are_left_open_are_the_published_ones(name, ends):
    assert (make(name).t_min, make(name).t_max) == ends


def test_ovsw_divides_by_the_deviation_of_the_sample_in_training_only():
    x = torch.tensor([X], dtype=torch.float64)
    s = x.std()
    torch.testing.assert_close(derivative("ovsw"), ((2 - 2 * (x / s).abs()).clamp(min=0) / s)[0].tolist())
    assert make("ovsw").eval()(x[:, :1]).tolist() == [[-1]]  # a sample of one value has no deviation


def test_the_real_activations_are_what_they_are_called():
    assert make("hardtanh")(torch.tensor([X])).tolist() == [[-1, -1, -0.25, 0, 0.25, 1, 1]]
    assert make("relu")(torch.tensor([X])).tolist() == [[0, 0, 0, 0, 0.25, 1, 2]]
