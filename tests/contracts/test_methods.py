"""Every built-in training method keeps the contract."""

from typing import ClassVar

from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.methods.latent_sgd import LatentSGD
from hpstudy.testing.methods import Alternative, MethodContract


class TestFilter(MethodContract):
    method_class = Filter
    alternatives: ClassVar = {
        "alpha": Alternative(0.5),
        "gamma": Alternative(1.0),
        "alpha_decay": Alternative("none", given={"alpha": 0.5}),
        "decay_per": Alternative("update", given={"alpha": 0.5}),
    }


class TestLatentSGD(MethodContract):
    method_class = LatentSGD
    alternatives: ClassVar = {
        "learning_rate": Alternative(1.0),
        "learning_rate_decay": Alternative("linear"),
        "init_scale": Alternative(1.0),
        "gamma": Alternative(0.5),
        "weight_decay": Alternative(0.1),
        "scaling": Alternative(False),
        "clipping": Alternative("none", given={"init_scale": 2.0}),
        "convention": Alternative("library"),
        "decay_per": Alternative("update"),
    }


def test_every_registered_method_is_under_contract():
    assert {METHODS.load(name) for name in METHODS} == {c.method_class for c in (TestFilter, TestLatentSGD)}
