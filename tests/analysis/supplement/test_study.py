import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from hpstudy.analysis import analyze
from hpstudy.analysis.supplement.study import supplement
from hpstudy.goal import Goal
from hpstudy.study.schema import Study
from tests.support.sources import MemorySource

NAN = float("nan")


def study(views, shape, *, goal=Goal.MAXIMIZE, space=None, **analysis):
    return Study.model_validate(
        {
            "name": "small",
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": goal},
            "views": {name: {"space": space or {"x": {"type": "float", "low": 0, "high": 1}}} for name in views},
            "search": {"trials": shape[1]},
            "replicates": shape[0],
            "analysis": {"resamples": 1000, **analysis},
        }
    )


@dataclasses.dataclass(frozen=True)
class ChangedSource(MemorySource):
    """Trials of which some columns are changed."""

    change: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table

    def trials(self):
        return self.change(super().trials())


def supplement_of(values, change=lambda table: table, states=None, **settings):
    shape = np.shape(next(iter(values.values())))
    source = ChangedSource(study(values, shape, **settings), values, states or {}, change=change)
    results = analyze(source)
    return supplement(results.views, results.pairs, results.endpoints, source.trials())


def random(names="ab", n=8, trials=5, seed=0):
    return dict(zip(names, np.random.default_rng(seed).normal(size=(len(names), n, trials)), strict=True))


def test_every_declared_comparison_has_its_numbers_at_every_budget():
    found = supplement_of(random("abc"), budgets=[2], compare=[("c", "a"), ("a", "b")])
    assert [(pair.a, pair.b) for pair in found.pairs] == [("c", "a"), ("a", "b")]
    assert [budget.budget for budget in found.pairs[0].budgets] == [2, 5]
    assert len(found.adjusted) == 4


def test_the_rank_tests_are_adjusted_together():
    found = supplement_of(random("abc"), budgets=[2])
    p_values = np.array([budget.signed_rank.p for pair in found.pairs for budget in pair.budgets])
    assert found.adjusted.min() == pytest.approx(min(1, len(p_values) * p_values.min()))


def test_every_difference_is_the_first_view_minus_the_second():
    values = random()
    found = supplement_of({"a": values["a"] + 100, "b": values["a"]}, target={"value": 100}).pairs[0]
    assert found.budgets[0].shift.estimate == pytest.approx(100)
    assert found.budgets[0].win_share.value == found.budgets[0].improvement.value == 1
    assert found.budgets[0].bounds.lower == pytest.approx(100)
    assert found.anytime.metric.value == pytest.approx(100)
    assert found.without_one.full == pytest.approx(100)
    assert found.ratio.value < 1
    assert found.runtime_ratio.value == 0
    assert found.trials_without_one.full < 0
    assert found.log_rank < 0.01


def test_three_views_are_also_tested_all_at_once():
    assert [test.replicates for test in supplement_of(random("abc"), budgets=[2]).friedman] == [8, 8]
    assert supplement_of(random("ab")).friedman == (None,)


def test_incomplete_replicates_are_left_out():
    values = random("abc")
    states = np.full((8, 5), "completed", dtype=object)
    states[0, 3:] = "missing"
    found = supplement_of(values, states={"a": states})
    assert found.friedman[0].replicates == 7
    assert found.views[0].anytime.replicates == 7
    assert found.views[0].iqm.searches.tolist() == [8, 8, 8, 7, 7]
    assert len(found.pairs[0].without_one.means) == 7
    assert len(found.pairs[2].without_one.means) == 8


def test_a_pair_without_common_replicates_is_empty():
    states = np.full((8, 5), "missing", dtype=object)
    found = supplement_of(random(), states={"a": states})
    assert found.pairs[0].budgets == ()
    assert found.pairs[0].anytime is None
    assert found.views[0].anytime is None
    assert found.views[1].anytime is not None
    assert found.adjusted.size == 0


def test_a_study_without_any_value_breaks_nothing():
    found = supplement_of({"a": np.full((3, 4), NAN), "b": np.full((3, 4), NAN)})
    assert found.scale is None
    assert found.pairs[0].budgets == ()


def test_one_replicate_breaks_nothing():
    found = supplement_of(random(n=1), target={"value": 0})
    assert found.pairs[0].without_one is None
    assert np.isnan(found.pairs[0].ratio.low)


def test_failures_that_are_not_counted_are_told():
    values = random()
    values["a"][:, 0] = NAN
    found = supplement_of(values).pairs[0]
    assert [(result.policy, result.left_out) for result in found.policies] == [("worst", 0), ("drop", 8)]


@pytest.mark.parametrize("goal", [Goal.MAXIMIZE, Goal.MINIMIZE])
def test_the_best_point_of_every_search_is_looked_for_at_the_ends(goal):
    values = np.array([[1.0, 5.0, 3.0], [4.0, 2.0, 9.0]])

    def place(table):
        best = [(0, 1), (1, 2)] if goal == Goal.MAXIMIZE else [(0, 0), (1, 1)]
        table["point.x"] = [0.99 if place in best else 0.5 for place in zip(table["replicate"], table["number"], strict=True)]
        return table

    hits = supplement_of({"a": values}, place, goal=goal).views[0].boundaries[0]
    assert (hits.name, hits.searches, hits.at_low, hits.at_high) == ("x", 2, 0, 2)


def test_log_ranges_whole_numbers_and_choices_each_have_their_own_ends():
    space = {
        "rate": {"type": "float", "low": 1e-4, "high": 1, "log": True},
        "layers": {"type": "int", "low": 1, "high": 4},
        "norm": {"type": "choice", "values": ["a", "b"]},
    }

    def place(table):
        table["point.rate"], table["point.layers"] = 1.2e-4, 4
        return table

    hits = supplement_of({"a": random()["a"]}, place, space=space).views[0].boundaries
    assert [(hit.name, hit.at_low, hit.at_high) for hit in hits] == [("rate", 8, 0), ("layers", 0, 8)]


def test_time_comes_from_the_trials():
    def cheap(table):
        table["evaluate_s"] = np.where(table["view"] == "a", 1.0, 2.0)
        return table

    found = supplement_of(random(), cheap)
    assert [view.cost.search_s.value for view in found.views] == [5, 10]
    assert [view.cost.ask_s.value for view in found.views] == [2.5, 2.5]
    assert found.pairs[0].cost.seconds == (2.5, 5)
    assert found.pairs[0].cost.ratio_s == 0.5
    assert (found.seconds[0], found.seconds[-1]) == (2, 5)


def test_at_equal_seconds_a_trial_of_half_the_time_counts_double():
    def cheap(table):
        table["evaluate_s"] = np.where(table["view"] == "a", 1.0, 2.0)
        return table

    ramp = np.tile(np.arange(1.0, 7.0), (4, 1))
    found = supplement_of({"a": ramp, "b": ramp}, cheap)
    assert [mean.value for mean in found.pairs[0].cost.differences] == [2, 3]


def test_trials_without_a_record_of_their_time_are_counted():
    def forget(table):
        table.loc[(table["view"] == "a") & (table["number"] == 1), "evaluate_s"] = NAN
        return table

    found = supplement_of(random(), forget)
    assert found.unrecorded == 8
    assert found.views[0].cost.search_s.value == 8


def test_without_any_record_of_time_there_is_no_cost():
    def forget(table):
        table["evaluate_s"] = NAN
        return table

    found = supplement_of(random(), forget)
    assert found.seconds is None
    assert found.views[0].cost is None
    assert found.pairs[0].cost is None


def test_without_a_target_nothing_is_said_of_runtimes():
    states = np.full((8, 5), "missing", dtype=object)
    found = supplement_of(random("abc"), states={"b": states}, compare=[("a", "c")], target={"view": "b"})
    assert found.pairs[0].ratio is None
    assert found.pairs[0].log_rank is None
    assert found.views[0].runtime is None


def test_the_average_runtime_counts_every_trial_of_every_complete_search():
    found = supplement_of({"a": np.array([[1.0, 3.0, 0.0], [0.0, 0.0, 0.0]])}, target={"value": 2})
    assert found.views[0].runtime.value == 5


def test_a_sweep_has_no_further_statistics():
    swept = study("a", (3, 4)).model_dump() | {
        "search": {"searcher": "points", "trials": 4, "points": [{"x": x} for x in (0.1, 0.2, 0.3, 0.4)]}
    }
    source = MemorySource(Study.model_validate(swept), random("a", 3, 4))
    assert analyze(source, thorough=True).supplement is None


def test_the_same_trials_always_give_the_same_numbers():
    first, second = supplement_of(random()), supplement_of(random())
    assert first.pairs[0].budgets == second.pairs[0].budgets
    assert first.pairs[0].anytime == second.pairs[0].anytime
