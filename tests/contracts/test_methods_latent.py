"""Methods with real weights under an optimizer other than the paper's keep the contract."""

from typing import ClassVar

from hpstudy.bnn.methods.lars import LatentLARS
from hpstudy.bnn.methods.latent_adam import LatentAdam
from hpstudy.bnn.methods.ovsw import OvSW
from hpstudy.bnn.methods.real import RealSGD
from hpstudy.testing.methods import Alternative, MethodContract


class TestLatentAdam(MethodContract):
    method_class = LatentAdam
    flips_without_gradient = True
    alternatives: ClassVar = {
        "learning_rate": Alternative(0.1),
        "learning_rate_decay": Alternative("cosine"),
        "init_scale": Alternative(1.0),
        "beta1_rate": Alternative(0.5),
        "beta2_rate": Alternative(0.5),
        "weight_decay": Alternative(0.1),
        "scaling": Alternative(False),
        "clipping": Alternative("none", given={"init_scale": 2.0}),
        "decay_per": Alternative("update"),
    }


class TestLatentLARS(MethodContract):
    method_class = LatentLARS
    alternatives: ClassVar = {
        "trust": Alternative(1.0),
        "learning_rate": Alternative(1.0, given={"trust": 1.0}),
        "learning_rate_decay": Alternative("none", given={"trust": 1.0}),
        "momentum_rate": Alternative(1.0, given={"trust": 1.0}),
        "weight_decay": Alternative(10.0, given={"trust": 1.0, "init_scale": 1.0}),
        "init_scale": Alternative(1.0, given={"trust": 1.0, "weight_decay": 10.0}),
        "decay_per": Alternative("update", given={"trust": 1.0}),
    }


class TestOvSW(MethodContract):
    method_class = OvSW
    alternatives: ClassVar = {
        "ags": Alternative(20.0),
        "sad": Alternative(1.0),
        "track_rate": Alternative(0.5, given={"sad": 1.0, "track_threshold": 1e-3, "track_rate": 0.9}),
        "track_threshold": Alternative(0.4, given={"sad": 1.0, "track_rate": 0.5}),
        "start_active": Alternative(True, given={"sad": 1.0}),
        "learning_rate": Alternative(1.0),
        "learning_rate_decay": Alternative("none"),
        "momentum_rate": Alternative(0.5),
        "weight_decay": Alternative(1.0),
        "init_scale": Alternative(10.0),
        "warmup_epochs": Alternative(3),
        "own_activation": Alternative(False),
        "decay_per": Alternative("update"),
    }


class TestRealSGD(MethodContract):
    method_class = RealSGD
    alternatives: ClassVar = {
        "learning_rate": Alternative(1.0),
        "learning_rate_decay": Alternative("linear"),
        "momentum_rate": Alternative(0.5),
        "weight_decay": Alternative(0.1),
        "init_scale": Alternative(2.0),
        "activation": Alternative("relu"),
        "decay_per": Alternative("update"),
    }
