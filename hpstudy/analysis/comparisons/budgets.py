"""Comparisons of views at equal numbers of trials.

All comparisons are paired: replicate r of both views trains on the same split, data order and initial weights. Only replicates that
are complete in both views are used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats, Ints
from hpstudy.analysis.comparisons.margin import Side, Verdict
from hpstudy.analysis.statistics.bootstrap import Band, Bootstrap, ranges, simultaneous_band
from hpstudy.analysis.statistics.deviation import deviation, paired_differences, scaled
from hpstudy.analysis.statistics.estimate import mean_of
from hpstudy.analysis.statistics.permutation import SignFlip, sign_flip
from hpstudy.analysis.statistics.power import POWER, detectable
from hpstudy.analysis.statistics.student import t_intervals, t_mean
from hpstudy.display import estimate
from hpstudy.goal import Goal


@dataclass(frozen=True)
class ViewBudget:
    """One view after a number of trials: statistics of the best so far over the searches that have finished this many trials.

    Attributes:
        mean, sd, median: sd is None with one search; all are NaN without searches.
        low, high: BCa interval of the mean.
    """

    budget: int
    searches: int
    mean: float
    sd: float
    median: float
    low: float
    high: float

    def __repr__(self) -> str:
        return f"<ViewBudget after {self.budget:,} trials: {estimate(self.mean, self.low, self.high)}, {self.searches} searches>"


def view_budget(best: Floats, budget: int, bootstrap: Bootstrap) -> ViewBudget:
    """Describe one view after `budget` trials (from 1); `best` is (searches x trials), NaN for trials not finished yet."""
    values = best[~np.isnan(best[:, budget - 1]), budget - 1]
    mean = mean_of(values, bootstrap)
    sd = float(deviation(values)) if values.size > 1 else float("nan")
    median = float(np.median(values)) if values.size else float("nan")
    return ViewBudget(budget, values.size, mean.value, sd, median, mean.low, mean.high)


@dataclass(frozen=True)
class Difference:
    """The paired difference of two best-so-far curves, A minus B, at every trial.

    Attributes:
        mean, low, high: (trials,) mean over replicates and pointwise t interval.
        band: the simultaneous band; None with one replicate.
        excludes_zero: (first, last) trials, counted from 1, of the ranges in which the band excludes 0.
    """

    mean: Floats
    low: Floats
    high: Floats
    band: Band | None
    excludes_zero: tuple[tuple[int, int], ...]


def difference_curve(a: Floats, b: Floats, bootstrap: Bootstrap) -> Difference:
    """Compare two curves at every trial; both are (replicates x trials) best so far of complete searches."""
    d = a - b  # (replicates, trials)
    low, high = t_intervals(d, bootstrap.confidence)
    band = simultaneous_band(d, bootstrap) if len(d) >= 2 else None
    excludes_zero = ranges((band.low > 0) | (band.high < 0)) if band else ()
    return Difference(d.mean(axis=0), low, high, band, excludes_zero)


@dataclass(frozen=True)
class BudgetDifference:
    """Two views after the same number of trials: A minus B over paired replicates.

    Attributes:
        replicates: number of pairs.
        values_a, values_b: (replicates,) best so far of each.
        mean, low, high: mean difference and its t interval.
        sd: standard deviation of the differences.
        effect: mean / sd (d_z of Cohen 1988, see `statistics.power`); NaN when all differences are equal.
        wins, ties, losses: numbers of replicates in which A is better, equal, worse.
        test: sign-flip test.
        correlation: Pearson correlation of the two views over replicates, which measures the benefit of pairing; NaN when a view does not
            vary.
        detectable: smallest true difference that a two-sided paired t test finds with 80% power, in units of the metric, given sd; NaN
            where `floor` is too large for any difference to be significant.
        adjusted: p of the test, adjusted for all tests of its family. `adjusted` and `floor` are NaN, and the attributes below None,
            until `comparisons.family` sets them.
        floor: smallest value of `adjusted` that this number of replicates can give.
        shown: side of 0 on which the difference is shown to lie; None with one replicate.
        verdict: verdict with respect to the declared margin; None without a margin.
    """

    budget: int
    replicates: int
    values_a: Floats
    values_b: Floats
    mean: float
    low: float
    high: float
    sd: float
    effect: float
    wins: int
    ties: int
    losses: int
    test: SignFlip
    correlation: float
    detectable: float
    adjusted: float = float("nan")
    floor: float = float("nan")
    shown: Side | None = None
    verdict: Verdict | None = None

    def __repr__(self) -> str:
        return f"<BudgetDifference after {self.budget:,} trials: {estimate(self.mean, self.low, self.high)}, {self.replicates} replicates>"


def budget_difference(a: Floats, b: Floats, budget: int, goal: Goal, bootstrap: Bootstrap, *, seed: int) -> BudgetDifference:
    """Compare two views after `budget` trials (from 1); `a` and `b` are (replicates x trials) best so far of complete searches.

    `seed` is the seed of the sign-flip test.
    """
    x, y = a[:, budget - 1], b[:, budget - 1]  # (replicates,), as is `d`
    d = paired_differences(x, y)
    n = len(d)
    mean = t_mean(d, bootstrap.confidence)
    gain = goal.sign * d
    sd = float(deviation(d)) if n > 1 else float("nan")
    varies = n > 1 and np.ptp(x) > 0 and np.ptp(y) > 0
    return BudgetDifference(
        budget=budget,
        replicates=n,
        values_a=x.copy(),
        values_b=y.copy(),
        mean=mean.value,
        low=mean.low,
        high=mean.high,
        sd=sd,
        effect=mean.value / sd if sd > 0 else float("nan"),
        wins=int((gain > 0).sum()),
        ties=int((gain == 0).sum()),
        losses=int((gain < 0).sum()),
        test=sign_flip(d, seed),
        correlation=float(np.corrcoef(scaled(x)[0], scaled(y)[0])[0, 1]) if varies else float("nan"),
        detectable=detectable(n, POWER, 1 - bootstrap.confidence) * sd if n > 1 else float("nan"),
    )


def common(complete_a: Bools, complete_b: Bools) -> Ints:
    """Replicates that are complete in both views."""
    return np.flatnonzero(complete_a & complete_b).astype(np.int64)
