from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
import pytest

from hpstudy.analysis.baselines.controls import controls
from hpstudy.analysis.baselines.expected_best import expected_best, expected_curve, trials_to_match
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.goal import Goal
from hpstudy.study.schema import Study

BOOTSTRAP = Bootstrap(1, 1000, 0.95)


def table(values):
    """Trials of {name: (replicates x trials)}: NaN diverged, "missing" where None."""
    rows = [
        {
            "view": name,
            "replicate": replicate,
            "number": number,
            "state": "completed" if np.isfinite(value) else "diverged",
            "objective": value,
        }
        for name, block in values.items()
        for replicate, row in enumerate(block)
        for number, value in enumerate(row)
        if value is not None
    ]
    return pd.DataFrame(rows, columns=["view", "replicate", "number", "state", "objective"])


def study_of(values, named=("default", "random"), goal=Goal.MAXIMIZE, **analysis):
    views = [name for name in values if "/" not in name]
    return Study.model_validate(
        {
            "name": "small",
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": goal},
            "views": {view: {"space": {"x": {"type": "float", "low": 0, "high": 1}}} for view in views},
            "search": {"trials": len(values[views[0]][0])},
            "controls": list(named),
            "replicates": len(values[views[0]]),
            "analysis": {"resamples": 1000, **analysis},
        }
    )


def of(values, **options):
    return controls(table(values), study_of(values, **options), BOOTSTRAP)


VALUES = {
    "a": [[1.0, 4.0, 3.0], [2.0, 2.0, 6.0]],
    "a/default": [[2.0], [1.0]],
    "a/random": [[3.0, 1.0, 2.0], [0.0, 5.0, 5.0]],
}


@pytest.mark.parametrize("goal", [Goal.MAXIMIZE, Goal.MINIMIZE])
def test_the_expected_best_is_the_mean_over_all_choices_of_trials(goal):
    values = np.random.default_rng(0).normal(size=9).round(1)  # with ties
    best = max if goal == Goal.MAXIMIZE else min
    brute = [np.mean([best(chosen) for chosen in combinations(values, n)]) for n in range(1, 10)]
    assert expected_best(values, np.arange(1, 10), goal) == pytest.approx(brute)


def test_the_expected_best_weighs_order_statistics_as_the_paper_says():
    values = np.random.default_rng(1).normal(size=300)
    ordered = np.sort(values)
    for n in (1, 2, 7, 150, 300):
        exact = sum(comb(i - 1, n - 1) / comb(300, n) * ordered[i - 1] for i in range(n, 301))
        assert expected_best(values, np.array([n]), Goal.MAXIMIZE)[0] == pytest.approx(exact)


def test_the_expected_best_of_one_trial_is_the_mean_and_of_all_trials_the_best():
    values = np.array([1.0, 2.0, 6.0])
    assert expected_best(values, np.array([1, 3]), Goal.MINIMIZE) == pytest.approx([3.0, 1.0])


def test_the_expected_best_has_no_bias():
    drawn = np.random.default_rng(2).random((20_000, 6))
    found = np.mean([expected_best(row, np.array([3]), Goal.MAXIMIZE)[0] for row in drawn[:4000]])
    assert found == pytest.approx(3 / 4, abs=0.006)  # four standard errors


def test_the_expected_curve_pools_all_searches_and_has_an_interval_over_searches():
    values = np.random.default_rng(3).normal(size=(8, 4))
    curve = expected_curve(values, Goal.MAXIMIZE, BOOTSTRAP)
    assert curve.mean == pytest.approx(expected_best(values.ravel(), np.arange(1, 5), Goal.MAXIMIZE))
    assert (curve.low < curve.mean).all()
    assert (curve.mean < curve.high).all()
    assert curve.searches.tolist() == [8, 8, 8, 8]


def test_the_interval_of_one_trial_is_that_of_the_mean_of_searches():
    from hpstudy.analysis.statistics.bootstrap import mean_intervals

    values = np.random.default_rng(4).normal(size=(8, 4))
    curve = expected_curve(values, Goal.MAXIMIZE, BOOTSTRAP)
    low, high = mean_intervals(values.mean(axis=1, keepdims=True), BOOTSTRAP)
    assert (curve.low[0], curve.high[0]) == pytest.approx((low[0], high[0]))


def test_the_interval_of_the_expected_curve_covers_the_truth_about_as_often_as_it_says():
    hits = 0
    for seed in range(200):
        values = np.random.default_rng(seed).random((12, 5))
        curve = expected_curve(values, Goal.MAXIMIZE, BOOTSTRAP)
        hits += curve.low[-1] <= 5 / 6 <= curve.high[-1]
    assert 178 <= hits <= 199


def test_one_search_has_an_expected_curve_without_an_interval():
    curve = expected_curve(np.array([[1.0, 3.0]]), Goal.MAXIMIZE, BOOTSTRAP)
    assert curve.mean.tolist() == [2.0, 3.0]
    assert np.isnan(curve.low).all()
    assert np.isnan(curve.high).all()


def test_trials_to_match_is_the_first_number_of_trials_that_reaches_the_level():
    values = np.arange(10.0)
    expected = expected_best(values, np.arange(1, 6), Goal.MAXIMIZE)
    for level in (4.5, 5.0, 6.9, expected[4]):
        first = 1 + int(np.flatnonzero(expected >= level)[0])
        assert trials_to_match(values, level, Goal.MAXIMIZE) == first
        assert trials_to_match(-values, -level, Goal.MINIMIZE) == first


def test_a_level_that_half_of_the_trials_do_not_reach_is_not_matched():
    assert trials_to_match(np.arange(10.0), 8.9, Goal.MAXIMIZE) is None
    assert trials_to_match(np.array([3.0]), 1.0, Goal.MAXIMIZE) is None


def test_a_study_without_controls_has_none():
    assert of({"a": VALUES["a"]}, named=()) is None


def test_the_gap_is_search_minus_random_at_every_trial():
    random = of(VALUES).views[0].random
    assert random.curve.mean.tolist() == [1.5, 4.0, 4.0]  # (3, 3, 3) and (0, 5, 5)
    assert random.gap.mean.tolist() == [0.0, -1.0, 1.0]  # (1, 4, 4) and (2, 2, 6)
    assert random.replicates.tolist() == [0, 1]


def test_the_gap_is_paired():
    noise = np.arange(6.0)[:, None] + np.array([0.0, 1.0])
    random = of({"a": (noise + 1).tolist(), "a/random": noise.tolist()}).views[0].random
    assert (random.gap.low.tolist(), random.gap.high.tolist()) == ([1.0, 1.0], [1.0, 1.0])
    assert (random.curve.high > random.curve.mean).all()


def test_tunability_is_the_final_best_minus_the_default():
    default = of(VALUES).views[0].default
    assert default.mean == 1.5
    assert default.gain[0] == ((4 - 2) + (6 - 1)) / 2
    assert default.gain[1] < default.gain[0] < default.gain[2]
    assert (default.below.value, default.below.n) == (0.0, 2)
    below = of({**VALUES, "a/default": [[9.0], [1.0]]}).views[0].default.below
    assert below.value == 0.5
    assert below.low < 0.5 < below.high


def test_the_side_of_a_shown_difference_is_that_of_the_search_minus_the_control():
    noise = np.random.default_rng(0).normal(0, 0.1, size=(5, 8, 2))
    values = {
        "a": 2 + noise[0],
        "a/random": 1 + noise[1],
        "a/default": 3 + noise[2, :, :1],
        "b": 1 + noise[3],
        "b/random": 1 + noise[3],
        "b/default": 0 + noise[4, :, :1],
    }
    a, b = of(values).views
    assert (a.random.shown, a.default.shown) == (1, -1)
    assert (b.random.shown, b.default.shown) == (0, 1)


def test_the_expected_curve_of_a_view_is_that_of_its_own_random_trials():
    values = {**VALUES, "b": [[9.0, 9.0, 9.0]] * 2, "b/default": [[9.0]] * 2, "b/random": [[9.0, 9.0, 9.0]] * 2}
    found = of(values)
    assert found.views[0].random.expected.mean == pytest.approx(
        expected_best(np.array([3.0, 1, 2, 0, 5, 5]), np.array([1, 2, 3]), Goal.MAXIMIZE)
    )
    assert found.views[1].random.expected.mean.tolist() == [9.0, 9.0, 9.0]


def test_the_controls_do_not_change_the_curve_of_the_searches():
    from hpstudy.analysis.curves.best_so_far import best_so_far, mean_curve

    alone = mean_curve(best_so_far(np.array(VALUES["a"]), Goal.MAXIMIZE), BOOTSTRAP)
    curve = of(VALUES).views[0].curve
    assert np.array_equal(curve.mean, alone.mean)
    assert np.array_equal(curve.low, alone.low)


def test_a_random_trial_without_a_value_is_never_the_best_and_counts_as_the_worst_value_of_the_views():
    values = {"a": [[4.0, 5.0]] * 2, "a/random": [[float("nan"), 6.0], [6.0, float("nan")]]}
    random = of(values).views[0].random
    assert random.curve.mean.tolist() == [(4 + 6) / 2, 6.0]
    assert random.expected.mean == pytest.approx(expected_best(np.array([4.0, 6, 6, 4]), np.array([1, 2]), Goal.MAXIMIZE))


def test_the_share_of_good_points_counts_those_within_the_margin_of_the_best_known():
    found = of(VALUES, margin=1.0)
    easy = found.views[0].random.easy
    assert found.best_known == 6.0
    assert (easy.points, easy.good, easy.share) == (6, 2, 2 / 6)  # the two of 5
    assert 0.05 < easy.low < 1 / 3 < easy.high < 0.75


def test_the_best_known_value_may_come_from_any_view_or_control():
    values = {"a": [[1.0]], "a/random": [[2.0]], "b": [[1.0]], "b/random": [[-8.0]]}
    found = of(values, named=("random",), goal=Goal.MINIMIZE, margin=0.5)
    assert found.best_known == -8.0
    assert [view.random.easy.good for view in found.views] == [0, 1]


def test_a_point_that_diverged_is_not_good():
    easy = of({"a": [[4.0, 4.0]], "a/random": [[float("nan"), 4.0]]}, named=("random",), margin=1.0).views[0].random.easy
    assert (easy.points, easy.good) == (2, 1)


def test_enqueued_points_are_not_random():
    study = study_of(VALUES, margin=1.0)
    views = {"a": study.views["a"].model_copy(update={"enqueue": ({"x": 0.5},)})}
    random = controls(table(VALUES), study.model_copy(update={"views": views}), BOOTSTRAP).views[0].random
    assert (random.easy.points, random.easy.good) == (4, 2)
    assert (random.expected, random.matching) == (None, None)
    assert random.gap.mean == pytest.approx(of(VALUES).views[0].random.gap.mean)


def test_without_a_margin_no_point_is_called_good():
    assert of(VALUES).views[0].random.easy is None


def test_replicates_that_are_under_way_are_left_out_of_paired_numbers():
    values = {"a": VALUES["a"], "a/default": [[2.0], [None]], "a/random": [[3.0, 1.0, None], [0.0, 5.0, 5.0]]}
    view = of(values).views[0]
    assert view.random.replicates.tolist() == [1]
    assert view.random.gap.mean.tolist() == [2.0, -3.0, 1.0]
    assert view.random.expected.mean.tolist() == pytest.approx([10 / 3, 5.0, 5.0])
    assert view.default.replicates.tolist() == [0]
    assert view.default.gain[0] == 2.0


def test_controls_that_have_not_begun_give_no_numbers():
    view = of({"a": VALUES["a"], "a/default": [], "a/random": []}, margin=1.0).views[0]
    assert (view.random.expected, view.random.gap, view.random.matching, view.default.gain) == (None, None, None, None)
    assert np.isnan(view.random.curve.mean).all()
    assert np.isnan(view.default.mean)
    assert view.random.easy.points == 0
    assert np.isnan(view.random.easy.share)


def test_a_study_in_which_nothing_has_a_value_gives_no_numbers():
    nan = float("nan")
    found = of({"a": [[nan, nan]], "a/default": [[nan]], "a/random": [[nan, nan]]}, margin=1.0)
    assert np.isnan(found.best_known)
    assert found.views[0].random.gap is None
    assert found.views[0].random.expected is None
    assert found.views[0].default.gain is None
    assert found.views[0].default.below is None
    assert found.views[0].random.easy.good == 0


def test_only_the_declared_controls_are_there():
    assert of({"a": VALUES["a"], "a/default": VALUES["a/default"]}, named=("default",)).views[0].random is None
    assert of({"a": VALUES["a"], "a/random": VALUES["a/random"]}, named=("random",)).views[0].default is None


def test_random_search_needs_as_many_trials_as_its_own_curve_says():
    values = {"a": [[3.5, 3.5]] * 2, "a/random": [[0.0, 1.0], [2.0, 6.0]]}
    # Expected best of one trial: 2.25; of two, the mean of (1, 2, 6, 2, 6, 6): 3.83.
    assert of(values, named=("random",)).views[0].random.matching == 2
