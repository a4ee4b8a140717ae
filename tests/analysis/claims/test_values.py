"""What claims look at: values of finished trials without a value, points not begun yet, searches under way."""

import numpy as np
import pandas as pd
import pytest

from hpstudy.analysis import analyze
from hpstudy.analysis.claims.values import observe
from hpstudy.goal import Goal
from hpstudy.study.schema import Study
from tests.support.sources import MemorySource

NAN = np.nan
POINTS = [{"x": 0.1}, {"x": 0.5}, {"x": 0.9}]


class Source(MemorySource):
    """A study in memory with points, another metric (ten times the objective) and curves of both (half of it, then all)."""

    def trials(self):
        table = super().trials()
        table["metric.other"] = table["objective"] * 10
        if self.study.search.searcher == "points":
            table["point.x"] = [POINTS[number]["x"] for number in table["number"]]
        return table

    def curves(self):
        table = self.trials()
        table = table[table["state"] == "completed"]
        rows = [
            (row.view, row.replicate, row.number, metric, epoch, row.objective * factor * epoch / 2)
            for row in table.itertuples()
            for metric, factor in (("score", 1), ("other", 10))
            for epoch in (1, 2)
        ]
        return pd.DataFrame(rows, columns=["view", "replicate", "number", "metric", "epoch", "value"])


@pytest.fixture
def seen():
    """Results of a study with one claim, and what its claims look at."""

    def make(values, states=None, searcher="points", goal=Goal.MAXIMIZE, claim=None, **analysis):
        shape = np.shape(next(iter(values.values())))
        search = {"searcher": searcher, "trials": shape[1]}
        study = Study.model_validate(
            {
                "name": "small",
                "task": {"use": "branin"},
                "metric": {"name": "score", "goal": goal},
                "views": {name: {"space": {"x": {"type": "float", "low": 0, "high": 1}}} for name in values},
                "search": {**search, "points": POINTS[: shape[1]]} if searcher == "points" else search,
                "replicates": shape[0],
                "analysis": {
                    "resamples": 1000,
                    "criteria": [claim or {"claim": "It is so.", "of": {"view": next(iter(values))}, "above": 0}],
                    **analysis,
                },
            }
        )
        source = Source(study, values, states or {})
        results = analyze(source)
        return results, observe(study, source.trials(), results.views, results.sweep)

    return make


def test_a_sweep_shows_its_values_points_and_curves(seen):
    _, observed = seen({"a": [[1, 2, 3], [4, 5, 6]]})
    assert list(observed["a"].points) == POINTS
    np.testing.assert_array_equal(observed["a"].values["score"], [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(observed["a"].values["other"], [[10, 20, 30], [40, 50, 60]])
    np.testing.assert_array_equal(observed["a"].curves["score"][1], [[2, 4], [2.5, 5], [3, 6]])


@pytest.mark.parametrize(("goal", "worst", "of_curve"), [(Goal.MAXIMIZE, 1, 0.5), (Goal.MINIMIZE, 9, 9)])
def test_a_lost_trial_of_a_sweep_counts_as_the_worst_value_of_the_study(seen, goal, worst, of_curve):
    _, observed = seen({"a": [[NAN, 2, 3], [4, 5, 6]], "b": [[1, 7, 9], [4, 5, 6]]}, goal=goal)
    assert observed["a"].values["score"][0].tolist() == [worst, 2, 3]
    assert observed["a"].curves["score"][0].tolist() == [[of_curve, of_curve], [1, 2], [1.5, 3]]


def test_a_lost_trial_has_no_value_of_another_metric(seen):
    _, observed = seen({"a": [[NAN, 2, 3], [4, 5, 6]]})
    assert np.isnan(observed["a"].values["other"]).tolist() == [[True, False, False], [False] * 3]
    assert np.isnan(observed["a"].curves["other"][0, 0]).all()


@pytest.mark.parametrize("state", ["failed", "timed_out", "diverged"])
def test_every_way_to_lose_a_trial_counts(seen, state):
    _, observed = seen({"a": [[NAN, 2], [4, 5]]}, {"a": [[state, "completed"], ["completed", "completed"]]})
    assert observed["a"].values["score"][0, 0] == 2


@pytest.mark.parametrize("state", ["missing", "running"])
def test_a_trial_that_is_not_finished_has_no_value(seen, state):
    _, observed = seen({"a": [[NAN, 2], [4, 5]]}, {"a": [[state, "completed"], ["completed", "completed"]]})
    assert np.isnan(observed["a"].values["score"][0, 0])


def test_points_that_no_replicate_has_begun_are_known_from_the_study(seen):
    results, observed = seen(
        {"a": [[1, NAN, NAN], [2, NAN, NAN]]},
        {"a": [["completed", "missing", "missing"]] * 2},
        claim={"claim": "It rises.", "of": {"view": "a"}, "shape": "rising"},
    )
    assert list(observed["a"].points) == POINTS
    (found,) = results.criteria
    assert (found.verdict, len(found.contrasts)) == ("no data", 2)


def test_a_study_in_which_every_trial_was_lost_has_no_data(seen):
    results, _ = seen({"a": [[NAN, NAN], [NAN, NAN]]})
    assert results.criteria[0].verdict == "no data"


def test_the_analysis_judges_the_claims_of_a_sweep(seen):
    claim = {"claim": "It rises.", "of": {"view": "a"}, "shape": "rising"}
    results, _ = seen({"a": [[1, 2, 3], [4, 5.1, 6], [2, 3, 4.1]]}, claim=claim)
    (found,) = results.criteria
    assert (found.claim, found.metric, found.verdict) == ("It rises.", "score", "holds")
    assert [contrast.what for contrast in found.contrasts] == ["a at x 0.5 − a at x 0.1", "a at x 0.9 − a at x 0.5"]


def test_a_search_shows_every_metric_and_its_best_trials(seen):
    _, observed = seen({"a": [[1, 3, 2], [6, 5, 4]]}, searcher="random")
    assert (observed["a"].points, observed["a"].curves) == ((), {})
    np.testing.assert_array_equal(observed["a"].values["other"], [[10, 30, 20], [60, 50, 40]])
    assert observed["a"].best.tolist() == [[0, 1, 1], [0, 0, 0]]


def test_a_search_without_a_value_yet_has_the_worst_value_of_the_study(seen):
    results, observed = seen(
        {"a": [[NAN, NAN, 5], [6, 7, 8]], "b": [[2, 3, 4], [4, 4, 4]]},
        searcher="random",
        claim={"claim": "x", "of": {"view": "a", "best_of": 2}, "above": 0},
    )
    assert observed["a"].best.tolist() == [[0, 0, 2], [0, 1, 2]]
    assert observed["a"].values["score"][0].tolist() == [2, 2, 5]
    assert results.criteria[0].contrasts[0].mean == (2 + 7) / 2


def test_a_search_under_way_counts_for_the_budgets_that_it_has_spent(seen):
    states = {"a": [["completed", "completed", "missing"], ["completed"] * 3]}
    results, observed = seen({"a": [[1, 2, NAN], [6, 7, 8]]}, states, searcher="random")
    assert observed["a"].best.tolist() == [[0, 1, -1], [0, 1, 2]]
    (contrast,) = results.criteria[0].contrasts
    assert (contrast.mean, contrast.replicates) == (8, 1)


def test_trials_to_target_are_those_of_complete_searches_and_at_most_the_budget(seen):
    values = {"a": [[1, 2, 3], [1, 1, 1], [3, 3, NAN]]}
    states = {"a": [["completed"] * 3, ["completed"] * 3, ["completed", "completed", "missing"]]}
    claim = {"claim": "x", "metric": "trials_to_target", "of": {"view": "a"}, "below": 9}
    results, observed = seen(values, states, searcher="random", claim=claim, target={"value": 2})
    np.testing.assert_array_equal(observed["a"].of_searches["trials_to_target"], [2, 3, NAN])
    assert results.criteria[0].contrasts[0].mean == 2.5


def test_without_complete_searches_there_is_no_target_and_no_data(seen):
    states = {"a": [["completed", "missing"]] * 2}
    claim = {"claim": "x", "metric": "trials_to_target", "of": {"view": "a"}, "below": 9}
    results, observed = seen({"a": [[1, NAN], [2, NAN]]}, states, searcher="random", claim=claim)
    assert observed["a"].of_searches == {}
    assert results.criteria[0].verdict == "no data"


def test_a_study_without_claims_is_not_judged(seen):
    results, _ = seen({"a": [[1, 2], [3, 4]]}, criteria=[])
    assert results.criteria == ()
