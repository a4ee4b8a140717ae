import math

import pytest
import torch

from hpstudy.bnn.methods.recu import ReCU, limit, quantile
from hpstudy.bnn.schedules import Clock
from hpstudy.bnn.settings import Surrogate
from hpstudy.bnn.train import train
from hpstudy.testing.methods import clocks, normal
from tests.support.networks import SETTINGS, ignore, make_data, make_network

NOW = Clock(0, 1, 0, 1)
PLAIN = {"warmup_epochs": 0, "learning_rate_decay": "none", "weight_decay": 0.0}
EPOCHS, UPDATES, SHAPE = 5, 4, (4, 9)
HE = math.sqrt(2 / 9)


class Sign(torch.autograd.Function):
    """Sign forwards, identity backwards."""

    @staticmethod
    def forward(ctx, v):
        return v.sign()

    @staticmethod
    def backward(ctx, grad):
        return grad


def published(w, tau):
    """The binary weights of a layer, for autograd, and how many of them are clamped."""
    centered = w - w.mean(-1, keepdim=True)
    v = centered / (centered.var(-1, keepdim=True).sqrt() / 2 / math.sqrt(2))
    q = -v.detach().abs().mean().item() * math.log(2 - 2 * tau)
    return Sign.apply(v.clamp(-q, q)), int((v.abs() > q).sum())


def run(noise, gradients, **values):
    """The state after every update of a training."""
    hp, states = ReCU.Hyperparameters(**values), []
    state = ReCU().init(noise, hp, torch.Generator())
    for clock, gradient in zip(clocks(EPOCHS, UPDATES), gradients, strict=True):
        state = ReCU().update(ReCU().start_epoch(state, hp, clock), gradient, hp, clock)
        states.append({name: tensor.clone() for name, tensor in state.items()})
    return states


@pytest.fixture(scope="module")
def gradients():
    return normal(EPOCHS * UPDATES, *SHAPE, seed=1)


def one_update(w0, gradient, **values):
    """The state after an update of latent weights that start at w0."""
    hp = ReCU.Hyperparameters(**{**PLAIN, "init_scale": math.sqrt(len(w0[0]) / 2), **values})
    state = ReCU().init(torch.tensor(w0, dtype=torch.float64), hp, torch.Generator())
    return ReCU().update(state, torch.tensor(gradient, dtype=torch.float64), hp, NOW)


def test_the_first_update_is_the_one_computed_by_hand():
    # The mean is 1. At tau = 0.9 the limit is ln 5 times the mean abs(z): only the last weight is clamped.
    w0 = [[-1.0, 0.0, 1.0, 4.0], [-1.0, 0.0, 1.0, 4.0]]
    deviation = math.sqrt((4 + 1 + 0 + 9) / 3)
    z = [-2 / deviation, -1 / deviation, 0.0, 3 / deviation]
    assert sum(map(abs, z)) / 4 * math.log(5) < z[3]
    passed = [1.0, 0.0, 2.0, 0.0]
    along = z[0] / 3
    expected = [2 * math.sqrt(2) * (g - 0.75 - zi * along) / deviation for g, zi in zip(passed, z, strict=True)]
    state = one_update(w0, [[1.0, 0.0, 2.0, 5.0], [0.0] * 4], quantile_start=0.9, learning_rate=0.1, weight_decay=0.5)
    decayed = [g + 0.5 * w for g, w in zip(expected, w0[0], strict=True)]
    assert state["b"][0].tolist() == pytest.approx(decayed)
    assert state["w"][0].tolist() == pytest.approx([w - 0.1 * b for w, b in zip(w0[0], decayed, strict=True)])
    assert state["w"][1].tolist() == pytest.approx([0.95 * w for w in w0[1]])


@pytest.mark.parametrize("tau", [0.6, 0.85, 0.99])
def test_the_gradient_is_that_of_autograd_through_sign_clamp_and_standardization(tau):
    noise, gradient = normal(*SHAPE, seed=0), normal(*SHAPE, seed=1)
    w = (HE * noise).requires_grad_()
    theta, clamped = published(w, tau)
    theta.backward(gradient)
    hp = ReCU.Hyperparameters(**PLAIN, quantile_start=tau)
    state = ReCU().init(noise, hp, torch.Generator())
    assert torch.equal(state["theta"], theta.detach())
    state = ReCU().update(state, gradient, hp, NOW)
    torch.testing.assert_close(state["b"], w.grad, rtol=1e-10, atol=1e-12)
    assert clamped > 0 or tau == 0.99


def test_a_training_is_that_of_a_librarys_sgd_on_the_published_forward_pass(gradients):
    values = {"learning_rate": 0.3, "momentum_rate": 0.2, "weight_decay": 0.05, "warmup_epochs": 2, "init_scale": 0.5}
    noise = normal(*SHAPE, seed=0)
    w = (0.5 * HE * noise).requires_grad_()
    library = torch.optim.SGD([w], lr=1.0, momentum=0.8, weight_decay=0.05)
    for clock, gradient, state in zip(clocks(EPOCHS, UPDATES), gradients, run(noise, gradients, **values), strict=True):
        cosine = (1 + math.cos(math.pi * (clock.epoch - 2) / (EPOCHS - 2))) / 2
        library.param_groups[0]["lr"] = 0.3 * (0.5, 1.0, cosine, cosine, cosine)[clock.epoch]
        tau = (0.99 - 0.85) / (math.e - 1) * (math.e ** (clock.epoch / EPOCHS) - 1) + 0.85
        library.zero_grad()
        published(w, tau)[0].backward(gradient)
        library.step()
        torch.testing.assert_close(state["w"], w.detach(), rtol=1e-9, atol=1e-11)
        assert torch.equal(state["theta"], published(w, tau)[0].detach())


def test_a_clamped_weight_moves_with_its_filter_but_not_by_its_own_gradient():
    w0 = [[-1.0, 0.0, 1.0, 4.0], [-1.0, 0.0, 1.0, 4.0]]
    small = one_update(w0, [[1.0, 0.0, 2.0, 5.0], [0.0] * 4], quantile_start=0.9)["b"]
    large = one_update(w0, [[1.0, 0.0, 2.0, -50.0], [0.0] * 4], quantile_start=0.9)["b"]
    assert torch.equal(small, large)
    assert small[0, 3] != 0


def test_the_limit_is_the_quantile_of_a_laplace_distribution():
    uniform = torch.rand(1, 1, 200_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 0.5
    laplace = -uniform.sign() * (1 - 2 * uniform.abs()).log()
    for tau in (0.6, 0.85, 0.99):
        assert (laplace <= limit(laplace, tau)).double().mean().item() == pytest.approx(tau, abs=3e-3)


def test_every_layer_and_every_stacked_network_has_its_own_limit():
    z = torch.stack([torch.ones(3, 4), 2 * torch.ones(3, 4)]).double()
    assert limit(z, 0.75).flatten().tolist() == pytest.approx([math.log(2), 2 * math.log(2)])
    tau = torch.tensor([0.75, 0.875], dtype=torch.float64).view(2, 1, 1)
    assert limit(z, tau).flatten().tolist() == pytest.approx([math.log(2), 4 * math.log(2)])


def test_the_quantile_moves_from_start_to_end_slowly_at_first():
    hp = ReCU.Hyperparameters(quantile_start=0.6, quantile_end=0.8)
    expected = {0.0: 0.6, 0.5: 0.6 + 0.2 * (math.e**0.5 - 1) / (math.e - 1), 1.0: 0.8}
    for elapsed, tau in expected.items():
        assert quantile(hp, elapsed) == pytest.approx(tau)
    assert quantile(hp, 0.5) < 0.7


@pytest.mark.parametrize("per", ["epoch", "update"])
def test_the_quantile_moves_with_the_epoch_or_the_update(per):
    later, noise, gradient = Clock(epoch=2, epochs=4, update=29, updates=40), normal(*SHAPE, seed=0), normal(*SHAPE, seed=1)
    moving = ReCU.Hyperparameters(**PLAIN, quantile_start=0.55, quantile_end=0.95, decay_per=per)
    tau = quantile(moving, later.elapsed(per))
    fixed = ReCU.Hyperparameters(**PLAIN, quantile_start=tau, quantile_end=tau)
    first, second = (ReCU().update(ReCU().init(noise, hp, torch.Generator()), gradient, hp, later)["b"] for hp in (moving, fixed))
    assert torch.equal(first, second)


def test_the_quantile_changes_which_gradients_pass_and_no_sign():
    w0, gradient = [[-1.0, 0.0, 1.5, 4.0]], [[1.0, 0.0, 2.0, 5.0]]
    narrow, wide = (one_update(w0, gradient, quantile_start=tau, learning_rate=1e-3) for tau in (0.51, 0.98))
    assert not torch.allclose(narrow["b"], wide["b"])
    assert narrow["theta"].tolist() == wide["theta"].tolist() == [[-1, -1, 1, 1]]


def test_scaled_latent_weights_with_their_rate_and_decay_have_the_same_signs(gradients):
    noise, s = normal(*SHAPE, seed=0), 4.0
    one = {"init_scale": 0.25, "learning_rate": 0.0625, "weight_decay": 0.5}
    other = {"init_scale": 0.25 * s, "learning_rate": 0.0625 * s**2, "weight_decay": 0.5 / s**2}
    for a, b in zip(run(noise, gradients, **one), run(noise, gradients, **other), strict=True):
        assert torch.equal(s * a["w"], b["w"])
        assert torch.equal(a["theta"], b["theta"])


def test_the_first_signs_are_those_of_the_noise_less_its_mean_per_filter():
    state = ReCU().init(torch.tensor([[1.0, 2.0, 6.0], [1.0, -1.0, -9.0]]), ReCU.Hyperparameters(), torch.Generator())
    assert state["theta"].tolist() == [[-1, -1, 1], [1, 1, -1]]


def test_a_weight_at_the_mean_of_its_filter_has_the_sign_of_its_noise():
    state = ReCU().init(torch.tensor([[-3.0, -2.0, -1.0], [1.0, 2.0, 3.0]]), ReCU.Hyperparameters(), torch.Generator())
    assert state["theta"].tolist() == [[-1, -1, 1], [-1, 1, 1]]


def test_filters_of_a_single_weight_keep_their_signs():
    state = one_update([[1.0], [-1.0]], [[1.0], [-1.0]], learning_rate=10.0)
    assert state["theta"].tolist() == [[1.0], [-1.0]]


def test_the_learning_rate_rises_in_the_first_epochs():
    hp = ReCU.Hyperparameters(**{**PLAIN, "warmup_epochs": 4})
    moved = []
    for epoch in range(6):
        state = ReCU().init(normal(*SHAPE, seed=0), hp, torch.Generator())
        before = state["w"].clone()
        after = ReCU().update(state, torch.ones_like(before).triu(), hp, Clock(epoch, 10**9, epoch, 10**9))["w"]
        moved.append((after - before).abs().max().item())
    assert [m / moved[-1] for m in moved] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1], rel=1e-6)


def test_a_small_network_learns_with_it():
    metrics = train(make_network(), ReCU(), ReCU.Hyperparameters(), make_data(), SETTINGS, seed=0, report=ignore)
    assert metrics["train_accuracy"] > 0.7
    assert metrics["flip_ratio"] < 0.05


def test_the_activations_divide_by_their_deviation_unless_they_are_the_tasks():
    assert ReCU().activation(ReCU.Hyperparameters()) == Surrogate("recu")
    assert ReCU().activation(ReCU.Hyperparameters(own_activation=False)) is None


def test_momentum_quantiles_and_the_activation_are_not_based_on_magnitudes():
    model = ReCU.Hyperparameters
    assert set(model.model_fields) - set(model.magnitude_based()) == {
        "momentum_rate",
        "quantile_start",
        "quantile_end",
        "own_activation",
        "decay_per",
    }


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": 0.0},
        {"init_scale": 0.0},
        {"momentum_rate": 1.5},
        {"weight_decay": -1e-4},
        {"quantile_start": 0.5},
        {"quantile_end": 1.0},
        {"warmup_epochs": -1},
        {"quantile_start": 0.95, "quantile_end": 0.9},
    ],
)
def test_values_outside_the_domain_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        ReCU.Hyperparameters(**values)
