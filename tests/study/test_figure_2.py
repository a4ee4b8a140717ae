"""The function behind studies/paper/figure_2.yaml."""

import importlib.util
import math

import pytest
import torch

from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.schedules import Clock
from hpstudy.study.shipped import shipped_root


@pytest.fixture(scope="module")
def figure_2():
    spec = importlib.util.spec_from_file_location("figure_2", shipped_root() / "studies/paper/figure_2.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def noise(updates=400, weights=500):
    return torch.randn(updates, weights, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_order_0_is_the_gradient_itself(figure_2):
    gradients = noise(5, 3)
    assert torch.equal(figure_2.filtered(gradients, 0, 0.05, 0.1), gradients)


def test_order_1_is_the_slow_filter_alone(figure_2):
    gradients = torch.tensor([[1.0], [1.0], [-1.0]], dtype=torch.float64)
    assert figure_2.filtered(gradients, 1, 0.5, 0.1).flatten().tolist() == [0.5, 0.75, -0.125]


def test_order_2_has_the_signs_of_the_gradient_filter(figure_2):
    gradients = noise(200, 50)
    method, hp = Filter(), Filter.Hyperparameters(alpha=0.05, gamma=0.1, alpha_decay="none")
    state = method.init(torch.ones(1, 50, dtype=torch.float64), hp, torch.Generator())
    for update, gradient in enumerate(gradients):
        state = method.update(state, gradient[None], hp, Clock(0, 1, update, 200))
    signs = figure_2.filtered(gradients, 2, 0.05, 0.1)[-1].sign()
    assert torch.equal(state["theta"][0], -signs)


@pytest.mark.parametrize(("order", "correlation"), [(0, 0.0), (1, 0.95), (2, (0.95 + 0.9) / (1 + 0.95 * 0.9))])
def test_white_noise_changes_its_sign_as_often_as_its_correlation_says(figure_2, order, correlation):
    signs = figure_2.filtered(noise(), order, 0.05, 0.1)[100:].sign()
    changes = (signs[1:] != signs[:-1]).double().mean().item()
    assert changes == pytest.approx(math.acos(correlation) / math.pi, rel=0.03)
