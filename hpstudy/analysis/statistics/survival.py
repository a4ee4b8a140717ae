"""Survival analysis of trials-to-target: Kaplan-Meier curves, restricted means and the log-rank test.

References:
    Kaplan and Meier (1958), Nonparametric estimation from incomplete observations, JASA 53,
    https://doi.org/10.1080/01621459.1958.10501452
    Royston and Parmar (2013), Restricted mean survival time, BMC Med. Res. Methodol. 13, https://doi.org/10.1186/1471-2288-13-152
    Kalbfleisch and Prentice (2002), The statistical analysis of failure time data, section 1.4, https://doi.org/10.1002/9781118032985
    (log-log interval with Greenwood's variance)
    Mantel (1966), Cancer Chemother. Rep. 50, https://pubmed.ncbi.nlm.nih.gov/5910392/ (log-rank test)
    Wilson (1927), JASA 22, https://doi.org/10.1080/01621459.1927.10502953
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from hpstudy.analysis.arrays import Bools, Floats, Ints
from hpstudy.goal import Goal

ROUNDING = 1e-9
"""Rounding tolerance when S(t), a product of shares, is compared with 1/2."""


@dataclass(frozen=True)
class Times:
    """Trials-to-target of the searches of one view.

    Attributes:
        trials: (searches,) trial, counted from 1, at which the target was reached; for other searches, the number of finished trials.
        reached: (searches,) whether the target was reached; the other searches are right-censored.
    """

    trials: Ints
    reached: Bools


def trials_to_target(best: Floats, level: float, goal: Goal, finished: Ints | None = None) -> Times:
    """The trial, counted from 1, at which each search first had a value at least as good as `level`.

    `best` is (searches x trials), NaN before the first value and for trials not finished yet; `finished` is the (searches,) number of
    finished trials, None if all are finished.
    """
    at_least = np.asarray(goal.reached(best, level), dtype=np.bool_)
    reached = np.logical_or.reduce(at_least, axis=1)
    censored = best.shape[1] if finished is None else finished
    return Times(np.where(reached, at_least.argmax(axis=1) + 1, censored).astype(np.int64), reached)


def trials_range(horizon: int, differences: int = 1) -> tuple[float, float]:
    """The range of a mean of trials from 1 to `horizon` (`differences` 0), of a difference of two (1), or of two such differences (2)."""
    return (differences * (1.0 - horizon), differences * (horizon - 1.0)) if differences else (1.0, float(horizon))


@dataclass(frozen=True)
class Survival:
    """A Kaplan-Meier curve: the share of searches that have not reached the target after t trials.

    Attributes:
        at_risk: (horizon,) number of searches that had not reached the target before trial t = 1..horizon, and finished trial t.
        reached, censored: (horizon,) numbers of searches that reached the target at trial t, and that ended there without reaching it.
        share: (horizon,) S(t); NaN from the trial on at which S is not identified.
        low, high: (horizon,) pointwise log-log (Greenwood) interval of S(t); NaN where S is 1 or 0.
        median: smallest t with S(t) <= 1/2; None if there is none.
        restricted_mean: mean of min(trials-to-target, horizon); NaN if S is not identified up to the horizon.
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
    restricted = np.minimum(times.trials, horizon)  # (searches,)
    within = times.reached & (times.trials <= horizon)
    reached = np.bincount(restricted[within], minlength=horizon + 1)[1:].astype(np.int64)  # (horizon,), as are all arrays below
    censored = np.bincount(restricted[~within], minlength=horizon + 1)[1:].astype(np.int64)
    at_risk = (reached + censored)[::-1].cumsum()[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Floats = np.cumprod(np.where(at_risk > 0, 1 - reached / at_risk, 1.0)).astype(np.float64)
        # Without searches at risk, S is identified only if it is 0.
        share = np.where((at_risk > 0) | (share == 0), share, np.nan)
        greenwood = np.cumsum(np.where(at_risk > reached, reached / (at_risk * (at_risk - reached)), 0.0))
        half_width = special.ndtri((1 + confidence) / 2) * np.sqrt(greenwood) / np.log(share)  # of log(-log S), negative
        inside = (share > 0) & (share < 1)
        low = np.where(inside, share ** np.exp(-half_width), np.nan)
        high = np.where(inside, share ** np.exp(half_width), np.nan)
    at_most_half = np.flatnonzero(share <= 0.5 + ROUNDING)
    share_before = np.r_[1.0, share[:-1]]
    mean = float(share_before.sum()) if len(times.trials) else float("nan")
    median = int(at_most_half[0]) + 1 if at_most_half.size else None
    return Survival(at_risk, reached, censored, share, low, high, median, mean)


def log_rank(a: Times, b: Times) -> float:
    """Two-sided p of the log-rank test that both views reach the target at the same rate; it does not use the pairing.

    NaN without searches, or if no search of either view reached the target.
    """
    if not len(a.trials) or not len(b.trials) or not (a.reached.any() or b.reached.any()):
        return float("nan")
    with warnings.catch_warnings():
        # A trial at which all searches at risk reach the target has variance 0; only the other trials contribute.
        warnings.simplefilter("ignore", RuntimeWarning)
        test = stats.logrank(_censored(a), _censored(b))
    return float(test.pvalue)


def _censored(times: Times) -> stats.CensoredData:
    return stats.CensoredData(times.trials[times.reached], right=times.trials[~times.reached])


def wilson(successes: float, n: int, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion; (0, 1) for a total of 0."""
    if n == 0:
        return 0.0, 1.0
    z = float(special.ndtri((1 + confidence) / 2))
    center = (successes + z**2 / 2) / (n + z**2)
    half_width = z / (n + z**2) * np.sqrt(successes * (n - successes) / n + z**2 / 4)
    return max(0.0, float(center - half_width)), min(1.0, float(center + half_width))
