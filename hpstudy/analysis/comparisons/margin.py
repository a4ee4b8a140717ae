"""One-sided bounds of a difference, to be held against a margin (`budgets.verdict` gives the verdict itself)."""

from __future__ import annotations

from dataclasses import dataclass

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.bootstrap import Resampling, mean_intervals


@dataclass(frozen=True)
class Bounds:
    """One-sided confidence bounds of a mean difference, each at the full confidence.

    Attributes:
        lower: the difference is above it.
        upper: the difference is below it.
    """

    lower: float
    upper: float


def one_sided(differences: Floats, resampling: Resampling, confidence: float) -> Bounds:
    """Both one-sided bounds: the ends of the two-sided interval at 1 - 2 alpha, alpha = 1 - confidence.

    Args:
        differences: (replicates,) A minus B.
        resampling: where resamples come from.
        confidence: of each bound by itself.

    Returns:
        NaN with one replicate.
    """
    low, high = mean_intervals(differences[:, None], resampling, 2 * confidence - 1)
    return Bounds(float(low[0]), float(high[0]))
