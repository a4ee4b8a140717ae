import itertools
import math
from pathlib import Path

import pytest
import torch
from ruamel.yaml import YAML

from hpstudy.bnn.methods.domain import inconsistent
from hpstudy.bnn.methods.latent_sgd import LatentSGD
from hpstudy.bnn.methods.ovsw import OvSW, scaled_gradient
from hpstudy.bnn.schedules import Clock
from hpstudy.bnn.settings import Surrogate
from hpstudy.study.schema import View
from hpstudy.tasks.method_views import check_method_point, check_method_view, complete_method_view
from hpstudy.testing.methods import normal

NOW = Clock(0, 1, 0, 1)
VIEWS = Path(__file__).parents[2] / "configs" / "views"
STILL = {"ags": 0.0, "sad": 0.0, "weight_decay": 0.0, "momentum_rate": 1.0, "learning_rate_decay": "none"}
"""SGD alone, without momentum: what one measure adds is seen undisturbed."""


def start(w, **values):
    """The state with latent weights `w`, and the hyperparameters."""
    hp = OvSW.Hyperparameters(**{**STILL, **values})
    w = torch.tensor(w, dtype=torch.float64)
    return {**OvSW().init(w, hp, torch.Generator()), "w": w.clone()}, hp


def replay(method, hp, gradients):
    """theta after every update, and the last state."""
    updates, thetas = len(gradients), []
    state = method.init(normal(*gradients.shape[1:], seed=5), hp, torch.Generator())
    for i, gradient in enumerate(gradients):
        state = method.update(state, gradient, hp, Clock(i * 8 // updates, 8, i, updates))
        thetas.append(state["theta"].clone())
    return torch.stack(thetas), state


def averages(updates, hp, flips=()):
    """S after every update of a single weight of 1, which flips in the updates listed and has no gradient in others."""
    state = OvSW().init(torch.ones(1, 1, dtype=torch.float64), hp, torch.Generator())
    for update in range(updates):
        push = 2 * state["w"] / hp.learning_rate if update in flips else torch.zeros(1, 1, dtype=torch.float64)
        state = OvSW().update(state, push, hp, NOW)
        yield state["s"].item()


def test_gradient_scaling_is_equation_14_per_filter():
    # Filters: ||w|| = 5. ||G|| = 1 is below 0.5 x 5 and becomes 2.5; ||G|| = 10 stays.
    w = torch.tensor([[3.0, 4.0], [3.0, 4.0]])
    gradient = torch.tensor([[0.6, 0.8], [6.0, -8.0]])
    torch.testing.assert_close(scaled_gradient(w, gradient, 0.5), torch.tensor([[1.5, 2.0], [6.0, -8.0]]))


def test_gradient_scaling_never_shrinks_a_gradient():
    gradient = normal(50, 8, seed=0) * 10 ** normal(50, 1, seed=1)
    scaled = scaled_gradient(normal(50, 8, seed=2), gradient, 0.3)
    assert bool((scaled.abs() >= gradient.abs()).all())
    assert bool((scaled.abs() > gradient.abs()).any())


def test_gradient_scaling_turns_no_gradient():
    gradient = normal(50, 8, seed=0)
    assert torch.equal(scaled_gradient(normal(50, 8, seed=2), gradient, 100.0).sign(), gradient.sign())


def test_the_scaled_gradient_is_at_least_lambda_times_the_norm_of_the_weights():
    w = normal(50, 8, seed=2)
    scaled = scaled_gradient(w, 0.01 * normal(50, 8, seed=0), 0.5)
    torch.testing.assert_close(scaled.norm(dim=1), 0.5 * w.norm(dim=1))


def test_the_floor_of_the_gradients_norm_bounds_the_amplification_in_a_dead_filter():
    scaled = scaled_gradient(torch.tensor([[3.0, 4.0]]), torch.tensor([[1e-9, 0.0]]), 0.5)
    torch.testing.assert_close(scaled, torch.tensor([[1e-9 * 0.5 * 5 / 1e-6, 0.0]]))


def test_a_filter_without_gradient_gets_none():
    assert scaled_gradient(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2), 0.5).tolist() == [[0.0, 0.0]]


def test_the_floor_of_the_weights_norm_moves_a_filter_of_zero_weights():
    scaled = scaled_gradient(torch.zeros(1, 2), torch.tensor([[0.0, 1e-5]]), 0.5)
    torch.testing.assert_close(scaled, torch.tensor([[0.0, 0.5e-3]]))


def test_gradient_scaling_does_not_see_the_weight_decay():
    state, hp = start([[3.0, 4.0]], ags=0.5, weight_decay=10.0, learning_rate=0.01)
    state = OvSW().update(state, torch.tensor([[1.0, 0.0]], dtype=torch.float64), hp, NOW)
    torch.testing.assert_close(state["m"], torch.tensor([[2.5 + 30, 40]], dtype=torch.float64))


def test_silence_aware_decay_acts_on_silent_weights_only():
    state, hp = start([[2.0, -4.0]], sad=0.25, learning_rate=0.5)
    state["s"] = torch.tensor([[0.5e-4, 2e-4]], dtype=torch.float64)
    state = OvSW().update(state, torch.zeros(1, 2, dtype=torch.float64), hp, NOW)
    torch.testing.assert_close(state["w"], torch.tensor([[2.0 - 0.5 * 0.25 * 2, -4.0]], dtype=torch.float64))


def test_silence_aware_decay_is_not_scaled_by_gradient_scaling():
    state, hp = start([[3.0, 4.0]], ags=0.5, sad=0.1, learning_rate=0.01)
    state = OvSW().update(state, torch.tensor([[1.0, 0.0]], dtype=torch.float64), hp, NOW)
    torch.testing.assert_close(state["m"], torch.tensor([[2.5 + 0.3, 0.4]], dtype=torch.float64))


def test_a_flip_is_counted_in_the_next_update():
    found = list(averages(3, OvSW.Hyperparameters(**STILL), flips=[0]))
    assert found == [0, pytest.approx(1e-3), pytest.approx(1e-3 * 0.999)]


def test_one_flip_keeps_a_weight_active_for_2302_updates():
    hp = OvSW.Hyperparameters(**STILL)
    active = [s >= hp.track_threshold for s in averages(2500, hp, flips=[0])]
    assert sum(active) == 2302
    assert active[:2] == [False, True]
    assert sum(active) == math.ceil(math.log(1e-3 / 1e-4) / -math.log(0.999))


def test_starting_active_delays_the_decay_of_silent_weights_by_9206_updates():
    hp = OvSW.Hyperparameters(**STILL, start_active=True)
    silent = [s < hp.track_threshold for s in averages(9300, hp)]
    assert silent.index(True) + 1 == 9206


def test_starting_silent_decays_from_the_first_update():
    hp = OvSW.Hyperparameters(**STILL)
    assert next(averages(1, hp)) < hp.track_threshold


def test_both_measures_off_is_latent_sgd_in_the_library_convention(recorded):
    common = {"learning_rate": 0.1, "weight_decay": 1e-2}
    he = math.sqrt(2 / recorded.shape[-1])
    ovsw = OvSW.Hyperparameters(ags=0.0, sad=0.0, momentum_rate=0.1, init_scale=0.5, **common)
    sgd = LatentSGD.Hyperparameters(
        scaling=False, clipping="none", convention="library", gamma=0.1, init_scale=0.5 * he, **common
    )
    a, left = replay(OvSW(), ovsw, recorded)
    b, right = replay(LatentSGD(), sgd, recorded)
    assert int((a[1:] != a[:-1]).sum()) > 100
    assert torch.equal(a, b)
    assert torch.equal(left["w"], right["w"])


@pytest.mark.parametrize("measure", [{"ags": 1.0, "sad": 0.0}, {"ags": 0.0, "sad": 0.05}])
def test_each_measure_wakes_up_silent_weights(recorded, measure):
    quiet = OvSW.Hyperparameters(ags=0.0, sad=0.0)
    before, after = (replay(OvSW(), hp, recorded)[0] for hp in (quiet, quiet.model_copy(update=measure)))

    def silent(thetas):
        return (thetas == thetas[0]).all(0).double().mean().item()

    assert silent(after) < silent(before)


def test_the_initial_scale_cancels_where_gradient_scaling_acts_on_every_filter(recorded):
    small, large = (
        replay(OvSW(), OvSW.Hyperparameters(ags=1e3, sad=0.0, weight_decay=0.0, learning_rate=1e-4, init_scale=scale), recorded)
        for scale in (1.0, 16.0)
    )
    assert torch.equal(small[0], large[0])
    torch.testing.assert_close(16 * small[1]["w"], large[1]["w"], rtol=1e-9, atol=1e-12)


def test_the_initial_scale_multiplies_the_deviation_of_he():
    hp = OvSW.Hyperparameters(init_scale=3.0)
    w = OvSW().init(torch.tensor([[1.0, -1.0, 2.0, 0.5, 0.0, 1.0, 1.0, 1.0]]), hp, torch.Generator())["w"]
    torch.testing.assert_close(w[0, :3], torch.tensor([1.5, -1.5, 3.0]))


def test_the_learning_rate_warms_up():
    hp = OvSW.Hyperparameters(**{**STILL, "learning_rate": 0.5}, warmup_epochs=4)
    moved = []
    for epoch in range(5):
        state = OvSW().init(torch.ones(1, 1, dtype=torch.float64), hp, torch.Generator())
        before = state["w"].clone()
        state = OvSW().update(state, torch.ones(1, 1, dtype=torch.float64), hp, Clock(epoch, 8, epoch, 8))
        moved.append((before - state["w"]).item())
    assert moved == pytest.approx([0.125, 0.25, 0.375, 0.5, 0.5])


def test_the_method_brings_its_activation_unless_told_otherwise():
    assert OvSW().activation(OvSW.Hyperparameters()) == Surrogate("ovsw")
    assert OvSW().activation(OvSW.Hyperparameters(own_activation=False)) is None


def test_a_threshold_that_one_flip_does_not_reach_is_refused():
    for threshold in (1e-3, 1e-2):
        with pytest.raises(ValueError, match=r"must be below track_rate, which is 0\.001"):
            OvSW.Hyperparameters(track_threshold=threshold)
    assert OvSW.Hyperparameters(track_threshold=0.9e-3).track_threshold == 0.9e-3


def test_a_track_rate_below_the_default_threshold_is_refused_at_the_default_point():
    view = View.model_validate(
        {
            "label": "slow",
            "method": "ovsw",
            "space": {"ags": {"type": "float", "low": 0.01, "high": 0.1, "default": 0.04}},
            "fixed": {"track_rate": 1e-5},
        }
    )
    for one in (view, complete_method_view(view)):
        assert check_method_view(one) == []
        (reason,) = check_method_point(one, one.space.default())
        assert reason.startswith("track_threshold is 0.0001 and must be below track_rate, which is 1e-05")


@pytest.mark.parametrize("name", ["ovsw", "ovsw_ags", "ovsw_sad"])
def test_every_corner_of_a_shipped_view_is_accepted(name):
    view = complete_method_view(View.model_validate(YAML(typ="safe").load(VIEWS / f"{name}.yaml")))
    ends = [[(name, p.low), (name, p.high)] for name, p in view.space.items()]
    corners = [{**view.fixed, **dict(corner)} for corner in itertools.product(*ends)]
    assert [corner for corner in corners if inconsistent(OvSW.Hyperparameters, corner)] == []


def test_the_flip_average_and_the_momentum_are_not_based_on_magnitudes():
    model = OvSW.Hyperparameters
    assert set(model.model_fields) - set(model.magnitude_based()) == {
        "track_rate",
        "track_threshold",
        "start_active",
        "momentum_rate",
        "own_activation",
        "decay_per",
    }


@pytest.mark.parametrize(
    "values", [{"ags": -1.0}, {"sad": -1.0}, {"track_rate": 0.0}, {"track_threshold": 0.0}, {"warmup_epochs": -1}, {"tau": 0.1}]
)
def test_values_outside_the_domain_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        OvSW.Hyperparameters(**values)
