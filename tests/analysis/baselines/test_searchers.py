"""Interactions of comparisons with searchers, on searches of which the numbers are known."""

import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis import analyze
from hpstudy.analysis.curves.best_so_far import is_incumbent
from hpstudy.analysis.statistics.permutation import holm
from hpstudy.goal import Goal
from hpstudy.study.schema import Study
from tests.support.sources import MemorySource

REPLICATES, TRIALS = 8, 5


def curves(level, seed):
    """Searches that end at about `level` in their last trial."""
    noise = np.random.default_rng(seed).normal(0, 0.1, size=(REPLICATES, TRIALS))
    return np.linspace(level - 1, level, TRIALS) + noise


def source(values, others=("tpe",), fresh=None, goal="maximize", **analysis):
    views = [name for name in values if "/" not in name]
    study = Study.model_validate(
        {
            "name": "small",
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": goal},
            "views": {view: {"space": {"x": {"type": "float", "low": 0, "high": 1}}} for view in views},
            "search": {"searcher": "ax", "trials": TRIALS, "others": list(others)},
            "replicates": REPLICATES,
            "confirm": {"seeds": np.shape(next(iter(fresh.values())))[2], "incumbents": True} if fresh else None,
            "analysis": {"resamples": 1000, "target": {"value": 2.6}, **analysis},
        }
    )
    return MemorySource(study, values, fresh=fresh or {})


@pytest.fixture
def values():
    """With tpe, view a is 1 worse than with ax, and view b as good."""
    return {"a": curves(4, 0), "b": curves(3, 1), "a/tpe": curves(3, 2), "b/tpe": curves(3, 3)}


def by_use(found):
    return {one.endpoint.use: one for one in found.compared}


def test_a_study_with_one_searcher_compares_none(values):
    assert analyze(source({"a": values["a"], "b": values["b"]}, others=())).searchers is None


def test_an_interaction_is_the_paired_difference_of_the_differences(values):
    (final,) = by_use(analyze(source(values)).searchers)["final"].pairs
    best = {name: of.max(axis=1) for name, of in values.items()}
    differences = (best["a"] - best["b"]) - (best["a/tpe"] - best["b/tpe"])
    test = stats.ttest_1samp(differences, 0)
    interval = test.confidence_interval(0.95)
    assert final.estimate.value == pytest.approx(differences.mean())
    assert (final.estimate.low, final.estimate.high) == pytest.approx((interval.low, interval.high))
    assert (final.main.value, final.other.value) == pytest.approx(
        ((best["a"] - best["b"]).mean(), (best["a/tpe"] - best["b/tpe"]).mean())
    )
    assert final.p == pytest.approx(test.pvalue)
    assert (final.a, final.b, final.estimate.n) == ("a", "b", REPLICATES)


def test_trials_to_the_target_are_those_to_the_target_of_the_main_searches(values):
    found = by_use(analyze(source(values, target={"view": "b", "statistic": "mean_final"})).searchers)["trials_to_target"]
    level = values["b"].max(axis=1).mean()
    (pair,) = found.pairs

    def trials(name):
        hit = np.maximum.accumulate(values[name], axis=1) >= level
        return np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, TRIALS)

    assert pair.other.value == pytest.approx((trials("a/tpe") - trials("b/tpe")).mean())


def test_holm_corrects_over_all_searchers_endpoints_and_comparisons(values):
    values |= {"a/random": curves(3.4, 4), "b/random": curves(2.9, 5)}
    found = analyze(source(values, others=("tpe", "random"))).searchers
    assert [(one.endpoint.use, one.searcher) for one in found.compared] == [
        ("trials_to_target", "tpe"),
        ("trials_to_target", "random"),
        ("final", "tpe"),
        ("final", "random"),
    ]
    p = np.array([pair.p for pair in found.pairs])
    assert [pair.adjusted for pair in found.pairs] == pytest.approx(holm(p).tolist())
    assert [pair.shown for pair in found.pairs] == [pair.adjusted < 0.05 for pair in found.pairs]


def test_only_what_differs_is_shown(values):
    assert by_use(analyze(source(values)).searchers)["final"].pairs[0].shown
    values["a/tpe"] = curves(4, 2)
    assert not by_use(analyze(source(values)).searchers)["final"].pairs[0].shown


def test_the_share_of_false_claims_is_about_the_level():
    """With equal searchers, a tenth of 200 studies at most says that the answer depends on the searcher."""
    claims = 0
    for seed in range(200):
        names = ("a", "b", "a/tpe", "b/tpe")
        values = {name: curves(3, 10 * seed + index) for index, name in enumerate(names)}
        claims += any(pair.shown for pair in analyze(source(values)).searchers.pairs)
    assert claims <= 20


def test_replicates_that_are_not_complete_with_both_searchers_are_left_out(values):
    made = source(values)
    states = np.full((REPLICATES, TRIALS), "completed", dtype=object)
    states[3, 2:] = "missing"
    found = analyze(MemorySource(made.study, values, {"a/tpe": states})).searchers
    assert {pair.estimate.n for pair in found.pairs} == {REPLICATES - 1}
    assert not found.complete
    assert analyze(made).searchers.complete


def test_views_are_those_of_every_searcher_the_main_one_first(values):
    views = analyze(source(values)).searchers.views
    assert [(one.view, one.searcher) for one in views] == [("a", "ax"), ("a", "tpe"), ("b", "ax"), ("b", "tpe")]
    assert views[1].curve.mean == pytest.approx(np.maximum.accumulate(values["a/tpe"], axis=1).mean(axis=0))
    assert views[1].complete == REPLICATES


@pytest.fixture
def fresh(values):
    draw = np.random.default_rng(9)
    return {name: of[:, :, None] - 0.3 + draw.normal(0, 0.05, size=(REPLICATES, TRIALS, 3)) for name, of in values.items()}


@pytest.mark.parametrize("plateau", ["own", "best"])
def test_declared_endpoints_are_compared_on_fresh_seeds(values, fresh, plateau):
    """With the other searcher as the main one, the comparison has the numbers that it has here as that of the other searcher."""
    endpoints = [{"use": "confirmed_regret", "plateau": plateau}]
    found = analyze(source(values, fresh=fresh, endpoints=endpoints)).searchers
    ((pair,),) = [one.pairs for one in found.compared]
    assert not found.compared[0].on_observed
    assert pair.estimate.value == pytest.approx(pair.main.value - pair.other.value)
    if plateau == "own":
        swapped, again = ({name.partition("/")[0]: of for name, of in part.items() if "/" in name} for part in (values, fresh))
        (alone,) = analyze(source(swapped, others=(), fresh=again, endpoints=endpoints)).declared[0].declared.pairs
        assert (pair.other.value, pair.other.low, pair.other.high) == pytest.approx(
            (alone.estimate.value, alone.estimate.low, alone.estimate.high), rel=1e-6
        )


def test_a_declared_plateau_is_that_of_the_view_with_every_searcher(values, fresh):
    plateaus = {"values": {"a": 4.0, "b": 3.0}, "source": "a pilot"}
    endpoints = [{"use": "trials_to_within", "deltas": [0.5]}]
    ((pair,),) = [
        one.pairs for one in analyze(source(values, fresh=fresh, endpoints=endpoints, plateaus=plateaus)).searchers.compared
    ]
    assert pair.other.value > pair.main.value  # with tpe, view a never comes near 4


def test_plateaus_of_held_out_replicates_are_those_of_each_searcher(values, fresh):
    endpoints = [{"use": "confirmed_regret"}]
    found = analyze(source(values, fresh=fresh, endpoints=endpoints, plateaus={"held_out": 3})).searchers
    (pair,) = by_use(found)["confirmed_regret"].pairs

    def regret(arm):
        latest = np.maximum.accumulate(np.where(is_incumbent(values[arm], Goal.MAXIMIZE), np.arange(TRIALS), 0), axis=1)
        confirmed = np.take_along_axis(fresh[arm].mean(axis=2), latest, axis=1)
        return confirmed[:3, -1].mean() - confirmed[3:].mean(axis=1)

    assert pair.estimate.n == REPLICATES - 3
    assert pair.other.value == pytest.approx((regret("a/tpe") - regret("b/tpe")).mean())


def test_an_incumbent_that_is_not_trained_on_all_seeds_makes_the_comparison_incomplete(values, fresh):
    endpoints = [{"use": "final"}]
    made = source(values, fresh=fresh, endpoints=endpoints)
    partly = {name: of for name, of in fresh.items() if name != "b/tpe"}
    found = analyze(MemorySource(made.study, values, fresh=partly)).searchers
    assert not found.complete
    assert found.pairs == ()
