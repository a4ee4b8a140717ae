import pytest
import torch

from hpstudy.bnn.methods.lars import LatentLARS, local_rate
from hpstudy.bnn.schedules import Clock
from hpstudy.testing.methods import normal

NOW = Clock(0, 1, 0, 1)


def after(state, gradient, **values):
    """The state after one update with these hyperparameters."""
    return LatentLARS().update(state, torch.tensor(gradient), LatentLARS.Hyperparameters(**values), NOW)


def start(w0):
    hp = LatentLARS.Hyperparameters(init_scale=1.0)
    return LatentLARS().init(torch.tensor(w0), hp, torch.Generator())


def replay(gradients, **values):
    """theta after every update, and the last state."""
    hp = LatentLARS.Hyperparameters(**{"trust": 0.5, "weight_decay": 0.0, **values})
    method, updates, thetas = LatentLARS(), len(gradients), []
    state = method.init(normal(*gradients.shape[1:], seed=5), hp, torch.Generator())
    for i, gradient in enumerate(gradients):
        state = method.update(state, gradient, hp, Clock(i * 8 // updates, 8, i, updates))
        thetas.append(state["theta"].clone())
    return torch.stack(thetas), state


def test_two_updates_are_algorithm_2():
    # ||w|| = 5 and ||G|| = 10 over both filters: l = 0.2 x 5 / (10 + 0.5 x 5) = 0.08.
    setting = {"trust": 0.2, "learning_rate": 0.5, "weight_decay": 0.5, "momentum_rate": 0.25}
    state = after(start([[3.0, 0.0], [0.0, 4.0]]), [[6.0, 0.0], [8.0, 0.0]], **setting)
    torch.testing.assert_close(state["m"], torch.tensor([[7.5, 0.0], [8.0, 2.0]]))
    w = torch.tensor([[3.0 - 0.04 * 7.5, 0.0], [-0.04 * 8.0, 4.0 - 0.04 * 2.0]])
    torch.testing.assert_close(state["w"], w)
    assert state["theta"].tolist() == [[1.0, 1.0], [-1.0, 1.0]]
    # Second gradient 0: ||G|| = 0 and l = 0.2 / 0.5; the local rate does not enter the momentum.
    m = 0.75 * state["m"].clone() + 0.5 * w
    state = after(state, [[0.0, 0.0], [0.0, 0.0]], **setting)
    torch.testing.assert_close(state["m"], m)
    torch.testing.assert_close(state["w"], w - 0.5 * 0.4 * m)


def test_the_norms_are_those_of_a_layer_and_not_of_a_filter_or_of_stacked_networks():
    w, gradient = normal(3, 4, 5, seed=0), normal(3, 4, 5, seed=1)
    rates = local_rate(w, gradient, 0.1, 0.3)
    assert rates.shape == (3, 1, 1)
    for k in range(3):
        size = torch.linalg.matrix_norm(w[k]).item()
        assert rates[k].item() == pytest.approx(0.1 * size / (torch.linalg.matrix_norm(gradient[k]).item() + 0.3 * size))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_initial_scale_has_no_effect_on_the_signs_without_weight_decay(recorded, scale):
    a, _ = replay(recorded, init_scale=0.1)
    b, _ = replay(recorded, init_scale=scale)
    assert int((a[1:] != a[:-1]).sum()) > 1000
    assert torch.equal(a, b)


def test_the_initial_scale_has_an_effect_under_weight_decay(recorded):
    a, _ = replay(recorded, init_scale=0.1, weight_decay=1e-2)
    b, _ = replay(recorded, init_scale=10.0, weight_decay=1e-2)
    assert not torch.equal(a, b)


def test_the_scale_of_the_gradient_has_no_effect_on_the_signs_without_weight_decay(recorded):
    assert torch.equal(replay(recorded)[0], replay(1024 * recorded)[0])


@pytest.mark.parametrize("weight_decay", [0.0, 1e-2])
def test_only_the_product_of_trust_and_learning_rate_matters(recorded, weight_decay):
    a, left = replay(recorded, trust=0.5, learning_rate=0.125, weight_decay=weight_decay)
    b, right = replay(recorded, trust=0.0625, learning_rate=1.0, weight_decay=weight_decay)
    assert torch.equal(a, b)
    torch.testing.assert_close(left["w"], right["w"], rtol=1e-12, atol=0)


def test_a_layer_of_zero_weights_moves_by_the_learning_rate_alone():
    state = after(start([[0.0, 0.0]]), [[2.0, -4.0]], learning_rate=0.5, trust=1e-3)
    torch.testing.assert_close(state["w"], torch.tensor([[-1.0, 2.0]]))


def test_a_layer_without_gradient_and_decay_rests():
    setting = {"trust": 0.2, "weight_decay": 0.0, "learning_rate": 0.5}
    state = after(start([[3.0, 4.0]]), [[1.0, 0.0]], **setting)
    before = state["w"].clone()
    assert torch.equal(after(state, [[0.0, 0.0]], **setting)["w"], before)


def test_only_the_initial_scale_and_weight_decay_are_based_on_magnitudes():
    assert set(LatentLARS.Hyperparameters.magnitude_based()) == {"weight_decay", "init_scale"}


@pytest.mark.parametrize("values", [{"trust": 0.0}, {"learning_rate": 0.0}, {"momentum_rate": 0.0}, {"weight_decay": -1.0}])
def test_values_outside_the_domain_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        LatentLARS.Hyperparameters(**values)
