"""The studies of published figures and tables, against the numbers that their papers give."""

import math
import re
from functools import cache

import pytest

from hpstudy.loading.load import load_study
from hpstudy.loading.make import make_searcher
from hpstudy.study.shipped import shipped_root

FIGURES = [f"figure_{number}" for number in range(3, 8)]
ONE_AND_TWO_STEPS = ["table_2", "table_2_two_steps"]
both_scales = pytest.mark.parametrize("scale", [None, "small"])


@cache
def study(name, scale=None):
    return load_study(shipped_root() / f"studies/paper/{name}.yaml", scale)


def tried(name, view, scale=None):
    """The hyperparameters of every point of a sweep, those that are fixed included."""
    found = study(name, scale)
    searcher, space = make_searcher(found.search), found.views[view].space
    points = (searcher.ask(space, (), goal="maximize", seed=0, number=number) for number in range(found.search.trials))
    return [{**found.views[view].fixed, **point} for point in points]


@pytest.mark.parametrize("name", [*FIGURES, "table_2"])
def test_the_training_is_that_of_section_4(name):
    task = study(name).task.settings
    optimizer = {key: task["real_optimizer"][key] for key in ("name", "learning_rate", "momentum", "weight_decay", "decay")}
    assert optimizer == {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 1e-4, "decay": "cosine"}
    assert (task["dataset"], task["network"]["name"], task["batch_size"]) == ("cifar10", "birealnet20", 256)
    assert (task["images"]["padding"], task["images"]["mirror"], task["images"]["shrink"]) == (4, True, 1)


@both_scales
def test_in_figure_3_both_views_have_the_same_ratio_of_learning_rate_and_initial_weights(scale):
    by_rate, by_scale = tried("figure_3", "by_learning_rate", scale), tried("figure_3", "by_init_scale", scale)
    ratios = [[hp["learning_rate"] / hp["init_scale"] for hp in view] for view in (by_rate, by_scale)]
    assert ratios[0] == pytest.approx(ratios[1])
    assert [hp["learning_rate"] for hp in by_rate] == [1e-3, 1e-2, 1e-1, 1, 10]


@both_scales
@pytest.mark.parametrize(
    ("name", "view"),
    [("figure_3", "by_learning_rate"), ("figure_3", "by_init_scale")]
    + [("figure_4", view) for view in ("standard", "independent", "from_zero")],
)
def test_in_figures_3_and_4_learning_rate_times_weight_decay_is_constant(name, view, scale):
    assert [hp["learning_rate"] * hp["weight_decay"] for hp in tried(name, view, scale)] == pytest.approx(
        [1e-5] * study(name, scale).search.trials
    )


def test_figure_4_has_learning_rates_in_half_decades_from_1e_4_to_10():
    rates = [math.log10(hp["learning_rate"]) for hp in tried("figure_4", "standard")]
    assert rates == pytest.approx([exponent / 2 for exponent in range(-8, 3)], abs=0.03)


def test_the_settings_of_figure_4_differ_in_scaling_clipping_and_the_initial_weights_alone():
    fixed = {name: dict(view.fixed) for name, view in study("figure_4").views.items()}
    assert {name: (hp.pop("scaling"), hp.pop("clipping"), hp.pop("init_scale") > 0) for name, hp in fixed.items()} == {
        "standard": (True, "gradient", True),
        "independent": (False, "none", True),
        "from_zero": (False, "none", False),
    }
    assert fixed["standard"] == fixed["independent"] == fixed["from_zero"]


@both_scales
@pytest.mark.parametrize("name", ["figure_3", "figure_4", "figure_7"])
def test_latent_weights_of_figures_follow_the_equations_of_the_paper(name, scale):
    latent = [view.fixed for view in study(name, scale).views.values() if view.method == "latent_sgd"]
    assert {(hp["convention"], hp["gamma"], hp["learning_rate_decay"]) for hp in latent} == {("paper", 0.1, "cosine")}


def test_figure_5_tries_every_decade_of_alpha():
    points = tried("figure_5", "filter")
    assert [hp["alpha"] for hp in points] == [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6]
    assert {(hp["gamma"], hp["alpha_decay"]) for hp in points} == {(0.1, "cosine")}


def test_figure_6_compares_the_papers_filter_with_and_without_decay():
    assert [(hp["alpha"], hp["gamma"], hp["alpha_decay"]) for hp in tried("figure_6", "filter")] == [
        (1e-3, 0.1, "none"),
        (1e-3, 0.1, "cosine"),
    ]


@both_scales
def test_in_figure_7_both_views_are_the_same_filter(scale):
    latent, gradient = tried("figure_7", "latent", scale), tried("figure_7", "filter", scale)
    assert [hp["learning_rate"] * hp["weight_decay"] for hp in latent] == pytest.approx([hp["alpha"] for hp in gradient])
    assert [(hp["gamma"], hp["learning_rate_decay"]) for hp in latent] == [(hp["gamma"], hp["alpha_decay"]) for hp in gradient]
    assert {(hp["init_scale"], hp["scaling"], hp["clipping"]) for hp in latent} == {(0, False, "none")}


@pytest.mark.parametrize("name", ONE_AND_TWO_STEPS)
def test_table_2_trains_as_the_paper_does(name):
    (latent,), (gradient,) = tried(name, "latent"), tried(name, "filter")
    assert study(name).task.settings["epochs"] == 400
    assert (latent["learning_rate"], latent["gamma"], latent["scaling"], latent["clipping"]) == (0.1, 0.1, True, "gradient")
    assert (gradient["alpha"], gradient["gamma"], gradient["alpha_decay"]) == (1e-3, 0.1, "cosine")


@both_scales
def test_weights_decay_in_the_first_of_two_steps_and_not_in_the_second(scale):
    task = study("table_2_two_steps", scale).task.settings
    first, (latent,) = task["first_step"], tried("table_2_two_steps", "latent", scale)
    assert (first["weight_decay"], first["real_optimizer"]["weight_decay"]) == (1e-4, 1e-4)
    assert (latent["weight_decay"], task["real_optimizer"]["weight_decay"]) == (0, 0)


@pytest.mark.parametrize(
    ("name", "published"),
    [("table_2", [85.0, 86.5]), ("table_2_two_steps", [86.7]), ("table_2_real", [91.7]), ("table_3", [69.7, 88.9])],
)
def test_a_published_accuracy_is_the_middle_of_a_bound_of_a_point(name, published):
    bounded = [one for one in study(name).analysis.criteria if one.below is not None]
    assert [(one.above + one.below) * 50 for one in bounded] == pytest.approx(published)
    assert [one.below - one.above for one in bounded] == pytest.approx([0.01] * len(published))
    assert [float(re.search(r"[\d.]+(?= %)", one.claim)[0]) for one in bounded] == published
    assert {one.metric for one in bounded} <= {"test_accuracy", "test_top5_accuracy"}


def test_the_initial_weights_of_ovsw_are_scaled_by_every_power_of_ten_from_1e_4_to_1000():
    points = tried("ovsw_initialisation", "vanilla")
    assert [hp["init_scale"] for hp in points] == pytest.approx([10.0**exponent for exponent in range(-4, 4)])
    assert {(hp["ags"], hp["sad"]) for hp in points} == {(0, 0)}
