"""A difference held against a margin, the smallest difference that matters: one-sided bounds and the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.estimate import mean_of

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


def one_sided(differences: Floats, bootstrap: Bootstrap) -> Bounds:
    """Both one-sided bounds of a mean of (replicates,) differences, each at the full confidence; NaN with one replicate.

    They are the ends of the two-sided interval at 1 - 2 alpha, alpha = 1 - confidence.
    """
    mean = mean_of(differences, _each_side(bootstrap))
    return Bounds(mean.low, mean.high)


def _each_side(bootstrap: Bootstrap) -> Bootstrap:
    """The same resamples at 1 - 2 alpha, so that each end of an interval is a one-sided bound at 1 - alpha."""
    return replace(bootstrap, confidence=2 * bootstrap.confidence - 1)


def verdict(gain: Floats, margin: float, bootstrap: Bootstrap) -> Verdict:
    """What the margin makes of a difference: two one-sided tests, each at alpha = 1 - confidence, and the two-sided interval.

    `gain` is (replicates,), larger is better for the first view. Equivalent when the (1 - 2 alpha) interval lies within +-margin
    (> 0); else superior or inferior when the (1 - alpha) interval lies on one side of 0; else non-inferior when the (1 - 2 alpha)
    interval lies above -margin; else inconclusive.
    """
    outer, inner = mean_of(gain, bootstrap), mean_of(gain, _each_side(bootstrap))
    if inner.low > -margin and inner.high < margin:
        return "equivalent"
    if outer.low > 0:
        return "superior"
    if outer.high < 0:
        return "inferior"
    return "non-inferior" if inner.low > -margin else "inconclusive"
