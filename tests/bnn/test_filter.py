import pytest
import torch

from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.schedules import Clock
from hpstudy.testing.methods import clocks, normal

NOW = Clock(0, 1, 0, 1)


def run(gradients, **values):
    method, hp = Filter(), Filter.Hyperparameters(**values)
    state = method.init(normal(*gradients.shape[1:], seed=0).to(gradients.dtype), hp, torch.Generator())
    thetas = []
    for clock, gradient in zip(clocks(1, len(gradients)), gradients, strict=True):
        state = method.update(state, gradient, hp, clock)
        thetas.append(state["theta"].clone())
    return torch.stack(thetas)


def test_a_weight_opposes_its_filtered_gradient():
    assert run(torch.tensor([[[2.0, -2.0]]])).tolist() == [[[-1.0, 1.0]]]


def test_a_weight_keeps_its_sign_where_the_filtered_gradient_is_exactly_zero():
    method, hp = Filter(), Filter.Hyperparameters()
    state = method.init(torch.tensor([[1.0, -1.0]]), hp, torch.Generator())
    assert method.update(state, torch.zeros(1, 2), hp, NOW)["theta"].tolist() == [[1.0, -1.0]]


def test_noise_of_exactly_zero_starts_at_plus_one():
    assert Filter().init(torch.zeros(1, 1), Filter.Hyperparameters(), torch.Generator())["theta"].item() == 1


@pytest.mark.parametrize("alpha", [1e-20, 1e-38, 1e-42, 1e-300])
def test_an_alpha_of_any_smallness_has_the_signs_of_the_accumulator_in_single_precision(alpha):
    gradients = 1e-3 * normal(200, 20, 30, seed=1).float()
    assert torch.equal(run(gradients, alpha=alpha), run(gradients, alpha=0.0))


def test_an_alpha_of_zero_is_the_sum_of_all_smoothed_gradients():
    gradients = normal(50, 4, 5, seed=1)
    m, total = torch.zeros(4, 5), torch.zeros(4, 5)
    for gradient, theta in zip(gradients, run(gradients, alpha=0.0, alpha_decay="none"), strict=True):
        m = 0.9 * m + 0.1 * gradient
        total = total + m
        assert torch.equal(theta, -total.sign())


def test_no_scale_of_the_gradients_changes_a_sign():
    gradients = normal(100, 5, 6, seed=1)
    assert torch.equal(run(gradients, alpha=0.1), run(1024 * gradients, alpha=0.1))


def test_no_hyperparameter_of_the_filter_is_based_on_magnitudes():
    assert Filter.Hyperparameters.magnitude_based() == ()


@pytest.mark.parametrize("values", [{"alpha": -0.1}, {"alpha": 1.1}, {"gamma": 0.0}, {"alpha": float("nan")}, {"beta": 0.1}])
def test_values_outside_the_domain_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        Filter.Hyperparameters(**values)
