"""Every method with a learning rate takes the step that its schedule says, at every time of the training."""

import pytest
import torch

from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.schedules import Clock, factor, warmed_up
from hpstudy.testing.methods import normal

SHAPE = (6, 8)
START = Clock(epoch=0, epochs=8, update=0, updates=80)
LATER = Clock(epoch=5, epochs=8, update=57, updates=80)

CONSTANT = {
    "latent_sgd": ("w", {"gamma": 1.0}),
    "latent_adam": ("w", {"beta1_rate": 1.0, "beta2_rate": 1.0}),
    "latent_lars": ("w", {"momentum_rate": 1.0}),
    "ovsw": ("w", {"momentum_rate": 1.0, "sad": 0.0}),
    "slb": ("a", {"momentum_rate": 1.0, "schedule": "none"}),
    "rbnn": ("w", {"momentum_rate": 1.0, "t_min": 1.0, "t_max": 1.0, "beta_init": 1.0}),
    "irnet": ("w", {"momentum_rate": 1.0, "t_min": 1.0, "t_max": 1.0}),
    "recu": ("w", {"momentum_rate": 1.0, "quantile_start": 0.9, "quantile_end": 0.9, "warmup_epochs": 0}),
    "real": ("w", {"momentum_rate": 1.0}),
}
"""Of every method with a learning rate: its latent weight, and values under which only the learning rate knows the time."""


def step(name, clock, **values):
    """How far the latent weights move at a first update."""
    key, constant = CONSTANT[name]
    method = METHODS.load(name)()
    hp = method.Hyperparameters(**{**constant, "weight_decay": 0.0, "learning_rate": 1e-3, **values})
    state = method.init(normal(*SHAPE, seed=0), hp, torch.Generator().manual_seed(2))
    before = state[key].clone()
    return method.update(state, normal(*SHAPE, seed=1), hp, clock)[key] - before


def test_all_methods_with_a_learning_rate_are_here():
    assert set(CONSTANT) == {name for name in METHODS if "learning_rate" in METHODS.load(name).Hyperparameters.model_fields}


@pytest.mark.parametrize("name", CONSTANT)
@pytest.mark.parametrize("decay", ["none", "linear", "cosine", "step"])
@pytest.mark.parametrize("per", ["epoch", "update"])
def test_a_step_is_that_of_the_start_times_the_factor_of_the_schedule(name, decay, per):
    values = {"learning_rate_decay": decay, "decay_per": per}
    expected = factor(decay, LATER.elapsed(per)) * step(name, START, **values)
    assert expected.abs().max() > 0
    torch.testing.assert_close(step(name, LATER, **values), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    "name", [name for name in CONSTANT if "warmup_epochs" in METHODS.load(name).Hyperparameters.model_fields]
)
@pytest.mark.parametrize("decay", ["none", "linear", "cosine", "step"])
@pytest.mark.parametrize("per", ["epoch", "update"])
@pytest.mark.parametrize(("clock", "epochs"), [(LATER, 3), (LATER, 7), (START, 2)])
def test_with_a_warm_up_the_schedule_begins_after_it(name, decay, per, clock, epochs):
    values = {"learning_rate_decay": decay, "decay_per": per}
    expected = warmed_up(decay, clock, per, epochs) * step(name, START, **values)
    torch.testing.assert_close(step(name, clock, **values, warmup_epochs=epochs), expected, rtol=1e-6, atol=0)
