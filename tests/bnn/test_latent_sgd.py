import pytest
import torch

from hpstudy.bnn.layers import BinaryLinear
from hpstudy.bnn.methods.latent_sgd import LatentSGD
from hpstudy.bnn.schedules import Clock
from hpstudy.testing.methods import normal

NOW = Clock(0, 1, 0, 1)
PLAIN = {"scaling": False, "clipping": "none", "init_scale": 1.0}


def after(w0, gradient, **values):
    """The state after one update from latent weights `w0`."""
    hp = LatentSGD.Hyperparameters(**{**PLAIN, **values})
    state = LatentSGD().init(torch.tensor(w0), hp, torch.Generator())
    return LatentSGD().update(state, torch.tensor(gradient), hp, NOW)


def test_one_update_is_equations_2_and_3():
    state = after([[0.5]], [[2.0]], learning_rate=0.1, gamma=0.25, weight_decay=0.2)
    assert state["m"].item() == pytest.approx(0.25 * 2)
    assert state["w"].item() == pytest.approx(0.5 - 0.1 * (0.5 + 0.2 * 0.5))


def test_weight_decay_stays_outside_the_momentum_in_the_papers_convention():
    assert after([[0.5]], [[0.0]], weight_decay=0.2)["m"].item() == 0


def test_weight_decay_enters_the_momentum_in_the_library_convention():
    assert after([[0.5]], [[0.0]], weight_decay=0.2, convention="library")["m"].item() == pytest.approx(0.1)


def test_a_latent_weight_of_exactly_zero_keeps_its_sign():
    state = after([[1.0, -1.0]], [[0.0, 0.0]], init_scale=0.0)
    assert state["w"].tolist() == [[0.0, 0.0]]
    assert state["theta"].tolist() == [[1.0, -1.0]]


def test_gradient_clipping_stops_a_weight_beyond_one_and_no_other():
    state = after([[1.5, -1.5, 1.0, 0.5]], [[1.0, 1.0, 1.0, 1.0]], clipping="gradient", weight_decay=0.0)
    assert (state["m"] > 0).tolist() == [[False, False, True, True]]


def test_weight_clipping_keeps_weights_within_one():
    state = after([[3.0, -3.0]], [[0.0, 0.0]], clipping="weight")
    assert state["w"].tolist() == [[1.0, -1.0]]


def test_weight_clipping_lets_the_gradient_through_beyond_one():
    assert after([[1.5]], [[1.0]], clipping="weight")["m"].item() > 0


def test_scaling_multiplies_the_signs_of_a_filter_by_its_mean_absolute_latent_weight():
    hp = LatentSGD.Hyperparameters(**{**PLAIN, "scaling": True})
    state = LatentSGD().init(torch.tensor([[0.5, -1.5], [-0.1, 0.3]]), hp, torch.Generator())
    torch.testing.assert_close(LatentSGD().weight(state, hp, NOW), torch.tensor([[1.0, -1.0], [-0.2, 0.2]]))


def test_scaling_leaves_a_filter_of_zero_latent_weights_audible():
    hp = LatentSGD.Hyperparameters(**{**PLAIN, "scaling": True, "init_scale": 0.0})
    state = LatentSGD().init(torch.tensor([[0.5, -1.5]]), hp, torch.Generator())
    assert LatentSGD().weight(state, hp, NOW).tolist() == [[1.0, -1.0]]


def test_the_gradient_under_scaling_is_that_of_the_scaled_weight_without_a_factor_of_the_scale():
    hp = LatentSGD.Hyperparameters(**{**PLAIN, "scaling": True, "weight_decay": 0.0})
    state = LatentSGD().init(0.01 * normal(3, 4, seed=0).float(), hp, torch.Generator())
    layer, x = BinaryLinear(4, 3), normal(7, 4, seed=1).float()
    with torch.no_grad():
        layer.weight.copy_(LatentSGD().weight(state, hp, NOW))
    layer(x).sum().backward()
    before = state["w"].clone()
    moved = LatentSGD().update(state, layer.weight.grad, hp, NOW)["w"] - before
    torch.testing.assert_close(moved, -hp.learning_rate * hp.gamma * x.sum(0).expand(3, 4))


def test_all_hyperparameters_but_momentum_are_based_on_magnitudes():
    assert LatentSGD.Hyperparameters.magnitude_based() == (
        "learning_rate",
        "learning_rate_decay",
        "init_scale",
        "weight_decay",
        "scaling",
        "clipping",
    )


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": 0.0},
        {"init_scale": -1.0},
        {"gamma": 0.0},
        {"weight_decay": -1e-4},
        {"clipping": "both"},
        {"momentum": 0.9},
    ],
)
def test_values_outside_the_domain_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        LatentSGD.Hyperparameters(**values)
