"""Best-so-far curves: the best value of a search after each of its trials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.statistics.bootstrap import Bootstrap, mean_intervals
from hpstudy.analysis.trials.searches import Searches
from hpstudy.goal import Goal


def worst_value(blocks: list[Searches], goal: Goal) -> float:
    """The worst value of any trial of any view; NaN when no trial has a value."""
    values = np.concatenate([block.values[np.isfinite(block.values)] for block in blocks])
    return float(goal.worst(values)) if values.size else float("nan")


def best_value(blocks: list[Searches], goal: Goal) -> float:
    """The best value of any trial of any view; NaN when no trial has a value."""
    values = np.concatenate([block.values[np.isfinite(block.values)] for block in blocks])
    return float(goal.best(values)) if values.size else float("nan")


def best_so_far(values: Floats, goal: Goal, *, finished: Ints | None = None, worst: float = float("nan")) -> Floats:
    """The best value up to each trial, y[s, t] = max (or min) of values[s, 0..t].

    `values` is (searches x trials), NaN for a trial without a value, which leaves the best so far unchanged. Trials before the first
    value of a search count as `worst`, the worst value of any trial of the study: leaving the search out of a mean would favor a view
    that fails. They are NaN if `worst` is NaN. The result is NaN after the first `finished` trials of a search; `finished` is
    (searches,), None if all trials are finished.
    """
    best = goal.sign * np.fmax.accumulate(goal.sign * values, axis=1)
    best = np.where(np.isnan(best), worst, best)
    if finished is not None:
        best = np.where(np.arange(values.shape[1]) < finished[:, None], best, np.nan)
    return np.asarray(best, dtype=np.float64)


def without_value_yet(values: Floats, finished: Ints) -> int:
    """The number of finished trials before the first value of their search, which `best_so_far` counts as worst."""
    nothing = np.isnan(np.fmax.accumulate(values, axis=1))
    return int((nothing & (np.arange(values.shape[1]) < finished[:, None])).sum())


@dataclass(frozen=True)
class MeanCurve:
    """A mean over searches at every trial, with a pointwise interval.

    Attributes:
        searches: (trials,) number of searches in the mean.
        mean, low, high: (trials,) NaN without a search; the ends are NaN with one.
    """

    searches: Ints
    mean: Floats
    low: Floats
    high: Floats


def mean_curve(best: Floats, bootstrap: Bootstrap) -> MeanCurve:
    """The mean best-so-far curve, at each trial over the searches that have finished that trial.

    `best` is (searches x trials), NaN for trials not finished yet. Whole searches are resampled. In an unfinished study the set of
    searches changes along the curve; trials with the same set share their resamples.
    """
    present = ~np.isnan(best)
    count = present.sum(axis=0).astype(np.int64)
    mean, low, high = (np.full(best.shape[1], np.nan) for _ in range(3))
    starts = np.flatnonzero(np.r_[True, (present[:, 1:] != present[:, :-1]).any(axis=0)]) if best.shape[1] else np.array([], int)
    for start, stop in zip(starts, np.r_[starts[1:], best.shape[1]], strict=True):
        rows = present[:, start]
        if rows.any():
            part = best[rows, start:stop]
            mean[start:stop] = part.mean(axis=0)
            low[start:stop], high[start:stop] = mean_intervals(part, bootstrap)
    return MeanCurve(count, mean, low, high)
