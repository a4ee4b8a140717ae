"""A number with its interval."""

from __future__ import annotations

from dataclasses import dataclass

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.bootstrap import Resampling, mean_intervals


@dataclass(frozen=True)
class Estimate:
    """An estimate: a mean, a share or a ratio.

    Attributes:
        value: the estimate.
        low, high: its interval; NaN where there is too little to tell.
    """

    value: float
    low: float
    high: float


def mean_of(values: Floats, resampling: Resampling, confidence: float) -> Estimate:
    """The mean of one number for each search, or of paired differences, with its BCa interval.

    Args:
        values: (searches,) no NaN.
        resampling: where resamples come from.
        confidence: level of the interval.

    Returns:
        NaN without values, and NaN ends for one.
    """
    if not values.size:
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = mean_intervals(values[:, None], resampling, confidence)
    return Estimate(float(values.mean()), float(low[0]), float(high[0]))
