"""A difference held against a margin, the smallest difference that matters: one-sided bounds and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.bootstrap import Resampling, mean_intervals

Verdict = Literal["superior", "non-inferior", "equivalent", "inconclusive", "inferior"]
"""What a declared margin makes of a difference, from the side of the first view."""


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


def verdict(gain: Floats, margin: float, resampling: Resampling, confidence: float) -> Verdict:
    """What the margin makes of a difference: two one-sided tests, each at alpha = 1 - confidence, and the two-sided interval.

    Equivalent when the (1 - 2 alpha) interval lies within +-margin; else superior or inferior when the (1 - alpha) interval
    lies on one side of 0; else non-inferior when the (1 - 2 alpha) interval lies above -margin; else inconclusive.

    Args:
        gain: (replicates,) difference with the sign set so that larger is better for the first view.
        margin: the smallest difference that matters, > 0.
        resampling: where resamples come from.
        confidence: 1 - alpha.
    """
    low, high = (float(end[0]) for end in mean_intervals(gain[:, None], resampling, confidence))
    inner_low, inner_high = (float(end[0]) for end in mean_intervals(gain[:, None], resampling, 2 * confidence - 1))
    if inner_low > -margin and inner_high < margin:
        return "equivalent"
    if low > 0:
        return "superior"
    if high < 0:
        return "inferior"
    return "non-inferior" if inner_low > -margin else "inconclusive"
