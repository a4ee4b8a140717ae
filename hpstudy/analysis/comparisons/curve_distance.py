"""Horizontal distance of two mean best-so-far curves, in trials, as Quist et al. (2023) read their Figure 8."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.statistics.bootstrap import Bootstrap, percentile_interval, resampled_means
from hpstudy.goal import Goal


@dataclass(frozen=True)
class Distance:
    """The trial at which the mean curve of A first reaches a level, minus that of B.

    Attributes:
        budget: the level is the value of B's mean curve after this many trials; None when the level is the declared target.
        trial_a, trial_b: trial, counted from 1, at which each mean curve first reaches the level; None when it never does.
        difference: trial_a - trial_b. Infinite when only one curve reaches the level (positive: A does not), NaN when neither
            does.
        low, high: percentile interval; an infinite end comes from a resample in which one curve does not reach the level.
        unreached_a, unreached_b: share of the resamples in which each mean curve does not reach the level.
    """

    budget: int | None
    level: float
    trial_a: int | None
    trial_b: int | None
    difference: float
    low: float
    high: float
    unreached_a: float
    unreached_b: float


def first_trial(curves: Floats, level: float | Floats, goal: Goal) -> Floats:
    """Trial, counted from 1, at which each monotone curve first reaches `level`; infinity where it never does.

    `curves` is (trials x curves), each improving along the first axis; `level` is a scalar or (curves,).
    """
    count = (goal.sign * curves < goal.sign * level).sum(axis=0)
    return np.where(count < curves.shape[0], count + 1.0, np.inf)


def distance_at_level(a: Floats, b: Floats, level: float, goal: Goal, bootstrap: Bootstrap) -> Distance:
    """The distance at a fixed level, the same in every resample.

    `a` and `b` are (replicates x trials) best so far of complete searches; row r of both is resampled together.
    """
    return _distance(a, b, None, level, goal, bootstrap)


def distance_at_budget(a: Floats, b: Floats, budget: int, goal: Goal, bootstrap: Bootstrap) -> Distance:
    """The distance at the level of B's mean curve after `budget` trials, recomputed in every resample.

    Arguments as for `distance_at_level`.
    """
    return _distance(a, b, budget, float(b[:, budget - 1].mean()), goal, bootstrap)


def _distance(a: Floats, b: Floats, budget: int | None, level: float, goal: Goal, bootstrap: Bootstrap) -> Distance:
    n = a.shape[0]
    # A curve that equals the level up to rounding has reached it.
    slack = 1e-12 * float(np.ptp(np.stack([a, b]))) * -goal.sign
    trial_a = first_trial(a.mean(axis=0)[:, None], level + slack, goal)[0]
    trial_b = first_trial(b.mean(axis=0)[:, None], level + slack, goal)[0]
    low = high = unreached_a = unreached_b = float("nan")
    if n >= 2:
        levels: float | Floats = level + slack
        if budget is not None:
            levels = bootstrap.weights(n) @ b[:, budget - 1] + slack
        trials_a, trials_b = (_first_trials(values, levels, goal, bootstrap) for values in (a, b))
        # Where neither curve reaches the level, the distance is unknown: it counts as -inf for the lower end and +inf for the upper.
        neither = np.isinf(trials_a) & np.isinf(trials_b)
        with np.errstate(invalid="ignore"):
            difference = trials_a - trials_b
        low, _ = percentile_interval(np.where(neither, -np.inf, difference), n, bootstrap.confidence)
        _, high = percentile_interval(np.where(neither, np.inf, difference), n, bootstrap.confidence)
        unreached_a, unreached_b = float(np.isinf(trials_a).mean()), float(np.isinf(trials_b).mean())
    with np.errstate(invalid="ignore"):
        point = float(np.subtract(trial_a, trial_b))
    return Distance(budget, level, _whole(trial_a), _whole(trial_b), point, low, high, unreached_a, unreached_b)


def _first_trials(values: Floats, level: float | Floats, goal: Goal, bootstrap: Bootstrap) -> Floats:
    """(resamples,) `first_trial` of the mean curve of each resample."""
    count: Ints = np.zeros(bootstrap.resamples, dtype=np.int64)
    for _, means in resampled_means(values, bootstrap):
        count += (goal.sign * means < goal.sign * level).sum(axis=0)
    return np.where(count < values.shape[1], count + 1.0, np.inf)


def _whole(trial: float) -> int | None:
    return int(trial) if np.isfinite(trial) else None
