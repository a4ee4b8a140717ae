"""Importance of hyperparameters: functional ANOVA of a forest, with bootstrap intervals.

A forest of extremely randomized trees is fitted to the trials. The variance of its predictions over the declared space is
decomposed by hyperparameter.

References:
    Hutter, Hoos and Leyton-Brown (2014), An efficient approach for assessing hyperparameter importance, ICML,
    https://proceedings.mlr.press/v32/hutter14.html (the method, with random forests and exact integrals)
    Saltelli et al. (2010), Variance based sensitivity analysis of model output, Comput. Phys. Commun. 181,
    https://doi.org/10.1016/j.cpc.2009.09.018 (the estimators)
    Friedman (2001), Greedy function approximation, Ann. Stat. 29, section 8.2, https://doi.org/10.1214/aos/1013203451
    (partial dependence)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.exploration.forest import Forest, fit
from hpstudy.analysis.exploration.imputation import Imputation
from hpstudy.analysis.statistics.bootstrap import percentile_interval
from hpstudy.analysis.statistics.deviation import scaled
from hpstudy.seeds import derive_seed

RESAMPLES = 100
"""Number of bootstrap resamples; a forest is fitted to each."""

FEWER_TREES = 16
"""Number of trees in the forest of a resample."""

POINTS = 512
"""Number of points of the quasi-Monte Carlo integration; a power of two."""

FEWEST = 20
"""Minimum number of trials to fit a forest."""

FOLDS = 5
"""Number of cross-validation folds of the searches."""

OTHERS = 128
"""Number of points of the other hyperparameters over which a response is averaged."""


@dataclass(frozen=True)
class Shares:
    """Variance shares of the hyperparameters.

    Attributes:
        value: (hyperparameters,) shares in [0, 1].
        low, high: (hyperparameters,) bootstrap interval over searches; NaN with fewer than two searches.
    """

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Importance:
    """Decomposition of the variance of the forest's predictions over the declared space, uniform in unit coordinates.

    Attributes:
        alone: share of each hyperparameter alone (first-order Sobol index).
        total: share of each hyperparameter with all its interactions (total-order Sobol index); these sum to 1 or more.
        explained: R squared on held-out searches (below 0 if the mean predicts better); NaN with fewer than two searches.
        searches, trials: numbers of searches and trials that the forest is fitted to.
    """

    alone: Shares
    total: Shares
    explained: float
    searches: int
    trials: int


def importance(
    unit: Floats,
    objective: Floats,
    search: Ints,
    seed: int,
    confidence: float,
    imputed: Callable[[Floats], Floats] = np.asarray,
    forest: Forest | None = None,
) -> Importance | None:
    """Importance of every hyperparameter, with percentile intervals from resampling whole searches.

    Args:
        unit: (trials x hyperparameters) coordinates in [0, 1], imputed where a hyperparameter is absent.
        objective: (trials,) finite values.
        search: (trials,) number of the search of each trial; trials of one search depend on each other.
        seed: seed of forests and resamples.
        confidence: level of the intervals.
        imputed: imputes the coordinates at which the forest is integrated.
        forest: the `forest_of` these trials, if it is known.

    Returns:
        None with fewer than `FEWEST` trials, or if all values are equal.
    """
    if len(objective) < FEWEST or np.ptp(objective) == 0:
        return None
    points = _integration_points(unit.shape[1], derive_seed(seed, "integration"), imputed)
    objective, exponent = scaled(objective)  # avoids overflow; the shares do not depend on the unit of the objective
    if forest is None or exponent:
        forest = forest_of(unit, objective, seed)
    order = forest.leaf_order(points)
    shares = _shares(forest, points, order)  # (2, hyperparameters): first order, total order
    if np.isnan(shares).any():
        return None
    rows = [np.flatnonzero(search == number) for number in np.unique(search)]  # rows of each search
    ends = np.full((2, *shares.shape), np.nan)  # (2, 2, hyperparameters): lower, upper end
    if len(rows) > 1:
        seeds = (derive_seed(seed, "resample", n) for n in range(RESAMPLES))
        resampled = np.array([_resampled(points, order, unit, objective, rows, drawn) for drawn in seeds])
        resampled = resampled[np.isfinite(resampled).all(axis=(1, 2))]  # (resamples, 2, hyperparameters)
        for index, column in np.ndindex(shares.shape if len(resampled) else (0, 0)):
            ends[:, index, column] = percentile_interval(resampled[:, index, column], len(rows), confidence)
    alone, total = (Shares(shares[order], ends[0, order], ends[1, order]) for order in range(2))
    explained = _explained(unit, objective, rows, derive_seed(seed, "folds"))
    return Importance(alone, total, explained, len(rows), len(objective))


def forest_of(unit: Floats, objective: Floats, seed: int) -> Forest:
    """The forest of all trials; arguments as for `importance`."""
    return fit(unit, objective, derive_seed(seed, "forest"))


def response(forest: Forest, imputed: Imputation, columns: tuple[int, ...], at: Floats, seed: int) -> Floats:
    """(points,) partial dependence: mean prediction at values of some hyperparameters, over uniform values of all others.

    The mean is over points that have these hyperparameters; NaN without such a point. `at` is (points x columns), the unit coordinates of
    the fixed hyperparameters `columns`.
    """
    hyperparameters = len(imputed.space)
    others = stats.qmc.Sobol(hyperparameters, rng=seed % 2**32).random(OTHERS)  # (others, hyperparameters)
    grid = np.repeat(others[None], len(at), axis=0)  # (points, others, hyperparameters)
    for index, column in enumerate(columns):
        grid[:, :, column] = at[:, index, None]
    flat = grid.reshape(-1, hyperparameters)
    predicted = forest.predict(imputed(flat)).reshape(len(at), OTHERS)  # (points, others)
    if not imputed.space.is_conditional:
        return np.asarray(predicted.mean(axis=1), dtype=np.float64)
    present = imputed.present(flat)[:, columns].all(axis=1).reshape(len(at), OTHERS)
    totals = np.where(present, predicted, 0.0).sum(axis=1)
    return np.asarray(totals / np.where(present.any(axis=1), present.sum(axis=1), np.nan), dtype=np.float64)


def _integration_points(hyperparameters: int, seed: int, imputed: Callable[[Floats], Floats]) -> Floats:
    """((2 + hyperparameters) POINTS x hyperparameters) unit coordinates at which the forests are integrated.

    Quasi-random samples A and B, then A with column j from B, for every j (Saltelli et al. 2010).
    """
    a_and_b = stats.qmc.Sobol(2 * hyperparameters, rng=seed % 2**32).random(POINTS)
    a, b = a_and_b[:, :hyperparameters], a_and_b[:, hyperparameters:]  # (POINTS, hyperparameters)
    mixed = np.repeat(a[None], hyperparameters, axis=0)  # (hyperparameters, POINTS, hyperparameters)
    for column in range(hyperparameters):
        mixed[column, :, column] = b[:, column]
    return imputed(np.concatenate([a, b, *mixed]))


def _shares(forest: Forest, points: Floats, order: Ints) -> Floats:
    """(2 x hyperparameters) first- and total-order indices in [0, 1]; NaN if the forest is constant at the integration points."""
    values = forest.predict(points, order).reshape(-1, 1, POINTS)  # (2 + hyperparameters, 1, POINTS)
    a, b, mixed = values[0], values[1], values[2:]
    if np.ptp(values[:2]) == 0:
        return np.full((2, len(mixed)), np.nan)
    return np.clip(_sobol_indices(a, b, mixed), 0, 1)  # the estimate of a small share may be negative


def _sobol_indices(a: Floats, b: Floats, mixed: Floats) -> Floats:
    """(2 x hyperparameters) first- and total-order indices; 0 where the variance underflows.

    Args:
        a: (1 x points) predictions at sample A.
        b: (1 x points) predictions at sample B.
        mixed: (hyperparameters x 1 x points) predictions at A with column j from B, for every j.
    """
    center = np.mean([a, b], axis=(0, -1)).reshape(-1, 1)
    a, b, mixed = a - center, b - center, mixed - center
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.var([a, b], axis=(0, -1))  # (1,)
        alone = np.mean(b * (mixed - a), axis=-1) / variance  # (hyperparameters, 1)
        total = 0.5 * np.mean((a - mixed) ** 2, axis=-1) / variance
    indices = np.stack([alone[:, 0], total[:, 0]])
    return np.asarray(np.where(np.isfinite(indices), indices, 0.0), dtype=np.float64)


def _resampled(points: Floats, order: Ints, unit: Floats, objective: Floats, rows: list[Ints], seed: int) -> Floats:
    """(2 x hyperparameters) indices of a forest fitted to a bootstrap resample of the searches."""
    drawn = np.random.default_rng(seed).integers(len(rows), size=len(rows))
    trials = np.concatenate([rows[number] for number in drawn])
    return _shares(fit(unit[trials], objective[trials], seed, FEWER_TREES), points, order)


def _explained(unit: Floats, objective: Floats, rows: list[Ints], seed: int) -> float:
    """R squared of the predictions for held-out searches (cross-validation)."""
    if len(rows) < 2:
        return float("nan")
    predicted, folds = np.empty(len(objective)), min(FOLDS, len(rows))
    for fold in range(folds):
        held_out = np.concatenate(rows[fold::folds])
        training = np.setdiff1d(np.arange(len(objective)), held_out)
        predicted[held_out] = fit(unit[training], objective[training], seed, FEWER_TREES).predict(unit[held_out])
    return float(1 - ((objective - predicted) ** 2).sum() / ((objective - objective.mean()) ** 2).sum())
