"""Verdicts on a difference with respect to 0 and to a margin, the smallest relevant difference.

References:
    Schuirmann (1987), J. Pharmacokinet. Biopharm. 15, https://doi.org/10.1007/BF01068419 (two one-sided tests)
    Bahadur and Savage (1956), Ann. Math. Stat. 27, https://doi.org/10.1214/aoms/1177728077 (no test of a mean holds its level for all
    distributions: a rare large value may occur in no sample)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.estimate import mean_of
from hpstudy.analysis.statistics.student import t_mean

Side: TypeAlias = Literal[-1, 0, 1]
"""The side of 0 on which a difference is shown to lie: below 0, not shown, above 0."""

Verdict = Literal["superior", "non-inferior", "equivalent", "inconclusive", "inferior"]
"""Verdicts on a difference with respect to the margin, for the first view."""

ENOUGH = 29
"""Smallest number of replicates for the verdicts equivalent and non-inferior. 0.9**29 < 0.05: a loss in one search of ten occurs in at
least 95% of the studies of this size. With fewer replicates, the verdict is withheld."""


def shown_side(low: float, high: float, p: float, alpha: float) -> Side | None:
    """The side of 0 of a difference, shown if its interval excludes 0 and the adjusted p of its test is below alpha.

    None without an interval.
    """
    if low != low or high != high:
        return None
    if p >= alpha:
        return 0
    return 1 if low > 0 else -1 if high < 0 else 0


@dataclass(frozen=True)
class Bounds:
    """One-sided confidence bounds of a mean difference, each at level `confidence`.

    Attributes:
        lower: the difference is above it.
        upper: the difference is below it.
    """

    lower: float
    upper: float

    def within(self, above: float, below: float) -> bool:
        """Whether the difference lies between two values (two one-sided tests)."""
        return self.lower > above and self.upper < below


def one_sided(differences: Floats, bootstrap: Bootstrap) -> Bounds:
    """Both one-sided bounds of the mean of (replicates,) differences, each at level `confidence`; NaN with one replicate.

    They are the ends of a two-sided interval at 1 - 2 alpha, alpha = 1 - confidence. Each is the wider one of Student's t and BCa: t is too
    short with a rare large loss, BCa with heavy tails (docs/reference/statistics.md).
    """
    inner = replace(bootstrap, confidence=2 * bootstrap.confidence - 1)
    t, bca = t_mean(differences, inner.confidence), mean_of(differences, inner)
    return Bounds(min(t.low, bca.low), max(t.high, bca.high))


def verdict(gain: Floats, margin: float, p: float, bootstrap: Bootstrap) -> Verdict:
    """The verdict on (replicates,) gains with respect to the margin; larger is better for the first view.

    Equivalent if both one-sided bounds lie within +-margin (> 0), with at least `ENOUGH` replicates. Else superior or inferior if the
    difference is shown (`shown_side`) by p, the adjusted p. Else non-inferior if the lower bound is above -margin, with at least `ENOUGH`
    replicates. Else inconclusive.
    """
    bounds, interval = one_sided(gain, bootstrap), t_mean(gain, bootstrap.confidence)
    enough = len(gain) >= ENOUGH
    if enough and bounds.within(-margin, margin):
        return "equivalent"
    side = shown_side(interval.low, interval.high, p, 1 - bootstrap.confidence)
    if side:
        return "superior" if side > 0 else "inferior"
    return "non-inferior" if enough and bounds.lower > -margin else "inconclusive"
