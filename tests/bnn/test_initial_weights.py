"""With what deviation every method draws its latent weights."""

import math

import pytest
import torch

from hpstudy.bnn.methods import METHODS
from hpstudy.testing.methods import normal


def absolute(fan_in):
    return 1.0


def he(fan_in):
    return math.sqrt(2 / fan_in)


def half_the_difference_of_two(fan_in):
    return math.sqrt(1 / 2)


DEVIATION = {
    "latent_sgd": ("w", absolute),
    "latent_adam": ("w", absolute),
    "latent_lars": ("w", absolute),
    "ovsw": ("w", he),
    "slb": ("a", half_the_difference_of_two),
    "rbnn": ("w", he),
    "irnet": ("w", he),
    "recu": ("w", he),
    "real": ("w", he),
}
"""Of every method with an initial scale: its latent weight, and the weight's deviation at scale 1."""


def test_all_methods_with_an_initial_scale_are_here():
    assert set(DEVIATION) == {name for name in METHODS if "init_scale" in METHODS.load(name).Hyperparameters.model_fields}


@pytest.mark.parametrize("name", DEVIATION)
@pytest.mark.parametrize("stack", [(), (2,)])
@pytest.mark.parametrize("fan_in", [6, 50])
def test_initial_weights_are_the_noise_times_the_scale_times_the_deviation_of_the_layer(name, stack, fan_in):
    key, deviation = DEVIATION[name]
    method, noise = METHODS.load(name)(), normal(*stack, 5, fan_in, seed=0)
    state = method.init(noise, method.Hyperparameters(init_scale=3.0), torch.Generator().manual_seed(2))
    torch.testing.assert_close(state[key], 3 * deviation(fan_in) * noise)
