"""The target of a study, and the number of trials that each view needs to reach it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats
from hpstudy.analysis.comparisons.margin import Side
from hpstudy.analysis.statistics.bootstrap import Bootstrap, mean_intervals, percentile_interval
from hpstudy.analysis.statistics.deviation import deviation
from hpstudy.analysis.statistics.permutation import SignFlip, sign_flip
from hpstudy.analysis.statistics.power import POWER, detectable
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.analysis.statistics.survival import Survival, Times, kaplan_meier, trials_range, trials_to_target, wilson
from hpstudy.display import estimate
from hpstudy.goal import Goal


@dataclass(frozen=True)
class Level:
    """The level whose first crossing counts as "tuned".

    Attributes:
        value: value of the metric; None if it is a statistic of a view without a complete search.
        view, statistic: view and statistic that define it; None if the study file gives the number.
        searches: number of complete searches of that view.
    """

    value: float | None
    view: str | None
    statistic: str | None
    searches: int


MOST_CENSORED = 0.75
"""Largest share of censored searches for which a detectable difference is computed: with more, most restricted values are equal."""

STATISTICS: dict[str, Callable[[Floats], Any]] = {"median_final": np.median, "mean_final": np.mean}
"""Statistics of a view's final best values that can define the level."""


def level_of(finals: Floats, view: str, statistic: str) -> Level:
    """The level given by a statistic, named as in `STATISTICS`, of the (searches,) final bests of a view's complete searches."""
    value = float(STATISTICS[statistic](finals)) if finals.size and np.isfinite(finals).all() else None
    return Level(value, view, statistic, int(finals.size))


@dataclass(frozen=True)
class ViewTrials:
    """Trials-to-target of one view, from all its searches (unfinished ones are censored after their last finished trial).

    Attributes:
        times: trials-to-target of every search.
        survival: the Kaplan-Meier curve.
        complete: number of complete searches.
        reached: number of complete searches that reached the target.
        rate: (low, high) Wilson interval of reached / complete.
    """

    times: Times
    survival: Survival
    complete: int
    reached: int
    rate: tuple[float, float]

    def __repr__(self) -> str:
        return f"<ViewTrials {self.reached} of {self.complete} searches reached the target>"


def view_trials(times: Times, complete: Bools, horizon: int, confidence: float) -> ViewTrials:
    """Describe one view; `complete` is (searches,), the horizon is the number of trials of a search."""
    reached, n = int(times.reached[complete].sum()), int(complete.sum())
    return ViewTrials(times, kaplan_meier(times, horizon, confidence), n, reached, wilson(reached, n, confidence))


@dataclass(frozen=True)
class TrialsDifference:
    """Difference of restricted mean trials-to-target, A minus B, over replicates that are complete in both views.

    Attributes:
        trials_a, trials_b: (replicates,) min(trials-to-target, horizon).
        reached_a, reached_b: numbers of these searches that reached the target.
        mean_a, mean_b, difference: means of trials_a, trials_b and trials_a - trials_b.
        low, high: t interval of the difference within its possible range, with the level held fixed; NaN with one replicate.
        low_a, high_a, low_b, high_b: BCa intervals of the two means.
        resampled_low, resampled_high: percentile interval with the level recomputed in every resample, if the level is a statistic of
            this study's searches; NaN otherwise.
        test: sign-flip test of the difference.
        lowest, highest: attainable range: the difference if one view never reached the target and the other had its observed mean.
        detectable: smallest true difference that a two-sided paired t test finds with 80% power, given the standard deviation of the
            differences; NaN with one replicate, beyond the attainable range, if more than `MOST_CENSORED` of the searches did not reach
            the target, or if `floor` is too large for any difference to be significant.
        adjusted: p of the test, adjusted for all comparisons. `adjusted` and `floor` are NaN, and the attribute below None, until
            `comparisons.family` sets them.
        floor: smallest value of `adjusted` that this number of replicates can give.
        shown: side of 0 on which the difference is shown to lie; None with one replicate.
    """

    replicates: int
    trials_a: Floats
    trials_b: Floats
    reached_a: int
    reached_b: int
    mean_a: float
    mean_b: float
    difference: float
    low: float
    high: float
    low_a: float
    high_a: float
    low_b: float
    high_b: float
    resampled_low: float
    resampled_high: float
    test: SignFlip
    lowest: float
    highest: float
    detectable: float
    adjusted: float = float("nan")
    floor: float = float("nan")
    shown: Side | None = None

    def __repr__(self) -> str:
        return f"<TrialsDifference {estimate(self.difference, self.low, self.high)} trials, {self.replicates} replicates>"

    @property
    def most(self) -> float:
        """The largest absolute difference that can be observed."""
        return min(-self.lowest, self.highest)


def trials_difference(
    a: Floats,
    b: Floats,
    level: float,
    goal: Goal,
    bootstrap: Bootstrap,
    *,
    seed: int,
    finals: Floats | None = None,
    statistic: str | None = None,
) -> TrialsDifference:
    """Compare two views on complete, paired replicates; `a` and `b` are (replicates x trials) best so far, NaN before the first value.

    A search that does not reach the target within the horizon T counts T. The restricted mean is the mean number of trials if a search
    stops at the target or at T; nothing is extrapolated beyond T. Row r of `a` and `b` is resampled together; `seed` is the seed of the
    sign-flip test. `finals` is the (replicates,) final values of the view whose `statistic` defines the level; None for a declared
    number.
    """
    n, horizon = a.shape
    times_a, times_b = (trials_to_target(best, level, goal) for best in (a, b))
    trials_a, trials_b = times_a.trials.astype(np.float64), times_b.trials.astype(np.float64)  # (replicates,)
    differences = trials_a - trials_b
    mean = t_mean(differences, bootstrap.confidence).within(trials_range(horizon))
    low, high = mean_intervals(np.stack([trials_a, trials_b], axis=1), bootstrap)  # (2,): A, B
    lowest, highest = attainable(trials_a, trials_b, horizon)
    resampled_low = resampled_high = detectable_difference = float("nan")
    if finals is not None and statistic is not None and n >= 2:
        resampled_low, resampled_high = _with_level_resampled(a, b, finals, statistic, goal, bootstrap)
    if n >= 2 and 1 - np.r_[times_a.reached, times_b.reached].mean() <= MOST_CENSORED:
        smallest = detectable(n, POWER, 1 - bootstrap.confidence) * float(deviation(differences))
        detectable_difference = smallest if smallest <= min(-lowest, highest) else float("nan")
    return TrialsDifference(
        replicates=n,
        trials_a=trials_a,
        trials_b=trials_b,
        reached_a=int(times_a.reached.sum()),
        reached_b=int(times_b.reached.sum()),
        mean_a=float(trials_a.mean()),
        mean_b=float(trials_b.mean()),
        difference=mean.value,
        low=mean.low,
        high=mean.high,
        low_a=float(low[0]),
        high_a=float(high[0]),
        low_b=float(low[1]),
        high_b=float(high[1]),
        resampled_low=resampled_low,
        resampled_high=resampled_high,
        test=sign_flip(differences, seed),
        lowest=lowest,
        highest=highest,
        detectable=detectable_difference,
    )


def attainable(trials_a: Floats, trials_b: Floats, horizon: int) -> tuple[float, float]:
    """The range of the difference of restricted means, from the cases in which one view never reaches the target.

    The other view has its observed mean of (replicates,) min(trials-to-target, horizon).
    """
    return float(trials_a.mean()) - horizon, horizon - float(trials_b.mean())


def _with_level_resampled(
    a: Floats, b: Floats, finals: Floats, statistic: str, goal: Goal, bootstrap: Bootstrap
) -> tuple[float, float]:
    """Interval of the difference with the level recomputed from the searches of every resample."""
    n, horizon = a.shape
    weights = bootstrap.weights(n)  # (resamples, replicates)
    if statistic == "mean_final":
        levels = weights @ finals  # (resamples,)
        levels -= 1e-12 * np.ptp(finals) * goal.sign  # a value that equals the mean up to rounding reaches it
    else:
        levels = _weighted_medians(finals, weights)
    distinct, index = np.unique(goal.sign * levels, return_inverse=True)  # medians of resamples are often equal
    means = np.zeros(bootstrap.resamples)
    rising = [np.where(np.isnan(best), -np.inf, goal.sign * best) for best in (a, b)]  # (replicates, trials), nondecreasing
    for replicate, counts in enumerate(bootstrap.counts(n)):
        trials_a, trials_b = (np.minimum(np.searchsorted(best[replicate], distinct, side="left") + 1, horizon) for best in rising)
        means += counts / n * (trials_a - trials_b)[index]
    return percentile_interval(means, n, bootstrap.confidence)


def _weighted_medians(values: Floats, weights: Floats) -> Floats:
    """(resamples,) medians of (n,) values with (resamples x n) weights k / n; the mean of the two middle values if n is even."""
    n = len(values)
    order = np.argsort(values)
    count = np.rint(weights[:, order] * n).astype(np.int64).cumsum(axis=1)  # (resamples, n) values up to each one, ascending
    ordered = values[order]
    lower = ordered[(count >= (n + 1) // 2).argmax(axis=1)]
    upper = ordered[(count >= n // 2 + 1).argmax(axis=1)]
    return np.asarray((lower + upper) / 2, dtype=np.float64)
