"""The methods that standardise, and perhaps rotate, their latent weights keep the contract."""

from typing import ClassVar

from hpstudy.bnn.methods.irnet import IRNet
from hpstudy.bnn.methods.rbnn import RBNN
from hpstudy.testing.methods import Alternative, MethodContract

TASKS = {"own_activation": False}
"""So that a temperature has to show in the weights."""


class TestRBNN(MethodContract):
    method_class = RBNN
    starts_from_the_noise = False
    flips_without_gradient = True
    alternatives: ClassVar = {
        "learning_rate": Alternative(1.0, given={"beta_init": 1.0}),
        "learning_rate_decay": Alternative("none", given={"beta_init": 1.0}),
        "init_scale": Alternative(0.5, given={"beta_init": 1.0}),
        "momentum_rate": Alternative(0.5, given={"beta_init": 1.0}),
        "weight_decay": Alternative(0.1, given={"beta_init": 1.0}),
        "t_min": Alternative(2.0, given=TASKS | {"beta_init": 1.0}),
        "t_max": Alternative(0.5, given=TASKS | {"beta_init": 1.0}),
        "rotation_period": Alternative(2),
        "alternations": Alternative(1),
        "beta_init": Alternative(0.5),
        "warmup_epochs": Alternative(3, given={"beta_init": 1.0}),
        "own_activation": Alternative(False),
        "decay_per": Alternative("update", given={"beta_init": 1.0}),
    }


class TestIRNet(MethodContract):
    method_class = IRNet
    starts_from_the_noise = False
    alternatives: ClassVar = {
        "learning_rate": Alternative(1.0),
        "learning_rate_decay": Alternative("none"),
        "init_scale": Alternative(0.5),
        "momentum_rate": Alternative(0.5),
        "weight_decay": Alternative(0.1),
        "t_min": Alternative(2.0, given=TASKS),
        "t_max": Alternative(100.0, given=TASKS | {"t_min": 1.0}),
        "own_activation": Alternative(False),
        "decay_per": Alternative("update"),
    }
