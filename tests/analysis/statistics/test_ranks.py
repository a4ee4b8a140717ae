from itertools import product

import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis.statistics.ranks import friedman, shift, signed_rank, signed_rank_distribution
from hpstudy.goal import Goal

DEPRESSION = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]) - np.array(
    [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
)
"""Hollander and Wolfe (1999), table 3.1: Hamilton depression scores after minus before."""


@pytest.mark.parametrize("n", [1, 5, 20, 50])
def test_without_ties_the_signed_rank_test_is_scipys_exact_one(n):
    d = np.random.default_rng(n).normal(0.4, 1, n)
    found = signed_rank(d)
    assert found.exact
    assert found.p == pytest.approx(stats.wilcoxon(d, method="exact").pvalue, abs=1e-12)
    assert signed_rank(-d).p == pytest.approx(found.p)


@pytest.mark.parametrize("d", [[1, 1, -1, 2, 3, 3], [0, 0, 1, 2, 2, -1], [0, 5, 5, 5], [0, 0, 0, -1, 1, 2, 2]])
def test_with_ties_and_zeros_every_sign_pattern_is_counted(d):
    d = np.array(d, dtype=float)
    ranks = stats.rankdata(np.abs(d))[d != 0]
    observed = stats.rankdata(np.abs(d))[d > 0].sum()
    sums = np.array([ranks[np.array(signs)].sum() for signs in product([False, True], repeat=len(ranks))])
    expected = min(1, 2 * min((sums <= observed).mean(), (sums >= observed).mean()))
    assert signed_rank(d).p == pytest.approx(expected)


def test_zeros_are_counted():
    assert signed_rank(np.array([0.0, 0.0, 1.0])).zeros == 2


def test_nothing_but_zeros_is_no_evidence():
    assert signed_rank(np.zeros(4)).p == 1


def test_many_replicates_use_the_normal_approximation():
    d = np.random.default_rng(0).normal(0.1, 1, 201)
    found = signed_rank(d)
    assert not found.exact
    assert found.p == pytest.approx(stats.wilcoxon(d, method="exact").pvalue, rel=0.02)


def test_the_distribution_of_two_ranks_is_counted_by_hand():
    assert signed_rank_distribution(np.array([1, 2])).tolist() == [0.25, 0.25, 0.25, 0.25]


def test_under_the_hypothesis_small_p_values_are_as_rare_as_they_should_be():
    d = np.random.default_rng(6).normal(size=(600, 20))
    assert np.mean([signed_rank(row).p <= 0.05 for row in d]) == pytest.approx(0.05, abs=0.025)


# Friedman's statistic of Hollander and Wolfe (1999), table 7.1: 22 players round first base in three ways.
BASES = np.array(
    [
        [5.40, 5.50, 5.55],
        [5.85, 5.70, 5.75],
        [5.20, 5.60, 5.50],
        [5.55, 5.50, 5.40],
        [5.90, 5.85, 5.70],
        [5.45, 5.55, 5.60],
        [5.40, 5.40, 5.35],
        [5.45, 5.50, 5.35],
        [5.25, 5.15, 5.00],
        [5.85, 5.80, 5.70],
        [5.25, 5.20, 5.10],
        [5.65, 5.55, 5.45],
        [5.60, 5.35, 5.45],
        [5.05, 5.00, 4.95],
        [5.50, 5.50, 5.40],
        [5.45, 5.55, 5.50],
        [5.55, 5.55, 5.35],
        [5.45, 5.50, 5.55],
        [5.50, 5.45, 5.25],
        [5.65, 5.60, 5.40],
        [5.70, 5.65, 5.55],
        [6.30, 6.30, 6.25],
    ]
)


def test_friedmans_statistic_of_published_data_is_the_published_one():
    found = friedman(BASES, Goal.MINIMIZE)
    assert found.chi_square == pytest.approx(11.1, abs=0.05)
    assert found.chi_p == pytest.approx(0.0038, abs=5e-5)


def test_the_best_view_of_every_replicate_has_rank_one():
    values = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 9.0], [4.0, 5.0, 6.0]])
    assert friedman(values, Goal.MAXIMIZE).ranks.tolist() == [3, 2, 1]
    assert friedman(values, Goal.MINIMIZE).ranks.tolist() == [1, 2, 3]


def test_iman_and_davenports_f_is_that_of_an_analysis_of_variance_on_ranks():
    values = np.random.default_rng(1).normal([0, 0.5, 1, 1.5], 1, size=(8, 4))
    ranks = stats.rankdata(-values, axis=1)
    views, n = ranks.shape[1], ranks.shape[0]
    between = n * ((ranks.mean(axis=0) - ranks.mean()) ** 2).sum()
    rest = ((ranks - ranks.mean()) ** 2).sum() - between
    f = between / (views - 1) / (rest / ((views - 1) * (n - 1)))
    found = friedman(values, Goal.MAXIMIZE)
    assert found.f == pytest.approx(f)
    assert found.p == pytest.approx(stats.f.sf(f, views - 1, (views - 1) * (n - 1)))


@pytest.mark.parametrize("values", [np.ones((5, 3)), np.zeros((1, 3)), np.arange(6.0).reshape(3, 2)])
def test_too_little_to_rank_is_no_test(values):
    assert friedman(values, Goal.MAXIMIZE) is None


def test_the_shift_of_published_data_is_the_published_one():
    found = shift(DEPRESSION, 0.95)
    assert found.estimate == pytest.approx(-0.46)
    assert (found.low, found.high) == pytest.approx((-0.786, -0.010))
    assert found.achieved == pytest.approx(0.961, abs=5e-4)


def test_the_shift_is_the_median_of_the_walsh_averages():
    assert shift(np.array([0.0, 1.0, 5.0]), 0.95).estimate == np.median([0, 0.5, 2.5, 1, 3, 5])


def test_the_interval_of_the_shift_holds_what_the_signed_rank_test_does_not_reject():
    d = np.random.default_rng(4).normal(0.3, 1, 12)
    found = shift(d, 0.95)
    for value, inside in ((found.low, True), (found.low, False), (found.high, True), (found.high, False)):
        outwards = 1e-9 if (value == found.high) != inside else -1e-9
        assert (stats.wilcoxon(d - value - outwards, method="exact").pvalue > 0.05) == inside


def test_few_replicates_say_what_confidence_they_can_give():
    found = shift(np.array([1.0, 2.0, 4.0, 8.0, 16.0]), 0.95)
    assert (found.low, found.high) == (1, 16)
    assert found.achieved == pytest.approx(1 - 2 / 2**5)


def test_the_interval_of_the_shift_of_many_replicates_uses_the_normal_approximation():
    d = np.random.default_rng(0).normal(0.1, 1, 201)
    exact, near = shift(d[:200], 0.95), shift(d, 0.95)
    assert near.high - near.low == pytest.approx(exact.high - exact.low, rel=0.03)
    assert near.achieved == pytest.approx(0.95, abs=0.001)


def test_the_interval_of_the_shift_covers_as_often_as_it_says():
    d = np.random.default_rng(5).standard_t(3, size=(600, 20))
    hits = [found.low <= 0 <= found.high for found in (shift(row, 0.95) for row in d)]
    assert np.mean(hits) == pytest.approx(0.952, abs=0.025)
