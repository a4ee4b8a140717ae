"""Exploration of a view's search space: sampled points, their values, and the dependence on the hyperparameters.

Positions are unit coordinates: 0 and 1 are the ends of a hyperparameter's range on its declared (linear or logarithmic) scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpstudy.analysis.arrays import Bools, Floats, Ints
from hpstudy.analysis.exploration.forest import Forest
from hpstudy.analysis.exploration.importance import FEWEST, Importance, forest_of, importance, response
from hpstudy.analysis.exploration.imputation import MIDDLE, Imputation
from hpstudy.analysis.exploration.rank_correlation import spearman
from hpstudy.analysis.statistics.bootstrap import percentile_interval
from hpstudy.analysis.trials.searches import FINISHED
from hpstudy.loading.make import is_sweep
from hpstudy.seeds import derive_seed
from hpstudy.study.parameters import ChoiceParameter, FloatParameter, IntParameter
from hpstudy.study.schema import Study, View

FLIPS = "flip_ratio"
"""The metric that is correlated with the objective, if a task reports it."""

EDGE = 0.02
"""Distance from an end of the range, in unit coordinates, within which a point counts as at the edge."""

LINE = 41
"""Number of values of a real hyperparameter at which the response is computed."""

SIDE = 21
"""Number of cells of a map along a real hyperparameter."""

NEAR = 0.1
"""A cell of a map is filled if a trial lies within this distance in unit coordinates along each axis."""

MOST_TRIALS = 2_000
"""Maximum number of trials for the forests (the first searches, whole). More would take minutes and change little."""

FLIP_RESAMPLES = 1_000
"""Number of bootstrap resamples of the correlation."""


@dataclass(frozen=True)
class Response:
    """The forest's mean prediction over one hyperparameter, with the others uniform over their ranges (partial dependence).

    Attributes:
        unit: (values,) unit coordinates.
        predicted: (values,) mean objective.
    """

    unit: Floats
    predicted: Floats


@dataclass(frozen=True)
class Surface:
    """The forest's mean prediction over two hyperparameters, with the others uniform over their ranges (partial dependence).

    Attributes:
        x, y: indices of the two hyperparameters in the order of the space.
        x_unit, y_unit: (columns,), (rows,) cell centers in unit coordinates.
        predicted: (rows x columns) mean objective; NaN where no trial is near.
    """

    x: int
    y: int
    x_unit: Floats
    y_unit: Floats
    predicted: Floats


@dataclass(frozen=True)
class Flips:
    """The flip ratio and its correlation with the objective.

    Attributes:
        ratio: (trials,) flip ratio; NaN where a trial has none.
        searches: number of searches that have a trial with one.
        correlation: Spearman's rank correlation over all trials; NaN where either is constant.
        low, high: bootstrap interval of the correlation over searches; NaN with fewer than two.
    """

    ratio: Floats
    searches: int
    correlation: float
    low: float
    high: float


@dataclass(frozen=True)
class SearchedView:
    """The trials of one view that have a value, and the statistics of them.

    Attributes:
        hyperparameters: names, in the order of the space.
        replicate, number: (trials,) replicate and number of each trial.
        unit: (trials x hyperparameters) unit coordinates; NaN for an absent hyperparameter.
        values: for each hyperparameter (trials,) its values; None where it is absent.
        objective: (trials,) finite values.
        left_out: number of started trials that have no value, or that lack a hyperparameter.
        incumbents: (searches,) row of the best trial of every search, the first one of ties.
        importance: None with one hyperparameter, too few trials, or equal values only.
        responses: one for each hyperparameter; empty with too few trials.
        surface: response over the two hyperparameters with the largest total share; None without an importance.
        flips: None if no trial has a flip ratio.
    """

    name: str
    hyperparameters: tuple[str, ...]
    replicate: Ints
    number: Ints
    unit: Floats
    values: Mapping[str, npt.NDArray[np.object_]]
    objective: Floats
    left_out: int
    incumbents: Ints
    importance: Importance | None
    responses: tuple[Response, ...]
    surface: Surface | None
    flips: Flips | None

    @property
    def is_incumbent(self) -> Bools:
        """(trials,) mask of the best trial of each search."""
        best = np.zeros(len(self.objective), dtype=np.bool_)
        best[self.incumbents] = True
        return best


def searched(trials: Any, study: Study, *, explained: bool = True) -> tuple[SearchedView, ...]:
    """Analyze every view that has a trial with a value; empty for a sweep, whose searcher lists its points.

    The same trials always give the same results.

    Args:
        trials: DataFrame with one row per trial and the columns view, replicate, number, state, objective, `point.<name>`, and
            `metric.flip_ratio` where a task reports it.
        study: the resolved study.
        explained: also compute the slower results (seconds): importance, responses, surface and flips.
    """
    if is_sweep(study):
        return ()
    views = (_view(name, view, trials[trials["view"] == name], study, explained) for name, view in study.views.items())
    return tuple(view for view in views if view is not None)


def at_edge(view: SearchedView, space: Mapping[str, Any]) -> npt.NDArray[np.int8]:
    """(searches x hyperparameters) -1 where an incumbent is at the lower end of a range, 1 at the upper end, else 0.

    A real value is at an end within `EDGE` of it. An integer, or a value of a range with steps, is at an end only if it equals the end.
    Choices have no ends.
    """
    sides = np.zeros((len(view.incumbents), len(view.hyperparameters)), dtype=np.int8)
    for column, name in enumerate(view.hyperparameters):
        parameter, unit = space[name], view.unit[view.incumbents, column]
        if isinstance(parameter, FloatParameter) and parameter.step is None:
            sides[:, column] = (unit >= 1 - EDGE).astype(np.int8) - (unit <= EDGE)
        elif not isinstance(parameter, ChoiceParameter):
            low, high = parameter.unit(parameter.low), parameter.unit(parameter.high)
            sides[:, column] = np.isclose(unit, high).astype(np.int8) - np.isclose(unit, low)
    return sides


def cells(parameter: FloatParameter | IntParameter | ChoiceParameter, limit: int) -> Floats:
    """Unit coordinates of the cells of a range: all values of a choice or of few integers or steps, else the centers of equal cells.

    A numeric range has at most `limit` cells.
    """
    if parameter.count is not None and (isinstance(parameter, ChoiceParameter) or parameter.count <= limit):
        return np.array([parameter.unit(parameter.value(index)) for index in range(parameter.count)])
    return np.asarray((np.arange(limit) + 0.5) / limit, dtype=np.float64)


def _view(name: str, view: View, table: Any, study: Study, explained: bool) -> SearchedView | None:
    """The exploration of one view; `table` has its trials. None if no trial has a value."""
    ended = table["state"].isin(FINISHED).to_numpy(dtype=np.bool_)
    objective = table["objective"].to_numpy(dtype=np.float64, na_value=np.nan)
    names, confidence = tuple(view.space.names()), study.analysis.confidence
    usable = (table["state"] == "completed").to_numpy(dtype=np.bool_) & np.isfinite(objective)
    for hyperparameter, parameter in view.space.items():
        usable &= table[f"point.{hyperparameter}"].notna().to_numpy(dtype=np.bool_) | bool(parameter.when)
    if not usable.any():
        return None
    rows, objective = table[usable], objective[usable]
    values = {hyperparameter: _values(rows[f"point.{hyperparameter}"]) for hyperparameter in names}
    unit = np.array(
        [[math.nan if value is None else parameter.unit(value) for value in values[key]] for key, parameter in view.space.items()]
    ).T  # (trials, hyperparameters)
    replicate = rows["replicate"].to_numpy(dtype=np.int64)
    seed = derive_seed(study.seed, "analysis", "searched", name)
    shares, responses, surface = (
        _forest_results(view, unit, objective, replicate, seed, confidence) if explained else (None, (), None)
    )
    return SearchedView(
        name=name,
        hyperparameters=names,
        replicate=replicate,
        number=rows["number"].to_numpy(dtype=np.int64),
        unit=unit,
        values=values,
        objective=objective,
        left_out=int((ended & ~usable).sum()),
        incumbents=_best_of_each(study.metric.goal.sign * objective, replicate),
        importance=shares,
        responses=responses,
        surface=surface,
        flips=_flips(rows, objective, replicate, seed, confidence) if explained else None,
    )


def _values(column: Any) -> npt.NDArray[np.object_]:
    """The (trials,) values of one hyperparameter; None where it is absent."""
    return column.astype(object).where(column.notna(), None).to_numpy()  # type: ignore[no-any-return]  # a DataFrame is Any here


def _forest_results(
    view: View, unit: Floats, objective: Floats, replicate: Ints, seed: int, confidence: float
) -> tuple[Importance | None, tuple[Response, ...], Surface | None]:
    """Importance, responses and surface of a view, from forests; none of them with too few trials."""
    included, imputed = _first_searches(replicate), Imputation(view.space)
    unit, objective, replicate = unit[included], objective[included], replicate[included]
    if len(objective) < FEWEST:
        return None, (), None
    filled = np.where(np.isnan(unit), MIDDLE, unit)
    forest, seed_of_responses = forest_of(filled, objective, seed), derive_seed(seed, "responses")
    shares = importance(filled, objective, replicate, seed, confidence, imputed, forest) if unit.shape[1] > 1 else None
    parameters = [parameter for _, parameter in view.space.items()]
    responses = []
    for column, parameter in enumerate(parameters):
        line = cells(parameter, LINE)
        responses.append(Response(line, response(forest, imputed, (column,), line[:, None], seed_of_responses)))
    surface = None
    if shares is not None:
        x, y = sorted(np.argsort(-shares.total.value, kind="stable")[:2].tolist())
        axes = cells(parameters[x], SIDE), cells(parameters[y], SIDE)
        surface = _surface(forest, imputed, unit, (x, y), axes, seed_of_responses)
    return shares, tuple(responses), surface


def _surface(
    forest: Forest, imputed: Imputation, unit: Floats, columns: tuple[int, int], axes: tuple[Floats, Floats], seed: int
) -> Surface:
    """The response over two hyperparameters at the cells of the `axes`; `unit` is (trials x hyperparameters), NaN where absent."""
    x, y = columns
    grid = np.stack(np.meshgrid(*axes), axis=-1)  # (rows, columns, 2)
    predicted = response(forest, imputed, columns, grid.reshape(-1, 2), seed).reshape(grid.shape[:2])
    near = (np.abs(grid[:, :, None] - unit[:, [x, y]]) <= NEAR).all(axis=-1).any(axis=-1)  # (rows, columns)
    return Surface(x, y, *axes, np.where(near, predicted, np.nan))


def _first_searches(replicate: Ints) -> Bools:
    """(trials,) mask of the first searches with at most `MOST_TRIALS` trials in total; at least one search."""
    numbers, counts = np.unique(replicate, return_counts=True)
    kept = max(1, int((np.cumsum(counts) <= MOST_TRIALS).sum()))
    return np.asarray(np.isin(replicate, numbers[:kept]), dtype=np.bool_)


def _best_of_each(gain: Floats, replicate: Ints) -> Ints:
    """(searches,) row of the first trial with the highest gain in every search."""
    rows = [np.flatnonzero(replicate == number) for number in np.unique(replicate)]
    return np.array([own[np.argmax(gain[own])] for own in rows], dtype=np.int64)


def _flips(rows: Any, objective: Floats, replicate: Ints, seed: int, confidence: float) -> Flips | None:
    """The flip ratio of the (trials,) rows and its correlation with the objective."""
    if f"metric.{FLIPS}" not in rows:
        return None
    ratio = rows[f"metric.{FLIPS}"].to_numpy(dtype=np.float64, na_value=np.nan)  # (trials,)
    recorded = np.isfinite(ratio)
    if not recorded.any():
        return None
    a, b = ratio[recorded], objective[recorded]
    numbers, search = np.unique(replicate[recorded], return_inverse=True)
    searches, low, high = len(numbers), float("nan"), float("nan")
    if searches > 1:
        drawn = np.random.default_rng(derive_seed(seed, "flips")).integers(searches, size=(FLIP_RESAMPLES, searches))
        counts = np.zeros_like(drawn)  # (resamples, searches)
        np.add.at(counts, (np.arange(FLIP_RESAMPLES)[:, None], drawn), 1)
        resampled = spearman(a, b, counts[:, search])  # (resamples,)
        if len(resampled := resampled[np.isfinite(resampled)]):
            low, high = percentile_interval(resampled, searches, confidence)
    (correlation,) = spearman(a, b, np.ones((1, len(a)), dtype=np.int64)).tolist()
    return Flips(np.where(recorded, ratio, np.nan), searches, correlation, low, high)
