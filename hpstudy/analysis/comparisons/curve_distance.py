"""Horizontal distance of two mean best-so-far curves, in trials: the curves of Figure 8 of Quist et al. (2023), read along the trial axis.

References:
    Quist, Li and van Gemert (2023), Understanding weight-magnitude hyperparameters in training binary networks, ICLR,
    https://arxiv.org/abs/2303.02452
    Hansen et al. (2016), COCO: performance assessment, https://arxiv.org/abs/1605.03560 (fixed-target view of curves)
"""

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


def distance_at_budget(a: Floats, b: Floats, budget: int, goal: Goal, bootstrap: Bootstrap) -> Distance:
    """The distance at the level of B's mean curve after `budget` trials, which is recomputed in every resample."""
    return distance_at_level(a, b, float(b[:, budget - 1].mean()), goal, bootstrap, budget)


def distance_at_level(
    a: Floats, b: Floats, level: float, goal: Goal, bootstrap: Bootstrap, budget: int | None = None
) -> Distance:
    """The distance at a level, which is the same in every resample, unless it is that of B's mean curve after `budget` trials.

    `a` and `b` are (replicates x trials) best so far of complete searches; row r of both is resampled together.
    """
    n = a.shape[0]
    # A curve that equals the level up to rounding has reached it.
    slack = 1e-12 * float(np.ptp(np.stack([a, b]))) * -goal.sign
    trial_a, trial_b = (float(first_trial(x.mean(axis=0)[:, None], level + slack, goal)[0]) for x in (a, b))
    low = high = unreached_a = unreached_b = float("nan")
    if n >= 2:
        levels: float | Floats = level + slack  # or (resamples,)
        if budget is not None:
            levels = bootstrap.weights(n) @ b[:, budget - 1] + slack
        trials_a, trials_b = (_first_trials(x, levels, goal, bootstrap) for x in (a, b))  # (resamples,)
        with np.errstate(invalid="ignore"):  # inf - inf is NaN where neither curve reaches the level
            low, high = percentile_interval(trials_a - trials_b, n, bootstrap.confidence)
        unreached_a, unreached_b = float(np.isinf(trials_a).mean()), float(np.isinf(trials_b).mean())
    a_number, b_number = (int(trial) if np.isfinite(trial) else None for trial in (trial_a, trial_b))
    return Distance(budget, level, a_number, b_number, trial_a - trial_b, low, high, unreached_a, unreached_b)


def _first_trials(values: Floats, level: float | Floats, goal: Goal, bootstrap: Bootstrap) -> Floats:
    """(resamples,) `first_trial` of the mean curve of each resample."""
    count: Ints = np.zeros(bootstrap.resamples, dtype=np.int64)
    for _, means in resampled_means(values, bootstrap):  # means: (trials of the block, resamples)
        count += (goal.sign * means < goal.sign * level).sum(axis=0)
    return np.where(count < values.shape[1], count + 1.0, np.inf)
