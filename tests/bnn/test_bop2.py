import math

import pytest
import torch

from hpstudy.bnn.methods.bop2 import Bop2ndOrder
from hpstudy.bnn.methods.domain import inconsistent
from hpstudy.bnn.schedules import Clock
from hpstudy.testing.methods import clocks, normal


def run(gradients, noise=None, epochs=1, **values):
    """Theta after every update."""
    method, hp = Bop2ndOrder(), Bop2ndOrder.Hyperparameters(**values)
    start = normal(*gradients.shape[1:], seed=0).to(gradients.dtype) if noise is None else noise
    state = method.init(start, hp, torch.Generator())
    thetas = []
    for clock, gradient in zip(clocks(epochs, len(gradients) // epochs), gradients, strict=True):
        state = method.update(state, gradient, hp, clock)
        thetas.append(state["theta"].clone())
    return torch.stack(thetas)


def literal(gradients, rates, *, unbiased, guard=1e-10):
    """The published rule, with its division; `rates` gives (gamma, sigma, tau) at every update."""
    theta = normal(*gradients.shape[1:], seed=0).sign()
    m, v, thetas = torch.zeros_like(theta), torch.zeros_like(theta), []
    for gradient, (gamma, sigma, tau) in zip(gradients, rates, strict=True):
        m = m + gamma * (gradient - m)
        v = v + sigma * (gradient**2 - v)
        r = (m / gamma) / ((v / sigma).sqrt() + guard) if unbiased else m / (v.sqrt() + guard)
        theta = torch.where(r * theta > tau, -theta, theta)
        thetas.append(theta)
    return torch.stack(thetas)


def column(*numbers):
    return torch.tensor(numbers, dtype=torch.float64).view(-1, 1, 1)


def flips(thetas):
    return int((thetas[1:] != thetas[:-1]).sum())


def test_first_steps_by_hand():
    # gamma = sigma = 0.5.  G: 2, -4, -4.  m: 1, -1.5, -2.75.  v: 2, 9, 12.5.  m/sqrt(v): 0.71, -0.5, -0.78
    thetas = run(column(2, -4, -4), column(1)[0], gamma=0.5, sigma=0.5, tau=0.6)
    assert thetas.flatten().tolist() == [-1, -1, 1]


def test_first_step_of_the_unbiased_variant_by_hand():
    # G = 2: m/gamma = 2, sqrt(v/sigma) = 2, so that the first ratio is 1 at any rates.
    for tau, theta in ((0.99, -1), (1.01, 1)):
        assert run(column(2), column(1)[0], gamma=0.01, sigma=0.25, tau=tau, variant="unbiased").item() == theta


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("gamma", "sigma"), [(0.01, 0.01), (1e-4, 0.02), (0.7, 0.3), (1e-7, 1e-3), (1.0, 1.0)])
def test_a_first_ratio_of_exactly_the_threshold_flips_nothing_at_any_rates(gamma, sigma, dtype):
    gradients = normal(1, 100, 100, seed=1).to(dtype)
    values = {"noise": gradients[0], "gamma": gamma, "sigma": sigma, "variant": "unbiased"}
    assert torch.equal(run(gradients, tau=1.0, **values), gradients.sign())
    assert torch.equal(run(gradients, tau=0.999999, **values), -gradients.sign())


@pytest.mark.parametrize("variant", ["biased", "unbiased"])
def test_the_flips_are_those_of_the_published_rule_where_its_guard_is_negligible(variant):
    gradients = normal(1000, 12, 15, seed=1)
    tau = 0.1 if variant == "biased" else 0.3
    thetas = run(gradients, gamma=0.05, sigma=0.02, tau=tau, variant=variant)
    assert torch.equal(thetas, literal(gradients, [(0.05, 0.02, tau)] * 1000, unbiased=variant == "unbiased"))
    assert flips(thetas) > 1000


@pytest.mark.parametrize("variant", ["biased", "unbiased"])
def test_rates_and_threshold_change_linearly_toward_their_ends(variant):
    gradients = normal(400, 10, 12, seed=1)
    elapsed = [update // 40 / 10 for update in range(400)]
    rates = [(0.1 + (0.001 - 0.1) * r, 1e-3 + (0.1 - 1e-3) * r, 0.2 + (0.02 - 0.2) * r) for r in elapsed]
    changes = {"gamma_change": 0.01, "sigma_change": 100.0, "tau_change": 0.1}
    thetas = run(gradients, epochs=10, gamma=0.1, sigma=1e-3, tau=0.2, variant=variant, **changes)
    assert torch.equal(thetas, literal(gradients, rates, unbiased=variant == "unbiased"))
    assert flips(thetas) > 0


def test_unbiased_is_biased_with_another_threshold_under_constant_rates():
    gradients, gamma, sigma = normal(1000, 12, 15, seed=1), 0.05, 0.02
    unbiased = run(gradients, gamma=gamma, sigma=sigma, tau=0.4, variant="unbiased")
    assert torch.equal(unbiased, run(gradients, gamma=gamma, sigma=sigma, tau=0.4 * gamma / math.sqrt(sigma)))
    assert flips(unbiased) > 1000


def test_unbiased_and_biased_differ_under_a_changing_rate_whatever_the_threshold_at_the_start():
    gradients, gamma, sigma = normal(1000, 12, 15, seed=1), 0.05, 0.02
    shared = {"epochs": 10, "gamma": gamma, "sigma": sigma, "sigma_change": 0.1}
    unbiased = run(gradients, tau=0.4, variant="unbiased", **shared)
    assert not torch.equal(unbiased, run(gradients, tau=0.4 * gamma / math.sqrt(sigma), **shared))


def test_no_scale_of_the_gradients_changes_a_sign():
    gradients = normal(300, 10, 12, seed=1)
    values = {"gamma": 0.05, "sigma": 0.02, "tau": 0.1}
    for exponent in (-100, -30, 30, 100):
        assert torch.equal(run(gradients * 2.0**exponent, **values), run(gradients, **values))
    assert Bop2ndOrder.Hyperparameters.magnitude_based() == ()


def test_gradients_whose_squares_underflow_in_single_precision_meet_the_same_threshold():
    gradients = normal(300, 10, 12, seed=1).float()
    values = {"gamma": 0.05, "sigma": 0.01, "tau": 0.1}
    tiny = gradients * 2.0**-80
    assert not (0.01 * tiny**2).any()
    assert torch.equal(run(tiny, **values), run(gradients, **values))


def test_the_guard_of_the_published_code_would_change_flips_at_small_gradients():
    gradients = 1e-9 * normal(300, 10, 12, seed=1)
    values = {"gamma": 0.05, "sigma": 0.01, "tau": 0.1}
    rates = [(0.05, 0.01, 0.1)] * 300
    assert torch.equal(run(gradients, **values), literal(gradients, rates, unbiased=False, guard=0.0))
    assert not torch.equal(run(gradients, **values), literal(gradients, rates, unbiased=False))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_weight_without_gradient_keeps_its_sign_at_threshold_zero(sign):
    assert run(column(0, 0, 0), column(sign)[0], tau=0.0).flatten().tolist() == [sign] * 3


def test_without_threshold_the_second_moment_does_nothing(recorded):
    thetas = run(recorded, gamma=0.01, sigma=0.5, tau=0.0)
    assert torch.equal(thetas, run(recorded, gamma=0.01, sigma=1e-3, tau=0.0))
    assert flips(thetas) > 0


def test_the_spread_of_the_normalized_gradient_under_white_noise_is_about_the_root_of_half_the_rate():
    gamma, hp = 0.02, Bop2ndOrder.Hyperparameters(gamma=0.02, sigma=0.01)
    method = Bop2ndOrder()
    state = method.init(normal(40, 50, seed=0), hp, torch.Generator())
    for gradient in normal(500, 40, 50, seed=1):
        state = method.update(state, gradient, hp, Clock(0, 1, 0, 1))
    assert (state["m"] / state["s"]).std().item() == pytest.approx(math.sqrt(gamma / 2), rel=0.05)


@pytest.mark.parametrize("name", ["gamma", "sigma"])
def test_a_rate_that_ends_above_one_is_refused_with_its_end(name):
    model = Bop2ndOrder.Hyperparameters
    (problem,) = inconsistent(model, {name: 0.1, f"{name}_change": 20.0})
    assert f"{name} x {name}_change = 2" in problem
    assert inconsistent(model, {name: 0.1, f"{name}_change": 10.0}) == []


@pytest.mark.parametrize("values", [{"gamma": 0.0}, {"sigma": 1.1}, {"tau": -1.0}, {"variant": "both"}, {"tau_change": -0.1}])
def test_values_outside_the_domain_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        Bop2ndOrder.Hyperparameters(**values)
