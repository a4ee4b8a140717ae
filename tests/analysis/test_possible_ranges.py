"""Intervals of numbers of trials end where the numbers cannot lie; expected ends are those of scipy, cut by hand."""

import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis import analyze
from hpstudy.analysis.claims.judgment import Observed, judge
from hpstudy.analysis.comparisons.sensitivity import under_policy
from hpstudy.analysis.cross_study import several
from hpstudy.analysis.curves.anytime import Scale, anytime_difference
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.estimate import CountedEstimate, Estimate
from hpstudy.analysis.statistics.survival import trials_range
from hpstudy.analysis.targets.trials_to_target import trials_difference
from hpstudy.goal import Goal
from hpstudy.study.declaration import Criterion
from hpstudy.study.schema import Study
from tests.support.sources import MemorySource

BOOTSTRAP = Bootstrap(seed=2, resamples=1000, confidence=0.95)
T = 10
LATE, SOON = [10, 10, 4], [1, 1, 1]  # trials of two views; their differences 9, 9, 3 have the t interval -1.6 to 15.6


def reached_at(trials):
    """(searches x T) values that reach 1 at these trials."""
    return (np.arange(1, T + 1) >= np.array(trials)[:, None]).astype(float)


def ends(values):
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return interval.low, interval.high


def test_the_part_of_an_interval_in_the_possible_range_is_kept():
    inside, missing = CountedEstimate(2.0, 1.5, 3.0, 7), Estimate(2.0, np.nan, np.nan)
    assert inside.within((1, 3)) == inside
    assert inside.within((1.75, 2.5)) == CountedEstimate(2.0, 1.75, 2.5, 7)
    assert inside.within((-np.inf, np.inf)) == inside
    assert np.isnan([missing.within((1, 3)).low, missing.within((1, 3)).high]).all()


def test_every_possible_true_value_is_covered_as_before():
    rng = np.random.default_rng(0)
    for low, high, true in zip(rng.normal(0, 2, 200), rng.normal(4, 2, 200), rng.uniform(1, 3, 200), strict=True):
        cut = Estimate(2.0, low, high).within((1, 3))
        if low <= 2 <= high:  # the estimate itself is a possible value
            assert (cut.low <= true <= cut.high) == (low <= true <= high)


def test_the_ranges_of_means_and_differences_of_trials():
    assert (trials_range(T, 0), trials_range(T), trials_range(T, 2)) == ((1, 10), (-9, 9), (-18, 18))


def test_a_difference_of_trials_to_target_is_at_most_one_less_than_the_trials():
    low, high = ends(np.array(LATE) - SOON)
    assert high > 9
    for a, b, expected in ((LATE, SOON, (low, 9)), (SOON, LATE, (-9, -low))):
        found = trials_difference(reached_at(a), reached_at(b), 1.0, Goal.MAXIMIZE, BOOTSTRAP, seed=0)
        assert (found.low, found.high) == pytest.approx(expected)
        policy = under_policy("worst", reached_at(a), reached_at(b), 1.0, (10,), Goal.MAXIMIZE, 0.0, 0.95)
        assert (policy.trials.low, policy.trials.high) == pytest.approx(expected)
        assert policy.budgets[0].high == policy.budgets[0].low == 0


ENDPOINTS = [{"use": "trials_to_within", "deltas": [0.5]}, {"use": "final"}]


def source(name="small", seed=0, others=(), late=LATE):
    """A study in which a search of view a comes near its plateau at the trials `late`, and one of view b at `SOON`."""
    study = Study.model_validate(
        {
            "name": name,
            "seed": seed,
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": "maximize"},
            "views": {view: {"space": {"x": {"type": "float", "low": 0, "high": 1}}} for view in "ab"},
            "search": {"trials": T, "others": list(others)},
            "replicates": 3,
            "confirm": {"seeds": 1, "incumbents": True},
            "analysis": {
                "resamples": 1000,
                "endpoints": ENDPOINTS,
                "plateaus": {"values": {"a": 1, "b": 1}, "source": "a pilot"},
                "target": {"value": 0.5},
                "criteria": [
                    {"claim": "later", "metric": use, "of": {"view": "a"}, "minus": {"view": "b"}, "above": 0, "below": 9}
                    for use in ("trials_to_within", "trials_to_target")
                ],
            },
        }
    )
    of_views = {"a": late, "b": SOON, **({"a/tpe": SOON, "b/tpe": LATE} if others else {})}
    # Values rise a little at every trial, so that every trial is an incumbent.
    values = {arm: reached_at(trials) + np.arange(T) / 1000 for arm, trials in of_views.items()}
    return MemorySource(study, values, fresh={arm: of_arm[:, :, None] for arm, of_arm in values.items()})


def test_an_endpoint_that_counts_trials_stays_within_them_and_another_one_is_not_cut():
    within, final = analyze(source()).declared
    a, b = within.declared.views
    (pair,) = within.declared.pairs
    low, high = ends(LATE)
    assert low < 1
    assert high > 10
    assert (a.estimate.low, a.estimate.high) == (1, 10)
    assert (b.estimate.low, b.estimate.high) == (1, 1)
    assert (pair.estimate.low, pair.estimate.high) == pytest.approx((ends(np.array(LATE) - SOON)[0], 9))
    assert pair.sd == pytest.approx(np.std(np.array(LATE) - SOON, ddof=1))
    assert final.declared.views[0].estimate.value == pytest.approx(1.009)


def test_a_claim_about_trials_has_the_possible_part_of_its_interval_only():
    for result in analyze(source()).criteria:
        (contrast,) = result.contrasts
        assert contrast.high == 9
        assert contrast.low == pytest.approx(7 - stats.t.ppf(0.95, 2) * np.sqrt(12 / 3))
    values = Observed({}, np.zeros((3, T), dtype=np.int64), {"trials_to_target": np.array([1.0, 1.0, 4.0])})
    claim = Criterion.model_validate({"claim": "soon", "metric": "trials_to_target", "of": {"view": "a"}, "below": 9})
    (alone,) = judge(claim, {"a": values}, "score", BOOTSTRAP).contrasts
    assert (alone.low, alone.verdict) == (1, "holds")


def test_an_interaction_of_trials_is_at_most_twice_the_largest_difference():
    (pair,) = (one.pairs[0] for one in analyze(source(others=("tpe",))).searchers.compared)
    main = np.array(LATE) - SOON
    assert pair.estimate.value == 14
    assert (pair.estimate.low, pair.estimate.high) == pytest.approx((2 * ends(main)[0], 18))
    assert (pair.main.high, pair.other.low) == (9, -9)


def test_a_mean_over_studies_keeps_its_standard_error_and_ends_at_the_largest_difference():
    """The standard error comes from the differences, not from the cut intervals of the studies."""
    studies = [analyze(source(name, seed)) for seed, name in enumerate(("one", "two"))]
    compared = several(studies)
    joint = next(one for one in compared.endpoints if one.endpoint.use == "trials_to_within")
    differences = np.array(LATE) - SOON
    expected = stats.ttest_ind(differences, -differences, equal_var=False).confidence_interval(0.95)
    assert (joint.together.low, joint.together.high) == pytest.approx((expected.low / 2, min(9, expected.high / 2)))
    assert joint.studies[0].high == 9
    assert compared.pairs[0].trials[0].high == 9


def test_the_difference_of_two_areas_is_at_most_1():
    best_a, best_b = np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0]]), np.zeros((3, 2))
    found = anytime_difference(best_a, best_b, Scale(0.0, 1.0), 0.95)
    assert found.ecdf_area.high == 1
    assert found.score.high > 1
