"""Spearman's rank correlation of many bootstrap resamples at once.

A resample is a row of weights, the count of each observation. Ranks, their means and the sums of their products are multiples of 1/4, so
they are exact in floating point in any order of summation.

Reference: Spearman (1904), The proof and measurement of association between two things, Am. J. Psychol. 15,
https://doi.org/10.2307/1412159
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpstudy.analysis.arrays import Floats

BLOCK = 2**22
"""Number of weights in a block (32 MiB)."""


def spearman(a: Floats, b: Floats, weights: npt.NDArray[np.integer]) -> Floats:
    """(resamples,) rank correlations of `a` and `b`, with mean ranks for ties; NaN where either is constant.

    Args:
        a: (observations,) finite values.
        b: (observations,) finite values.
        weights: (resamples x observations) counts, at least 0.
    """
    step = max(1, BLOCK // max(1, len(a)))
    parts = [_correlations(a, b, weights[start : start + step].astype(np.float64)) for start in range(0, len(weights), step)]
    return np.concatenate([np.zeros(0), *parts])


def _correlations(a: Floats, b: Floats, weights: Floats) -> Floats:
    """(resamples,) correlations of a block of (resamples x observations) weights."""
    mean_rank = (weights.sum(axis=1, keepdims=True) + 1) / 2  # (resamples, 1)
    centered_a, centered_b = _ranks(a, weights) - mean_rank, _ranks(b, weights) - mean_rank  # (resamples, observations)
    squares = (weights * centered_a**2).sum(axis=1) * (weights * centered_b**2).sum(axis=1)
    products = (weights * centered_a * centered_b).sum(axis=1)
    correlations = np.full(len(weights), np.nan)
    return np.asarray(np.divide(products, np.sqrt(squares), out=correlations, where=squares > 0), dtype=np.float64)


def _ranks(values: Floats, weights: Floats) -> Floats:
    """(resamples x observations) mean rank of each observation within its resample."""
    order = np.argsort(values)
    starts_tie = np.r_[True, np.diff(values[order]) > 0]  # (observations,), ascending
    last = np.flatnonzero(np.r_[starts_tie[1:], True])  # (ties,) position of the last observation of each tie
    up_to = np.cumsum(weights[:, order], axis=1)[:, last]  # (resamples, ties)
    mean_rank = up_to - (np.diff(up_to, axis=1, prepend=0) - 1) / 2
    tie = np.empty(len(values), dtype=np.int64)  # (observations,) number of the tie
    tie[order] = np.cumsum(starts_tie) - 1
    return np.asarray(mean_rank[:, tie], dtype=np.float64)
