"""Sweeps: studies whose searcher lists its points, so that every replicate of a view tries the same ones.

Trial number n is point n. The unit of all statistics is the replicate, which has its own seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Bools, Floats, Ints
from hpstudy.errors import UsageError
from hpstudy.study.schema import Study
from hpstudy.study.space import Point


@dataclass(frozen=True)
class SweepView:
    """One view of a sweep.

    Attributes:
        name: the view's name.
        points: the point of every trial number; empty where no replicate has begun that trial.
        swept: hyperparameters that take more than one value over the points, in the order of the space.
        values: for each metric (replicates x points) final values of completed trials, the study's own metric first; NaN for
            a trial without a value, whatever the reason.
        epochs: (epochs,) numbers of the epochs that any curve of the view has.
        curves: for each metric with curves (replicates x points x epochs) values of completed trials; NaN where there is none.
    """

    name: str
    points: tuple[Point, ...]
    swept: tuple[str, ...]
    values: Mapping[str, Floats]
    epochs: Ints
    curves: Mapping[str, Floats]


@dataclass(frozen=True)
class Means:
    """Means over replicates.

    Attributes:
        replicates: (...) how many replicates have a value.
        mean: (...) NaN where none has.
        low, high: (...) Student's t interval of the mean; NaN with fewer than two values.
    """

    replicates: Ints
    mean: Floats
    low: Floats
    high: Floats


def summary(values: Floats, confidence: float) -> Means:
    """Means over replicates, with mean +- t(n - 1) sd / sqrt(n).

    Args:
        values: (replicates x ...), NaN where a replicate has no value; it is left out there.
        confidence: level of each interval.
    """
    present = ~np.isnan(values)
    n = present.sum(axis=0).astype(np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(present, values, 0.0).sum(axis=0) / np.where(n > 0, n, np.nan)
        squares = (np.where(present, values - mean, 0.0) ** 2).sum(axis=0)
        degrees = np.where(n > 1, n - 1.0, np.nan)
        half = stats.t.ppf((1 + confidence) / 2, degrees) * np.sqrt(squares / degrees / n)
    return Means(n, np.asarray(mean), np.asarray(mean - half), np.asarray(mean + half))


def best_point(means: Means, goal: Literal["maximize", "minimize"]) -> int | None:
    """The first point with the best mean of a (points,) summary; None when no point has a value.

    Only points whose mean is over as many replicates as any point has are candidates: a point at which most replicates diverged
    must not win by its one survivor.
    """
    most = int(means.replicates.max(initial=0))
    if not most:
        return None
    candidates = np.where(means.replicates == most, means.mean, np.nan)
    return int(np.nanargmax(candidates) if goal == "maximize" else np.nanargmin(candidates))


def swept_names(points: Sequence[Mapping[str, Any]], names: Sequence[str]) -> tuple[str, ...]:
    """Those of `names` that take more than one value over the points, in their order; an empty point counts for nothing."""
    known = [point for point in points if point]
    return tuple(name for name in names if len({point[name] for point in known}) > 1)


def sweep(trials: Any, curves: Any, study: Study) -> tuple[SweepView, ...]:
    """Sort tables of trials and of learning curves into arrays, one set for each view in the order of the study.

    Args:
        trials: DataFrame with one row per trial and the columns view, replicate, number, state, objective, then `point.NAME`
            and `metric.NAME`.
        curves: DataFrame with the columns view, replicate, number, metric, epoch, value.
        study: a study for which `is_sweep` is true.

    Raises:
        UsageError: when two replicates of a view have different points at the same trial.
    """
    places = {name: _places(trials, name, study) for name in study.views}
    return tuple(_view(name, places[name], trials, curves, study) for name in study.views)


@dataclass(frozen=True)
class _Places:
    """Where the rows of one view's trials go.

    Attributes:
        rows: (rows,) indices into the table of trials.
        replicate, number: (rows,) where each goes.
        completed: (replicates x points) whether that trial completed.
    """

    rows: Ints
    replicate: Ints
    number: Ints
    completed: Bools


def _places(trials: Any, view: str, study: Study) -> _Places:
    replicate, number = (trials[key].to_numpy(dtype=np.int64) for key in ("replicate", "number"))
    own = trials["view"].to_numpy(dtype=object) == view
    rows = np.flatnonzero(own & (replicate < study.replicates) & (number < study.search.trials))
    completed = np.zeros((study.replicates, study.search.trials), dtype=np.bool_)
    completed[replicate[rows], number[rows]] = trials["state"].to_numpy(dtype=object)[rows] == "completed"
    return _Places(rows, replicate[rows], number[rows], completed)


def _view(view: str, places: _Places, trials: Any, curves: Any, study: Study) -> SweepView:
    names = tuple(study.views[view].space.names())
    points = _points(view, places, trials, names, study.search.trials)
    columns = {study.metric.name: "objective"}
    columns |= {str(key).removeprefix("metric."): str(key) for key in trials.columns if str(key).startswith("metric.")}
    columns[study.metric.name] = "objective"
    values = {metric: _values(trials[column], places) for metric, column in columns.items()}
    epochs, found = _curves(view, curves, places.completed)
    values = {metric: block for metric, block in values.items() if metric == study.metric.name or not np.isnan(block).all()}
    return SweepView(view, points, swept_names(points, names), values, epochs, found)


def _points(view: str, places: _Places, trials: Any, names: tuple[str, ...], count: int) -> tuple[Point, ...]:
    points: list[Point] = [{} for _ in range(count)]
    columns = [trials[f"point.{name}"].to_numpy(dtype=object)[places.rows] for name in names]
    for number, *held in zip(places.number.tolist(), *columns, strict=True):
        point = {name: value.item() if isinstance(value, np.generic) else value for name, value in zip(names, held, strict=True)}
        if points[number] and points[number] != point:
            raise UsageError(
                f"trial {number} of view {view} has different points in different replicates, so it cannot be summed up as a sweep",
                "a searcher with lists_points = True must give every replicate of a view the same points",
            )
        points[number] = point
    return tuple(points)


def _values(column: Any, places: _Places) -> Floats:
    given = column.to_numpy(dtype=np.float64, na_value=np.nan)[places.rows]
    values = np.full(places.completed.shape, np.nan)
    values[places.replicate, places.number] = given
    return np.where(places.completed & np.isfinite(values), values, np.nan)


def _curves(view: str, curves: Any, completed: Bools) -> tuple[Ints, dict[str, Floats]]:
    replicate, number, epoch = (curves[key].to_numpy(dtype=np.int64) for key in ("replicate", "number", "epoch"))
    metric, value = curves["metric"].to_numpy(dtype=object), curves["value"].to_numpy(dtype=np.float64, na_value=np.nan)
    own = np.flatnonzero(
        (curves["view"].to_numpy(dtype=object) == view) & (replicate < completed.shape[0]) & (number < completed.shape[1])
    )
    own = own[completed[replicate[own], number[own]] & np.isfinite(value[own])]
    epochs = np.unique(epoch[own])
    found = {}
    for name in dict.fromkeys(metric[own].tolist()):
        rows = own[metric[own] == name]
        block = np.full((*completed.shape, len(epochs)), np.nan)
        block[replicate[rows], number[rows], np.searchsorted(epochs, epoch[rows])] = value[rows]
        found[str(name)] = block
    return epochs, found
