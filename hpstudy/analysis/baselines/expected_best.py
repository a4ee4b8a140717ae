"""The expected best value of n random trials, estimated from all trials of a random search.

The trials of random searches are independent and identically distributed, so any n of them are a random search of n trials. The mean best
over all choices of n trials is therefore an unbiased estimate, with much less variance than the mean over the searches as they ran. The
estimate is not valid for a searcher that learns from its trials.

References:
    Tang et al. (2020), Showing your work doesn't always work, ACL, https://doi.org/10.18653/v1/2020.acl-main.246 (unbiased estimator)
    Dodge et al. (2019), Show your work, EMNLP, https://doi.org/10.18653/v1/D19-1224
    Arvesen (1969), Jackknifing U-statistics, Ann. Math. Stat. 40, https://doi.org/10.1214/aoms/1177697287 (pseudo-values)
"""

from __future__ import annotations

import numpy as np

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.curves.best_so_far import MeanCurve
from hpstudy.analysis.statistics.bootstrap import Bootstrap, mean_intervals
from hpstudy.goal import Goal


def expected_best(values: Floats, trials: Ints, goal: Goal) -> Floats:
    """E[best of n trials]: the mean of the best value over all choices of n trials (Tang et al. 2020).

    Takes (N,) values of independent trials, no NaN, and (k,) numbers of trials n with 1 <= n <= N. Returns (k,) sums over i >= n of
    C(i - 1, n - 1) / C(N, n) v_(i), where v_(1) is the worst value and v_(N) the best.
    """
    ascending = goal.sign * np.sort(goal.sign * values)
    return np.asarray(_weights(trials, len(values)) @ ascending, dtype=np.float64)


def expected_curve(values: Floats, goal: Goal, bootstrap: Bootstrap) -> MeanCurve:
    """The expected best of 1, 2, ... trials, with pointwise bootstrap intervals over searches; no interval for one search.

    `values` is (searches x trials) of at least one complete random search, no NaN. The bootstrap resamples jackknife pseudo-values of
    the searches, in which the estimate is linear. Resampling the trials themselves would be biased: a resample that holds a search
    twice holds its best value twice, and its expected best is too low (docs/reference/statistics.md has the coverage).
    """
    searches, length = values.shape
    trials = np.arange(1, length + 1, dtype=np.int64)
    expected = expected_best(values.ravel(), trials, goal)  # (trials,)
    low = high = np.full(length, np.nan)
    if searches > 1:
        rest = (np.delete(values, row, axis=0).ravel() for row in range(searches))
        without_one = np.array([expected_best(others, trials, goal) for others in rest])  # (searches, trials)
        low, high = mean_intervals(searches * expected - (searches - 1) * without_one, bootstrap)
    return MeanCurve(np.full(length, searches, dtype=np.int64), expected, low, high)


def trials_to_match(values: Floats, level: float, goal: Goal) -> int | None:
    """The smallest number of trials whose expected best reaches a level; `values` is (N,) of independent trials, no NaN.

    None when the expected best of half of the trials does not reach it: beyond N / 2 the estimate depends on the few best values.
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
    """(k x N) weights C(i - 1, n - 1) / C(N, n) for i = 1 .. N, computed from the ratio of consecutive weights (i - n) / (i - 1)."""
    index = np.arange(n_values, 1, -1)
    ratios = np.maximum(index - trials[:, None], 0) / np.maximum(index - 1, 1)
    last = (trials / n_values)[:, None]
    return np.asarray(np.concatenate([last, last * np.cumprod(ratios, axis=1)], axis=1)[:, ::-1], dtype=np.float64)
