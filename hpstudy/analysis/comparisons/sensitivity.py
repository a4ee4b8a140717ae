"""Sensitivity of a difference to single replicates and to the treatment of trials without a value.

Reference: Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 11, https://doi.org/10.1201/9780429246593 (means without
one observation)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.curves.best_so_far import best_so_far
from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.analysis.statistics.survival import trials_range, trials_to_target
from hpstudy.goal import Goal

Policy = Literal["worst", "drop"]
"""Treatment of a trial without a value: it counts as a trial with the worst value (worst), or not at all (drop)."""


@dataclass(frozen=True)
class LeaveOneOut:
    """A mean difference with each replicate left out in turn.

    Attributes:
        full: the mean over all replicates.
        means: (replicates,) the mean without each of them.
        low, high: smallest and largest of `means`.
        replicate: index of the replicate whose removal changes the mean most.
        one_sided: whether the full mean and all of `means` lie strictly on one side of 0.
    """

    full: float
    means: Floats
    low: float
    high: float
    replicate: int
    one_sided: bool


def leave_one_out(differences: Floats) -> LeaveOneOut | None:
    """Leave out each of (replicates,) paired differences in turn; None with fewer than 2."""
    n = len(differences)
    if n < 2:
        return None
    full = float(differences.mean())
    means = (differences.sum() - differences) / (n - 1)  # (replicates,)
    signs = np.sign(np.r_[means, full])
    most_influential = int(np.abs(means - full).argmax())
    one_sided = bool(abs(signs.sum()) == n + 1)
    return LeaveOneOut(full, means, float(means.min()), float(means.max()), most_influential, one_sided)


@dataclass(frozen=True)
class PolicyResult:
    """The main differences under one treatment of trials without a value.

    Attributes:
        left_out: number of trials that are not counted, over both views.
        trials: difference of restricted mean trials-to-target; None without a target level.
        budgets: difference of the best so far after each budget.
    """

    policy: Policy
    left_out: int
    trials: Estimate | None
    budgets: tuple[Estimate, ...]


def under_policy(
    policy: Policy,
    a: Floats,
    b: Floats,
    level: float | None,
    budgets: tuple[int, ...],
    goal: Goal,
    worst: float,
    confidence: float,
) -> PolicyResult:
    """The differences of two views under one policy.

    `a` and `b` are (replicates x trials) objectives of every trial, not the best so far; NaN for a trial without a value, which
    counts as `worst` before the first value. When trials without a value are dropped, trial t is the t-th trial with a value. A
    search with fewer values than a budget keeps its best. A search that never reached the target still counts all its trials.
    """
    values = [close_up(x) if policy == "drop" else x for x in (a, b)]
    trials = None
    if level is not None:
        trials_a, trials_b = (trials_to_target(best_so_far(x, goal), level, goal).trials.astype(np.float64) for x in values)
        trials = t_mean(trials_a - trials_b, confidence).within(trials_range(a.shape[1]))
    best_a, best_b = (best_so_far(x, goal, worst=worst) for x in values)
    differences = [t_mean(best_a[:, budget - 1] - best_b[:, budget - 1], confidence) for budget in budgets]
    left_out = int(np.isnan(a).sum() + np.isnan(b).sum()) if policy == "drop" else 0
    return PolicyResult(policy, left_out, trials, tuple(differences))


def close_up(values: Floats) -> Floats:
    """Shift the values of each row of (searches x trials) to its front, in their order, and fill the rest with NaN.

    >>> close_up(np.array([[np.nan, 1.0, np.nan, 2.0]])).tolist()
    [[1.0, 2.0, nan, nan]]
    """
    order = np.argsort(np.isnan(values), axis=1, kind="stable")
    return np.take_along_axis(values, order, axis=1)
