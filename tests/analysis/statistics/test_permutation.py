from itertools import product

import numpy as np
import pytest

from hpstudy.analysis.statistics.permutation import DRAWS, EXACT_UP_TO, holm, sign_flip


def enumerated(differences):
    """The share of all sign patterns with at least the observed |sum|, one by one."""
    sums = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=len(differences))]
    return np.mean(np.array(sums) >= abs(differences.sum()) * (1 - 1e-12))


@pytest.mark.parametrize("n", [1, 2, 5, 10])
def test_the_exact_p_is_that_of_full_enumeration(n):
    differences = np.random.default_rng(n).normal(0.3, 1, n)
    assert sign_flip(differences, 0).p == enumerated(differences)


def test_ties_and_zeros_are_enumerated_too():
    differences = np.array([1.0, 1.0, 0.0, -1.0, 2.0, 0.0])
    assert sign_flip(differences, 0).p == enumerated(differences)


def test_the_smallest_p_of_20_replicates_is_2_to_the_minus_19():
    result = sign_flip(np.arange(1.0, 21.0), 0)
    assert result.exact
    assert result.p == result.smallest == 2.0**-19


def test_five_replicates_cannot_reach_five_per_cent():
    assert sign_flip(np.ones(5), 0).p == 0.0625


def test_the_observed_pattern_counts_among_the_random_ones():
    """No random pattern of 40 signs is as extreme."""
    assert sign_flip(np.ones(40), 0).p == sign_flip(np.ones(40), 0).smallest == 1 / (1 + DRAWS)


def test_no_difference_at_all_has_a_p_of_one():
    assert sign_flip(np.zeros(8), 0).p == 1


def test_random_patterns_agree_with_the_exact_p():
    differences = np.random.default_rng(1).normal(0.4, 1, EXACT_UP_TO)
    # Two further replicates without a difference leave the exact p as it is.
    sampled = sign_flip(np.r_[differences, 0.0, 0.0], 7)
    assert not sampled.exact
    assert sampled.p == pytest.approx(sign_flip(differences, 0).p, abs=0.004)


def test_a_random_p_is_never_zero():
    assert sign_flip(np.ones(60), 0).p > 0


def test_the_same_seed_repeats_a_random_p_and_another_differs():
    differences = np.random.default_rng(2).normal(0.1, 1, 30)
    assert sign_flip(differences, 0).p == sign_flip(differences, 0).p != sign_flip(differences, 1).p


@pytest.mark.parametrize("block", [1_000, 2**30])
def test_a_random_p_does_not_depend_on_the_signs_that_are_handled_at_a_time(block, monkeypatch):
    differences = np.random.default_rng(3).normal(0.1, 1, 250)
    expected = sign_flip(differences, 0).p
    monkeypatch.setattr("hpstudy.analysis.statistics.permutation.BLOCK", block)
    assert sign_flip(differences, 0).p == expected


def test_holm_multiplies_by_the_number_of_hypotheses_left():
    # By hand: 4 x 0.01, 3 x 0.02, then the running maximum. 0.01, 0.02, 0.03, 0.04 -> 0.04, 0.06, 0.06, 0.06.
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03, 0.02])), [0.06, 0.04, 0.06, 0.06])


def test_holm_stays_at_or_below_one():
    assert holm(np.array([0.9, 0.8])).max() == 1


def test_holm_does_not_count_tests_without_a_p():
    np.testing.assert_allclose(holm(np.array([0.04, np.nan, 0.01])), [0.04, np.nan, 0.02])


def test_holm_of_nothing_is_nothing():
    assert holm(np.array([])).size == 0


def test_sums_of_zero_apart_from_rounding_are_equal():
    """The differences are 4, -4, 2, -2 and 0 hundredths; their sum in floating point is not 0."""
    differences = np.array([0.45, 0.31, 0.27, 0.52, 0.4]) - np.array([0.41, 0.35, 0.25, 0.54, 0.4])
    assert 0 < abs(differences.sum()) < 1e-15
    assert sign_flip(differences, 0).p == 1.0
