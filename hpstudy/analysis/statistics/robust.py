"""Summaries that one odd search cannot move far: the interquartile mean, and the Hodges-Lehmann shift.

References: Agarwal et al. (2021), Deep reinforcement learning at the edge of the statistical precipice, NeurIPS 34 (interquartile
mean with a percentile bootstrap). Hodges and Lehmann (1963), Estimates of location based on rank tests, Ann. Math. Stat. 34.
Hollander and Wolfe (1999), Nonparametric statistical methods, section 3.3 (its interval).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Bools, Floats, Ints
from hpstudy.analysis.statistics.bootstrap import Resampling, percentile_interval
from hpstudy.analysis.statistics.ranks import signed_rank_distribution

TRIMMED = 0.25
"""Share of the searches that is left out at either end; rounded down to whole searches, as scipy.stats.trim_mean does."""

EXACT_UP_TO = 200
"""Replicates up to which the interval of the shift counts all sign patterns; beyond, the normal approximation is as good."""


@dataclass(frozen=True)
class IqmCurve:
    """An interquartile mean over searches at every trial, with a pointwise interval.

    Attributes:
        searches: (trials,) how many searches it is over.
        iqm, low, high: (trials,) NaN where there is no search, and no interval where there is only one.
    """

    searches: Ints
    iqm: Floats
    low: Floats
    high: Floats


def iqm_curve(best: Floats, resampling: Resampling, confidence: float) -> IqmCurve:
    """The interquartile mean of the best so far, at each trial over the searches that have spent that trial.

    The interval is the percentile bootstrap of whole searches, with Hesterberg's small-sample expansion of its levels.

    Args:
        best: (searches x trials) best so far, NaN where a search has not come yet.
        resampling: where resamples come from; trials with the same searches share their resamples.
        confidence: level of the pointwise intervals.
    """
    present = ~np.isnan(best)
    middle, low, high = (np.full(best.shape[1], np.nan) for _ in range(3))
    for trial, rows in _columns(present):
        values = best[rows, trial]
        n = len(values)
        middle[trial] = stats.trim_mean(values, TRIMMED)
        if n >= 2:
            low[trial], high[trial] = percentile_interval(resampled_iqm(values, resampling), n, confidence)
    return IqmCurve(present.sum(axis=0).astype(np.int64), middle, low, high)


def resampled_iqm(values: Floats, resampling: Resampling) -> Floats:
    """The interquartile mean of every resample, (resamples,).

    Args:
        values: (searches,) no NaN.
        resampling: where resamples come from.
    """
    n = len(values)
    order = np.argsort(values, kind="stable")
    last = np.rint(resampling.weights(n)[:, order] * n).astype(np.int64).cumsum(axis=1)
    cut = int(TRIMMED * n)
    # A value that occurs k times in a resample fills positions last - k to last of its ordered row.
    kept = np.diff(np.clip(last, cut, n - cut), axis=1, prepend=cut)
    return np.asarray(kept @ values[order] / (n - 2 * cut), dtype=np.float64)


@dataclass(frozen=True)
class Shift:
    """The Hodges-Lehmann estimate of a paired shift.

    Attributes:
        estimate: median of the Walsh averages (d_i + d_j) / 2, i <= j.
        low, high: the interval that belongs to the signed-rank test.
        achieved: its confidence: at least the one asked for, or less where few replicates cannot give that much.
    """

    estimate: float
    low: float
    high: float
    achieved: float


def shift(differences: Floats, confidence: float) -> Shift:
    """By how much one view is shifted against the other.

    The interval runs from the k-th smallest to the k-th largest Walsh average, with k the largest number whose tail of the
    signed-rank distribution is at most half of 1 - confidence. It is exact for continuous symmetric differences and errs on the
    safe side with ties.

    Args:
        differences: (replicates,) A minus B, at least one.
        confidence: level of the interval.
    """
    n = len(differences)
    first, second = np.triu_indices(n)
    walsh = np.sort((differences[first] + differences[second]) / 2)
    if n > EXACT_UP_TO:
        mean, sd = len(walsh) / 2, np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        k = max(1, int(np.floor(stats.norm.ppf((1 - confidence) / 2, mean, sd))))
        achieved = float(1 - 2 * stats.norm.cdf(k - 0.5, mean, sd))
    else:
        tail = np.cumsum(signed_rank_distribution(np.arange(1, n + 1)))
        k = max(1, int(np.searchsorted(tail, (1 - confidence) / 2 * (1 + 1e-12), side="right")))
        achieved = float(1 - 2 * tail[k - 1])
    return Shift(float(np.median(walsh)), float(walsh[k - 1]), float(walsh[-k]), achieved)


def _columns(present: Bools) -> Iterator[tuple[int, Bools]]:
    """Every trial that any search has spent, and which searches those are."""
    for trial in np.flatnonzero(present.any(axis=0)).tolist():
        yield trial, present[:, trial]
