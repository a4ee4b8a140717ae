"""Best-so-far curves: the best value of a search after each of its trials."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats, Ints
from hpstudy.analysis.statistics.bootstrap import Bootstrap, mean_intervals
from hpstudy.display import number
from hpstudy.goal import Goal


def finite_values(arrays: Iterable[Floats]) -> Floats:
    """All finite values of several arrays of any shape, in one dimension."""
    return np.concatenate([np.zeros(0), *(array[np.isfinite(array)] for array in arrays)])


def worst_value(arrays: Iterable[Floats], goal: Goal) -> float:
    """The worst finite value of several arrays; NaN without any."""
    values = finite_values(arrays)
    return float(goal.worst(values)) if values.size else float("nan")


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
    no_value_yet = np.isnan(np.fmax.accumulate(values, axis=1))
    return int((no_value_yet & (np.arange(values.shape[1]) < finished[:, None])).sum())


def is_incumbent(values: Floats, goal: Goal) -> Bools:
    """(searches x trials) whether a trial is strictly better than all before it; `values` is NaN for a trial without a value."""
    best = np.fmax.accumulate(np.where(np.isnan(values), -np.inf, goal.sign * values), axis=1)
    before = np.concatenate([np.full((len(values), 1), -np.inf), best[:, :-1]], axis=1)
    return np.asarray(best > before, dtype=np.bool_)


def incumbent_numbers(values: Floats, goal: Goal) -> Ints:
    """(searches x trials) number of the best trial so far, the earliest among ties; -1 before the first value of a search.

    `values` is (searches x trials), NaN for a trial without a value.
    """
    numbers = np.where(is_incumbent(values, goal), np.arange(values.shape[1]), -1)
    return np.asarray(np.maximum.accumulate(numbers, axis=1), dtype=np.int64)


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

    def __repr__(self) -> str:
        ends = f": {number(self.mean[0])} to {number(self.mean[-1])}" if len(self.mean) else ""
        return f"<MeanCurve of {len(self.mean)} trials{ends}>"


NO_CURVE = MeanCurve(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), np.zeros(0))
"""A curve without trials."""


def mean_curve(best: Floats, bootstrap: Bootstrap) -> MeanCurve:
    """The mean best-so-far curve with BCa intervals, at each trial over the searches that have finished that trial.

    `best` is (searches x trials), NaN for trials not finished yet. Whole searches are resampled. In an unfinished study the set of
    searches changes along the curve; trials with the same set share their resamples.
    """
    present = ~np.isnan(best)
    count = present.sum(axis=0).astype(np.int64)
    mean, low, high = (np.full(best.shape[1], np.nan) for _ in range(3))
    # First trials of the runs of trials with the same set of searches.
    starts = np.flatnonzero(np.r_[True, (present[:, 1:] != present[:, :-1]).any(axis=0)]) if best.shape[1] else np.array([], int)
    for start, stop in zip(starts, np.r_[starts[1:], best.shape[1]], strict=True):
        rows = present[:, start]
        if rows.any():
            values = best[rows, start:stop]  # (searches of the run, trials of the run)
            mean[start:stop] = values.mean(axis=0)
            low[start:stop], high[start:stop] = mean_intervals(values, bootstrap)
    return MeanCurve(count, mean, low, high)
