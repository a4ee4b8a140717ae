import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis.exploration import rank_correlation
from hpstudy.analysis.exploration.rank_correlation import spearman


@pytest.mark.parametrize("block", [1, 50, 10**6])
def test_every_resample_has_the_correlation_of_its_rows(block, monkeypatch):
    monkeypatch.setattr(rank_correlation, "BLOCK", block)
    rng = np.random.default_rng(0)
    a = rng.integers(6, size=20) / 7  # ties
    b = a + rng.normal(size=20)
    weights = rng.integers(4, size=(30, 20))
    expected = [stats.spearmanr(np.repeat(a, row), np.repeat(b, row)).statistic for row in weights]
    np.testing.assert_allclose(spearman(a, b, weights), expected, rtol=1e-12)


def test_it_is_bit_equal_to_the_correlation_of_ranks_in_any_order():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 40))
    weights = rng.integers(3, size=(10, 40))
    for row, found in zip(weights, spearman(a, b, weights).tolist(), strict=True):
        rows = rng.permutation(np.repeat(np.arange(40), row))
        ranks = stats.rankdata(np.stack([a[rows], b[rows]]), axis=1)
        centered = ranks - ranks.mean(axis=1, keepdims=True)
        assert found == centered[0] @ centered[1] / np.sqrt((centered**2).sum(axis=1).prod())


def test_constant_values_have_no_correlation():
    weights = np.array([[1, 1, 1], [3, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(spearman(np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 0.0]), weights), [-1, np.nan, np.nan])
    np.testing.assert_array_equal(spearman(np.zeros(3), np.arange(3.0), weights[:1]), [np.nan])
