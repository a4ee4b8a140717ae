"""Variance reduction by pairing, and probabilities that one view is better than the other.

References:
    Welch (1947), Biometrika 34, https://doi.org/10.1093/biomet/34.1-2.28
    Wilson (1927), JASA 22, https://doi.org/10.1080/01621459.1927.10502953
    Bouthillier et al. (2021), Accounting for variance in machine learning benchmarks, MLSys 3, https://arxiv.org/abs/2103.03098
    (paired win share)
    Agarwal et al. (2021), Deep reinforcement learning at the edge of the statistical precipice, NeurIPS 34,
    https://arxiv.org/abs/2108.13264 (unpaired probability of improvement)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.bootstrap import Bootstrap, percentile_interval
from hpstudy.analysis.statistics.deviation import scaled
from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.analysis.statistics.survival import wilson
from hpstudy.goal import Goal


@dataclass(frozen=True)
class Unpaired:
    """The interval of the mean difference without pairing, and the variance reduction by pairing.

    Attributes:
        low, high: Welch's t interval.
        reduction: 1 - var(A - B) / (var A + var B), the share of the unpaired variance that pairing removes; negative if pairing adds
            variance, NaN if neither view varies.
    """

    low: float
    high: float
    reduction: float


def unpaired(a: Floats, b: Floats, confidence: float) -> Unpaired:
    """Analyze (replicates,) values of A and B without pairing; NaN with one replicate."""
    n = len(a)
    if n < 2:
        nan = float("nan")
        return Unpaired(nan, nan, nan)
    (a, b), unit = scaled(np.stack([a, b]))
    var_a, var_b = float(a.var(ddof=1)), float(b.var(ddof=1))
    mean, total = float(a.mean() - b.mean()), var_a + var_b
    if total == 0:
        return Unpaired(math.ldexp(mean, unit), math.ldexp(mean, unit), float("nan"))
    # Scaled exactly by a power of two: squares of variances of 1e-300 or 1e300 would under- or overflow.
    exponent = math.frexp(total)[1]
    scaled_a, scaled_b, scaled_total = (math.ldexp(variance, -exponent) for variance in (var_a, var_b, total))
    freedom = scaled_total**2 * (n - 1) / (scaled_a**2 + scaled_b**2)
    half_width = float(stats.t.ppf((1 + confidence) / 2, freedom)) * float(np.sqrt(total / n))
    low, high = math.ldexp(mean - half_width, unit), math.ldexp(mean + half_width, unit)
    return Unpaired(low, high, 1 - float((a - b).var(ddof=1)) / total)


def win_share(a: Floats, b: Floats, goal: Goal, confidence: float) -> Estimate:
    """P(A better than B) within a replicate: the share of replicates in which A is better, with Wilson's interval; ties count half.

    `a` and `b` are (replicates,) values.
    """
    wins = float(_better(a, b, goal).sum())
    return Estimate(wins / len(a), *wilson(wins, len(a), confidence))


def improvement(a: Floats, b: Floats, goal: Goal, bootstrap: Bootstrap) -> Estimate:
    """P(A better than B) for independent searches of A and B: the Mann-Whitney U / (n m), without pairing.

    `a` and `b` are (replicates,) values. The interval is a percentile bootstrap of whole replicates with the small-sample expansion. Its
    width is 0 if all searches of one view are better than all of the other; its ends are NaN with one replicate.
    """
    n = len(a)
    better = _better(a[:, None], b[None, :], goal)  # (searches of A, searches of B)
    weights = bootstrap.weights(n)  # (resamples, replicates)
    resampled = np.einsum("ri,ri->r", weights @ better, weights)
    return Estimate(float(better.mean()), *percentile_interval(resampled, n, bootstrap.confidence))


def _better(a: Floats, b: Floats, goal: Goal) -> Floats:
    """1 where A is better, 1/2 for a tie, else 0."""
    return np.asarray((np.sign(goal.sign * (a - b)) + 1) / 2, dtype=np.float64)
