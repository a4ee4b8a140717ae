import math

import pytest
import torch

from hpstudy.bnn.methods.bop import Bop, flip, linear
from hpstudy.bnn.methods.domain import inconsistent
from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.schedules import factor
from hpstudy.testing.methods import clocks, normal


def run(gradients, noise=None, method=Bop, epochs=1, **values):
    """Theta after every update, the noise having the gradients' shape."""
    method, hp = method(), method.Hyperparameters(**values)
    state = method.init(normal(*gradients.shape[1:], seed=0) if noise is None else noise, hp, torch.Generator())
    thetas = []
    for clock, gradient in zip(clocks(epochs, len(gradients) // epochs), gradients, strict=True):
        state = method.update(state, gradient, hp, clock)
        thetas.append(state["theta"].clone())
    return torch.stack(thetas)


def column(*numbers):
    return torch.tensor(numbers, dtype=torch.float64).view(-1, 1, 1)


def test_first_steps_by_hand():
    # gamma = 0.5: m = 1, -0.5, -1.25, -0.625, 0.1875; theta = -1 at first; tau = 0.6
    gradients = column(2, -2, -2, 0, 1)
    thetas = run(gradients, column(-1)[0], gamma=0.5, tau=0.6, gamma_decay="none")
    assert thetas.flatten().tolist() == [-1, -1, 1, 1, 1]


def test_a_flip_waits_until_the_filtered_gradient_passes_the_threshold_on_the_other_side():
    # gamma = 1: m = G. Down at +0.7, up again only below -0.5, not at -0.4.
    thetas = run(column(0.7, 0.1, -0.4, -0.6, 0.4), column(1)[0], gamma=1.0, tau=0.5)
    assert thetas.flatten().tolist() == [-1, -1, -1, 1, 1]


def test_a_filtered_gradient_of_exactly_the_threshold_flips_nothing():
    assert run(column(0.5), column(1)[0], gamma=1.0, tau=0.5).item() == 1


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_weight_without_gradient_is_not_forced_to_plus_one_at_threshold_zero(sign):
    assert run(column(0, 0, 0), column(sign)[0], tau=0.0).flatten().tolist() == [sign] * 3


def test_the_filter_starts_empty_and_not_at_the_first_gradient():
    # gamma = 0.1: m_0 = 0.1, below tau; a filter started at G_0 = 1 would flip at once.
    assert run(column(1), column(1)[0], gamma=0.1, tau=0.5, gamma_decay="none").item() == 1


@pytest.mark.parametrize("decay", ["none", "linear", "cosine", "step"])
def test_without_threshold_the_signs_are_those_of_a_first_order_filter(decay):
    gradients = normal(2000, 20, 25, seed=1)
    bop = run(gradients, epochs=10, gamma=0.01, tau=0.0, gamma_decay=decay)
    reference = run(gradients, method=Filter, epochs=10, alpha=0.01, gamma=1.0, alpha_decay=decay)
    assert torch.equal(bop, reference)
    assert (bop[1:] != bop[:-1]).any()


def test_without_threshold_the_signs_are_those_of_a_first_order_filter_on_gradients_of_a_network(recorded):
    bop = run(recorded, gamma=0.01, tau=0.0, gamma_decay="none")
    assert torch.equal(bop, run(recorded, method=Filter, alpha=0.01, gamma=1.0, alpha_decay="none"))


def test_the_flip_ratio_under_white_noise_without_threshold_is_arccos_of_the_autocorrelation():
    gamma = 0.1
    thetas = run(normal(2000, 20, 50, seed=1), gamma=gamma, tau=0.0, gamma_decay="none")[200:]
    flips = (thetas[1:] != thetas[:-1]).double().mean().item()
    assert flips == pytest.approx(math.acos(1 - gamma) / math.pi, rel=0.02)


def test_the_threshold_is_in_units_of_the_gradient():
    gradients = normal(200, 10, 10, seed=1)
    small = run(gradients, gamma=0.25, tau=0.25)
    assert torch.equal(small, run(1024 * gradients, gamma=0.25, tau=256.0))
    assert not torch.equal(small, run(1024 * gradients, gamma=0.25, tau=0.25))
    assert Bop.Hyperparameters.magnitude_based() == ("tau",)


def test_a_larger_threshold_flips_less():
    gradients = normal(500, 10, 10, seed=1)
    thetas = [run(gradients, gamma=0.1, tau=tau) for tau in (0.0, 0.1, 0.3)]
    none, low, high = [int((t[1:] != t[:-1]).sum()) for t in thetas]
    assert none > low > high > 0


def test_the_rate_falls_to_a_tenth_after_every_fifth_of_the_training():
    gradients = normal(50, 4, 6, seed=1)
    theta, m = normal(4, 6, seed=0).sign(), torch.zeros(4, 6, dtype=torch.float64)
    thetas = run(gradients, epochs=10, gamma=0.5, tau=0.1)
    for update, gradient in enumerate(gradients):
        gamma = 0.5 * 10.0 ** -(update // 10)
        m = (1 - gamma) * m + gamma * gradient
        theta = torch.where(m * theta > 0.1, -theta, theta)
        assert torch.equal(thetas[update], theta)


@pytest.mark.parametrize("per", ["epoch", "update"])
@pytest.mark.parametrize("change", [0.0, 0.1, 1.0, 3.0])
def test_the_threshold_changes_linearly_toward_its_end(change, per):
    gradients = normal(200, 10, 12, seed=1)
    theta, m = normal(10, 12, seed=0).sign(), torch.zeros(10, 12, dtype=torch.float64)
    thetas = run(gradients, epochs=10, gamma=0.2, tau=0.1, tau_change=change, gamma_decay="linear", decay_per=per)
    for update, gradient in enumerate(gradients):
        r = update // 20 / 10 if per == "epoch" else update / 200
        m = (1 - 0.2 * (1 - r)) * m + 0.2 * (1 - r) * gradient
        theta = torch.where(m * theta > 0.1 + (0.1 * change - 0.1) * r, -theta, theta)
        assert torch.equal(thetas[update], theta)
    assert (thetas[1:] != thetas[:-1]).any()


@pytest.mark.parametrize("per", ["epoch", "update"])
@pytest.mark.parametrize("change", [0.0, 0.1, 3.0])
def test_the_rate_changes_linearly_toward_its_end(change, per):
    gradients = normal(200, 10, 12, seed=1)
    theta, m = normal(10, 12, seed=0).sign(), torch.zeros(10, 12, dtype=torch.float64)
    thetas = run(gradients, epochs=10, gamma=0.2, tau=0.1, gamma_change=change, gamma_decay="none", decay_per=per)
    for update, gradient in enumerate(gradients):
        r = update // 20 / 10 if per == "epoch" else update / 200
        gamma = 0.2 + (0.2 * change - 0.2) * r
        m = (1 - gamma) * m + gamma * gradient
        theta = torch.where(m * theta > 0.1, -theta, theta)
        assert torch.equal(thetas[update], theta)
    assert (thetas[1:] != thetas[:-1]).any()


@pytest.mark.parametrize("decay", ["none", "linear", "cosine", "step"])
def test_a_rate_without_change_moves_by_its_schedule_alone_bit_for_bit(decay):
    gradients = normal(200, 10, 12, seed=1).float()
    m = torch.zeros(10, 12)
    method, hp = Bop(), Bop.Hyperparameters(gamma=0.2, gamma_decay=decay)
    state = method.init(normal(10, 12, seed=0).float(), hp, torch.Generator())
    for clock, gradient in zip(clocks(10, 20), gradients, strict=True):
        state = method.update(state, gradient.clone(), hp, clock)
        m.lerp_(gradient, 0.2 * factor(decay, clock.elapsed("epoch")))
        assert torch.equal(state["m"], m)


def test_a_rate_that_ends_above_one_is_refused_with_its_end():
    (problem,) = inconsistent(Bop.Hyperparameters, {"gamma": 0.1, "gamma_change": 20.0, "gamma_decay": "none"})
    assert "gamma x gamma_change = 2" in problem


def test_a_rate_has_one_schedule():
    (problem,) = inconsistent(Bop.Hyperparameters, {"gamma_change": 0.1, "gamma_decay": "step"})
    assert "set gamma_decay to none, or gamma_change to 1" in problem


def test_a_threshold_without_change_is_constant_bit_for_bit():
    assert {linear(1.0, update / 700) for update in range(700)} == {1.0}


def test_not_a_number_flips_nothing():
    theta = torch.tensor([1.0, -1.0])
    assert flip(theta, torch.tensor([math.nan, math.nan]), 0.0).tolist() == [1, -1]


@pytest.mark.parametrize(
    "values",
    [
        {"gamma": 0.0},
        {"gamma": 1.1},
        {"tau": -1e-9},
        {"tau": float("inf")},
        {"tau_change": -1.0},
        {"gamma_change": -1.0},
        {"alpha": 0.1},
    ],
)
def test_values_outside_the_domain_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        Bop.Hyperparameters(**values)
