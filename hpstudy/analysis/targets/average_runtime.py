"""Ratios of the numbers of trials that two views need to reach the target.

References:
    Royston and Parmar (2013), Restricted mean survival time, BMC Med. Res. Methodol. 13, https://doi.org/10.1186/1471-2288-13-152
    Hansen et al. (2016), COCO: performance assessment, https://arxiv.org/abs/1605.03560 (average runtime)
"""

from __future__ import annotations

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats
from hpstudy.analysis.statistics.bootstrap import Bootstrap, percentile_interval
from hpstudy.analysis.statistics.estimate import Estimate


def mean_ratio(a: Floats, b: Floats, bootstrap: Bootstrap) -> Estimate:
    """Ratio of restricted mean trials-to-target, A over B: "A needs x times the trials".

    `a` and `b` are (replicates,) min(trials-to-target, horizon), each at least 1; replicate r of both is resampled together.
    """
    weights = bootstrap.weights(len(a))
    interval = percentile_interval((weights @ a) / (weights @ b), len(a), bootstrap.confidence)
    return Estimate(float(a.mean() / b.mean()), *interval)


def average_runtime(spent: Floats, reached: Bools, bootstrap: Bootstrap) -> Estimate:
    """Average runtime aRT: trials of all searches divided by the number of searches that reached the target.

    `spent` is the (searches,) number of trials until the target, or all trials of a search that did not reach it; `reached` is
    (searches,). aRT estimates the number of trials until success if a search without success is restarted after all its trials.
    """
    successes, n = reached.astype(np.float64), len(spent)
    value = _ratio(float(spent.sum()), float(successes.sum()))
    weights = bootstrap.weights(n)
    with np.errstate(divide="ignore"):
        resampled = (weights @ spent) / (weights @ successes)
    return Estimate(value, *percentile_interval(resampled, n, bootstrap.confidence))


def runtime_ratio(spent_a: Floats, reached_a: Bools, spent_b: Floats, reached_b: Bools, bootstrap: Bootstrap) -> Estimate:
    """Ratio of average runtimes, A over B, over paired replicates; all arguments are (replicates,) arrays.

    A resample in which no search of either view reaches the target widens both ends of the interval.
    """
    n = len(spent_a)
    successes_a, successes_b = reached_a.astype(np.float64), reached_b.astype(np.float64)
    value = _ratio(float(spent_a.sum() * successes_b.sum()), float(spent_b.sum() * successes_a.sum()))
    weights = bootstrap.weights(n)  # (resamples, replicates)
    numerator = (weights @ spent_a) * (weights @ successes_b)  # (resamples,), as is the denominator
    denominator = (weights @ spent_b) * (weights @ successes_a)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = percentile_interval(numerator / denominator, n, bootstrap.confidence)
    return Estimate(value, max(low, 0.0), high)


def _ratio(numerator: float, denominator: float) -> float:
    """The ratio, infinite for a denominator of 0; NaN for 0 / 0."""
    if denominator:
        return numerator / denominator
    return float("inf") if numerator else float("nan")
