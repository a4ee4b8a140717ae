"""Methods that train with soft weights, or with a soft threshold for the gradient, keep the contract."""

from typing import ClassVar

from hpstudy.bnn.methods.recu import ReCU
from hpstudy.bnn.methods.slb import SLB
from hpstudy.testing.methods import Alternative, MethodContract

MOVING = {"init_scale": 1.0, "momentum_rate": 1.0, "warmup_epochs": 0}
"""Signs that still flip in the last epoch."""


class TestSLB(MethodContract):
    method_class = SLB
    alternatives: ClassVar = {
        "temperature_start": Alternative(2.0),
        "temperature_growth": Alternative(10.0),
        "schedule": Alternative("cos"),
        "schedule_start": Alternative(0.0),
        "schedule_end": Alternative(0.5, given={"freeze": True}),
        "learning_rate": Alternative(1.0),
        "learning_rate_decay": Alternative("linear"),
        "restarts": Alternative(1),
        "momentum_rate": Alternative(0.5),
        "weight_decay": Alternative(0.1),
        "init_scale": Alternative(1.0),
        "calibration": Alternative(False),
        "freeze": Alternative(True, given={"schedule_end": 0.5}),
        "decay_per": Alternative("update"),
    }


class TestReCU(MethodContract):
    method_class = ReCU
    starts_from_the_noise = False
    alternatives: ClassVar = {
        "learning_rate": Alternative(1.0),
        "learning_rate_decay": Alternative("step", given=MOVING),
        "momentum_rate": Alternative(0.5),
        "weight_decay": Alternative(1.0, given=MOVING),
        "init_scale": Alternative(1.0),
        "quantile_start": Alternative(0.6),
        "quantile_end": Alternative(0.85, given=MOVING),
        "warmup_epochs": Alternative(0),
        "decay_per": Alternative("update", given=MOVING),
    }
