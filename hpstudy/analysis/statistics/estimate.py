"""Estimates with their confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.bootstrap import Bootstrap, mean_intervals


@dataclass(frozen=True)
class Estimate:
    """An estimate (mean, share or ratio) with its interval.

    Attributes:
        value: the estimate.
        low, high: its interval; NaN with too few data.
    """

    value: float
    low: float
    high: float

    def within(self, possible: tuple[float, float]) -> Self:
        """The same estimate, its interval intersected with the range in which its true value must lie.

        The interval covers the true value as often as before, and has no values that cannot be true.
        """
        low, high = (float(end) for end in np.clip([self.low, self.high], *possible))  # NaN stays
        return replace(self, low=low, high=high)

    def counted(self, n: int) -> CountedEstimate:
        """The same estimate with the number of values behind it."""
        return CountedEstimate(self.value, self.low, self.high, n)


@dataclass(frozen=True)
class CountedEstimate(Estimate):
    """An estimate with the number of values behind it.

    Attributes:
        n: number of searches, replicates or seeds.
    """

    n: int


def mean_of(values: Floats, bootstrap: Bootstrap) -> Estimate:
    """The mean of (searches,) values, or of paired differences, with its BCa interval.

    `values` has no NaN. The mean is NaN without values, the ends are NaN with one.
    """
    if not values.size:
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = mean_intervals(values[:, None], bootstrap)
    return Estimate(float(values.mean()), float(low[0]), float(high[0]))
