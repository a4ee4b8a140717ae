"""The identities between latent weights and gradient filters, replayed on recorded gradients in double precision (open loop)."""

import math

import pytest
import torch

from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.methods.latent_sgd import LatentSGD, library_rates
from hpstudy.bnn.schedules import Clock
from hpstudy.testing.methods import normal

EPOCHS = 8


def replay(method, gradients, *, noise=None, **hp):
    """theta after every update, and the last state."""
    values = method.Hyperparameters(**hp)
    noise = normal(*gradients.shape[1:], seed=5) if noise is None else noise
    state, thetas = method.init(noise, values, torch.Generator()), []
    updates = len(gradients)
    for i, gradient in enumerate(gradients):
        clock = Clock(i * EPOCHS // updates, EPOCHS, i, updates)
        state = method.update(state, gradient, values, clock)
        thetas.append(state["theta"].clone())
    return torch.stack(thetas), state


def latent(gradients, **hp):
    plain = {"scaling": False, "clipping": "none", "init_scale": 0.0}
    return replay(LatentSGD(), gradients, **{**plain, **hp})


def gradient_filter(gradients, **hp):
    return replay(Filter(), gradients, **hp)


def flips(thetas):
    return int((thetas[1:] != thetas[:-1]).sum())


def test_the_recorded_gradients_make_weights_flip(recorded):
    assert flips(gradient_filter(recorded, alpha=1e-2)[0]) > 1000


@pytest.mark.parametrize("decay", ["none", "linear", "cosine"])
@pytest.mark.parametrize("per", ["epoch", "update"])
def test_latent_weights_from_zero_are_the_filter_with_alpha_learning_rate_times_weight_decay(recorded, decay, per):
    epsilon, decay_rate = 0.1, 0.1
    a, left = latent(recorded, learning_rate=epsilon, weight_decay=decay_rate, learning_rate_decay=decay, decay_per=per)
    b, right = gradient_filter(recorded, alpha=epsilon * decay_rate, alpha_decay=decay, decay_per=per)
    assert torch.equal(a, b)
    torch.testing.assert_close(left["w"], -epsilon * right["g"], rtol=1e-10, atol=1e-15)


def test_the_cascade_is_the_difference_equation_17_for_constant_alpha(recorded):
    alpha, gamma = 1e-2, 0.1
    thetas, state = gradient_filter(recorded, alpha=alpha, gamma=gamma, alpha_decay="none")
    g1 = g2 = torch.zeros_like(recorded[0])
    for i, gradient in enumerate(recorded):
        g = alpha * gamma * gradient + (2 - alpha - gamma) * g1 - (1 - alpha) * (1 - gamma) * g2
        assert torch.equal(thetas[i], -g.sign())
        g1, g2 = g, g1
    torch.testing.assert_close(alpha * state["g"], g1, rtol=1e-8, atol=1e-18)


def test_the_cascade_is_the_corrected_difference_equation_under_alpha_decay(recorded):
    alpha, gamma, updates = 1e-2, 0.1, len(recorded)
    thetas, _ = gradient_filter(recorded, alpha=alpha, gamma=gamma, alpha_decay="cosine", decay_per="update")
    g1 = g2 = torch.zeros_like(recorded[0])
    before = alpha
    for i, gradient in enumerate(recorded):
        now = alpha * (1 + math.cos(math.pi * i / updates)) / 2
        g = now * gamma * gradient + (1 - now) * g1 + (1 - gamma) * (now / before) * (g1 - (1 - before) * g2)
        assert torch.equal(thetas[i], -g.sign())
        g1, g2, before = g, g1, now


def test_alpha_and_gamma_can_be_swapped_when_alpha_is_constant(recorded):
    a, left = gradient_filter(recorded, alpha=0.02, gamma=0.3, alpha_decay="none")
    b, right = gradient_filter(recorded, alpha=0.3, gamma=0.02, alpha_decay="none")
    assert torch.equal(a, b)
    torch.testing.assert_close(0.02 * left["g"], 0.3 * right["g"], rtol=1e-8, atol=1e-18)


def test_alpha_and_gamma_cannot_be_swapped_when_alpha_decays(recorded):
    a, _ = gradient_filter(recorded, alpha=0.02, gamma=0.3)
    b, _ = gradient_filter(recorded, alpha=0.3, gamma=0.02)
    assert not torch.equal(a, b)


@pytest.mark.parametrize("epsilon", [1e-4, 1e-2, 1.0])
def test_the_learning_rate_has_no_effect_from_zero_at_a_fixed_product_with_weight_decay(recorded, epsilon):
    a, _ = latent(recorded, learning_rate=0.1, weight_decay=0.1)
    b, _ = latent(recorded, learning_rate=epsilon, weight_decay=0.01 / epsilon)
    assert torch.equal(a, b)


def test_scaling_the_learning_rate_is_scaling_the_initial_weights_by_the_inverse_at_a_fixed_product(recorded):
    s = 30.0
    scaled = {"learning_rate": s * 0.01, "weight_decay": 0.1 / s, "init_scale": 0.003}
    a, _ = latent(recorded, **scaled)
    b, _ = latent(recorded, learning_rate=0.01, weight_decay=0.1, init_scale=0.003 / s)
    assert torch.equal(a, b)


def test_scaling_the_learning_rate_alone_is_not_scaling_the_initial_weights_by_the_inverse(recorded):
    a, _ = latent(recorded, learning_rate=0.3, weight_decay=0.1, init_scale=0.003)
    b, _ = latent(recorded, learning_rate=0.01, weight_decay=0.1, init_scale=0.0001)
    assert (a != b).double().mean() > 0.1


@pytest.mark.parametrize(("epsilon", "decay"), [(0.1, 1e-4), (0.1, 1e-3), (0.05, 0.05)])
def test_sgd_of_libraries_is_the_filter_with_mapped_rates(recorded, epsilon, decay):
    rates = library_rates(epsilon, 0.9, decay)
    assert rates is not None
    alpha, gamma = rates
    setting = {"learning_rate": epsilon, "weight_decay": decay, "gamma": 1 - 0.9, "learning_rate_decay": "none"}
    a, left = latent(recorded, convention="library", **setting)
    b, right = gradient_filter(recorded, alpha=alpha, gamma=gamma, alpha_decay="none")
    assert torch.equal(a, b)
    torch.testing.assert_close(left["w"], -epsilon / gamma * right["g"], rtol=1e-7, atol=1e-14)


def test_the_library_convention_is_the_sgd_of_torch(recorded):
    _, state = latent(
        recorded,
        convention="library",
        learning_rate=0.1,
        weight_decay=1e-2,
        learning_rate_decay="none",
        init_scale=0.5,
        gamma=0.2,
    )
    parameter = torch.nn.Parameter(0.5 * normal(*recorded.shape[1:], seed=5))
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.8, weight_decay=1e-2)
    for gradient in recorded:
        parameter.grad = gradient.clone()
        optimizer.step()
    torch.testing.assert_close(state["w"], parameter.detach())


def test_the_rates_of_library_sgd_satisfy_both_equations_of_the_mapping():
    alpha, gamma = library_rates(0.1, 0.9, 1e-3)
    assert (1 - alpha) * (1 - gamma) == pytest.approx(0.9, rel=1e-12)
    assert alpha * gamma == pytest.approx(1e-4, rel=1e-9)


@pytest.mark.parametrize(
    ("decay", "alpha", "gamma"), [(1e-4, 1.0009e-4, 0.0999), (5e-4, 5.023e-4, 0.0995), (1e-3, 1.0092e-3, 0.0991)]
)
def test_the_rates_of_library_sgd_are_the_published_ones(decay, alpha, gamma):
    assert library_rates(0.1, 0.9, decay) == (pytest.approx(alpha, rel=1e-3), pytest.approx(gamma, abs=5e-5))


def test_library_sgd_oscillates_beyond_the_critical_product():
    critical = (1 - math.sqrt(0.9)) ** 2
    assert library_rates(1.0, 0.9, critical * 0.999) is not None
    assert library_rates(1.0, 0.9, critical * 1.001) is None
