import typing

import pytest
import torch

from hpstudy.bnn.binarize import ACTIVATIONS
from hpstudy.bnn.settings import Activation

X = [-2.0, -1.0, -0.25, 0.0, 0.25, 1.0, 2.0]


def derivative(name):
    x = torch.tensor(X, requires_grad=True)
    ACTIVATIONS[name](x).sum().backward()
    return x.grad.tolist()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_the_sign_with_plus_one_at_zero(name):
    assert ACTIVATIONS[name](torch.tensor(X)).tolist() == [-1, -1, -1, 1, 1, 1, 1]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_negative_zero_is_a_zero(name):
    assert ACTIVATIONS[name](torch.tensor([-0.0])).item() == 1


def test_the_derivative_of_approx_sign_is_a_triangle():
    assert derivative("approx_sign") == [0, 0, 1.5, 2, 1.5, 0, 0]


def test_the_derivative_of_ste_clip_is_a_box():
    assert derivative("ste_clip") == [0, 1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_derivative_multiplies_the_gradient_from_above(name):
    x = torch.tensor([0.25], requires_grad=True)
    (3 * ACTIVATIONS[name](x)).sum().backward()
    assert x.grad.item() == 3 * derivative(name)[4]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_keeps_the_type(name, dtype):
    assert ACTIVATIONS[name](torch.tensor(X, dtype=dtype)).dtype == dtype


def test_the_settings_name_every_activation():
    assert set(typing.get_args(Activation)) == set(ACTIVATIONS)
