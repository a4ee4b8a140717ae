"""The shipped study of a conditional space: the same function and ranges in both views, and conditions in one of them."""

import pytest

from hpstudy.loading.load import load_study
from hpstudy.modules import module_path
from hpstudy.study.shipped import shipped_root
from hpstudy.study.space import Space

STUDIES = shipped_root() / "studies"


@pytest.fixture(scope="module")
def views():
    return load_study(STUDIES / "kernels.yaml").views


def test_the_views_differ_in_conditions_only(views):
    flat, conditional = (views[name].space for name in ("flat", "conditional"))
    without = {name: parameter.model_copy(update={"when": {}}) for name, parameter in conditional.items()}
    assert Space(without) == flat
    assert not flat.is_conditional


def test_the_function_takes_the_points_of_both_views(views):
    with module_path(str(STUDIES)):
        import kernels

        found = {
            name: kernels.accuracy({"images": 100, **view.space.from_unit([0.3, 0.5, 0.5, 0.5, 0.5])}, 3)["accuracy"]
            for name, view in views.items()
        }
    assert found["flat"] == found["conditional"] > 0.5
