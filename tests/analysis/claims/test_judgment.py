"""Claims judged: which numbers they are about, their intervals, and the verdicts."""

import math

import numpy as np
import pytest

from hpstudy.analysis.claims.judgment import Observed, judge
from hpstudy.analysis.curves.best_so_far import incumbent_numbers
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.goal import Goal
from hpstudy.study.declaration import Criterion


def quantile(p):
    """Of Student's t with 2 degrees of freedom, in closed form: 4.303 at 97.5 %."""
    return (2 * p - 1) / math.sqrt(2 * p * (1 - p))


T2 = quantile(0.975)
T2_THIRD = quantile(1 - 0.05 / 6)

RATES = [{"rate": 0.1}, {"rate": 1.0}, {"rate": 10.0}]


def swept(values, curves=None, points=None, epochs=None, metric="score"):
    """A sweep's view: (replicates x points) values, (replicates x points x epochs) curves of one metric."""
    values = np.asarray(values, dtype=float)
    curves = {} if curves is None else {metric: np.asarray(curves, dtype=float)}
    length = curves[metric].shape[2] if curves else 0
    return Observed(
        points=RATES[: values.shape[1]] if points is None else points,
        values={metric: values},
        epochs=np.arange(1, length + 1) if epochs is None else np.asarray(epochs),
        curves=curves,
        best=np.zeros((len(values), 0), dtype=np.int64),
    )


def searched(values, goal=Goal.MAXIMIZE, times=None, **metrics):
    values = np.asarray(values, dtype=float)
    others = {name: np.asarray(given, dtype=float) for name, given in metrics.items()}
    whole = {} if times is None else {use: np.asarray(times, dtype=float) for use in ("trials_to_target", "final")}
    return Observed({"score": values, **others}, incumbent_numbers(values, goal), whole)


def judged(observed, of=None, minus=None, confidence=0.95, **criterion):
    observed = observed if isinstance(observed, dict) else {"a": observed}
    of = {"view": "a", **(of or {})}
    claim = Criterion.model_validate({"claim": "It is so.", "of": of, **({"minus": minus} if minus else {}), **criterion})
    return judge(claim, observed, "score", Bootstrap(1, 1000, confidence))


def verdicts(result):
    return [contrast.verdict for contrast in result.contrasts]


def means(result):
    return [round(contrast.mean, 9) for contrast in result.contrasts]


def test_a_number_gets_its_mean_and_the_t_interval():
    # 1, 2, 6: mean 3, squared deviations 4 + 1 + 9 = 14, sd sqrt(7), standard error sqrt(7 / 3).
    (contrast,) = judged(swept([[1], [2], [6]]), above=0).contrasts
    half = T2 * math.sqrt(7 / 3)
    assert contrast.mean == pytest.approx(3, abs=1e-12)
    assert (contrast.low, contrast.high) == pytest.approx((3 - half, 3 + half), rel=1e-9)
    assert (contrast.replicates, contrast.above, contrast.below) == (3, 0, None)


def test_the_interval_has_the_level_of_the_study():
    # 80 %, 2 degrees of freedom: t is 1.886.
    (contrast,) = judged(swept([[1], [2], [6]]), above=0, confidence=0.8).contrasts
    assert contrast.high - 3 == pytest.approx(quantile(0.9) * math.sqrt(7 / 3), rel=1e-8)


# 3 +- 6.57 for 1, 2, 6; 3 +- 2.484 for 2, 3, 4 (standard error 1 / sqrt(3)).
@pytest.mark.parametrize(
    ("values", "bounds", "verdict"),
    [
        ([2, 3, 4], {"above": 0.5}, "holds"),
        ([2, 3, 4], {"above": 0.6}, "inconclusive"),
        ([2, 3, 4], {"above": 5.4}, "inconclusive"),
        ([2, 3, 4], {"above": 5.5}, "does not hold"),
        ([2, 3, 4], {"below": 5.5}, "holds"),
        ([2, 3, 4], {"below": 5.4}, "inconclusive"),
        ([2, 3, 4], {"below": 0.5}, "does not hold"),
        ([2, 3, 4], {"above": 0.5, "below": 5.5}, "holds"),
        # Two bounds: two one-sided tests at 5 % each, 3 +- 1.686.
        ([2, 3, 4], {"above": 1.31, "below": 5.5}, "holds"),
        ([2, 3, 4], {"above": 1.32, "below": 5.5}, "inconclusive"),
        ([2, 3, 4], {"above": 0.5, "below": 4.69}, "holds"),
        ([2, 3, 4], {"above": 0.5, "below": 4.68}, "inconclusive"),
        ([2, 3, 4], {"above": 5.5, "below": 9}, "does not hold"),
        ([2, 3, 4], {"above": -9, "below": 0.5}, "does not hold"),
        ([1, 2, 6], {"above": -3}, "inconclusive"),
    ],
)
def test_the_verdict_follows_from_interval_and_bounds(values, bounds, verdict):
    result = judged(swept(np.transpose([values])), **bounds)
    assert (result.verdict, verdicts(result)) == (verdict, [verdict])


def test_a_claim_holds_only_when_all_its_numbers_do():
    columns = np.transpose([[2, 3, 4], [2, 3, 4], [2, 3, 4]])
    assert judged(swept(columns), above=0.5).verdict == "holds"
    columns = np.transpose([[2, 3, 4], [2, 3, 4], [1.9, 2.9, 3.9]])
    result = judged(swept(columns), above=0.5)
    assert (result.verdict, verdicts(result)) == ("inconclusive", ["holds", "holds", "inconclusive"])


def test_only_the_verdict_that_a_claim_does_not_hold_is_corrected_for_the_number_of_comparisons():
    # The interval of 2, 3, 4 ends at 5.484, or at 3 + 7.649 / sqrt(3) = 7.416 when it is one of three.
    three = swept(np.transpose([[2, 3, 4]] * 3))
    one = swept(np.transpose([[2, 3, 4]]))
    limit = 3 + T2_THIRD / math.sqrt(3)
    assert judged(one, above=6).verdict == "does not hold"
    assert judged(three, above=6).verdict == "inconclusive"
    assert judged(three, above=limit - 1e-6).verdict == "inconclusive"
    assert judged(three, above=limit + 1e-6).verdict == "does not hold"
    assert judged(three, above=0.52).verdict == judged(one, above=0.52).verdict == "inconclusive"
    assert judged(three, above=0.51).verdict == judged(one, above=0.51).verdict == "holds"


def test_printed_intervals_are_not_corrected():
    three = judged(swept(np.transpose([[2, 3, 4]] * 3)), above=0).contrasts
    assert {round(contrast.high, 6) for contrast in three} == {round(3 + T2 / math.sqrt(3), 6)}


def test_one_number_outside_is_enough_against_a_claim():
    result = judged(swept(np.transpose([[2, 3, 4], [-90, -91, -92]])), above=0.5)
    assert (result.verdict, verdicts(result)) == ("does not hold", ["holds", "does not hold"])


def test_rising_is_about_the_steps_between_neighbors():
    result = judged(swept([[1, 3, 4], [2, 4, 5], [3, 5.5, 5]]), shape="rising")
    assert means(result) == [round(6.5 / 3, 9), 0.5]
    assert [contrast.what for contrast in result.contrasts] == ["a at rate 1 − a at rate 0.1", "a at rate 10 − a at rate 1"]
    assert [(contrast.above, contrast.below) for contrast in result.contrasts] == [(0, None)] * 2
    assert (result.verdict, verdicts(result)) == ("inconclusive", ["holds", "inconclusive"])


def test_falling_is_rising_of_the_negative_values():
    values = np.array([[1, 3, 4], [2, 4, 5], [3, 5.5, 6]])
    rising, falling = judged(swept(values), shape="rising"), judged(swept(-values), shape="falling")
    assert means(rising) == means(falling)
    assert verdicts(rising) == verdicts(falling)
    assert falling.contrasts[0].what == "a at rate 0.1 − a at rate 1"


def test_rising_may_ask_for_more_than_nothing():
    values = [[0, 2], [0, 2.1], [0, 1.9]]
    assert judged(swept(values), shape="rising", above=1).verdict == "holds"
    assert judged(swept(values), shape="rising", above=3).verdict == "does not hold"


def test_rising_may_ask_for_no_more_than_a_bound():
    result = judged(swept([[0, 2], [0, 2.1], [0, 1.9]]), shape="rising", below=3)
    assert [(contrast.above, contrast.below, contrast.verdict) for contrast in result.contrasts] == [(None, 3, "holds")]


def test_alike_is_about_all_pairs_both_ways():
    result = judged(swept([[1, 1.1, 0.9], [2, 2, 2.1], [3, 3.1, 3]]), shape="alike", below=0.5)
    assert means(result) == [round(-0.2 / 3, 9), 0, round(0.2 / 3, 9)]
    assert [(contrast.above, contrast.below) for contrast in result.contrasts] == [(-0.5, 0.5)] * 3
    assert result.verdict == "holds"
    assert judged(swept([[1, 9, 1.1], [2, 10, 2], [3, 11.1, 3]]), shape="alike", below=0.5).verdict == "does not hold"


def test_at_selects_points():
    result = judged(swept([[1, 3, 5], [2, 4, 5]]), of={"at": {"rate": 1}}, above=0)
    assert [(contrast.what, contrast.mean) for contrast in result.contrasts] == [("a at rate 1", 3.5)]


def test_a_label_has_only_what_is_swept():
    points = [{"rate": 1.0, "width": 2, "clip": True}, {"rate": 1.0, "width": 4, "clip": False}]
    result = judged(swept([[1, 2], [1, 3]], points=points), above=0)
    assert [contrast.what for contrast in result.contrasts] == ["a at width 2, clip true", "a at width 4, clip false"]


def test_a_view_of_one_point_is_called_by_its_name():
    assert judged(swept([[1], [2]]), above=0).contrasts[0].what == "a"


def test_differences_are_taken_replicate_by_replicate():
    # 10 - 9, 20 - 19, 33 - 30: mean 5 / 3, deviations -2/3, -2/3, 4/3.
    views = {"a": swept([[10], [20], [33]]), "b": swept([[9], [19], [30]])}
    (contrast,) = judged(views, minus={"view": "b"}, above=0).contrasts
    half = T2 * math.sqrt((4 / 9 + 4 / 9 + 16 / 9) / 2 / 3)
    assert (contrast.what, contrast.mean) == ("a − b", pytest.approx(5 / 3))
    assert (contrast.low, contrast.high) == pytest.approx((5 / 3 - half, 5 / 3 + half), rel=1e-9)


def test_points_are_subtracted_one_by_one():
    views = {"a": swept([[1, 2, 3], [1, 2, 3]]), "b": swept([[0, 5, 9], [0, 5, 9]])}
    assert means(judged(views, minus={"view": "b"}, above=0)) == [1, -3, -6]


def test_one_point_is_subtracted_from_every_other():
    views = {"a": swept([[1, 2, 3], [1, 2, 3]]), "b": swept([[0, 5, 9], [0, 5, 9]])}
    result = judged(views, minus={"view": "b", "at": {"rate": 1}}, above=0)
    assert means(result) == [-4, -3, -2]
    assert result.contrasts[0].what == "a at rate 0.1 − b at rate 1"


def test_a_replicate_without_one_of_the_two_values_is_left_out():
    views = {"a": swept([[10], [20], [33], [np.nan]]), "b": swept([[9], [np.nan], [30], [1]])}
    (contrast,) = judged(views, minus={"view": "b"}, above=0).contrasts
    assert (contrast.replicates, contrast.mean) == (2, 2)


CURVES = [[[1, 2, 6], [0, 0, 0]], [[3, 4, 8], [1, 1, 1]]]


def test_the_last_epoch_is_the_final_value():
    assert means(judged(swept([[7, 0], [9, 0]], CURVES), above=0, epoch="last")) == [8, 0]


def test_the_mean_over_epochs_is_one_number_for_each_point():
    result = judged(swept([[7, 0], [9, 0]], CURVES), above=0, epoch="mean")
    assert means(result) == [4, 0.5]  # (3 + 5) / 2 and (0 + 1) / 2
    assert result.contrasts[0].what == "a at rate 0.1, mean over epochs"


def test_every_epoch_is_a_number_of_its_own():
    result = judged(swept([[7, 0], [9, 0]], CURVES, epochs=[5, 10, 15]), of={"at": {"rate": 0.1}}, above=0, epoch="every")
    assert [(contrast.what, contrast.mean) for contrast in result.contrasts] == [
        ("a at rate 0.1, epoch 5", 2),
        ("a at rate 0.1, epoch 10", 3),
        ("a at rate 0.1, epoch 15", 7),
    ]


def test_shapes_compare_points_within_an_epoch():
    result = judged(swept([[7, 0], [9, 0]], CURVES), shape="falling", epoch="every")
    assert means(result) == [1.5, 2.5, 6.5]


def test_epochs_at_which_a_metric_was_not_recorded_are_no_epochs_of_it():
    nan = np.nan
    curves = [[[nan, 2, 6]], [[nan, 4, 8]]]
    assert means(judged(swept([[7], [9]], curves), above=0, epoch="mean")) == [5]
    assert [c.what for c in judged(swept([[7], [9]], curves), above=0, epoch="every").contrasts] == ["a, epoch 2", "a, epoch 3"]


def test_a_curve_with_a_gap_has_no_mean():
    curves = [[[1, np.nan]], [[3, 4]], [[5, 6]]]
    (contrast,) = judged(swept([[7], [9], [9]], curves), above=0, epoch="mean").contrasts
    assert (contrast.replicates, contrast.mean) == (2, 4.5)


def test_differences_are_taken_at_the_same_epoch():
    views = {
        "a": swept([[0], [0]], [[[1, 2]], [[3, 4]]], epochs=[1, 2]),
        "b": swept([[0], [0]], [[[10, 20]], [[10, 20]]], epochs=[2, 3]),
    }
    result = judged(views, minus={"view": "b"}, above=0, epoch="every")
    assert [(contrast.what, contrast.mean) for contrast in result.contrasts] == [("a, epoch 2 − b, epoch 2", -7)]


def test_one_replicate_decides_nothing():
    (contrast,) = (result := judged(swept([[5]]), above=0)).contrasts
    assert (result.verdict, contrast.mean, contrast.replicates) == ("inconclusive", 5, 1)
    assert math.isnan(contrast.low)
    assert math.isnan(contrast.high)


@pytest.mark.parametrize("epoch", ["last", "mean", "every"])
def test_a_metric_that_was_never_recorded_has_no_data(epoch):
    views = {"a": swept([[1, 2], [3, 4]], CURVES), "b": swept([[1, 2], [3, 4]], CURVES, metric="other")}
    assert judged(views, above=0, metric="none", epoch=epoch).verdict == "no data"
    assert judged(views, minus={"view": "b"}, above=0, epoch=epoch).verdict == "no data"
    assert judged({"a": views["b"], "b": views["a"]}, minus={"view": "b"}, above=0, epoch=epoch).verdict == "no data"


def test_a_point_without_a_value_leaves_the_claim_without_data():
    result = judged(swept([[2, np.nan], [2, np.nan], [2.1, np.nan]]), above=0)
    assert (result.verdict, verdicts(result)) == ("no data", ["holds", "no data"])
    assert math.isnan(result.contrasts[1].mean)


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [
        ({"above": 0.2}, "does not hold"),
        ({"above": 0.05}, "holds"),
        ({"above": 0.1}, "inconclusive"),
        ({"below": 0.1}, "inconclusive"),
        ({"above": 0, "below": 0.2}, "holds"),
        ({"above": 0.2, "below": 0.3}, "does not hold"),
    ],
)
def test_equal_values_are_decided_unless_they_lie_on_a_bound(bounds, verdict):
    # The sum of three times 0.1 divided by 3 is not 0.1.
    (contrast,) = (result := judged(swept([[0.1], [0.1], [0.1]]), **bounds)).contrasts
    assert (result.verdict, contrast.mean, contrast.low, contrast.high) == (verdict, 0.1, 0.1, 0.1)


def test_equal_points_are_alike_and_neither_rising_nor_falling():
    same = swept([[0.1, 0.1], [0.3, 0.3], [0.7, 0.7]])
    assert judged(same, shape="alike", below=1e-9).verdict == "holds"
    assert judged(same, shape="rising").verdict == judged(same, shape="falling").verdict == "inconclusive"


def test_the_best_so_far_is_the_earliest_among_equals():
    nan = np.nan
    values = np.array([[nan, 2, 1, 2, 3], [5, 4, nan, 6, 6]])
    assert incumbent_numbers(values, Goal.MAXIMIZE).tolist() == [[-1, 1, 1, 1, 4], [0, 0, 0, 3, 3]]
    assert incumbent_numbers(values, Goal.MINIMIZE).tolist() == [[-1, 1, 2, 2, 2], [0, 1, 1, 1, 1]]


def test_a_search_is_judged_by_its_best_trial_within_a_budget():
    view = searched([[1, 5, 3, 9], [4, 2, 6, 6]])
    assert means(judged(view, of={"best_of": 1}, above=0)) == [2.5]
    assert means(judged(view, of={"best_of": 3}, above=0)) == [5.5]
    result = judged(view, above=0)
    assert (means(result), result.contrasts[0].what) == ([7.5], "a, best of 4")


def test_another_metric_of_a_search_is_that_of_the_best_trial():
    view = searched([[1, 5, 3], [4, 2, 6]], test=[[10, 20, 30], [40, 50, 60]])
    assert means(judged(view, above=0, metric="test")) == [40]  # 20 of trial 1, 60 of trial 2
    assert means(judged(view, of={"best_of": 1}, above=0, metric="test")) == [25]


def test_a_search_that_minimizes_is_judged_by_its_smallest_value():
    assert means(judged(searched([[4, 5, 3], [4, 2, 6]], Goal.MINIMIZE), below=9)) == [2.5]


def test_a_search_without_a_value_is_left_out():
    (contrast,) = judged(searched([[np.nan, np.nan], [1, 2]]), above=0).contrasts
    assert (contrast.mean, contrast.replicates) == (2, 1)


def test_trials_to_target_are_compared_search_by_search():
    views = {"a": searched(np.ones((3, 4)), times=[14, 15, np.nan]), "b": searched(np.ones((3, 4)), times=[2, 5, 3])}
    result = judged(views, minus={"view": "b"}, metric="trials_to_target", above=5)
    assert (result.metric, means(result), result.contrasts[0].replicates) == ("trials_to_target", [11], 2)


def test_only_an_endpoint_that_is_a_number_of_trials_has_an_attainable_range():
    views = {"a": searched(np.ones((2, 25)), times=[25, 25]), "b": searched(np.ones((2, 25)), times=[20, 24])}
    (contrast,) = judged(views, minus={"view": "b"}, metric="final", above=5).contrasts
    assert (contrast.mean, contrast.attainable) == (3, None)


def test_a_claim_with_two_bounds_is_judged_by_the_interval_that_is_printed():
    (contrast,) = judged(swept([[2], [3], [4]]), above=0, below=5).contrasts
    half = quantile(0.95) / math.sqrt(3)
    assert (contrast.low, contrast.high, contrast.level) == pytest.approx((3 - half, 3 + half, 0.9))
    assert judged(swept([[2], [3], [4]]), above=0).contrasts[0].level == 0.95


@pytest.mark.parametrize(("replicates", "verdict"), [(28, "inconclusive"), (29, "holds")])
def test_searches_too_few_to_hold_a_rare_large_loss_are_not_said_to_be_alike(replicates, verdict):
    alike = searched(np.linspace(-1, 1, replicates)[:, None])
    (contrast,) = (result := judged(alike, above=-1, below=1)).contrasts
    assert (result.verdict, contrast.withheld) == (verdict, verdict == "inconclusive")
    assert judged(alike, above=-1).verdict == "holds"


def test_a_claim_about_more_trials_than_can_be_observed_is_marked():
    """Filter takes 20 and 24 of 25 trials: the difference is at most 3, whatever the latent view does."""
    views = {"a": searched(np.ones((2, 25)), times=[25, 25]), "b": searched(np.ones((2, 25)), times=[20, 24])}
    bounds = ({"above": 5, "below": 15}, {"above": 2}, {"below": -1})
    (beyond,), (within,), (below,) = (
        judged(views, minus={"view": "b"}, metric="trials_to_target", **given).contrasts for given in bounds
    )
    assert beyond.attainable == within.attainable == (0, 3)
    assert (beyond.unattainable, within.unattainable, below.unattainable) == (True, False, True)
    (other,) = judged(searched(np.ones((3, 4))), above=5).contrasts
    assert (other.attainable, other.unattainable) == (None, False)


def test_without_a_target_there_are_no_trials_to_it():
    assert judged(searched(np.ones((3, 4))), metric="trials_to_target", above=5).verdict == "no data"


STUDIES = 4000


def test_intervals_cover_the_mean_as_often_as_they_say():
    # 4000 studies in one sweep of 4000 points: the standard error of the coverage is 0.35 %.
    values = np.random.default_rng(1).normal(3, 2, (5, STUDIES))
    points = [{"rate": float(n)} for n in range(STUDIES)]
    contrasts = judged(swept(values, points=points), above=0).contrasts
    covered = np.mean([contrast.low < 3 < contrast.high for contrast in contrasts])
    assert 0.93 < covered < 0.97


@pytest.mark.parametrize("count", [1, 4])
def test_a_claim_that_is_just_wrong_is_seldom_said_to_hold(count):
    # The mean of the first number lies on the bound, the others far inside: the worst case of an intersection-union test.
    rng = np.random.default_rng(2)
    shift = np.r_[0, np.full(count - 1, 50)]
    wrong = sum(judged(swept_of(rng, shift), above=0).verdict == "holds" for _ in range(1500))
    assert wrong / 1500 < 0.025 + 3 * math.sqrt(0.025 * 0.975 / 1500)
    assert wrong > 0


def test_a_claim_that_is_just_right_is_seldom_said_not_to_hold():
    # All of five means lie on the bound: the worst case of the correction, which allows 2.5 % in all.
    rng = np.random.default_rng(3)
    wrong = sum(judged(swept_of(rng, np.zeros(5)), above=0).verdict == "does not hold" for _ in range(1500))
    assert 0 < wrong / 1500 < 0.025 + 3 * math.sqrt(0.025 * 0.975 / 1500)


def swept_of(rng, means):
    points = [{"rate": float(n)} for n in range(len(means))]
    return swept(rng.normal(means, 1, (4, len(means))), points=points)
