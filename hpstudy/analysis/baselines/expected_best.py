"""The expected best value of random search, from all its trials together.

The trials of random searches are independent and alike, so that any n of them are a random search of n trials: the mean over all choices
of n is an unbiased estimate of what such a search finds, and a far less noisy one than the mean over the searches as they ran. It holds
for no searcher that learns from its trials.

References: Tang et al. (2020), Showing Your Work Doesn't Always Work, ACL 58 (the unbiased estimator). Dodge et al. (2019), Show Your
Work, EMNLP. Arvesen (1969), Jackknifing U-statistics, Ann. Math. Stat. 40 (pseudo-values).
"""

from __future__ import annotations

import numpy as np

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.curves.best_so_far import MeanCurve
from hpstudy.analysis.statistics.bootstrap import Bootstrap, mean_intervals
from hpstudy.goal import Goal


def expected_best(values: Floats, trials: Ints, goal: Goal) -> Floats:
    """E[best of n trials]: the mean, over all choices of n of the values, of their best (Tang et al. 2020).

    From (N,) values of independent trials without NaN, for (k,) numbers of trials n with 1 <= n <= N: (k,) sum over i >= n of
    C(i - 1, n - 1) / C(N, n) v_(i), with v_(1) the worst value and v_(N) the best.
    """
    ascending = goal.sign * np.sort(goal.sign * values)
    return np.asarray(_weights(trials, len(values)) @ ascending, dtype=np.float64)


def expected_curve(values: Floats, goal: Goal, bootstrap: Bootstrap) -> MeanCurve:
    """The expected best of 1, 2, ... trials, with pointwise intervals over whole searches; no interval for one search.

    `values` is (searches x trials), of at least one complete random search, no NaN. The bootstrap resamples jackknife
    pseudo-values of the searches, in which the estimate is linear. Resampling the trials themselves would not do: a resample that
    holds a search twice holds its best value twice, which makes the expected best worse than it is (docs/reference/statistics.md has the
    coverage of both).
    """
    searches, length = values.shape
    trials = np.arange(1, length + 1, dtype=np.int64)
    whole = expected_best(values.ravel(), trials, goal)
    low = high = np.full(length, np.nan)
    if searches > 1:
        without = np.array([expected_best(np.delete(values, row, axis=0).ravel(), trials, goal) for row in range(searches)])
        low, high = mean_intervals(searches * whole - (searches - 1) * without, bootstrap)
    return MeanCurve(np.full(length, searches, dtype=np.int64), whole, low, high)


def trials_to_match(values: Floats, level: float, goal: Goal) -> int | None:
    """The smallest number of trials whose expected best reaches a level, from (N,) values of independent trials, no NaN.

    None when half of the trials do not reach it: beyond, the estimate rests on the few best values alone.
    """
    low, high = 0, len(values) // 2

    def reached(trials: int) -> bool:
        return bool(goal.reached(expected_best(values, np.array([trials]), goal)[0], level))

    if high < 1 or not reached(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _weights(trials: Ints, n_values: int) -> Floats:
    """(k x N) C(i - 1, n - 1) / C(N, n) for i = 1 .. N, by its ratio from i to i - 1, which is (i - n) / (i - 1)."""
    index = np.arange(n_values, 1, -1)
    ratios = np.maximum(index - trials[:, None], 0) / np.maximum(index - 1, 1)
    last = (trials / n_values)[:, None]
    return np.asarray(np.concatenate([last, last * np.cumprod(ratios, axis=1)], axis=1)[:, ::-1], dtype=np.float64)
