"""A difference held against 0 and against a margin, the smallest difference that matters: where it lies, bounds and the verdict.

References: Schuirmann (1987), J. Pharmacokinet. Biopharm. 15 (two one-sided tests). Bahadur and Savage (1956), Ann. Math. Stat. 27: no test
of a mean holds its level for all distributions, since a rare large value may be in no sample.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.estimate import mean_of
from hpstudy.analysis.statistics.student import t_mean

Side: TypeAlias = Literal[-1, 0, 1]
"""Where a difference is shown to lie: below 0, not shown, above 0."""

Verdict = Literal["superior", "non-inferior", "equivalent", "inconclusive", "inferior"]
"""What a declared margin makes of a difference, from the side of the first view."""

ENOUGH = 29
"""Replicates below which no mean is called equivalent or non-inferior: 0.9**29 < 0.05, so that a loss in a tenth of the searches is in 95 %
of the studies. With fewer, the verdict is withheld."""


def shown(low: float, high: float, p: float, alpha: float) -> Side | None:
    """Where a difference is shown to lie: its interval excludes 0, and the p of its test, adjusted for its family, is below alpha.

    None without an interval.
    """
    if low != low or high != high:
        return None
    if p >= alpha:
        return 0
    return 1 if low > 0 else -1 if high < 0 else 0


@dataclass(frozen=True)
class Bounds:
    """One-sided confidence bounds of a mean difference, each at the full confidence.

    Attributes:
        lower: the difference is above it.
        upper: the difference is below it.
    """

    lower: float
    upper: float

    def within(self, above: float, below: float) -> bool:
        """Whether the difference lies between two values, by two one-sided tests."""
        return self.lower > above and self.upper < below


def one_sided(differences: Floats, bootstrap: Bootstrap) -> Bounds:
    """Both one-sided bounds of a mean of (replicates,) differences, each at the full confidence; NaN with one replicate.

    They are the ends of a two-sided interval at 1 - 2 alpha, alpha = 1 - confidence: each the outer one of Student's t and BCa. t is too
    short beside a rare large loss, BCa with heavy tails (docs/reference/statistics.md).
    """
    inner = replace(bootstrap, confidence=2 * bootstrap.confidence - 1)
    t, bca = t_mean(differences, inner.confidence), mean_of(differences, inner)
    return Bounds(min(t.low, bca.low), max(t.high, bca.high))


def verdict(gain: Floats, margin: float, p: float, bootstrap: Bootstrap) -> Verdict:
    """What the margin makes of a difference of (replicates,) gains, larger is better for the first view.

    Equivalent when both one-sided bounds lie within +-margin (> 0), with at least `ENOUGH` replicates; else superior or inferior when the
    difference is `shown` by p, which is adjusted for its family; else non-inferior when the lower bound lies above -margin, with at least
    `ENOUGH` replicates; else inconclusive.
    """
    bounds, interval = one_sided(gain, bootstrap), t_mean(gain, bootstrap.confidence)
    enough = len(gain) >= ENOUGH
    if enough and bounds.within(-margin, margin):
        return "equivalent"
    side = shown(interval.low, interval.high, p, 1 - bootstrap.confidence)
    if side:
        return "superior" if side > 0 else "inferior"
    return "non-inferior" if enough and bounds.lower > -margin else "inconclusive"
