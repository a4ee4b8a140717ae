import math
from itertools import pairwise

import pytest
import torch

from hpstudy.bnn.methods.slb import SLB, since_restart, temperature
from hpstudy.bnn.schedules import Clock
from hpstudy.bnn.train import train
from hpstudy.testing.methods import clocks, normal
from tests.support.networks import SETTINGS, ignore, make_data, make_network

NOW = Clock(0, 1, 0, 1)
CONSTANT = {"schedule": "none", "learning_rate_decay": "none"}
EPOCHS, UPDATES, SHAPE = 10, 5, (4, 6)


def run(noise, gradients, **values):
    """The state after every update of a training."""
    hp, states = SLB.Hyperparameters(**values), []
    state = SLB().init(noise, hp, torch.Generator())
    for clock, gradient in zip(clocks(EPOCHS, UPDATES), gradients, strict=True):
        if clock.update % UPDATES == 0:
            state = SLB().start_epoch(state, hp, clock)
        state = SLB().update(state, gradient, hp, clock)
        states.append({name: tensor.clone() for name, tensor in state.items()})
    return states


@pytest.fixture(scope="module")
def gradients():
    return normal(EPOCHS * UPDATES, *SHAPE, seed=1)


def tau_at(elapsed, **values):
    return temperature(torch.ones(1, 1, dtype=torch.float64), SLB.Hyperparameters(**values), elapsed).item()


def test_the_first_update_is_the_one_computed_by_hand():
    hp = SLB.Hyperparameters(**CONSTANT, temperature_start=2.0, learning_rate=0.5, weight_decay=0.1, init_scale=math.sqrt(2) / 4)
    state = SLB().init(torch.tensor([[1.0]], dtype=torch.float64), hp, torch.Generator())
    assert state["a"].item() == pytest.approx(0.25)
    assert SLB().weight(state, hp, NOW).item() == pytest.approx(math.tanh(0.5))
    state = SLB().update(state, torch.tensor([[3.0]], dtype=torch.float64), hp, NOW)
    b = 3 * 2 / math.cosh(0.5) ** 2 / 2 + 0.1 * 0.25
    assert state["b"].item() == pytest.approx(b)
    assert state["a"].item() == pytest.approx(0.25 - 0.5 * b)
    assert state["theta"].item() == -1


def test_the_second_update_remembers_the_first_by_the_momentum():
    hp = SLB.Hyperparameters(**CONSTANT, momentum_rate=0.25, weight_decay=0.0)
    state = SLB().init(torch.tensor([[1.0]], dtype=torch.float64), hp, torch.Generator())
    first = SLB().update(state, torch.tensor([[1.0]], dtype=torch.float64), hp, NOW)["b"].item()
    assert SLB().update(state, torch.tensor([[0.0]], dtype=torch.float64), hp, NOW)["b"].item() == pytest.approx(0.75 * first)


@pytest.mark.parametrize("schedule", ["exp", "none"])
def test_one_tensor_moves_as_two_logits_of_half_its_difference_under_a_librarys_sgd(gradients, schedule):
    values = {"learning_rate": 0.3, "weight_decay": 0.05, "momentum_rate": 0.2, "temperature_growth": 20.0}
    hp = SLB.Hyperparameters(**values, schedule=schedule, learning_rate_decay="none")
    noise = normal(*SHAPE, seed=0)
    a = noise * hp.init_scale / 2**0.5
    common = normal(*SHAPE, seed=3)
    logits = torch.stack([common - a, common + a], -1).requires_grad_()
    library = torch.optim.SGD([logits], lr=0.3, momentum=0.8, weight_decay=0.05)
    levels = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    found = run(noise, gradients, **values, schedule=schedule, learning_rate_decay="none")
    for clock, gradient, state in zip(clocks(EPOCHS, UPDATES), gradients, found, strict=True):
        tau = temperature(torch.ones(1, 1, dtype=torch.float64), hp, clock.elapsed("epoch"))
        library.zero_grad()
        (torch.softmax(tau.unsqueeze(-1) * logits, -1) @ levels).backward(gradient)
        library.step()
        difference = (logits[..., 1] - logits[..., 0]).detach() / 2
        torch.testing.assert_close(state["a"], difference, rtol=1e-10, atol=1e-12)
        soft = (torch.softmax(state["tau"].unsqueeze(-1) * logits, -1) @ levels).detach()
        torch.testing.assert_close(SLB().weight(state, hp, clock), soft, rtol=1e-10, atol=1e-12)
        assert torch.equal(SLB().evaluation_weight(state, hp, clock), levels[logits.argmax(-1)])


@pytest.mark.parametrize("convention", ["gradient", "rate"])
def test_sgd_on_the_one_tensor_alone_needs_half_the_rate_and_twice_the_decay(gradients, convention):
    noise = normal(*SHAPE, seed=0)
    a = (noise * 0.1 / 2**0.5).requires_grad_()
    rate, decay = (0.15, 0.1) if convention == "rate" else (0.3, 0.05)
    library = torch.optim.SGD([a], lr=rate, momentum=0.8, weight_decay=decay)
    for gradient in gradients:
        library.zero_grad()
        torch.tanh(a).backward(gradient)
        library.step()
    state = run(noise, gradients, **CONSTANT, learning_rate=0.3, weight_decay=0.05, momentum_rate=0.2)[-1]
    assert torch.allclose(state["a"], a.detach(), rtol=1e-10, atol=1e-12) == (convention == "rate")


def test_logits_and_temperature_scaled_against_each_other_give_the_same_weights_bit_for_bit(gradients):
    noise, s = normal(*SHAPE, seed=0), 4.0
    one = {"init_scale": 0.25, "temperature_start": 1.0, "learning_rate": 0.5, "weight_decay": 0.0625, "freeze": True}
    other = {"init_scale": 0.25 * s, "temperature_start": 1 / s, "learning_rate": 0.5 * s**2, "weight_decay": 0.0625 / s**2}
    hp = SLB.Hyperparameters(**one)
    pairs = zip(run(noise, gradients, **one), run(noise, gradients, **{**one, **other}), strict=True)
    for a, b in pairs:
        assert torch.equal(SLB().weight(a, hp, NOW), SLB().weight(b, hp, NOW))
        assert torch.equal(a["theta"], b["theta"])
        assert torch.equal(s * a["a"], b["a"])


def test_the_same_scaling_without_that_of_the_decay_changes_the_weights(gradients):
    noise, one = normal(*SHAPE, seed=0), {"init_scale": 0.25, "learning_rate": 0.5, "weight_decay": 0.0625}
    a, b = (
        run(noise, gradients, **one),
        run(noise, gradients, **{**one, "init_scale": 1.0, "temperature_start": 0.25, "learning_rate": 8}),
    )
    assert not torch.allclose(4 * a[-1]["a"], b[-1]["a"])


@pytest.mark.parametrize(
    ("schedule", "quarter", "middle"),
    [
        ("exp", 2 * 81**0.25, 2 * 81**0.5),
        ("linear", 2 + 160 / 4, 2 + 160 / 2),
        ("cos", 2 + 160 * (1 - 2**-0.5) / 2, 2 + 160 / 2),
        ("none", 2, 2),
    ],
)
def test_the_temperature_grows_between_the_ends_of_its_schedule(schedule, quarter, middle):
    values = {
        "schedule": schedule,
        "temperature_start": 2.0,
        "temperature_growth": 81.0,
        "schedule_start": 0.2,
        "schedule_end": 0.6,
    }
    last = 2 if schedule == "none" else 162
    expected = {0.0: 2, 0.2: 2, 0.3: quarter, 0.4: middle, 0.6: last, 0.95: last}
    for elapsed, tau in expected.items():
        assert tau_at(elapsed, **values) == pytest.approx(tau)


def test_a_schedule_that_ends_where_it_starts_is_a_step():
    values = {"schedule_start": 0.5, "schedule_end": 0.5, "temperature_growth": 10.0}
    assert [tau_at(elapsed, **values) for elapsed in (0.0, 0.49, 0.51)] == [1, 1, 10]


def test_the_first_temperature_is_the_start_before_any_epoch():
    hp = SLB.Hyperparameters(temperature_start=3.0)
    assert SLB().init(normal(*SHAPE, seed=0), hp, torch.Generator())["tau"].tolist() == [[3.0]]


def test_a_schedule_per_epoch_is_constant_within_an_epoch_and_moves_at_its_start(gradients):
    found = run(normal(*SHAPE, seed=0), gradients, schedule_start=0.0, schedule_end=1.0, temperature_growth=10.0)
    taus = [state["tau"].item() for state in found]
    assert taus == pytest.approx([10 ** (update // UPDATES / EPOCHS) for update in range(EPOCHS * UPDATES)])


def test_a_schedule_per_update_gives_every_update_the_temperature_of_its_own_time(gradients):
    values = {"schedule_start": 0.0, "schedule_end": 1.0, "temperature_growth": 10.0, "decay_per": "update"}
    total = EPOCHS * UPDATES
    taus = [state["tau"].item() for state in run(normal(*SHAPE, seed=0), gradients, **values)]
    assert taus == pytest.approx([10 ** (update / total) for update in range(1, total + 1)])


def test_the_gradient_is_that_of_the_temperature_in_the_forward_pass_also_when_it_moves_at_every_update():
    hp = SLB.Hyperparameters(
        decay_per="update", schedule_start=0.0, schedule_end=1.0, temperature_growth=1e4, momentum_rate=1.0, weight_decay=0.0
    )
    state = SLB().init(normal(*SHAPE, seed=0), hp, torch.Generator())
    for clock in (Clock(0, 1, 0, 2), Clock(0, 1, 1, 2)):
        w = SLB().weight(state, hp, clock)
        torch.testing.assert_close(w, (state["tau"] * state["a"]).tanh())
        tau = 1e4 ** (clock.update / 2)
        state = SLB().update(state, torch.ones(*SHAPE, dtype=torch.float64), hp, clock)
        torch.testing.assert_close(state["b"], tau * (1 - w**2) / 2)


def test_a_schedule_restarts_after_equal_shares_of_the_training():
    assert [since_restart(e / 10, 0) for e in range(10)] == [e / 10 for e in range(10)]
    assert [since_restart(e / 12, 2) for e in range(12)] == pytest.approx([0, 0.25, 0.5, 0.75] * 3)


def test_rounding_delays_no_restart():
    assert 29 / 100 * 100 < 29
    assert since_restart(29 / 100, 99) == 0


@pytest.mark.parametrize("restarts", [0, 1, 3])
def test_the_end_of_the_training_is_that_of_its_last_part(restarts):
    assert since_restart(1.0, restarts) == 1
    assert tau_at(1.0, restarts=restarts, temperature_start=2.0, temperature_growth=10.0, freeze=False) == pytest.approx(20)
    assert tau_at(1.0, restarts=restarts, schedule_end=1.0, freeze=True) == math.inf


@pytest.mark.parametrize("schedule", ["exp", "linear", "cos"])
def test_with_restarts_the_temperature_grows_in_every_part_as_it_would_in_a_training_of_that_length(schedule):
    values = {"schedule": schedule, "schedule_start": 0.25, "schedule_end": 0.75, "temperature_growth": 81.0}
    part = [tau_at(step / 8, **values) for step in range(8)]
    assert len(set(part)) == 5
    assert [tau_at(step / 24, **values, restarts=2) for step in range(24)] == pytest.approx(3 * part)


def test_the_temperature_in_use_falls_back_at_a_restart_and_is_the_last_one_after_the_training(gradients):
    values = {"restarts": 1, "schedule_start": 0.0, "schedule_end": 1.0, "temperature_growth": 10.0, "decay_per": "update"}
    taus = [state["tau"].item() for state in run(normal(*SHAPE, seed=0), gradients, **values)]
    half = EPOCHS * UPDATES // 2
    part = [10 ** (update / half) for update in range(half)]
    assert taus == pytest.approx([*part[1:], *part, 10])


def test_a_restart_leaves_the_schedule_of_the_learning_rate_alone(gradients):
    values = {"momentum_rate": 1.0, "weight_decay": 0.0, "schedule": "none", "learning_rate": 1e-2}
    once, again = (run(normal(*SHAPE, seed=0), gradients, **values, restarts=restarts)[-1]["a"] for restarts in (0, 3))
    assert torch.equal(once, again)


def test_weights_that_are_frozen_thaw_at_a_restart_and_freeze_again(gradients):
    values = {"freeze": True, "restarts": 1, "schedule_start": 0.2, "schedule_end": 0.6}
    found = run(normal(*SHAPE, seed=0), gradients, **values)
    a = [state["a"] for state in found]
    moved = [not torch.equal(before, after) for before, after in pairwise(a)]
    part = [True] * (3 * UPDATES) + [False] * (2 * UPDATES)
    assert moved == (part + part)[1:]
    assert found[-1]["tau"].isinf()


def test_the_network_is_evaluated_with_signs_while_it_trains_with_soft_weights():
    hp = SLB.Hyperparameters()
    state = SLB().init(normal(*SHAPE, seed=0), hp, torch.Generator())
    assert SLB().weight(state, hp, NOW).abs().max() < 1
    assert torch.equal(SLB().evaluation_weight(state, hp, NOW), state["theta"])


def test_flips_are_those_of_the_likelier_value(gradients):
    for state in run(normal(*SHAPE, seed=0), gradients, learning_rate=1.0):
        assert torch.equal(state["theta"], state["a"].sign())


def test_a_low_last_temperature_leaves_a_gap_between_soft_and_hard_weights_and_a_high_one_does_not(gradients):
    def gap(growth):
        hp = SLB.Hyperparameters(temperature_growth=growth)
        state = run(normal(*SHAPE, seed=0), gradients, temperature_growth=growth)[-1]
        return (SLB().weight(state, hp, NOW) - SLB().evaluation_weight(state, hp, NOW)).abs().mean().item()

    assert gap(1.0) > 0.2
    assert gap(1e5) < 1e-3


def test_a_temperature_that_is_high_from_the_start_freezes_the_signs(gradients):
    def flips(start):
        found = run(normal(*SHAPE, seed=0), gradients, **CONSTANT, temperature_start=start)
        return sum(int((a["theta"] != b["theta"]).sum()) for a, b in pairwise(found))

    assert flips(1.0) > 0
    assert flips(1e7) == 0


def without_gradient(weight_decay):
    noise = normal(*SHAPE, seed=0)
    return run(noise, torch.zeros(EPOCHS * UPDATES, *SHAPE), **CONSTANT, learning_rate=0.1, weight_decay=weight_decay)


def test_weight_decay_makes_weights_undecided_against_the_temperature():
    softer, kept = without_gradient(0.02)[-1], without_gradient(0.0)[-1]
    assert (softer["a"].abs() < 0.99 * kept["a"].abs()).all()
    assert torch.equal(softer["theta"], kept["theta"])


def test_a_decay_that_is_strong_for_the_momentum_oscillates_and_flips_weights_without_a_gradient():
    assert 0.1 * 0.02 < (1 - 0.9**0.5) ** 2 < 0.1 * 0.1
    found = without_gradient(0.1)
    assert not torch.equal(found[-1]["theta"], found[0]["theta"])


def test_frozen_weights_are_hard_and_stay_from_the_schedules_end_on(gradients):
    hp = SLB.Hyperparameters(freeze=True, schedule_start=0.2, schedule_end=0.6, temperature_growth=5.0)
    found = run(normal(*SHAPE, seed=0), gradients, **hp.model_dump())
    end = int(0.6 * EPOCHS) * UPDATES
    before, after = found[:end], found[end:]
    assert all(SLB().weight(state, hp, NOW).abs().max() < 1 for state in before)
    assert all(torch.equal(SLB().weight(state, hp, NOW), before[-1]["theta"]) for state in after)
    assert all(torch.equal(state["a"], before[-1]["a"]) for state in after)
    assert not torch.equal(before[-1]["a"], before[-2]["a"])


def test_weights_of_zero_are_frozen_at_the_sign_they_had():
    hp = SLB.Hyperparameters(freeze=True, schedule_start=0.0, schedule_end=0.0)
    state = SLB().init(torch.tensor([[1.0, -1.0]]), hp, torch.Generator())
    state["a"].zero_()
    state = SLB().start_epoch(state, hp, NOW)
    state = SLB().update(state, torch.ones(1, 2), hp, NOW)
    assert SLB().weight(state, hp, NOW).tolist() == [[1.0, -1.0]]
    assert state["a"].tolist() == [[0.0, 0.0]]


def test_stacked_networks_freeze_each_at_its_own_time(gradients):
    ends = torch.tensor([0.5, 0.9], dtype=torch.float64).view(2, 1, 1)
    hp = SLB.Hyperparameters(freeze=True).model_copy(update={"schedule_end": ends})
    state = SLB().init(normal(2, *SHAPE, seed=0), hp, torch.Generator())
    state = SLB().start_epoch(state, hp, Clock(5, 10, 5, 10))
    assert state["tau"].isinf().flatten().tolist() == [True, False]
    before = state["a"].clone()
    moved = SLB().update(state, gradients[:2], hp, Clock(5, 10, 5, 10))["a"] != before
    assert moved.flatten(1).any(1).tolist() == [False, True]


def test_batch_normalization_is_calibrated_unless_told_otherwise():
    assert SLB().recalibrates(SLB.Hyperparameters())
    assert not SLB().recalibrates(SLB.Hyperparameters(calibration=False))


def test_a_small_network_learns_with_it():
    hp = SLB.Hyperparameters(temperature_growth=100.0)
    metrics = train(make_network(), SLB(), hp, make_data(), SETTINGS, seed=0, report=ignore)
    assert metrics["train_accuracy"] > 0.8
    assert metrics["flip_ratio"] < 0.05


def test_momentum_calibration_and_the_times_of_the_schedule_are_not_based_on_magnitudes():
    model = SLB.Hyperparameters
    assert set(model.model_fields) - set(model.magnitude_based()) == {
        "schedule",
        "schedule_start",
        "schedule_end",
        "momentum_rate",
        "calibration",
        "restarts",
        "freeze",
        "decay_per",
    }


@pytest.mark.parametrize(
    "values",
    [
        {"temperature_start": 0.0},
        {"temperature_growth": 0.5},
        {"learning_rate": 0.0},
        {"init_scale": 0.0},
        {"momentum_rate": 0.0},
        {"restarts": -1},
        {"schedule": "step"},
        {"schedule_start": 0.8, "schedule_end": 0.7},
    ],
)
def test_values_outside_the_domain_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        SLB.Hyperparameters(**values)
