"""Trials-to-target with censoring: Kaplan-Meier curves, restricted means and the log-rank test.

References: Kaplan and Meier (1958), J. Am. Stat. Assoc. 53. Royston and Parmar (2013), Restricted mean survival time, BMC Med.
Res. Methodol. 13. Mantel (1966), Cancer Chemother. Rep. 50 (log-rank
test). Wilson (1927), J. Am. Stat. Assoc. 22.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from hpstudy.analysis.arrays import Bools, Floats, Ints
from hpstudy.goal import Goal

ROUNDING = 1e-9
"""What a product of shares may be above 1/2 by rounding alone."""


@dataclass(frozen=True)
class Times:
    """Trials-to-target of the searches of one view.

    Attributes:
        trials: (searches,) the trial, counted from 1, at which the target was reached; for a search that has not reached it, the
            trials that it has spent without reaching it.
        reached: (searches,) whether the target was reached; the others are right-censored.
    """

    trials: Ints
    reached: Bools


def trials_to_target(best: Floats, finished: Ints, level: float, goal: Goal) -> Times:
    """When each search first had a value at least as good as `level`, counted from 1.

    `best` is (searches x trials), NaN where a search has no value yet, or has not come yet; `finished` is (searches,) trials
    spent.
    """
    hit = np.asarray(goal.reached(best, level), dtype=np.bool_)
    reached = np.logical_or.reduce(hit, axis=1)
    return Times(np.where(reached, hit.argmax(axis=1) + 1, finished).astype(np.int64), reached)


@dataclass(frozen=True)
class Survival:
    """A Kaplan-Meier curve: the share of searches that have not reached the target after t trials.

    Attributes:
        at_risk: (horizon,) searches that were still without the target before trial t = 1..horizon, and spent it.
        reached, censored: (horizon,) searches that reached the target at trial t; that ended there without it.
        share: (horizon,) S(t); NaN from where no search tells.
        low, high: (horizon,) pointwise log-log (Greenwood) interval of S(t); NaN while S is 1 or 0.
        median: smallest t with S(t) <= 1/2; None when not reached.
        restricted_mean: mean of min(trials-to-target, horizon); NaN when the searches do not tell S up to the horizon.
    """

    at_risk: Ints
    reached: Ints
    censored: Ints
    share: Floats
    low: Floats
    high: Floats
    median: int | None
    restricted_mean: float


def kaplan_meier(times: Times, horizon: int, confidence: float) -> Survival:
    """The Kaplan-Meier estimate S(t) = prod over u <= t of (1 - reached(u) / at_risk(u)), on trials 1..horizon.

    The restricted mean is sum over t = 0..horizon-1 of S(t): the mean of min(trials-to-target, horizon).
    """
    spent = np.minimum(times.trials, horizon)
    counted = times.reached & (times.trials <= horizon)
    reached = np.bincount(spent[counted], minlength=horizon + 1)[1:].astype(np.int64)
    censored = np.bincount(spent[~counted], minlength=horizon + 1)[1:].astype(np.int64)
    at_risk = (reached + censored)[::-1].cumsum()[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Floats = np.cumprod(np.where(at_risk > 0, 1 - reached / at_risk, 1.0)).astype(np.float64)
        # Once nobody is left the curve is known only if it has come down to 0.
        share = np.where((at_risk > 0) | (share == 0), share, np.nan)
        greenwood = np.cumsum(np.where(at_risk > reached, reached / (at_risk * (at_risk - reached)), 0.0))
        half = special.ndtri((1 + confidence) / 2) * np.sqrt(greenwood) / np.log(share)
        inside = (share > 0) & (share < 1)
        low = np.where(inside, share ** np.exp(-half), np.nan)
        high = np.where(inside, share ** np.exp(half), np.nan)
    below = np.flatnonzero(share <= 0.5 + ROUNDING)
    before = np.r_[1.0, share[:-1]]
    mean = float(before.sum()) if len(times.trials) else float("nan")
    return Survival(at_risk, reached, censored, share, low, high, int(below[0]) + 1 if below.size else None, mean)


def log_rank(a: Times, b: Times) -> float:
    """Two-sided p of the log-rank test that both views reach the target at the same rate; the pairing is not used.

    NaN when no search of either view reached the target, or when there is none.
    """
    if not len(a.trials) or not len(b.trials) or not (a.reached.any() or b.reached.any()):
        return float("nan")
    with warnings.catch_warnings():
        # All searches that are left at risk reaching the target at once has no variance; the other trials tell.
        warnings.simplefilter("ignore", RuntimeWarning)
        test = stats.logrank(_censored(a), _censored(b))
    return float(test.pvalue)


def _censored(times: Times) -> stats.CensoredData:
    return stats.CensoredData(times.trials[times.reached], right=times.trials[~times.reached])


def wilson(successes: float, n: int, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion; (0, 1) when there is nothing to count."""
    if n == 0:
        return 0.0, 1.0
    z = float(special.ndtri((1 + confidence) / 2))
    centre = (successes + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(successes * (n - successes) / n + z**2 / 4)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))
