from pathlib import Path

import pytest
from ruamel.yaml import YAML

from hpstudy.study.schema import View
from hpstudy.tasks.method_views import check_method_view

FOLDER = Path(__file__).parents[2] / "configs" / "views"
VIEWS = {path.stem: View.model_validate(YAML(typ="safe").load(path)) for path in sorted(FOLDER.glob("*.yaml"))}


@pytest.mark.parametrize("name", VIEWS)
def test_a_shipped_view_has_no_problem(name):
    assert check_method_view(VIEWS[name]) == []


def test_a_shipped_view_tunes_as_many_hyperparameters_as_it_says():
    assert {name: view.label for name, view in VIEWS.items() if f"({len(view.space)})" not in view.label} == {}


def test_every_tuned_hyperparameter_declares_its_default():
    assert [name for view in VIEWS.values() for name, p in view.space.items() if p.default is None] == []


def test_the_same_support_is_that_of_the_product_of_learning_rate_and_weight_decay():
    latent, alpha = VIEWS["latent"].space.root, VIEWS["filter_same_support"].space.root["alpha"]
    rate, decay = latent["learning_rate"], latent["weight_decay"]
    assert (alpha.low, alpha.high) == (pytest.approx(rate.low * decay.low), pytest.approx(rate.high * decay.high))


@pytest.mark.parametrize("names", [("gamma", "momentum_rate"), ("weight_decay",)])
def test_views_share_the_ranges_of_what_they_share(names):
    sgd = [view for name, view in VIEWS.items() if view.method in ("latent_sgd", "filter", "ovsw", "slb", "recu", "real")]
    ranges = {(p.low, p.high) for view in sgd for name, p in view.space.items() if name in names}
    assert len(ranges) == 1


RANGES = {
    "latent": {"learning_rate": (1e-4, 10), "init_scale": (1e-5, 10), "gamma": (1e-3, 1), "weight_decay": (1e-7, 1e-1)},
    "latent_plain": {"learning_rate": (1e-4, 10), "init_scale": (1e-5, 10), "gamma": (1e-3, 1), "weight_decay": (1e-7, 1e-1)},
    "latent_adam": {
        "learning_rate": (1e-5, 1e-1),
        "init_scale": (1e-5, 10),
        "beta1_rate": (1e-3, 1),
        "beta2_rate": (1e-5, 1e-1),
        "weight_decay": (1e-8, 1e-3),
    },
    "latent_lars": {"trust": (1e-4, 1), "momentum_rate": (1e-3, 1), "weight_decay": (1e-7, 1e-1)},
    "filter": {"alpha": (1e-5, 1e-1), "gamma": (1e-3, 1)},
    "filter_same_support": {"alpha": (1e-11, 1), "gamma": (1e-3, 1)},
    "bop": {"gamma": (1e-7, 1e-1), "tau": (1e-10, 1e-3)},
    "bop2": {"gamma": (1e-9, 1e-1), "sigma": (1e-7, 1e-1), "tau": (1e-9, 1)},
    "ovsw": {"ags": (1e-4, 0.3), "sad": (1e-6, 1e-2)},
    "slb": {"temperature_start": (1e-2, 10), "temperature_growth": (10, 1e5), "init_scale": (1e-3, 1)},
    "rbnn": {"t_min": (1e-3, 1e-1), "t_max": (1, 1e2)},
}
"""On a logarithmic scale."""


@pytest.mark.parametrize("name", RANGES)
def test_the_ranges_are_those_that_the_heads_of_the_files_argue_for(name):
    space = VIEWS[name].space.root
    assert {key: (space[key].low, space[key].high) for key in RANGES[name]} == RANGES[name]
    assert all(space[key].log for key in RANGES[name])


def test_the_views_that_tune_the_decay_too_have_what_table_1_counts_and_otherwise_are_the_views_that_fix_it():
    for view, decay, count in (("latent", "learning_rate_decay", 7), ("filter", "alpha_decay", 3)):
        fixed, tuned = VIEWS[view], VIEWS[f"{view}_decay"]
        assert tuned.space.root[decay].default == fixed.fixed.get(decay, "cosine")
        assert {name: p for name, p in tuned.space.items() if name != decay} == dict(fixed.space.items())
        assert tuned.fixed == {name: value for name, value in fixed.fixed.items() if name != decay}
        assert (tuned.method, len(tuned.space)) == (fixed.method, count)


def test_every_way_a_rate_may_decay_that_the_views_tune_is_the_same():
    assert VIEWS["latent_decay"].space.root["learning_rate_decay"] == VIEWS["filter_decay"].space.root["alpha_decay"]


@pytest.mark.parametrize("name", ["rbnn", "irnet", "recu"])
def test_standardized_weights_start_from_the_deviation_of_he_with_the_activation_of_their_method(name):
    view = VIEWS[name]
    scale = view.space.root["init_scale"].default if "init_scale" in view.space.root else view.fixed["init_scale"]
    assert (scale, view.fixed["own_activation"]) == (1, True)
