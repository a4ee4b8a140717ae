"""Methods that threshold or filter the gradient keep the contract."""

from typing import ClassVar

from hpstudy.bnn.methods.bop import Bop
from hpstudy.bnn.methods.bop2 import Bop2ndOrder
from hpstudy.bnn.methods.filter_biquad import BiquadFilter
from hpstudy.bnn.methods.filter_cascade import CascadeFilter
from hpstudy.bnn.methods.filter_equal import EqualFilter
from hpstudy.bnn.methods.filter_fir import FIRFilter
from hpstudy.testing.methods import Alternative, MethodContract


class TestBop(MethodContract):
    method_class = Bop
    alternatives: ClassVar = {
        "gamma": Alternative(0.5),
        "tau": Alternative(0.1, given={"gamma": 0.5}),
        "gamma_decay": Alternative("none", given={"gamma": 0.5}),
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
