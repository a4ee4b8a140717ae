"""Crossed arrays (searches x seeds): the mean, with searches and seeds as samples, and the components of the variance.

References: Searle, Casella and McCulloch (1992), Variance Components, chapter 4 (method of moments). Satterthwaite (1946), Biometrics
Bulletin 2 (degrees of freedom of a sum of mean squares). Yates (1933), Empire J. Exp. Agric. 1 (missing cells).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.estimate import CountedEstimate


@dataclass(frozen=True)
class Components:
    """Where differences between trainings come from, as variances in the metric's unit squared; NaN with too little data.

    Attributes:
        between: between searches: they chose points of different worth. 0 where the estimate is negative.
        noise: of training: the same point on different seeds.
        shared: the part of `noise` that all points of the view share on a seed; it cancels in differences on the same seeds.
    """

    between: float
    noise: float
    shared: float

    @property
    def floor(self) -> float:
        """The noise floor: standard deviation of the training noise, in the metric's unit."""
        return float(np.sqrt(self.noise))


FILLINGS = 100
"""Passes that fill missing cells: what one pass leaves shrinks by the share of missing cells."""


def crossed_mean(values: Floats, confidence: float) -> CountedEstimate:
    """Mean over the rows of a crossed array (searches x seeds), with an interval that counts rows and columns as samples.

    NaN is a missing cell: a row counts with the mean of what it has, rows without a value are left out, and the interval is that
    of the array with missing cells filled (`filled`).

    Of x_rk = mu + a_r + b_k + e_rk the mean has the variance var(a) / R + var(b) / K + var(e) / (R K), estimated from the mean
    squares as (MS_a + MS_b - MS_e) / (R K), each component at least 0; Student's t with Satterthwaite's degrees of freedom. The
    ends are NaN with fewer than 2 searches or 2 seeds.
    """
    present = ~np.isnan(values)
    values = values[present.any(axis=1)][:, present.any(axis=0)]
    rows, columns = values.shape
    mean = float(row_means(values).mean()) if rows else np.nan
    missing = int(np.isnan(values).sum())
    if rows < 2 or columns < 2 or (rows - 1) * (columns - 1) <= missing:
        return CountedEstimate(mean, np.nan, np.nan, rows)
    squares = _mean_squares(filled(values), missing)
    degrees = (rows - 1, columns - 1, (rows - 1) * (columns - 1) - missing)
    of_rows, of_columns, rest = squares
    # A component below 0 counts as 0: its mean square and the residual's then drop out together.
    if of_rows <= rest and of_columns <= rest:
        used = (0.0, 0.0, rest)
    elif of_columns <= rest:
        used = (of_rows, 0.0, 0.0)
    elif of_rows <= rest:
        used = (0.0, of_columns, 0.0)
    else:
        used = (of_rows, of_columns, -rest)
    total = sum(used)
    if total <= 0:
        return CountedEstimate(mean, mean, mean, rows)
    freedom = total**2 / sum(term**2 / df for term, df in zip(used, degrees, strict=True))
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * float(np.sqrt(total / values.size))
    return CountedEstimate(mean, mean - half, mean + half, rows)


def components(values: Floats) -> Components:
    """Variance components of a view's (searches x seeds) trainings by the method of moments; NaN is a training without a value.

    Of x_rk = mu + a_r + b_k + e_rk, a search, a seed and the rest: noise = var(b) + var(e), the mean square within searches of a
    one-way layout, also with missing values. Differs from the one-way estimate of the variance between searches, which counts
    var(b) / K against the searches although all of them share it: between = (MS_rows - MS_residual) / K and shared = var(b) =
    (MS_columns - MS_residual) / R come from the two-way layout of the searches that have every seed, each at least 0.
    """
    present = ~np.isnan(values)
    kept = values[present.any(axis=1)]
    freedom = int(present.sum()) - len(kept)
    if freedom < 1:
        return Components(np.nan, np.nan, np.nan)
    noise = float(np.nansum((kept - row_means(kept)[:, None]) ** 2)) / freedom
    crossed = values[present.all(axis=1)]
    if min(crossed.shape) < 2:
        return Components(np.nan, noise, np.nan)
    of_rows, of_columns, rest = _mean_squares(crossed)
    between, shared = (of_rows - rest) / crossed.shape[1], (of_columns - rest) / crossed.shape[0]
    return Components(max(between, 0.0), noise, min(max(shared, 0.0), noise))


def filled(values: Floats) -> Floats:
    """A crossed array with every NaN replaced by row mean + column mean - mean, so that it adds nothing to the residual.

    Every row and column has a value. The residual has one degree of freedom less for each cell (Yates 1933).
    """
    missing = np.isnan(values)
    full: Floats = np.where(missing, np.nanmean(values), values)
    for _ in range(FILLINGS if missing.any() else 0):
        fit = full.mean(axis=1)[:, None] + full.mean(axis=0) - full.mean()
        full = np.where(missing, fit, full)
    return full


def _mean_squares(values: Floats, missing: int = 0) -> tuple[float, float, float]:
    """Mean squares of rows, columns and the residual of a crossed array with at least 2 of both, `missing` cells of it filled."""
    rows, columns = values.shape
    mean = values.mean()
    of_rows, of_columns = values.mean(axis=1), values.mean(axis=0)
    rest = values - of_rows[:, None] - of_columns[None, :] + mean
    return (
        columns * float(((of_rows - mean) ** 2).sum()) / (rows - 1),
        rows * float(((of_columns - mean) ** 2).sum()) / (columns - 1),
        float((rest**2).sum()) / ((rows - 1) * (columns - 1) - missing),
    )


def row_means(values: Floats) -> Floats:
    """(rows,) means of what each row has; NaN for a row without a value."""
    present = ~np.isnan(values)
    count = present.sum(axis=1)
    sums = np.where(present, values, 0.0).sum(axis=1)
    return np.asarray(np.where(count > 0, sums / np.maximum(count, 1), np.nan), dtype=np.float64)
