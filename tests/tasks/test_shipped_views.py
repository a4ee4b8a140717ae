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
