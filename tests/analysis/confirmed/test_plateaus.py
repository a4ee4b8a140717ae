"""Declared plateaus that confirmed values contradict; every expected p is computed from the values by hand or by scipy."""

import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis import analyze
from hpstudy.analysis.confirmed.plateaus import ConfirmedMean, exceeded_plateaus
from hpstudy.study.schema import Study
from tests.support.sources import MemorySource

OWN = {"use": "confirmed_regret"}
BEST = {"use": "confirmed_regret", "plateau": "best"}


@pytest.fixture
def exceeded(make_confirmed):
    """Two views whose searches choose their last trial; `a` and `b` are (replicates x seeds) values of the chosen points."""

    def check(a, b, plateaus, *, defaults=None, endpoints=(OWN,), goal="maximize", **settings):
        values = np.tile([0.0, 1.0 if goal == "maximize" else -1.0], (len(a), 1))
        fresh = {view: np.stack([chosen - 5, chosen], axis=1) for view, chosen in (("a", np.array(a)), ("b", np.array(b)))}
        declared = {"endpoints": list(endpoints), "plateaus": {"values": plateaus, "source": "a pilot"}}
        made = make_confirmed({"a": values, "b": values}, fresh, goal=goal, **declared, **settings)
        source = MemorySource(made.study, made.values, fresh=made.fresh, defaults=defaults or {})
        return exceeded_plateaus(source.confirmations(), source.trials(), source.study)

    return check


A = np.array([[1.0, 3.0], [2.0, 4.0], [0.0, 2.0]])
NOTHING = np.zeros((3, 2))
EIGHT = np.tile([[-1.0, 0.0, 1.0]], (8, 1))


def test_a_default_point_above_the_plateau_by_more_than_its_error_is_found(exceeded):
    """The variance over seeds is 2 in every search and of the default: the pooled one is 2 with 4 degrees of freedom."""
    (found,) = exceeded(A, NOTHING, {"a": 10, "b": 9}, defaults={"a": [99.0, 101.0]})
    assert (found.view, found.plateau) == ("a", 10)
    assert found.mean == ConfirmedMean("default", "a", None, 100, pytest.approx(1), 2, 4)
    assert found.tests == 3 + 1 + 1 + 3 + 1  # three searches, default point and mean of a; three searches and mean of b
    assert found.p == pytest.approx(9 * stats.t.sf(90, 4))


def test_the_chosen_point_of_a_search_is_found_with_its_replicate(exceeded):
    fresh = EIGHT.copy()
    fresh[5] += 8
    (found,) = exceeded(fresh, EIGHT - 100, {"a": 3, "b": 3})
    assert found.mean == ConfirmedMean("search", "a", 5, 8, pytest.approx(np.sqrt(1 / 3)), 3, 16)
    assert found.p == pytest.approx(18 * stats.t.sf(5 * np.sqrt(3), 16))


def test_searches_that_are_each_within_their_error_exceed_the_plateau_together(exceeded):
    """Seeds are noisy, but cancel in every search."""
    finals = np.arange(10) / 100
    fresh = finals[:, None] + np.tile([[-9.0, 9.0]], (10, 1))
    (found,) = exceeded(fresh, fresh - 100, {"a": -1, "b": -1})
    assert (found.mean.kind, found.mean.replicate, found.mean.n) == ("searches", None, 10)
    assert found.p == pytest.approx(22 * stats.ttest_1samp(finals, -1, alternative="greater").pvalue)


def test_the_best_of_many_points_is_not_reported_where_chance_explains_it(exceeded):
    """The largest of 40 means on 8 seeds is two or more standard errors above the truth, which is the plateau."""
    rng, reported = np.random.default_rng(0), 0
    for _ in range(60):
        a, b = rng.normal(1, 0.1, size=(2, 40, 8))
        reported += bool(exceeded(a, b, {"a": 1, "b": 1}, defaults={"a": rng.normal(1, 0.1, 8)}))
    assert reported <= 8  # of 60 studies at most 5% are expected, that is 3; more than 8 have a probability of 0.2%


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_only_the_plateaus_that_an_endpoint_uses_are_tested(exceeded, goal):
    sign = 1 if goal == "maximize" else -1
    data = sign * (A + 50), sign * NOTHING, {"a": sign * 10.0, "b": sign * 20.0}
    both = exceeded(*data, endpoints=[OWN, {**BEST, "co_primary": True}], goal=goal)
    assert {(one.view, sign * one.plateau) for one in both} == {("a", 10), ("a", 20)}
    assert [sign * one.plateau for one in exceeded(*data, endpoints=[BEST], goal=goal)] == [20]
    assert [sign * one.plateau for one in exceeded(*data, endpoints=[OWN], goal=goal)] == [10]


def test_a_view_between_its_own_and_the_best_plateau_exceeds_its_own_only(exceeded):
    (found,) = exceeded(A + 50, NOTHING, {"a": 10, "b": 90}, endpoints=[OWN, BEST])
    assert found.plateau == 10


def test_without_any_spread_a_better_value_exceeds_the_plateau_and_one_that_differs_by_rounding_does_not(exceeded):
    (found,) = exceeded(NOTHING + 1, NOTHING, {"a": 0.9, "b": 0})
    assert (found.view, found.p, found.mean.error) == ("a", 0, 0)
    assert not exceeded(NOTHING + 0.1 + 0.2, NOTHING, {"a": 0.3, "b": 0})


def test_a_lost_training_takes_its_point_out_of_the_test_unless_lost_ones_are_dropped(exceeded):
    fresh = EIGHT.copy()
    fresh[5] += 50
    fresh[5, 0] = np.nan
    assert exceeded(fresh, EIGHT - 100, {"a": 3, "b": 3}) == ()
    (found,) = exceeded(fresh, EIGHT - 100, {"a": 3, "b": 3}, on_failure="drop")
    assert (found.mean.replicate, found.mean.value, found.mean.n) == (5, 50.5, 2)


def test_the_searches_of_other_searchers_are_tested_too():
    values, chosen = np.tile([0.0, 1.0], (4, 1)), np.tile([-1.0, 1.0], (4, 1))
    fresh = np.stack([chosen, chosen], axis=1)
    study = Study.model_validate(
        {
            "name": "small",
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": "maximize"},
            "views": {view: {"space": {"x": {"type": "float", "low": 0, "high": 1}}} for view in "ab"},
            "search": {"trials": 2, "others": ["tpe"]},
            "replicates": 4,
            "confirm": {"seeds": 2, "incumbents": True},
            "analysis": {"endpoints": [OWN], "plateaus": {"values": {"a": 5, "b": 5}, "source": "a pilot"}, "resamples": 1000},
        }
    )
    arms = ("a", "b", "a/tpe", "b/tpe")
    source = MemorySource(study, dict.fromkeys(arms, values), fresh={arm: fresh + 100 * (arm == "a/tpe") for arm in arms})
    (found,) = analyze(source).exceeded_plateaus
    assert (found.view, found.mean.arm, found.mean.kind, found.tests) == ("a", "a/tpe", "searches", 20)


@pytest.mark.parametrize("plateaus", [{"held_out": 2}, None])
def test_plateaus_that_come_from_the_study_are_not_tested(make_confirmed, plateaus):
    values, rise = np.tile([0.0, 1.0], (6, 1)), 50 * np.arange(6)[:, None, None]
    fresh = {view: np.random.default_rng(0).normal(size=(6, 2, 3)) + rise for view in "ab"}
    source = make_confirmed({"a": values, "b": values}, fresh, endpoints=[OWN], plateaus=plateaus)
    assert analyze(source).exceeded_plateaus == ()
