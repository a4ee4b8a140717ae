"""What the report says of a view that tunes fewer hyperparameters."""

import pytest

from hpstudy.analysis import analyse
from hpstudy.analysis.supplement.study import supplement
from hpstudy.report.non_inferiority import of_fewer_hyperparameters
from hpstudy.study.schema import Study
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
        results = analyse(source)
        more = supplement(results.views, results.pairs, results.endpoints, source.trials())
        return of_fewer_hyperparameters(results, results.pairs[0], more.pairs[0])

    return make


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_a_view_that_tunes_less_is_non_inferior_within_the_margin(said, goal, reverse):
    text = said(-0.25, goal=goal, reverse=reverse)
    assert text.startswith(
        "b does not tune rate, clip of a. Non-inferiority of leaving them out (Weerts et al. 2020): after 10 trials"
    )
    assert "is worse by at most 0.250 (one-sided bound at 95%); the margin is 0.5." in text
    assert text.endswith("b is non-inferior.")


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_a_larger_loss_is_not_shown_to_be_non_inferior(said, goal, reverse):
    assert said(-1.0, goal=goal, reverse=reverse).endswith("b is not shown to be non-inferior.")
    assert said(1.0, goal=goal, reverse=reverse).endswith("b is non-inferior.")


def test_few_replicates_are_not_judged(said):
    assert said(-0.25, n=10).endswith("Non-inferiority is not judged with fewer than 29 replicates.")


def test_views_that_tune_as_many_hyperparameters_are_not_told(said):
    assert said(-0.25, dropped=False) == ""
    assert said(-0.25, margin=None) == ""
