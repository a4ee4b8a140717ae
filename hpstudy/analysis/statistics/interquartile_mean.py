"""The interquartile mean, which is robust to single outlying searches.

Reference: Agarwal et al. (2021), Deep reinforcement learning at the edge of the statistical precipice, NeurIPS 34,
https://arxiv.org/abs/2108.13264 (interquartile mean with a percentile bootstrap)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.statistics.bootstrap import Bootstrap, percentile_interval

TRIMMED = 0.25
"""Share of the searches trimmed at either end, rounded down to whole searches as in scipy.stats.trim_mean."""

BLOCK = 2_000
"""Number of resamples that are transposed at a time, so that a block of 250 searches stays in the cache of a core."""


@dataclass(frozen=True)
class IqmCurve:
    """The interquartile mean over searches at every trial, with a pointwise interval.

    Attributes:
        searches: (trials,) number of searches.
        iqm, low, high: (trials,) NaN without a search; the ends are NaN with one.
    """

    searches: Ints
    iqm: Floats
    low: Floats
    high: Floats


def iqm_curve(best: Floats, bootstrap: Bootstrap) -> IqmCurve:
    """The interquartile mean of the best so far, at each trial over the searches that have finished that trial.

    `best` is (searches x trials), NaN for trials not finished yet. The interval is the percentile bootstrap of whole searches with
    Hesterberg's small-sample expansion; trials with the same searches share their resamples.
    """
    present = ~np.isnan(best)
    iqm, low, high = (np.full(best.shape[1], np.nan) for _ in range(3))
    for trial in np.flatnonzero(present.any(axis=0)):
        values = best[present[:, trial], trial]  # (searches,)
        iqm[trial] = stats.trim_mean(values, TRIMMED)
        low[trial], high[trial] = percentile_interval(resampled_iqm(values, bootstrap), len(values), bootstrap.confidence)
    return IqmCurve(present.sum(axis=0).astype(np.int64), iqm, low, high)


def resampled_iqm(values: Floats, bootstrap: Bootstrap) -> Floats:
    """(resamples,) interquartile mean of (searches,) values, no NaN, in every resample."""
    n = len(values)
    order = np.argsort(values, kind="stable")
    cut = int(TRIMMED * n)
    # A value that occurs k times in a resample fills positions last - k to last of its ordered values. Sums and differences of whole rows
    # take less than half of the time of those within rows.
    last = bootstrap.counts(n).take(order, axis=0)  # (searches, resamples), in ascending order of the values
    for row, before in zip(last[1:], last, strict=False):
        row += before
    np.clip(last, cut, n - cut, out=last)
    untrimmed = np.diff(last, axis=0, prepend=last.dtype.type(cut))  # (searches, resamples) copies that are kept
    sums = [
        untrimmed[:, start : start + BLOCK].T.astype(np.float64, order="C") @ values[order]
        for start in range(0, bootstrap.resamples, BLOCK)
    ]
    return np.concatenate(sums) / (n - 2 * cut)
