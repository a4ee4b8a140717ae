"""The defaults of the methods are the settings of their papers and of the papers' code, where there are any."""

import math

import pytest

from hpstudy.bnn.methods import METHODS

SGD = {"learning_rate": 0.1, "learning_rate_decay": "cosine", "momentum_rate": 0.1}

PUBLISHED = {
    "latent_sgd": {
        "learning_rate": 0.1,
        "learning_rate_decay": "cosine",
        "gamma": 0.1,
        "weight_decay": 1e-4,
        "scaling": True,
        "clipping": "gradient",
        "convention": "paper",
    },
    "filter": {"alpha": 1e-3, "gamma": 0.1, "alpha_decay": "cosine"},
    "filter_cascade": {"order": 2, "alpha": 1e-3, "gamma": 0.1, "alpha_decay": "cosine"},
    "bop": {"gamma": 1e-4, "tau": 1e-8, "tau_change": 1, "gamma_change": 1, "gamma_decay": "step"},
    "bop2": {"gamma": 1e-6, "sigma": 1e-2, "tau": 1e-6, "gamma_change": 1, "sigma_change": 1, "tau_change": 1},
    "latent_adam": {
        "learning_rate": 1e-3,
        "learning_rate_decay": "linear",
        "beta1_rate": 0.1,
        "beta2_rate": 1e-3,
        "weight_decay": 1e-5,
        "scaling": True,
        "clipping": "gradient",
    },
    "latent_lars": {**SGD, "weight_decay": 1e-4},
    "ovsw": {
        **SGD,
        "ags": 0.04,
        "sad": 9e-4,
        "track_rate": 1e-3,
        "track_threshold": 1e-4,
        "start_active": False,
        "weight_decay": 5e-4,
        "init_scale": 1,
        "own_activation": True,
    },
    "slb": {
        "temperature_start": 1,
        "temperature_growth": pytest.approx(1.03**250, rel=0.02),  # 1.03 per epoch from 40 % to 90 % of 500
        "schedule": "exp",
        "schedule_start": 0.4,
        "schedule_end": 0.9,
        "learning_rate": 0.1,
        "momentum_rate": 0.1,
        "weight_decay": 1e-4,
        "calibration": True,
    },
    "rbnn": {
        **SGD,
        "weight_decay": 1e-4,
        "init_scale": 1,
        "t_min": 1e-2,
        "t_max": 10,
        "rotation_period": 1,
        "alternations": 3,
        "beta_init": math.pi / 2,
        "own_activation": True,
    },
    "irnet": {**SGD, "weight_decay": 1e-4, "init_scale": 1, "t_min": 1e-3, "t_max": 10, "own_activation": True},
    "recu": {
        **SGD,
        "weight_decay": 5e-4,
        "init_scale": 1,
        "quantile_start": 0.85,
        "quantile_end": 0.99,
        "warmup_epochs": 5,
        "own_activation": True,
    },
    "real": {**SGD, "weight_decay": 1e-4, "init_scale": 1},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_defaults_are_the_published_settings(name):
    found = METHODS.load(name).Hyperparameters().model_dump()
    assert {key: found[key] for key in PUBLISHED[name]} == PUBLISHED[name]
