"""Every built-in training method keeps the contract."""

from typing import ClassVar

from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.methods.bop import Bop
from hpstudy.bnn.methods.bop2 import Bop2ndOrder
from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.methods.filter_biquad import BiquadFilter
from hpstudy.bnn.methods.filter_cascade import CascadeFilter
from hpstudy.bnn.methods.filter_equal import EqualFilter
from hpstudy.bnn.methods.filter_fir import FIRFilter
from hpstudy.bnn.methods.irnet import IRNet
from hpstudy.bnn.methods.lars import LatentLARS
from hpstudy.bnn.methods.latent_adam import LatentAdam
from hpstudy.bnn.methods.latent_sgd import LatentSGD
from hpstudy.bnn.methods.ovsw import OvSW
from hpstudy.bnn.methods.rbnn import RBNN
from hpstudy.bnn.methods.real import RealSGD
from hpstudy.bnn.methods.recu import ReCU
from hpstudy.bnn.methods.slb import SLB
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


class TestBop(MethodContract):
    method_class = Bop
    alternatives: ClassVar = {
        "gamma": Alternative(0.5),
        "tau": Alternative(0.1, given={"gamma": 0.5}),
        "gamma_decay": Alternative("none", given={"gamma": 0.5}),
        "gamma_change": Alternative(0.1, given={"gamma": 0.5, "gamma_decay": "none"}),
        "tau_change": Alternative(0.1, given={"gamma": 0.5, "tau": 0.5, "gamma_decay": "none"}),
        "decay_per": Alternative("update", given={"gamma": 0.5, "gamma_decay": "linear"}),
    }


class TestBop2ndOrder(MethodContract):
    method_class = Bop2ndOrder
    _given: ClassVar = {"gamma": 0.5, "sigma": 0.5, "tau": 0.5}
    alternatives: ClassVar = {
        "gamma": Alternative(0.5),
        "sigma": Alternative(0.1, given=_given),
        "tau": Alternative(0.9, given=_given),
        "variant": Alternative("unbiased", given=_given),
        "gamma_change": Alternative(0.1, given=_given),
        "sigma_change": Alternative(0.1, given=_given),
        "tau_change": Alternative(0.1, given=_given),
        "decay_per": Alternative("update", given={**_given, "tau_change": 0.1}),
    }


class TestCascadeFilter(MethodContract):
    method_class = CascadeFilter
    alternatives: ClassVar = {
        "order": Alternative(4),
        "alpha": Alternative(0.5),
        "gamma": Alternative(1.0),
        "alpha_decay": Alternative("none", given={"alpha": 0.5}),
        "decay_per": Alternative("update", given={"alpha": 0.5}),
    }


class TestEqualFilter(MethodContract):
    method_class = EqualFilter
    alternatives: ClassVar = {
        "order": Alternative(1),
        "alpha": Alternative(0.5),
        "alpha_decay": Alternative("none", given={"alpha": 0.5}),
        "decay_per": Alternative("update", given={"alpha": 0.5}),
    }


class TestBiquadFilter(MethodContract):
    method_class = BiquadFilter
    alternatives: ClassVar = {
        "omega": Alternative(1.0),
        "zeta": Alternative(0.1, given={"omega": 1.0}),
        "omega_decay": Alternative("none", given={"omega": 1.0}),
        "decay_per": Alternative("update", given={"omega": 1.0}),
    }


class TestFIRFilter(MethodContract):
    method_class = FIRFilter
    alternatives: ClassVar = {"window": Alternative(3)}


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


MOVING = {"momentum_rate": 1.0, "warmup_epochs": 0}
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
        "init_scale": Alternative(0.1),
        "quantile_start": Alternative(0.6),
        "quantile_end": Alternative(0.85, given=MOVING),
        "warmup_epochs": Alternative(0),
        "own_activation": Alternative(False),
        "decay_per": Alternative("update", given=MOVING),
    }


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


def test_every_registered_method_is_under_contract():
    under_contract = {kind.method_class for kind in MethodContract.__subclasses__()}
    assert {METHODS.load(name) for name in METHODS} == under_contract
