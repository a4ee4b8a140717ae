"""What the report says of a view that tunes fewer hyperparameters."""

import numpy as np
import pytest

from hpstudy.analysis import analyze
from hpstudy.analysis.supplement.study import supplement
from hpstudy.report.model import Paragraph
from hpstudy.report.non_inferiority import of_confirmed, of_observed
from hpstudy.study.schema import Study
from tests.support.reports import section_of
from tests.support.sources import MemorySource


@pytest.fixture
def said(make_results, ramps):
    """The sentence about views a, with or without 2 more hyperparameters, and b, whose searches lie this much above those of a."""

    def make(gain, *, n=30, margin=0.5, dropped=True, goal="maximize", reverse=False):
        sign = 1 if goal == "maximize" else -1
        found = make_results({"a": sign * ramps(n=n), "b": sign * (ramps(n=n) + gain)}, goal=goal, analysis={"margin": margin})
        study = found.study.model_dump(mode="json")
        if dropped:
            study["views"]["b"]["space"] = {"alpha": {"type": "float", "low": 0, "high": 1}}
        study["analysis"]["compare"] = [["b", "a"]] if reverse else [["a", "b"]]
        study = Study.model_validate(study)
        source = MemorySource(study, {view.name: view.searches.values for view in found.views})
        results = analyze(source)
        more = supplement(results.views, results.pairs, results.endpoints, source.trials())
        return "".join(of_observed(results, more))

    return make


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_a_view_that_tunes_less_is_non_inferior_within_the_margin(said, goal, reverse):
    text = said(-0.25, goal=goal, reverse=reverse)
    assert text.startswith(
        "b does not tune rate, clip of a, and tunes alpha instead. Non-inferiority of tuning fewer hyperparameters (Weerts et al. 2020): "
        "after 10 trials"
    )
    assert "is worse by at most 0.250 (one-sided bound at 95%); the margin is 0.5." in text
    assert text.endswith("b is non-inferior.")


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_a_larger_loss_is_not_shown_to_be_non_inferior(said, goal, reverse):
    assert said(-1.0, goal=goal, reverse=reverse).endswith("b is not shown to be non-inferior.")
    assert said(1.0, goal=goal, reverse=reverse).endswith("b is non-inferior.")


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_confirmed_values_decide_where_every_incumbent_is_confirmed(goal):
    """View b tunes less. By its best observed values it is better than a; on fresh seeds it is 1 worse, and that is what counts."""
    rng, sign = np.random.default_rng(0), 1 if goal == "maximize" else -1
    values = {"a": rng.normal(size=(30, 4)), "b": rng.normal(3, 1, size=(30, 4))}
    fresh = {"a": rng.normal(5, 0.1, size=(30, 4, 3)), "b": rng.normal(4, 0.1, size=(30, 4, 3))}
    space = {name: {"type": "float", "low": 0, "high": 1} for name in ("x", "y")}
    study = {
        "name": "small",
        "task": {"use": "branin"},
        "metric": {"name": "score", "goal": goal},
        "views": {"a": {"space": space}, "b": {"space": {"x": space["x"]}}},
        "search": {"trials": 4},
        "replicates": 30,
        "confirm": {"seeds": 3, "incumbents": True},
    }

    def texts(margin):
        settings = {"resamples": 1000, "margin": margin, "endpoints": [{"use": "final"}], "compare": [["a", "b"]]}
        made = Study.model_validate({**study, "analysis": settings})
        flipped = {view: sign * array for view, array in values.items()}, {view: sign * array for view, array in fresh.items()}
        results = analyze(MemorySource(made, flipped[0], fresh=flipped[1]), thorough=True)
        assert list(of_observed(results, results.supplement)) == []
        (text,) = of_confirmed(results)
        assert Paragraph(text) in section_of(results, "Confirmation on fresh seeds").blocks
        return text

    assert "b does not tune y of a." in texts(0.5)
    assert "on fresh seeds the score of b is worse by at most 1.0" in texts(0.5)
    assert texts(0.5).endswith("b is not shown to be non-inferior.")
    assert texts(1.5).endswith("b is non-inferior.")


def test_lost_trainings_leave_no_verdict():
    """The mean of the trainings with a value does not contain the failures of the others."""
    rng = np.random.default_rng(0)
    space = {name: {"type": "float", "low": 0, "high": 1} for name in ("x", "y")}
    study = Study.model_validate(
        {
            "name": "small",
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": "maximize"},
            "views": {"a": {"space": space}, "b": {"space": {"x": space["x"]}}},
            "search": {"trials": 4},
            "replicates": 30,
            "confirm": {"seeds": 3, "incumbents": True},
            "analysis": {"resamples": 1000, "margin": 1.5, "endpoints": [{"use": "final"}], "compare": [["a", "b"]]},
        }
    )
    values = {view: rng.normal(size=(30, 4)) for view in ("a", "b")}
    fresh = {view: rng.normal(5, 0.1, size=(30, 4, 3)) for view in ("a", "b")}
    assert next(of_confirmed(analyze(MemorySource(study, values, fresh=fresh)))).endswith("b is non-inferior.")
    fresh["b"][:2, :, 0] = np.nan
    (text,) = of_confirmed(analyze(MemorySource(study, values, fresh=fresh)))
    assert text.endswith("Non-inferiority is not judged, since 2 trainings on fresh seeds gave no value and are in no mean.")


def test_a_view_without_any_value_has_no_sentence(make_results, ramps):
    found = make_results({"a": ramps(), "b": np.full((6, 10), np.nan)}, analysis={"margin": 0.5})
    source = MemorySource(found.study, {view.name: view.searches.values for view in found.views})
    assert list(of_observed(found, supplement(found.views, found.pairs, found.endpoints, source.trials()))) == []


def test_few_replicates_are_not_judged(said):
    assert said(-0.25, n=10).endswith("Non-inferiority is not judged with fewer than 29 replicates.")


def test_views_that_tune_as_many_hyperparameters_are_not_told(said):
    assert said(-0.25, dropped=False) == ""
    assert said(-0.25, margin=None) == ""
