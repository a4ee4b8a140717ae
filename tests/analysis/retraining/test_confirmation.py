from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hpstudy.analysis.retraining.confirmation import (
    confirmation,
    gain,
    over_searches_and_seeds,
    over_seeds,
    pair_on_fresh_seeds,
    view_on_fresh_seeds,
)
from hpstudy.analysis.retraining.trainings import Retrained, retrained
from hpstudy.analysis.retraining.trainings import test_metric as metric_of_test_data
from hpstudy.analysis.statistics.bootstrap import Bootstrap, mean_intervals
from hpstudy.analysis.statistics.estimate import mean_of
from hpstudy.analysis.statistics.survival import wilson
from hpstudy.analysis.trials.searches import STATES, Searches
from hpstudy.goal import Goal

NAN = float("nan")
BOOTSTRAP = Bootstrap(seed=1, resamples=1000, confidence=0.95)
CROSSED = np.array([[3.0, 5.0, 4.0], [6.0, 9.0, 6.0], [2.0, 2.0, 5.0], [7.0, 8.0, 9.0]])


def block(values, view="a"):
    values = np.asarray(values, dtype=float)
    states = np.where(np.isnan(values), STATES.index("diverged"), STATES.index("completed")).astype(np.int8)
    return Searches(view, values, states)


def table(*rows):
    """(view, replicate, number, seed, state, objective, test)."""
    columns = ["view", "replicate", "number", "seed_number", "state", "objective", "metric.test_accuracy"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["metric.score"] = frame["objective"]
    return frame


def data(scores, *, tuning=None, default=None, view="a", replicates=None):
    scores = np.asarray(scores, dtype=float)
    default = np.zeros(scores.shape[1]) if default is None else np.asarray(default, dtype=float)
    replicates = np.arange(len(scores)) if replicates is None else np.array(replicates)
    tuning = np.zeros(len(scores)) if tuning is None else np.asarray(tuning, dtype=float)
    return Retrained(view, replicates, tuning, {"score": scores}, {"score": default}, 0)


def test_the_gap_is_the_tuning_score_minus_the_mean_on_fresh_seeds():
    view = view_on_fresh_seeds(data([[1, 3], [4, 4]], tuning=[5, 7]), ["score"], Goal.MAXIMIZE, BOOTSTRAP)
    assert view.gap.value == pytest.approx(((5 - 2) + (7 - 4)) / 2)
    assert view.metrics[0].tuned.value == 3


def test_the_risk_of_tuning_is_the_share_of_searches_below_the_default():
    made = data([[1, 3], [4, 4], [2, 3], [9, NAN]], default=[2, 3])
    risk = view_on_fresh_seeds(made, ["score"], Goal.MAXIMIZE, BOOTSTRAP).below_default
    assert (risk.value, risk.n) == (1.5 / 3, 3)  # 2 is below 2.5, 4 above, 2.5 a tie; the last search lacks a seed
    # The default's mean of 2.5 is known to 12.7 at 97.5 %: none or all of the searches are below it.
    assert (risk.low, risk.high) == pytest.approx((wilson(0, 3, 0.975)[0], wilson(3, 3, 0.975)[1]))
    lower = view_on_fresh_seeds(made, ["score"], Goal.MINIMIZE, BOOTSTRAP).below_default
    assert lower.value == 1.5 / 3
    assert (
        view_on_fresh_seeds(data([[1], [3], [4]], default=[2]), ["score"], Goal.MINIMIZE, BOOTSTRAP).below_default.value == 2 / 3
    )


def test_the_interval_of_the_risk_is_wilsons_at_both_ends_of_the_defaults_mean():
    default = np.array([2.0, 2.2, 1.9, 2.1, 2.0])
    ends = over_seeds(default, 0.975)
    scores = np.linspace(1, 3, 21)[:, None] * np.ones(5)
    for goal, worse in ((Goal.MAXIMIZE, scores[:, 0] < ends.low), (Goal.MINIMIZE, scores[:, 0] > ends.high)):
        risk = view_on_fresh_seeds(data(scores, default=default), ["score"], goal, BOOTSTRAP, crossed=False).below_default
        assert risk.low == pytest.approx(wilson(worse.sum(), 21, 0.975)[0])
    one = view_on_fresh_seeds(data([[1], [3], [4]], default=[2]), ["score"], Goal.MAXIMIZE, BOOTSTRAP).below_default
    assert np.isnan([one.low, one.high]).all()


def test_the_intervals_of_gain_and_risk_cover_where_the_default_is_on_seeds_of_replicate_0_only():
    """20 searches with 8 seeds each of their own, the default with 8 others: searches differ less than the default's mean is known."""
    generator, studies, gains, risks = np.random.default_rng(8), 400, 0, 0
    truth = stats.norm.cdf(0.0, loc=0.3, scale=np.sqrt(0.3**2 + 1 / 8))  # a mean on 8 seeds below the default's 0
    for _ in range(studies):
        scores = 0.3 + 0.3 * generator.normal(size=(20, 1)) + generator.normal(size=(20, 8))
        made = data(scores, default=generator.normal(size=8))
        view = view_on_fresh_seeds(made, ["score"], Goal.MAXIMIZE, BOOTSTRAP, crossed=False)
        gains += view.metrics[0].gain.low <= 0.3 <= view.metrics[0].gain.high
        risks += view.below_default.low <= truth <= view.below_default.high
    assert 0.93 <= gains / studies <= 0.975
    assert risks / studies >= 0.95


def test_on_seeds_of_their_own_searches_are_held_against_the_mean_of_the_default():
    made = data([[1, 3], [NAN, 4], [5, NAN]], default=[2, NAN])
    risk = view_on_fresh_seeds(made, ["score"], Goal.MAXIMIZE, BOOTSTRAP, crossed=False).below_default
    assert (risk.value, risk.n) == (pytest.approx(0.5 / 3), 3)  # the means are 2, 4 and 5
    nothing = data([[1, 3]], default=[NAN, NAN])
    assert view_on_fresh_seeds(nothing, ["score"], Goal.MAXIMIZE, BOOTSTRAP).below_default is None


def test_the_mean_over_searches_has_the_bca_interval_of_the_searches_means():
    means = np.array([1.0, 2.5, 2.0, 4.0])
    low, high = mean_intervals(means[:, None], replace(BOOTSTRAP, confidence=0.9))
    found = over_searches_and_seeds(means[:, None], replace(BOOTSTRAP, confidence=0.9), crossed=True)
    assert (found.value, found.low, found.high, found.n) == (means.mean(), low[0], high[0], 4)


def test_the_default_point_has_students_interval_over_seeds():
    values = np.array([1.0, 2.0, 4.0, 3.0])
    low, high = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    found = over_seeds(values, 0.95)
    assert (found.value, found.low, found.high) == pytest.approx((2.5, low, high))


def test_the_gain_uses_seeds_on_which_the_default_has_a_value_and_searches_that_have_all_of_them():
    values = np.array([[1.0, 5.0, 3.0], [NAN, 9.0, 9.0], [2.0, NAN, 4.0], [3.0, 1.0, 5.0]])
    default = np.array([1.0, NAN, 2.0])
    found = gain(values, default, 0.95)
    assert found.value == pytest.approx(np.mean([0, 1, 1, 2, 2, 3]))
    assert found.n == 3


def test_without_a_value_of_the_default_there_is_no_gain():
    assert gain(CROSSED, np.full(3, NAN), 0.95) is None


def test_pairs_are_differences_by_replicate_on_seeds_that_both_have():
    a = view_on_fresh_seeds(data([[1, 3], [4, NAN], [9, 9]], replicates=[0, 2, 3]), ["score"], Goal.MAXIMIZE, BOOTSTRAP)
    b = view_on_fresh_seeds(data([[0, 0], [1, 5]], replicates=[0, 2], view="b"), ["score"], Goal.MAXIMIZE, BOOTSTRAP)
    (difference,) = pair_on_fresh_seeds(a, b, BOOTSTRAP).differences
    assert (difference.mean.value, difference.mean.n) == (pytest.approx((2 + 3) / 2), 2)


def test_a_pair_counts_the_seeds_as_a_sample():
    """The five seeds of embedded speech: replicates agree within a seed and seeds do not, so five numbers tell, not twenty."""
    by_seed = np.array([0.020, 0.017, -0.006, 0.014, -0.004])
    a = view_on_fresh_seeds(
        data(np.tile(by_seed, (20, 1)) + np.linspace(-1e-6, 1e-6, 20)[:, None]), ["score"], Goal.MAXIMIZE, BOOTSTRAP
    )
    b = view_on_fresh_seeds(data(np.zeros((20, 5)), view="b"), ["score"], Goal.MAXIMIZE, BOOTSTRAP)
    (difference,) = pair_on_fresh_seeds(a, b, BOOTSTRAP).differences
    expected = stats.t.interval(0.95, 4, loc=by_seed.mean(), scale=stats.sem(by_seed))
    assert (difference.mean.low, difference.mean.high) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("between", "shared", "rest"), [(0.006, 0.013, 0.008), (0.009, 0.008, 0.01)])
def test_the_interval_of_a_pair_covers_the_truth_where_points_share_the_noise_of_a_seed(between, shared, rest):
    generator, covered, studies = np.random.default_rng(8), 0, 400
    nothing = view_on_fresh_seeds(data(np.zeros((20, 5)), view="b"), ["score"], Goal.MAXIMIZE, BOOTSTRAP)
    for _ in range(studies):
        noise = shared * generator.normal(size=5) + rest * generator.normal(size=(20, 5))
        a = data(between * generator.normal(size=(20, 1)) + noise)
        (difference,) = pair_on_fresh_seeds(
            view_on_fresh_seeds(a, ["score"], Goal.MAXIMIZE, BOOTSTRAP), nothing, BOOTSTRAP
        ).differences
        covered += difference.mean.low <= 0 <= difference.mean.high
    assert covered / studies > 0.92  # over searches alone: 0.5 to 0.6


def test_views_without_a_replicate_in_common_make_no_pair():
    a = view_on_fresh_seeds(data([[1, 2]], replicates=[0]), ["score"], Goal.MAXIMIZE, BOOTSTRAP)
    b = view_on_fresh_seeds(data([[1, 2]], replicates=[1], view="b"), ["score"], Goal.MAXIMIZE, BOOTSTRAP)
    assert pair_on_fresh_seeds(a, b, BOOTSTRAP) is None


def test_rows_become_an_array_of_searches_by_seeds():
    rows = table(
        ("a", NAN, NAN, 0, "completed", 0.5, 0.4),
        ("a", NAN, NAN, 1, "diverged", NAN, NAN),
        ("a", 0, 1, 0, "completed", 0.8, 0.7),
        ("a", 0, 1, 1, "completed", 0.6, 0.5),
        ("a", 0, 0, 0, "completed", 9.9, 9.9),  # no longer the best trial
        ("a", 1, 0, 0, "failed", NAN, NAN),
        ("a", 1, 0, 1, "completed", 0.3, 0.2),
        ("b", 0, 0, 0, "completed", 7.0, 7.0),
    )
    found = retrained(rows, block([[0.1, 0.9], [0.4, 0.4]]), ("score", "test_accuracy"), Goal.MAXIMIZE)
    np.testing.assert_array_equal(found.tuning, [0.9, 0.4])
    np.testing.assert_array_equal(found.scores["score"], [[0.8, 0.6], [NAN, 0.3]])
    np.testing.assert_array_equal(found.scores["test_accuracy"], [[0.7, 0.5], [NAN, 0.2]])
    np.testing.assert_array_equal(found.default["score"], [0.5, NAN])
    assert found.lost == 2


def test_incumbents_of_a_minimized_metric_are_the_smallest():
    rows = table(("a", 0, 0, 0, "completed", 0.8, 0.7))
    assert retrained(rows, block([[0.1, 0.9]]), ("score",), Goal.MINIMIZE).tuning == [0.1]


def test_incomplete_searches_and_searches_without_a_value_are_left_out():
    searches = block([[0.1, 0.9], [NAN, NAN], [0.3, 0.4]])
    searches.states[2, 1] = STATES.index("running")
    rows = table(*(("a", replicate, 1, 0, "completed", 0.8, 0.7) for replicate in range(3)))
    assert retrained(rows, searches, ("score",), Goal.MAXIMIZE).replicates.tolist() == [0]


def test_the_test_metric_is_the_accuracy_or_the_first_that_begins_with_test():
    assert metric_of_test_data(["loss", "test_loss", "test_accuracy"], "score") == "test_accuracy"
    assert metric_of_test_data(["test_loss", "test_error"], "score") == "test_error"
    assert metric_of_test_data(["test_loss"], "test_loss") is None


def test_a_study_without_trainings_on_fresh_seeds_has_no_confirmation():
    found = confirmation(table(), {"a": block([[1.0]])}, [], metric="score", goal=Goal.MAXIMIZE, bootstrap=BOOTSTRAP)
    assert found is None


def test_a_confirmation_holds_every_confirmed_view_and_pair():
    rows = table(*((view, 0, 0, seed, "completed", float(seed), 0.5) for view in "ab" for seed in range(3)))
    searches = {view: block([[1.0]], view) for view in "abc"}
    found = confirmation(rows, searches, [("a", "b"), ("a", "c")], metric="score", goal=Goal.MAXIMIZE, bootstrap=BOOTSTRAP)
    assert (found.metrics, found.seeds) == (("score", "test_accuracy"), 3)
    assert [view.data.view for view in found.views] == ["a", "b"]
    assert [(pair.a, pair.b) for pair in found.pairs] == [("a", "b")]


@pytest.mark.parametrize("shared", [0.0, 0.8])
def test_the_interval_of_the_gap_covers_the_bias_of_choosing_the_best(shared):
    # Eight points of equal worth: the best of eight standard normal scores lies 1.4236 above it.
    generator, covered, studies, bias = np.random.default_rng(6), 0, 300, 1.42360
    for _ in range(studies):
        tuning = generator.normal(size=(16, 8)).max(axis=1)
        noise = np.sqrt(shared) * generator.normal(size=5) + np.sqrt(1 - shared) * generator.normal(size=(16, 5))
        view = view_on_fresh_seeds(data(noise, tuning=tuning), ["score"], Goal.MAXIMIZE, replace(BOOTSTRAP, confidence=0.9))
        covered += view.gap.low <= bias <= view.gap.high
    assert 0.85 <= covered / studies <= 0.97


def test_the_bca_interval_of_the_mean_over_searches_covers_the_truth():
    generator, covered, studies = np.random.default_rng(7), 0, 300
    for _ in range(studies):
        scores = generator.exponential(size=(16, 1)) + 0.3 * generator.normal(size=(16, 5))
        found = over_searches_and_seeds(scores.mean(axis=1, keepdims=True), replace(BOOTSTRAP, confidence=0.9), crossed=True)
        covered += found.low <= 1 <= found.high
    assert 0.84 <= covered / studies <= 0.96


def test_the_gap_of_trainings_without_a_value_is_the_mean_of_the_searches_over_what_they_have():
    scores = np.array([[1.0, 2.0], [NAN, 4.0], [3.0, 5.0]])
    view = view_on_fresh_seeds(data(scores, tuning=[5, 7, 6]), ["score"], Goal.MAXIMIZE, BOOTSTRAP)
    assert (view.gap.value, view.gap.n) == (pytest.approx(np.mean([3.5, 3.0, 2.0])), 3)
    assert view.gap.low < view.gap.value < view.gap.high


def test_seeds_of_the_replicate_leave_the_searches_as_the_sample():
    scores = np.array([[1.0, 3.0, NAN], [4.0, 6.0, 5.0], [2.0, 2.0, 2.0], [9.0, 7.0, 8.0]])
    a = view_on_fresh_seeds(data(scores), ["score"], Goal.MAXIMIZE, BOOTSTRAP, crossed=False)
    b = view_on_fresh_seeds(
        data(scores * 0 + np.arange(4.0)[:, None], view="b"), ["score"], Goal.MAXIMIZE, BOOTSTRAP, crossed=False
    )
    means = np.array([2.0, 5.0, 2.0, 8.0])
    tuned = stats.t.interval(0.95, 3, loc=means.mean(), scale=stats.sem(means))
    assert (a.metrics[0].tuned.low, a.metrics[0].tuned.high) == pytest.approx(tuned)
    differences = means - np.arange(4)
    (difference,) = pair_on_fresh_seeds(a, b, BOOTSTRAP).differences
    expected = stats.t.interval(0.95, 3, loc=differences.mean(), scale=stats.sem(differences))
    assert (difference.mean.low, difference.mean.high) == pytest.approx(expected)


def test_one_fresh_seed_has_the_interval_over_searches():
    view = view_on_fresh_seeds(data([[1.0], [3.0], [5.0]]), ["score"], Goal.MAXIMIZE, BOOTSTRAP)
    assert view.metrics[0].tuned == mean_of(np.array([1.0, 3.0, 5.0]), BOOTSTRAP).counted(3)
