"""On white noise the flip ratio has a closed form: arccos(rho)/pi, rho the lag-1 autocorrelation of the filter's output."""

import math

import pytest
import torch

from hpstudy.bnn.flips import FlipCounter
from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.schedules import Clock
from hpstudy.testing.methods import normal


def flip_ratio(alpha, gamma, *, weights=4000, updates=1000):
    """Measured on white noise, after the filter has filled up (10 windows)."""
    method, hp = Filter(), Filter.Hyperparameters(alpha=alpha, gamma=gamma, alpha_decay="none")
    generator = torch.Generator().manual_seed(0)
    state = method.init(normal(weights, 1, seed=1), hp, generator)
    counter = FlipCounter([state["theta"]])
    filling = round(10 / min(alpha, gamma))
    for i in range(filling + updates):
        gradient = torch.randn(weights, 1, generator=generator, dtype=torch.float64)
        state = method.update(state, gradient, hp, Clock(0, 1, i, filling + updates))
        counter.count([state["theta"]])
        if i == filling - 1:
            counter.end_epoch()
    return counter.end_epoch().flip_ratio


@pytest.mark.parametrize("alpha", [0.02, 0.2])
def test_a_first_order_filter_flips_as_often_as_theory_says(alpha):
    assert flip_ratio(alpha, 1.0) == pytest.approx(math.acos(1 - alpha) / math.pi, rel=0.03)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.02, 0.1), (0.1, 0.5)])
def test_a_second_order_filter_flips_as_often_as_theory_says(alpha, gamma):
    p1, p2 = 1 - alpha, 1 - gamma
    rho = (p1 + p2) / (1 + p1 * p2)
    assert flip_ratio(alpha, gamma) == pytest.approx(math.acos(rho) / math.pi, rel=0.03)
