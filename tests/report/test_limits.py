"""What is said beside the answer when a target cannot carry it."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest

from hpstudy.analysis.claims.judgment import Contrast, CriterionResult
from hpstudy.report import claims, final_best, limits, wording


@pytest.fixture
def censored(make_results, ramps):
    """Two of six searches of view a, and none of b, never reach the target."""
    a = ramps(3)
    a[:2] = 0
    return make_results({"a": a, "b": ramps()}, analysis={"target": {"value": 5}})


def test_searches_that_mostly_reach_the_target_have_no_warning(results):
    assert list(limits.sentences(results, results.pairs[0])) == []


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_power_is_said_only_where_the_differences_vary(make_results, ramps, spread):
    noise = spread * np.random.default_rng(1).normal(size=(8, 1))
    found = make_results({"a": ramps(n=8) + 0.1 + noise - noise[:1], "b": ramps(n=8)}, analysis={"target": {"value": 5}})
    text = " ".join([*wording.evidence(found, found.pairs[0]), final_best.at_the_end(found, found.pairs[0])])
    assert ("is found with 80% power." in text) == (spread > 0)


def test_power_before_the_correction_is_called_so(make_results, ramps):
    noise = 0.5 * np.random.default_rng(1).normal(size=(8, 1))
    found = make_results({"a": ramps(n=8) + 0.1 + noise, "b": ramps(n=8)}, analysis={"target": {"value": 5}, "budgets": [4]})
    assert "is found with 80% power, before Holm correction." in final_best.at_the_end(found, found.pairs[0])
    assert "is found with 80% power." in wording.needs(found, found.pairs[0])


def test_heavy_censoring_is_said(censored):
    (sentence,) = limits.sentences(censored, censored.pairs[0])
    assert sentence.startswith("Heavy censoring (a): more than 25% of the searches never reached the target, ")
    assert sentence in wording.evidence(censored, censored.pairs[0])


def test_a_quarter_of_censored_searches_is_not_heavy(make_results, ramps):
    a = ramps(3, n=8)
    a[:2] = 0
    found = make_results({"a": a, "b": ramps(n=8)}, analysis={"target": {"value": 5}})
    assert list(limits.sentences(found, found.pairs[0])) == []


@pytest.mark.parametrize(("sign", "goal"), [(1, "maximize"), (-1, "minimize")])
def test_a_target_beyond_the_confirmed_level_of_a_view_is_said(make_results, ramps, sign, goal):
    found = make_results({"a": sign * ramps(3), "b": sign * ramps()}, goal=goal, analysis={"target": {"value": sign * 5}})
    views = [
        SimpleNamespace(data=SimpleNamespace(view=name), metrics=[SimpleNamespace(tuned=SimpleNamespace(value=sign * value))])
        for name, value in {"a": 4.5, "b": 5.5}.items()
    ]
    confirmed = dataclasses.replace(found, confirmation=SimpleNamespace(views=views))
    (sentence,) = limits.sentences(confirmed, confirmed.pairs[0])
    shown = "4.5" if sign > 0 else "−4.5"
    assert sentence.startswith(f"The target is beyond the mean of the chosen points on fresh seeds (a {shown}")
    assert ", b" not in sentence
    assert sentence.endswith(").")


def test_without_a_detectable_difference_none_is_told(make_results):
    late = np.zeros((6, 10))
    late[0, -1] = late[1, -2] = 1.0
    found = make_results({"a": late, "b": late[::-1]}, analysis={"target": {"value": 1}})
    assert "80% power" not in wording.needs(found, found.pairs[0])


@pytest.mark.parametrize(("replicates", "can"), [(5, False), (6, True)])
def test_a_difference_is_detectable_only_where_it_could_be_shown(make_results, ramps, replicates, can):
    other = ramps(0, 2, n=replicates)
    other[0] = ramps(1, 2, n=replicates)[0]
    found = make_results({"a": ramps(0, 2, n=replicates), "b": other}, analysis={"target": {"value": 5}}).pairs[0]
    assert found.trials.floor == found.budgets[-1].floor == 2.0 ** (1 - replicates)
    assert [math.isfinite(each.detectable) for each in (found.trials, found.budgets[-1])] == [can, can]


def test_a_claim_that_cannot_be_observed_is_flagged_in_sentence_and_table(results):
    contrast = Contrast("a − b", -4.5, -8.1, -0.9, 0.9, 20, 5.0, 15.0, "does not hold", (-5.3, 0.8))
    result = CriterionResult("It takes 10 trials more.", "trials_to_target", "does not hold", (contrast,))
    assert claims.sentence(results, result).endswith("; claimed 5 to 15, but only −5.3 to 0.8 can be observed).")
    table = claims.table(dataclasses.replace(results, criteria=(result,)))
    assert table.rows[0][5] == "5 to 15*"
    assert "*: cannot be observed, " in table.note
