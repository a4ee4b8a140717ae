"""The number of best points at the ends of their ranges: a search space that excludes the optimum biases the comparison."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.survival import wilson

MARGIN = 0.05
"""Share of the (logarithmic) range at either end that counts as the edge."""


@dataclass(frozen=True)
class BoundaryHits:
    """Positions of the best points of a view's searches in the range of one hyperparameter.

    Attributes:
        name: the hyperparameter.
        searches: number of searches with a best point.
        at_low, at_high: numbers of these points at the lower and at the upper edge.
        share: (at_low + at_high) / searches; NaN without searches.
        low, high: Wilson's interval of the share. Uniformly distributed points would have a share of 2 MARGIN.
    """

    name: str
    searches: int
    at_low: int
    at_high: int
    share: float
    low: float
    high: float


def boundary_hits(name: str, unit: Floats, confidence: float) -> BoundaryHits:
    """Count the best points at the edges; `unit` is (searches,) positions in the range, from 0 (lower end) to 1 (upper end)."""
    n = len(unit)
    at_low, at_high = int((unit <= MARGIN).sum()), int((unit >= 1 - MARGIN).sum())
    share = (at_low + at_high) / n if n else float("nan")
    return BoundaryHits(name, n, at_low, at_high, share, *wilson(at_low + at_high, n, confidence))


def unit_coordinates(values: Floats, low: float, high: float, *, log: bool) -> Floats:
    """Positions of values in a range, from 0 to 1, on a linear or logarithmic scale."""
    if log:
        values, low, high = np.log(values), float(np.log(low)), float(np.log(high))
    return np.asarray((values - low) / (high - low), dtype=np.float64)
