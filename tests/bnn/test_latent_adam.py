import pytest
import torch

from hpstudy.bnn.methods.latent_adam import LatentAdam, bias_correction
from hpstudy.bnn.schedules import Clock
from hpstudy.testing.methods import normal

PLAIN = {"scaling": False, "clipping": "none", "init_scale": 1.0, "learning_rate_decay": "none", "weight_decay": 0.0}


def replay(gradients, noise, **values):
    """theta after every update, and the last state, from the initial noise `noise`."""
    hp = LatentAdam.Hyperparameters(**{**PLAIN, **values})
    method, updates, thetas = LatentAdam(), len(gradients), []
    state = method.init(noise, hp, torch.Generator())
    for i, gradient in enumerate(gradients):
        state = method.update(state, gradient, hp, Clock(i * 4 // updates, 4, i, updates))
        thetas.append(state["theta"].clone())
    return torch.stack(thetas), state


def test_the_first_step_is_the_learning_rate_whatever_the_size_of_the_gradient():
    _, state = replay(torch.tensor([[[1e-3, -50.0]]]), torch.tensor([[0.5, 0.5]]), learning_rate=0.1)
    torch.testing.assert_close(state["w"], torch.tensor([[0.4, 0.6]]), rtol=1e-4, atol=0)


def test_two_steps_by_hand():
    _, state = replay(
        torch.tensor([[[1.0]], [[3.0]]], dtype=torch.float64),
        torch.tensor([[2.0]], dtype=torch.float64),
        learning_rate=0.1,
        beta1_rate=0.5,
        beta2_rate=0.25,
    )
    # m: 0.5, 1.75, corrected by 1 - 0.25; v: 0.25, 2.4375, corrected by 1 - 0.5625.
    assert state["m"].item() == pytest.approx(1.75)
    assert state["v"].item() == pytest.approx(2.4375)
    assert state["w"].item() == pytest.approx(2 - 0.1 - 0.1 * (1.75 / 0.75) / (2.4375 / 0.4375) ** 0.5, rel=1e-7)


@pytest.mark.parametrize(("beta1", "beta2", "decay"), [(0.9, 0.999, 0.0), (0.9, 0.999, 1e-2), (0.5, 0.9, 0.1), (0.0, 0.99, 1e-4)])
def test_it_is_the_adam_of_torch(recorded, beta1, beta2, decay):
    noise = normal(*recorded.shape[1:], seed=5)
    _, state = replay(recorded, noise, learning_rate=0.01, beta1_rate=1 - beta1, beta2_rate=1 - beta2, weight_decay=decay)
    parameter = torch.nn.Parameter(noise.clone())
    optimizer = torch.optim.Adam([parameter], lr=0.01, betas=(beta1, beta2), eps=1e-8, weight_decay=decay)
    for gradient in recorded:
        parameter.grad = gradient.clone()
        optimizer.step()
    torch.testing.assert_close(state["w"], parameter.detach(), rtol=1e-10, atol=1e-12)


def test_weight_decay_is_not_decoupled():
    _, state = replay(torch.tensor([[[0.0]]]), torch.tensor([[0.5]]), learning_rate=0.1, weight_decay=1e-3)
    assert state["w"].item() == pytest.approx(0.4, rel=1e-3), "AdamW would take 0.5 (1 - 0.1 x 1e-3)"


def test_the_learning_rate_has_no_effect_on_the_signs_from_zero(recorded):
    noise = normal(*recorded.shape[1:], seed=5)
    a, _ = replay(recorded, noise, init_scale=0.0, learning_rate=2.0**-10)
    b, _ = replay(recorded, noise, init_scale=0.0, learning_rate=1.0)
    assert int((a[1:] != a[:-1]).sum()) > 100
    assert torch.equal(a, b)


def test_only_the_ratio_of_learning_rate_and_initial_scale_matters_without_weight_decay(recorded):
    noise = normal(*recorded.shape[1:], seed=5)
    a, _ = replay(recorded, noise, init_scale=0.5, learning_rate=2.0**-6)
    b, _ = replay(recorded, noise, init_scale=8.0, learning_rate=2.0**-2)
    c, _ = replay(recorded, noise, init_scale=8.0, learning_rate=2.0**-6)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_weight_decay_alone_carries_a_weight_through_zero():
    thetas, _ = replay(torch.zeros(20, 1, 1), torch.tensor([[0.5]]), learning_rate=0.1, weight_decay=1e-4)
    assert thetas.flatten().tolist()[0] == 1
    assert -1 in thetas.flatten().tolist()


def test_gradient_clipping_stops_the_gradient_of_a_weight_beyond_one_and_no_other():
    _, state = replay(torch.ones(1, 1, 3), torch.tensor([[1.5, -1.5, 0.5]]), clipping="gradient")
    assert (state["m"] > 0).tolist() == [[False, False, True]]


def test_weight_clipping_keeps_weights_within_one():
    _, state = replay(torch.ones(1, 1, 2), torch.tensor([[3.0, -3.0]]), clipping="weight")
    assert state["w"].tolist() == [[1.0, -1.0]]


def test_scaling_multiplies_the_signs_of_a_filter_by_its_mean_absolute_latent_weight():
    hp = LatentAdam.Hyperparameters(**{**PLAIN, "scaling": True})
    state = LatentAdam().init(torch.tensor([[0.5, -1.5], [-0.1, 0.3], [0.0, 0.0]]), hp, torch.Generator())
    weight = LatentAdam().weight(state, hp, Clock(0, 1, 0, 1))
    torch.testing.assert_close(weight, torch.tensor([[1.0, -1.0], [-0.2, 0.2], [1.0, 1.0]]))


def test_all_hyperparameters_but_the_rates_are_based_on_magnitudes():
    model = LatentAdam.Hyperparameters
    assert set(model.model_fields) - set(model.magnitude_based()) == {"beta1_rate", "beta2_rate", "decay_per"}


@pytest.mark.parametrize("values", [{"beta1_rate": 0.0}, {"beta2_rate": 1.1}, {"learning_rate": 0.0}, {"weight_decay": -1.0}])
def test_values_outside_the_domain_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        LatentAdam.Hyperparameters(**values)


@pytest.mark.parametrize("updates", [1, 7, 10_000])
def test_stacked_networks_correct_their_moments_in_float32_as_one_does(updates):
    rates = [1e-7, 1e-3, 0.1, 1.0]
    stacked = bias_correction(torch.tensor(rates).view(-1, 1, 1), updates)
    assert stacked.flatten().tolist() == pytest.approx([bias_correction(rate, updates) for rate in rates], rel=1e-5)
