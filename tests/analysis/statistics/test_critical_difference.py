"""Nemenyi's critical difference and performance profiles, against published values and other programs."""

import math

import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis.statistics.critical_difference import critical_difference, mean_ranks, permutation_p, runs_alike
from hpstudy.analysis.statistics.performance_profile import performance_profile
from hpstudy.analysis.statistics.ranks import friedman
from hpstudy.goal import Goal

DEMSAR = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}
"""Critical values of the two-tailed Nemenyi test at 0.05 by the number of treatments: Demsar (2006), table 5 (a)."""

ERRORS = np.array(
    [
        [0.708, 1.425, 1.469, 2.395],
        [0.207, 3.784, 0.91, 4.309],
        [0.575, 0.701, 1.441, 1.812],
        [0.9, 1.474, 2.784, 1.722],
        [3.145, 1.136, 1.248, 2.384],
        [0.075, 0.46, 2.124, 2.273],
        [2.196, 0.875, 1.421, 2.681],
        [0.527, 0.422, 1.193, 2.514],
        [0.635, 1.797, 0.908, 2.404],
        [0.25, 0.756, 3.975, 2.904],
        [3.795, 2.148, 3.143, 1.645],
        [0.303, 0.639, 2.048, 2.723],
    ]
)


@pytest.mark.parametrize(("treatments", "value"), DEMSAR.items())
def test_critical_values_are_those_of_demsar(treatments, value):
    scale = math.sqrt(treatments * (treatments + 1) / (6 * 20))
    assert critical_difference(treatments, 20, 0.95) / scale == pytest.approx(value, abs=1e-3)


def test_the_example_of_demsar():
    """Four classifiers on 14 data sets: 1.25 at 0.05, 1.12 at 0.10 (pages 15 to 16)."""
    assert critical_difference(4, 14, 0.95) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, 0.90) == pytest.approx(1.12, abs=0.005)


def test_ranks_and_critical_difference_are_those_of_autorank():
    """autorank 1.3.0, alpha 0.05, order ascending, forced to be nonparametric, of the same table."""
    found = mean_ranks(ERRORS, "abcd", Goal.MINIMIZE, 0.95, 1)
    assert found.names == ("a", "b", "c", "d")
    assert found.ranks == pytest.approx([1.75, 1.9166667, 2.8333333, 3.5])
    assert found.critical_difference == pytest.approx(1.3539901117469855, rel=1e-5)
    assert friedman(ERRORS, Goal.MINIMIZE).chi_p == pytest.approx(0.002297849642018795)
    assert found.p == pytest.approx(0.0023, abs=0.0012)
    assert found.differs


def test_bars_join_maximal_runs_that_are_closer_than_the_critical_difference():
    assert runs_alike(np.array([1.5, 2.0, 3.0, 3.5]), 1.25) == ((0, 1), (1, 2), (2, 3))
    assert runs_alike(np.array([1.0, 2.2, 2.25, 4.5]), 1.26) == ((0, 2),)
    assert runs_alike(np.array([1.0, 2.5, 2.5, 4.0]), 1.25) == ((1, 2),)
    assert runs_alike(np.array([1.0, 2.0]), 1.0) == ()


def test_treatments_are_ordered_by_rank_whatever_their_order():
    assert mean_ranks(np.array([[3.0, 1.0, 2.0]] * 4), "abc", Goal.MINIMIZE, 0.95, 1).names == ("b", "c", "a")
    assert mean_ranks(np.array([[3.0, 1.0, 2.0]] * 4), "abc", Goal.MAXIMIZE, 0.95, 1).names == ("a", "c", "b")


@pytest.mark.parametrize(("blocks", "p"), [(2, 1 / 6), (3, 1 / 36)])
def test_blocks_that_all_agree_have_the_p_of_all_orders(blocks, p):
    """The F form gives 0 for any number of blocks."""
    found = mean_ranks(np.array([[1.0, 2.0, 3.0]] * blocks), "abc", Goal.MINIMIZE, 0.95, 1)
    assert found.p == pytest.approx(p, rel=0.15)
    assert found.differs == (p < 0.05)


def test_the_observed_order_counts_among_the_random_ones():
    """No random order of 30 blocks agrees with that of all of them."""
    assert permutation_p(np.tile([1.0, 2.0, 3.0], (30, 1)), 0) == 1 / 10_000


def test_with_many_blocks_the_p_is_that_of_the_f_form_and_of_permutations_alike():
    values = np.random.default_rng(3).normal(size=(60, 4)) + np.array([0, 0.1, 0.2, 0.3])
    found = mean_ranks(values, "abcd", Goal.MINIMIZE, 0.95, 1)
    assert found.p == friedman(values, Goal.MINIMIZE).p
    assert found.p == pytest.approx(permutation_p(stats.rankdata(values, axis=1), 1), abs=0.02)


@pytest.mark.parametrize("values", [np.ones((5, 3)), np.arange(6.0).reshape(3, 2), np.arange(3.0).reshape(1, 3)])
def test_there_are_no_ranks_of_ties_of_two_treatments_or_of_one_block(values):
    assert mean_ranks(values, "abc", Goal.MINIMIZE, 0.95, 1) is None


def test_a_profile_counts_ratios_to_the_quickest():
    costs = np.array([[2.0, 4.0, np.nan], [3.0, 3.0, 9.0], [np.nan, np.nan, np.nan], [np.nan, 5.0, 6.0]])
    found = performance_profile(costs, ("a", "b", "c"))
    assert (found.problems, found.names) == (4, ("a", "b", "c"))
    assert found.ratios.tolist() == pytest.approx([1.0, 1.2, 2.0, 3.0])
    assert found.shares.tolist() == [[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.75, 0.75], [0.0, 0.25, 0.25, 0.5]]


@pytest.mark.parametrize("costs", [[[np.nan, np.nan]], [[1.0, np.nan], [np.nan, 2.0]], [[2.0, 2.0], [5.0, 5.0]]])
def test_there_is_no_profile_where_no_problem_has_two_costs(costs):
    assert performance_profile(np.array(costs), ("a", "b")) is None
