"""Sweeps: studies whose searcher lists its points, so that all replicates of a view train the same points.

Trial number n is point n. The sampling unit is the replicate, which has its own seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Bools, Floats, Ints
from hpstudy.analysis.statistics.deviation import scaled
from hpstudy.analysis.trials.searches import STATES, Layout, final_metrics, gather, plain
from hpstudy.errors import UsageError
from hpstudy.goal import Goal
from hpstudy.study.schema import Study
from hpstudy.study.space import Point


@dataclass(frozen=True)
class SweepView:
    """One view of a sweep.

    Attributes:
        points: the point of every trial number; empty if no replicate has started that trial.
        swept: hyperparameters that take more than one value over the points, or are absent in some, in the order of the space.
        values: for each metric (replicates x points) final values of completed trials, the study's own metric first; NaN for
            a trial without a value.
        epochs: (epochs,) numbers of the epochs that any curve of the view has.
        curves: for each metric with curves (replicates x points x epochs) values of completed trials; NaN where there is none.
    """

    name: str
    points: tuple[Point, ...]
    swept: tuple[str, ...]
    values: Mapping[str, Floats]
    epochs: Ints
    curves: Mapping[str, Floats]

    @property
    def is_conditional(self) -> bool:
        """Whether a swept hyperparameter is absent in some of the points."""
        return any(name not in point for point in self.points if point for name in self.swept)


@dataclass(frozen=True)
class Means:
    """Means over replicates.

    Attributes:
        replicates: (...) number of replicates with a value.
        mean: (...) NaN without a value.
        low, high: (...) Student's t interval of the mean; NaN with fewer than two values.
    """

    replicates: Ints
    mean: Floats
    low: Floats
    high: Floats


def summary(values: Floats, confidence: float) -> Means:
    """Means over the replicates of (replicates x ...) values, ignoring NaN, with intervals mean +- t(n - 1) sd / sqrt(n)."""
    values, unit = scaled(values)
    present = ~np.isnan(values)
    n = present.sum(axis=0).astype(np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(present, values, 0.0).sum(axis=0) / np.where(n > 0, n, np.nan)
        squares = (np.where(present, values - mean, 0.0) ** 2).sum(axis=0)
        degrees = np.where(n > 1, n - 1.0, np.nan)
        half_width = stats.t.ppf((1 + confidence) / 2, degrees) * np.sqrt(squares / degrees / n)
    return Means(n, *(np.ldexp(ends, unit) for ends in (mean, mean - half_width, mean + half_width)))


def best_point(means: Means, goal: Goal) -> int | None:
    """The first point with the best mean in a (points,) summary; None if no point has a value.

    Candidates are only the points with the largest number of replicates: a point at which most replicates diverged must not win by a
    single remaining one.
    """
    largest = int(means.replicates.max(initial=0))
    if not largest:
        return None
    candidates = np.where(means.replicates == largest, means.mean, np.nan)
    return int(np.nanargmax(goal.sign * candidates))


def swept_names(points: Sequence[Mapping[str, Any]], names: Sequence[str]) -> tuple[str, ...]:
    """Those of `names` that take more than one value over the points, or are absent in some; empty points are ignored."""
    started = [point for point in points if point]
    return tuple(name for name in names if len({point.get(name) for point in started}) > 1)


def sweep(trials: Any, curves: Any, study: Study) -> tuple[SweepView, ...]:
    """Convert the tables of trials and learning curves to arrays, for each view in the order of the study.

    Args:
        trials: DataFrame with one row per trial and the columns view, replicate, number, state, objective, then `point.NAME`
            and `metric.NAME`.
        curves: DataFrame with the columns view, replicate, number, metric, epoch, value.
        study: a study for which `is_sweep` is true.

    Raises:
        UsageError: two replicates of a view have different points at the same trial.
    """
    return tuple(_view(name, trials, curves, study) for name in study.views)


def _view(view: str, trials: Any, curves: Any, study: Study) -> SweepView:
    names, objective = tuple(study.views[view].space.names()), study.metric.name
    shape = (study.replicates, study.search.trials)
    searches = gather(trials, view, shape)
    points = _points(view, trials, names, shape)
    recorded = {name: values for name, values in final_metrics(trials, view, shape).items() if not np.isnan(values).all()}
    epochs, values_by_epoch = _curves(view, curves, searches.states == STATES.index("completed"))
    values = {objective: searches.values, **{name: values for name, values in recorded.items() if name != objective}}
    return SweepView(view, points, swept_names(points, names), values, epochs, values_by_epoch)


def _points(view: str, trials: Any, names: tuple[str, ...], shape: tuple[int, int]) -> tuple[Point, ...]:
    """The point of every trial number. Raises UsageError if two replicates have different points."""
    layout = Layout.of(trials, view, shape)
    points: list[Point] = [{} for _ in range(shape[1])]
    frames = [trials[f"point.{name}"] for name in names]
    columns = [frame.astype(object).where(frame.notna(), None).to_numpy()[layout.rows] for frame in frames]
    for number, *values in zip(layout.number.tolist(), *columns, strict=True):
        point = {name: plain(value) for name, value in zip(names, values, strict=True) if value is not None}
        if points[number] and points[number] != point:
            raise UsageError(
                f"trial {number} of view {view} has different points in different replicates, so it cannot be analyzed as a sweep",
                "a searcher with lists_points = True must give every replicate of a view the same points",
            )
        points[number] = point
    return tuple(points)


def _curves(view: str, curves: Any, completed: Bools) -> tuple[Ints, dict[str, Floats]]:
    """The epochs of a view's curves, and for each metric (replicates x points x epochs) values of completed trials."""
    layout = Layout.of(curves, view, completed.shape)
    # (rows,) of the table of curves, one row for each value.
    epoch, metric = (curves[key].to_numpy(dtype=kind)[layout.rows] for key, kind in (("epoch", np.int64), ("metric", object)))
    value = curves["value"].to_numpy(dtype=np.float64, na_value=np.nan)[layout.rows]
    kept = completed[layout.replicate, layout.number] & np.isfinite(value)
    epochs = np.unique(epoch[kept])
    blocks = {}
    for name in dict.fromkeys(metric[kept].tolist()):
        rows = kept & (metric == name)
        block = np.full((*completed.shape, len(epochs)), np.nan)  # (replicates, points, epochs)
        block[layout.replicate[rows], layout.number[rows], np.searchsorted(epochs, epoch[rows])] = value[rows]
        blocks[str(name)] = block
    return epochs, blocks
