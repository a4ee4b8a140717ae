"""Best so far against seconds of training instead of trials: a view with cheap trials may be ahead in time and behind in trials."""

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
"""Times at which the curves are read."""


@dataclass(frozen=True)
class TrialSeconds:
    """Seconds of the trials of one view.

    Attributes:
        trained: (replicates x trials) spent in training, cumulative along a search.
        ask: (replicates x trials) spent choosing each point.
    """

    trained: Floats
    ask: Floats


def seconds_of_trials(table: Any, blocks: Iterable[Searches]) -> tuple[dict[str, TrialSeconds], int]:
    """Seconds of every view's trials, by view, and the number of finished trials without a record, which count as 0 seconds.

    `table` is a DataFrame with a row per trial and the columns view, replicate, number, ask_s and evaluate_s. No view at all when
    no trial has a record.
    """
    if not (table["evaluate_s"].to_numpy(dtype=np.float64, na_value=np.nan) > 0).any():
        return {}, 0
    spent, unrecorded = {}, 0
    for block in blocks:
        layout = Layout.of(table, block.view, block.values.shape)
        trained = layout.floats(table["evaluate_s"])
        unrecorded += int((np.isnan(trained) & block.spent).sum())
        spent[block.view] = TrialSeconds(np.nan_to_num(trained).cumsum(axis=1), np.nan_to_num(layout.floats(table["ask_s"])))
    return spent, unrecorded


@dataclass(frozen=True)
class CostCurve:
    """Mean best so far of one view against the seconds that each search has trained.

    Attributes:
        mean, low, high: (POINTS,) over complete searches, with pointwise BCa intervals, at the study's grid of seconds.
        search_s: training seconds of a whole search.
        ask_s: seconds of a whole search spent choosing points, which are not on the axis.
    """

    mean: Floats
    low: Floats
    high: Floats
    search_s: Estimate
    ask_s: Estimate


@dataclass(frozen=True)
class CostDifference:
    """Two views after equal seconds of training, A minus B over paired replicates.

    Attributes:
        seconds: the longest time that all searches of both views have trained, and half of it.
        differences: of the best so far at these times.
        ratio_s: training seconds of a whole search of A over those of B, mean over mean.
    """

    seconds: tuple[float, ...]
    differences: tuple[Estimate, ...]
    ratio_s: float


def seconds_grid(spent: list[Floats]) -> Floats | None:
    """(POINTS,) times at which every search has finished a trial and none has finished its last.

    From the (searches x trials) cumulative seconds of every view: from the end of the latest first trial to the end of the
    earliest last trial; None when that is no span.
    """
    spent = [times for times in spent if times.size]
    if not spent:
        return None
    start, stop = max(float(times[:, 0].max()) for times in spent), min(float(times[:, -1].min()) for times in spent)
    return np.linspace(start, stop, POINTS) if start < stop else None


def at_seconds(best: Floats, spent: Floats, seconds: Floats) -> Floats:
    """(searches x times) best so far of every search after given seconds of training: its value after the last trial ended by then.

    `best` and the cumulative seconds `spent` are (searches x trials), no NaN; none of the (times,) `seconds` is before the end of
    a search's first trial.
    """
    rows = [row[np.searchsorted(ends, seconds, side="right") - 1] for row, ends in zip(best, spent, strict=True)]
    return np.stack(rows)


def cost_curve(best: Floats, spent: Floats, ask_s: Floats, seconds: Floats, bootstrap: Bootstrap) -> CostCurve:
    """One view against time, at the (POINTS,) seconds of the grid.

    The best so far of its complete searches and the cumulative training seconds `spent` are (searches x trials), no NaN; `ask_s`
    is (searches,) seconds spent choosing points.
    """
    values = at_seconds(best, spent, seconds)
    low, high = mean_intervals(values, bootstrap)
    totals = mean_of(spent[:, -1], bootstrap), mean_of(ask_s, bootstrap)
    return CostCurve(values.mean(axis=0), low, high, *totals)


def cost_difference(a: Floats, b: Floats, spent_a: Floats, spent_b: Floats, confidence: float) -> CostDifference | None:
    """Two views after equal seconds; best so far and cumulative training seconds are (replicates x trials), no NaN.

    None when no time is shared by all searches. Half of the longest time is left out when a search had no value by then.
    """
    grid = seconds_grid([spent_a, spent_b])
    if grid is None:
        return None
    times = np.array([time for time in (grid[-1] / 2, grid[-1]) if time >= grid[0]])
    d = at_seconds(a, spent_a, times) - at_seconds(b, spent_b, times)
    differences = tuple(t_mean(column, confidence) for column in d.T)
    return CostDifference(tuple(times.tolist()), differences, float(spent_a[:, -1].mean() / spent_b[:, -1].mean()))
