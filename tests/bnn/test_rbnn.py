import itertools
import math

import pytest
import torch

from hpstudy.bnn.methods.rbnn import RBNN, random_rotation, rotate, rows, training_aware
from hpstudy.bnn.schedules import Clock
from hpstudy.bnn.settings import Surrogate
from hpstudy.testing.methods import normal

SHAPE = (6, 20)
HE = math.sqrt(2 / 20)
START = Clock(0, 100, 0, 100)


def generator(seed=3):
    return torch.Generator().manual_seed(seed)


def started(noise=None, **values):
    """Hyperparameters without decay and momentum but for `values`, and the state before the first update."""
    defaults = {"weight_decay": 0.0, "momentum_rate": 1.0, "learning_rate": 0.01, "learning_rate_decay": "none"}
    hp = RBNN.Hyperparameters(**{**defaults, **values})
    return hp, RBNN().init(normal(*SHAPE, seed=0) if noise is None else noise, hp, generator())


def standardized(w):
    return (w - w.mean(-1, keepdim=True)) / w.std(-1, keepdim=True)


def turned(z, state):
    """R1^T Z R2 of every filter."""
    r1, r2 = state["r1"], state["r2"]
    return torch.einsum("ji,fjk,kl->fil", r1, z.reshape(len(z), len(r1), len(r2)), r2).reshape(z.shape)


def approximation(v, t):
    """The primitive of the surrogate derivative."""
    k = max(1 / t, 1)
    inside = k * (-v.sign() * t**2 * v**2 / 2 + 2**0.5 * t * v)
    return torch.where(v.abs() < 2**0.5 / t, inside, k * v.sign())


def agreement(v):
    """The cosine of the angle between each filter and its signs, on average."""
    return torch.nn.functional.cosine_similarity(v, v.sign()).mean().item()


def identity_error(r):
    return (r.mT @ r - torch.eye(len(r), dtype=r.dtype)).abs().max().item()


@pytest.mark.parametrize("epoch", [0, 60, 99])
@pytest.mark.parametrize("beta", [0.4, 1.3])
def test_one_update_follows_the_gradients_that_autograd_finds(epoch, beta):
    noise, grad, clock = normal(*SHAPE, seed=0), normal(*SHAPE, seed=1), Clock(epoch, 100, epoch, 100)
    hp, state = started(noise, beta_init=beta)
    state = RBNN().start_epoch(state, hp, clock)
    w = (noise * HE).requires_grad_()
    angle = torch.full((len(noise), 1), beta, dtype=torch.float64, requires_grad=True)
    z = standardized(w)
    v = z + angle.sin().abs() * (turned(z, state).detach() - z)
    (grad * approximation(v, 0.01 * 1000 ** (epoch / 100))).sum().backward()
    after = RBNN().update(state, grad, hp, clock)
    torch.testing.assert_close(after["w"], w.detach() - 0.01 * w.grad, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(after["beta"], angle.detach() - 0.01 * angle.grad, rtol=1e-9, atol=1e-12)


def test_momentum_and_weight_decay_of_weights_and_angles_are_those_of_libraries():
    noise, grads = normal(*SHAPE, seed=0), normal(4, *SHAPE, seed=1)
    hp, state = started(noise, beta_init=1.0, momentum_rate=0.2, weight_decay=0.1)
    w = torch.nn.Parameter(noise * HE)
    angle = torch.nn.Parameter(torch.ones(len(noise), 1, dtype=torch.float64))
    library = torch.optim.SGD([w, angle], lr=0.01, momentum=0.8, weight_decay=0.1)
    for grad in grads:
        library.zero_grad()
        z = standardized(w)
        v = z + angle.sin().abs() * (turned(z, state).detach() - z)
        (grad * approximation(v, 0.01)).sum().backward()
        library.step()
        state = RBNN().update(state, grad, hp, START)
    torch.testing.assert_close(state["w"], w.detach(), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(state["beta"], angle.detach(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("beta", [0.0, 0.4, math.pi / 2])
def test_theta_is_at_every_moment_the_sign_of_the_mixture(beta):
    hp, state = started(beta_init=beta, weight_decay=0.1)
    method = RBNN()
    for now in (
        lambda s: s,
        lambda s: method.start_epoch(s, hp, START),
        lambda s: method.update(s, normal(*SHAPE, seed=1), hp, START),
        lambda s: method.start_epoch(s, hp, START),
    ):
        state = now(state)
        z = standardized(state["w"])
        v = z + state["beta"].sin().abs() * (turned(z, state) - z)
        assert torch.equal(method.weight(state, hp, START), v.sign())


def test_the_surrogate_is_nearly_the_identity_at_the_start_and_narrow_at_the_end():
    v = torch.tensor([[0.0, 1.0, -0.1, 0.15]], dtype=torch.float64)
    start = [2**0.5 - 0.01 * abs(x) for x in v[0].tolist()]
    end = [10 * 2**0.5, 0.0, 10 * 2**0.5 - 10, 0.0]
    torch.testing.assert_close(training_aware(v, 0.01), torch.tensor([start], dtype=torch.float64))
    torch.testing.assert_close(training_aware(v, 10.0), torch.tensor([end], dtype=torch.float64))


def test_a_rotation_keeps_the_matrices_orthogonal_and_never_lowers_the_objective():
    z = standardized(normal(12, 20, seed=0))
    state = {"r1": random_rotation(4, generator(), z), "r2": random_rotation(5, generator(4), z)}
    objectives = [turned(z, state).abs().sum().item()]  # tr(B^T Y) for B = sign(Y)
    for _ in range(10):
        state["r1"], state["r2"] = rotate(z, state["r1"], state["r2"], 1)
        objectives.append(turned(z, state).abs().sum().item())
        assert max(identity_error(state["r1"]), identity_error(state["r2"])) < 1e-10
    assert all(after >= before - 1e-10 for before, after in itertools.pairwise(objectives))
    assert objectives[1] > 1.02 * objectives[0]


def test_each_rotation_is_the_best_for_the_signs_and_the_other_rotation():
    z = standardized(normal(12, 20, seed=0))
    first = {"r1": random_rotation(4, generator(), z), "r2": random_rotation(5, generator(4), z)}
    signs = turned(z, first).sign()
    r1, r2 = rotate(z, first["r1"], first["r2"], 1)

    def objective(r1, r2):
        return (signs * turned(z, {"r1": r1, "r2": r2})).sum().item()

    def nearby(r, seed):
        skew = normal(*r.shape, seed=seed)
        return r @ torch.matrix_exp(0.01 * (skew - skew.mT))

    for seed in range(20):
        assert objective(nearby(r1, seed), first["r2"]) < objective(r1, first["r2"])
        assert objective(r1, nearby(r2, seed)) < objective(r1, r2)


def test_two_alternations_are_one_after_another():
    z = standardized(normal(12, 20, seed=0))
    start = random_rotation(4, generator(), z), random_rotation(5, generator(4), z)
    for once, both in zip(rotate(z, *rotate(z, *start, 1), 1), rotate(z, *start, 2), strict=True):
        torch.testing.assert_close(once, both)


def test_a_rotation_brings_the_weights_closer_to_their_signs():
    hp, state = started(normal(32, 64, seed=0))
    before = agreement(turned(state["z"], state))
    after = RBNN().start_epoch(state, hp, START)
    assert agreement(turned(after["z"], after)) > before + 0.01
    assert before == pytest.approx((2 / math.pi) ** 0.5, abs=0.02)  # of normal numbers


def test_an_epoch_start_flips_many_weights_at_once():
    noise, grads = normal(32, 64, seed=0), normal(30, 32, 64, seed=1)
    hp, state = started(noise, beta_init=1.0, learning_rate=1e-3)
    starts, updates = [], []
    for number, grad in enumerate(grads):
        clock = Clock(number // 10, 3, number, 30)
        before = state["theta"].clone()
        if number % 10 == 0:
            state = RBNN().start_epoch(state, hp, clock)
            starts.append((state["theta"] != before).sum().item())
            before = state["theta"].clone()
        state = RBNN().update(state, grad, hp, clock)
        updates.append((state["theta"] != before).sum().item())
    assert min(starts) > 3 * max(updates) > 0


def test_rotations_come_once_in_a_period():
    hp, state = started(rotation_period=2)
    for epoch, rotates in ((0, True), (1, False), (2, True)):
        new = RBNN().start_epoch(state, hp, Clock(epoch, 4, epoch, 4))
        assert torch.equal(new["r1"], state["r1"]) != rotates
        state = new


def test_at_the_published_angle_the_latent_weights_rest_without_weight_decay():
    hp, state = started(beta_init=math.pi / 2, weight_decay=0.0, momentum_rate=0.1)
    before = state["w"].clone()
    for number, grad in enumerate(normal(50, *SHAPE, seed=1)):
        state = RBNN().update(state, grad, hp, Clock(0, 1, number, 50))
    assert torch.equal(state["w"], before)
    torch.testing.assert_close(state["beta"], torch.full_like(state["beta"], math.pi / 2), rtol=0, atol=1e-12)


def test_at_the_published_angle_weight_decay_lets_the_latent_weights_move():
    hp, state = started(beta_init=math.pi / 2, weight_decay=0.1, momentum_rate=0.1)
    before = state["z"].clone()
    state = RBNN().update(state, normal(*SHAPE, seed=1), hp, START)
    torch.testing.assert_close(state["z"], before)
    for number, grad in enumerate(normal(50, *SHAPE, seed=1)):
        state = RBNN().update(state, grad, hp, Clock(0, 1, number, 50))
    assert (state["beta"] - math.pi / 2).abs().min() > 0.01
    assert (state["z"] - before).abs().max() > 0.1


def test_at_the_angle_zero_nothing_is_rotated_and_the_angle_rests():
    hp, state = started(beta_init=0.0, weight_decay=0.1)
    assert torch.equal(state["theta"], standardized(normal(*SHAPE, seed=0)).sign())
    assert RBNN().update(state, normal(*SHAPE, seed=1), hp, START)["beta"].eq(0).all()


def test_without_a_period_only_the_surrogate_is_left():
    noise, grad = normal(*SHAPE, seed=0), normal(*SHAPE, seed=1)
    hp, state = started(noise, rotation_period=0)
    w = (noise * HE).requires_grad_()
    (grad * approximation(standardized(w), 0.01)).sum().backward()
    state = RBNN().update(RBNN().start_epoch(state, hp, START), grad, hp, START)
    torch.testing.assert_close(state["w"], w.detach() - 0.01 * w.grad, rtol=1e-9, atol=1e-12)
    assert torch.equal(state["theta"], standardized(state["w"]).sign())


def test_the_learning_rate_rises_over_the_warm_up():
    noise, grad = normal(*SHAPE, seed=0), normal(*SHAPE, seed=1)
    moved = []
    for epochs in (0, 5):
        hp, state = started(noise, beta_init=1.0, warmup_epochs=epochs)
        before = state["w"].clone()
        moved.append(RBNN().update(state, grad, hp, START)["w"] - before)
    torch.testing.assert_close(moved[1], 0.2 * moved[0])


@pytest.mark.parametrize(("fan_in", "a"), [(576, 24), (20, 4), (7, 1), (1, 1), (36, 6)])
def test_a_filter_is_as_square_a_matrix_as_its_size_allows(fan_in, a):
    assert rows(fan_in) == a


@pytest.mark.parametrize("fan_in", [1, 2, 7])
def test_layers_of_prime_size_train(fan_in):
    hp, state = started(normal(5, fan_in, seed=0), beta_init=1.0, learning_rate=1.0)
    state = RBNN().start_epoch(state, hp, START)
    state = RBNN().update(state, normal(5, fan_in, seed=1), hp, START)
    assert all(tensor.isfinite().all() for tensor in state.values())
    assert state["theta"].abs().eq(1).all()


def test_a_random_rotation_is_orthogonal_and_has_no_preferred_sign():
    like = torch.zeros(1, dtype=torch.float64)
    drawn = [random_rotation(3, generator(seed), like) for seed in range(200)]
    assert max(identity_error(r) for r in drawn) < 1e-10
    for entry in ((0, 0), (1, 1), (2, 2)):
        assert 70 < sum(bool(r[entry] > 0) for r in drawn) < 130


def test_a_filter_that_is_not_finite_has_no_part_in_the_rotation():
    z = standardized(normal(12, 20, seed=0))
    start = random_rotation(4, generator(), z), random_rotation(5, generator(4), z)
    broken = torch.cat([z, torch.full((1, 20), math.nan, dtype=z.dtype)])
    for with_it, without in zip(rotate(broken, *start, 3), rotate(z, *start, 3), strict=True):
        torch.testing.assert_close(with_it, without)


def test_the_activations_sharpen_with_the_weights_unless_they_are_the_tasks():
    assert RBNN().activation(RBNN.Hyperparameters(t_min=0.1)) == Surrogate("rbnn", 0.1, 10.0)
    assert RBNN().activation(RBNN.Hyperparameters(own_activation=False)) is None


@pytest.mark.parametrize(
    "values", [{"beta_init": 1.6}, {"rotation_period": -1}, {"alternations": 0}, {"init_scale": 0.0}, {"t_min": 20.0}]
)
def test_values_outside_the_domain_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        RBNN.Hyperparameters(**values)
