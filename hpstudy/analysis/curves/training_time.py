"""Best so far against training time instead of trials: a view with cheap trials may be ahead in time and behind in trials."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.bootstrap import Bootstrap, mean_intervals
from hpstudy.analysis.statistics.estimate import Estimate, mean_of
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.analysis.trials.searches import Layout, Searches

POINTS = 100
"""Number of times at which the curves are evaluated."""


@dataclass(frozen=True)
class TrialSeconds:
    """Times of the trials of one view, in seconds.

    Attributes:
        trained: (replicates x trials) training time, cumulative along a search.
        ask: (replicates x trials) time spent choosing each point.
    """

    trained: Floats
    ask: Floats


def seconds_of_trials(table: Any, blocks: Iterable[Searches]) -> tuple[dict[str, TrialSeconds], int]:
    """The times of the trials, by view, and the number of finished trials without a recorded time, which count as 0 seconds.

    `table` is a DataFrame with one row per trial and the columns view, replicate, number, ask_s and evaluate_s. The mapping is empty
    if no trial has a recorded time.
    """
    if not (table["evaluate_s"].to_numpy(dtype=np.float64, na_value=np.nan) > 0).any():
        return {}, 0
    times, unrecorded = {}, 0
    for block in blocks:
        layout = Layout.of(table, block.view, block.values.shape)
        trained = layout.floats(table["evaluate_s"])
        unrecorded += int((np.isnan(trained) & block.spent).sum())
        times[block.view] = TrialSeconds(np.nan_to_num(trained).cumsum(axis=1), np.nan_to_num(layout.floats(table["ask_s"])))
    return times, unrecorded


@dataclass(frozen=True)
class CostCurve:
    """Mean best so far of one view against the training time of each search.

    Attributes:
        mean, low, high: (POINTS,) mean over complete searches with pointwise BCa intervals, on the study's time grid.
        search_s: training seconds of a whole search.
        ask_s: seconds of a whole search spent choosing points, which the time axis does not include.
    """

    mean: Floats
    low: Floats
    high: Floats
    search_s: Estimate
    ask_s: Estimate


@dataclass(frozen=True)
class CostDifference:
    """Two views compared at equal training times, A minus B over paired replicates.

    Attributes:
        seconds: the longest time that all searches of both views have trained, and half of it.
        differences: differences of the best so far at these times.
        ratio_s: training seconds of a whole search of A over those of B, ratio of means.
    """

    seconds: tuple[float, ...]
    differences: tuple[Estimate, ...]
    ratio_s: float


def seconds_grid(trained: list[Floats]) -> Floats | None:
    """(POINTS,) times in seconds at which every search has finished a trial and none has finished its last.

    The grid runs from the end of the latest first trial to the end of the earliest last trial, given the (searches x trials)
    cumulative seconds of every view; None if this range is empty.
    """
    trained = [ends for ends in trained if ends.size]
    if not trained:
        return None
    start, stop = max(float(ends[:, 0].max()) for ends in trained), min(float(ends[:, -1].min()) for ends in trained)
    return np.linspace(start, stop, POINTS) if start < stop else None


def at_seconds(best: Floats, trained: Floats, seconds: Floats) -> Floats:
    """(searches x times) best so far of every search after the given training times: the value at the last trial finished by then.

    `best` and the cumulative seconds `trained` are (searches x trials), no NaN. `seconds` is (times,), none of them before the end of
    the first trial of a search.
    """
    rows = [row[np.searchsorted(ends, seconds, side="right") - 1] for row, ends in zip(best, trained, strict=True)]
    return np.stack(rows)


def cost_curve(best: Floats, trained: Floats, ask_s: Floats, seconds: Floats, bootstrap: Bootstrap) -> CostCurve:
    """The curve of one view against training time, on the (POINTS,) time grid.

    `best` of the complete searches and the cumulative training seconds `trained` are (searches x trials), no NaN; `ask_s` is
    (searches,) seconds spent choosing points.
    """
    values = at_seconds(best, trained, seconds)
    low, high = mean_intervals(values, bootstrap)
    totals = mean_of(trained[:, -1], bootstrap), mean_of(ask_s, bootstrap)
    return CostCurve(values.mean(axis=0), low, high, *totals)


def cost_difference(a: Floats, b: Floats, trained_a: Floats, trained_b: Floats, confidence: float) -> CostDifference | None:
    """Compare two views at equal training times; best so far and cumulative training seconds are (replicates x trials), no NaN.

    None if the searches share no time. Half of the longest time is omitted if a search had no value by then.
    """
    grid = seconds_grid([trained_a, trained_b])
    if grid is None:
        return None
    times = np.array([time for time in (grid[-1] / 2, grid[-1]) if time >= grid[0]])
    d = at_seconds(a, trained_a, times) - at_seconds(b, trained_b, times)  # (replicates, times)
    differences = tuple(t_mean(column, confidence) for column in d.T)
    return CostDifference(tuple(times.tolist()), differences, float(trained_a[:, -1].mean() / trained_b[:, -1].mean()))
