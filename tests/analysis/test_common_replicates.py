"""Means over studies with and without common replicates; expected values are those of scipy, or of a formula written out."""

import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis import analyze
from hpstudy.analysis.common_replicates import (
    Sample,
    bootstrap_mean_over_studies,
    influences,
    mean_over_studies,
    t_mean_over_studies,
)
from hpstudy.analysis.cross_study import several
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from tests.analysis.test_joint_endpoints import GIVEN, named
from tests.report.test_endpoints_chapter import make


def samples(*values, seeds=None, first=None):
    """Samples with these values; all of one seed unless `seeds` is given, from replicate `first` on."""
    n = len(values)
    return [
        Sample(seed, np.arange(start, start + len(of)), np.asarray(of, dtype=float))
        for seed, start, of in zip(seeds or [0] * n, first or [0] * n, values, strict=True)
    ]


def test_without_common_replicates_the_test_is_that_of_welch():
    """The sum of two independent means is the difference of the first and the negative second."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(0.4, 1, 12), rng.normal(0.2, 3, 7)
    found, p = t_mean_over_studies(samples(x, y, seeds=[1, 2]), 0.95)
    welch = stats.ttest_ind(x, -y, equal_var=False)
    ends = welch.confidence_interval(0.95)
    assert (found.value, found.low, found.high) == pytest.approx(((x.mean() + y.mean()) / 2, ends.low / 2, ends.high / 2))
    assert p == pytest.approx(welch.pvalue)
    assert found.n == 19


def test_with_all_replicates_in_common_the_test_is_that_of_their_means():
    rng = np.random.default_rng(1)
    x = rng.normal(0.4, 1, 12)
    y = x + rng.normal(0, 0.5, 12)
    found, p = t_mean_over_studies(samples(x, y), 0.9)
    test = stats.ttest_1samp((x + y) / 2, 0)
    ends = test.confidence_interval(0.9)
    assert (found.value, found.low, found.high, p) == pytest.approx(((x + y).mean() / 2, ends.low, ends.high, test.pvalue))
    other_order = samples(x, y[::-1])
    other_order[1] = Sample(0, np.arange(12)[::-1], y[::-1])
    assert t_mean_over_studies(other_order, 0.9)[0].low == pytest.approx(found.low)


def test_a_study_and_its_copy_have_the_interval_of_one():
    x = np.random.default_rng(2).normal(1, 1, 9)
    twice, _ = t_mean_over_studies(samples(x, x), 0.95)
    assert (twice.low, twice.high) == pytest.approx(stats.ttest_1samp(x, 0).confidence_interval(0.95))


def test_a_replicate_of_both_studies_counts_once_with_both_deviations():
    """x has replicates 0 to 4, y has 3 to 9; deviations are over the two studies, and over sqrt(n (n - 1))."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=5), rng.normal(size=7)
    given = samples(x, y, first=[0, 3])
    of_x, of_y = ((values - values.mean()) / 2 / np.sqrt(len(values) * (len(values) - 1)) for values in (x, y))
    groups = {(0,): of_x[:3], (0, 1): of_x[3:] + of_y[:2], (1,): of_y[2:]}
    found = influences(given)
    assert {studies: of.tolist() for studies, of in found.items()} == {
        studies: pytest.approx(of) for studies, of in groups.items()
    }
    variances = [(group**2).sum() for group in groups.values()]
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / 2 + variances[1] ** 2 / 1 + variances[2] ** 2 / 4)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(sum(variances))
    interval, p = t_mean_over_studies(given, 0.95)
    mean = (x.mean() + y.mean()) / 2
    assert (interval.value, interval.low, interval.high) == pytest.approx((mean, mean - half, mean + half))
    assert p == pytest.approx(2 * stats.t.sf(abs(mean) / np.sqrt(sum(variances)), freedom))


def test_studies_of_two_seeds_have_common_replicates_within_a_seed_only():
    x, y, z = np.random.default_rng(4).normal(size=(3, 6))
    x, y, z = (values - values.mean() for values in (x, y, z))
    found = influences(samples(x, y, z, seeds=[1, 2, 1]))
    divisor = 3 * np.sqrt(6 * 5)
    assert {studies: of.tolist() for studies, of in found.items()} == {
        (0, 2): pytest.approx((x + z) / divisor),
        (1,): pytest.approx(y / divisor),
    }


@pytest.mark.parametrize("values", [([1.0], [1.0, 2.0, 3.0]), ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])])
def test_a_study_of_one_replicate_or_a_seed_without_spread_leaves_no_interval(values):
    found, p = t_mean_over_studies(samples(*values, seeds=[1, 2]), 0.95)
    assert (found.value, np.isnan(found.low), np.isnan(p)) == (1.5, True, True)


@pytest.mark.parametrize("sizes", [(10, 10), (10, 11), (10, 40)])
@pytest.mark.parametrize("correlation", [0.0, 0.7, -0.5])
def test_both_intervals_cover_the_mean_whatever_the_correlation_of_common_replicates(correlation, sizes):
    rng, bootstrap, studies = np.random.default_rng(5), Bootstrap(1, 1000, 0.95), 1000
    covariance = [[1.0, 2 * correlation], [2 * correlation, 4.0]]
    hits = np.zeros(2)
    for _ in range(studies):
        x, y = rng.multivariate_normal([1, 3], covariance, size=max(sizes)).T
        given = samples(x[: sizes[0]], y[: sizes[1]])
        intervals = t_mean_over_studies(given, 0.95)[0], bootstrap_mean_over_studies(given, bootstrap)
        hits += [found.low <= 2 <= found.high for found in intervals]
    assert ((hits / studies > 0.925) & (hits / studies < 0.985)).all()  # above 0.95 if the sizes differ much


def test_the_bootstrap_of_a_study_and_its_copy_is_that_of_one():
    x = np.random.default_rng(6).normal(1, 1, 9)
    once, twice = (bootstrap_mean_over_studies(samples(*values), Bootstrap(1, 1000, 0.95)) for values in ((x,), (x, x)))
    assert (twice.value, twice.low, twice.high) == pytest.approx((once.value, once.low, once.high))
    apart = bootstrap_mean_over_studies(samples(x, x, seeds=[1, 2]), Bootstrap(1, 1000, 0.95))
    assert apart.high - apart.low < 0.8 * (once.high - once.low)


def test_a_study_without_a_replicate_has_no_mean():
    given = samples([], [1.0, 2.0], seeds=[1, 2])
    assert np.isnan(mean_over_studies(given))
    assert np.isnan(bootstrap_mean_over_studies(given, Bootstrap(1, 1000, 0.95)).low)


def test_a_joint_report_pairs_the_replicates_of_studies_with_the_same_seed():
    one, two = (named(make(n=n, **GIVEN), name) for n, name in ((8, "one"), (8, "two")))
    other = two.study.model_copy(update={"task": two.study.task.model_copy(update={"use": "hartmann6"}), "seed": one.study.seed})
    common = [analyze(one), analyze(type(two)(other, two.values, fresh=two.fresh))]
    found = several(common)
    trials = next(each for each in found.endpoints if each.endpoint.use == "trials_to_within")
    own = trials.studies[0]
    assert (trials.together.low, trials.together.high) == pytest.approx((own.low, own.high))
    apart = several([analyze(one), analyze(two)])
    assert next(each for each in apart.endpoints if each.endpoint.use == "trials_to_within").together.low > own.low
    score = found.pairs[0]
    assert score.score_together.high - score.score_together.low > 1.2 * (
        apart.pairs[0].score_together.high - apart.pairs[0].score_together.low
    )
