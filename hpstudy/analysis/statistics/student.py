"""Student's t intervals of paired differences.

Differences of two views are more symmetric than the values of one view, and t then has better coverage than the bootstrap
(docs/reference/statistics.md has the coverage). Claims, power and the simultaneous band of a single trial also use t, so they agree with
these intervals. Reference: Student (1908), The probable error of a mean, Biometrika 6, https://doi.org/10.1093/biomet/6.1.1
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.deviation import deviation
from hpstudy.analysis.statistics.estimate import Estimate


def t_intervals(values: Floats, confidence: float) -> tuple[Floats, Floats]:
    """The ends of mean +- t(n - 1) sd / sqrt(n) for every column of (replicates x columns) values, no NaN.

    NaN with fewer than 2 replicates; equal to the mean where all replicates are equal.
    """
    n, columns = values.shape
    if n < 2:
        return np.full(columns, np.nan), np.full(columns, np.nan)
    # The mean of equal values is that value; a sum would round.
    centered = values - values[0]  # (replicates, columns)
    mean = values[0] + centered.mean(axis=0)
    half_width = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * deviation(centered) / np.sqrt(n)
    return mean - half_width, mean + half_width


def t_mean(values: Floats, confidence: float) -> Estimate:
    """The mean of (replicates,) paired differences, no NaN, with its t interval; the mean is NaN without values."""
    if not values.size:
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = t_intervals(values[:, None], confidence)
    return Estimate(float(values[0] + (values - values[0]).mean()), float(low[0]), float(high[0]))
