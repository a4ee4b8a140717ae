"""Mean and variance components of a crossed (searches x seeds) array, with searches and seeds as random factors.

References:
    Searle, Casella and McCulloch (1992), Variance Components, chapter 4, https://doi.org/10.1002/9780470316856 (method of moments)
    Satterthwaite (1946), Biometrics Bulletin 2, https://doi.org/10.2307/3002019 (degrees of freedom of a sum of mean squares)
    Yates (1933), Empire J. Exp. Agric. 1, pages 129 to 142 (missing cells; the paper has no web page)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.deviation import scaled
from hpstudy.analysis.statistics.estimate import CountedEstimate


@dataclass(frozen=True)
class Components:
    """Variance components of the trainings, in the metric's unit squared; NaN with too few data.

    Attributes:
        between: variance between the points that the searches chose; 0 if the estimate is negative.
        noise: training noise: variance of the same point over seeds.
        shared: the part of `noise` that is common to all points of the view on a seed; it cancels in differences on the same seeds. NaN if
            each search has its own seeds.
    """

    between: float
    noise: float
    shared: float

    @property
    def floor(self) -> float:
        """The noise floor: standard deviation of the training noise in the metric's unit."""
        return float(np.sqrt(self.noise))


def crossed_mean(values: Floats, confidence: float) -> CountedEstimate:
    """Mean over the rows of a crossed (searches x seeds) array, with an interval for random rows and columns.

    NaN is a missing cell. A row contributes the mean of its values; rows without a value are left out. The interval is that of the array
    with missing cells filled (`filled`).

    In the model x_rk = mu + a_r + b_k + e_rk the variance of the mean is var(a) / R + var(b) / K + var(e) / (R K). It is estimated from
    the mean squares as (MS_a + MS_b - MS_e) / (R K), with each component at least 0. The interval is Student's t with Satterthwaite's
    degrees of freedom. The ends are NaN with fewer than 2 searches or 2 seeds.
    """
    present = ~np.isnan(values)
    values = values[present.any(axis=1)][:, present.any(axis=0)]  # (searches, seeds) with a value
    rows, columns = values.shape
    mean = float(row_means(values).mean()) if rows else np.nan
    values, unit = scaled(values)
    missing = int(np.isnan(values).sum())
    if rows < 2 or columns < 2 or (rows - 1) * (columns - 1) <= missing:
        return CountedEstimate(mean, np.nan, np.nan, rows)
    ms_rows, ms_columns, ms_residual = _mean_squares(filled(values), missing)
    degrees = (rows - 1, columns - 1, (rows - 1) * (columns - 1) - missing)
    # The terms of MS_a + MS_b - MS_e. A negative component counts as 0: its mean square and that of the residual then cancel.
    if ms_rows <= ms_residual and ms_columns <= ms_residual:
        terms = (0.0, 0.0, ms_residual)
    elif ms_columns <= ms_residual:
        terms = (ms_rows, 0.0, 0.0)
    elif ms_rows <= ms_residual:
        terms = (0.0, ms_columns, 0.0)
    else:
        terms = (ms_rows, ms_columns, -ms_residual)
    total = sum(terms)
    if total <= 0:
        return CountedEstimate(mean, mean, mean, rows)
    freedom = total**2 / sum(term**2 / df for term, df in zip(terms, degrees, strict=True))
    half_width = float(stats.t.ppf((1 + confidence) / 2, freedom)) * float(np.sqrt(total / values.size))
    half_width = float(np.ldexp(half_width, unit))
    return CountedEstimate(mean, mean - half_width, mean + half_width, rows)


def components(values: Floats, *, crossed: bool) -> Components:
    """Variance components of (searches x seeds) trainings by the method of moments; NaN is a training without a value.

    `crossed` is true if the seeds are common to all searches. The model is then x_rk = mu + a_r + b_k + e_rk with the effects of search,
    seed and residual.

    - noise = var(b) + var(e) is the mean square within searches of a one-way layout, also with missing values.
    - between = (MS_rows - MS_residual) / K and shared = var(b) = (MS_columns - MS_residual) / R are from the two-way layout of the
      searches that have every seed, each at least 0.

    The one-way estimate of the variance between searches would subtract var(b) / K although all searches share b. It is right if each
    search has its own seeds, where column k has no meaning: between = (MS_rows - MS_within) / K.
    """
    values, unit = scaled(values)
    present = ~np.isnan(values)
    with_value = values[present.any(axis=1)]  # (searches with a value, seeds)
    freedom = int(present.sum()) - len(with_value)
    if freedom < 1:
        return Components(np.nan, np.nan, np.nan)
    noise = float(np.nansum((with_value - row_means(with_value)[:, None]) ** 2)) / freedom
    rounding = 4 * np.finfo(np.float64).eps * float(np.nanmax(np.abs(with_value)))
    noise = noise if noise > rounding**2 else 0.0
    full = values[present.all(axis=1)]  # (searches with every seed, seeds)
    if min(full.shape) < 2:
        return _components(np.nan, noise, np.nan, unit)
    ms_rows, ms_columns, ms_residual = _mean_squares(full)
    if not crossed:
        within = float(full.var(axis=1, ddof=1).mean())
        return _components(max((ms_rows - within) / full.shape[1], 0.0), noise, np.nan, unit)
    between, shared = (ms_rows - ms_residual) / full.shape[1], (ms_columns - ms_residual) / full.shape[0]
    return _components(max(between, 0.0), noise, min(max(shared, 0.0), noise), unit)


def _components(between: float, noise: float, shared: float, unit: int) -> Components:
    """The components of values that were divided by 2**unit; infinite or 0 beyond the range of floats."""
    with np.errstate(over="ignore", under="ignore"):
        return Components(*(float(np.ldexp(variance, 2 * unit)) for variance in (between, noise, shared)))


def filled(values: Floats) -> Floats:
    """A crossed array with every NaN replaced by the additive least-squares fit to the other cells, so that its residual is 0.

    Every row and column must have a value. Each filled cell reduces the degrees of freedom of the residual by one (Yates 1933).
    """
    present = ~np.isnan(values)
    if present.all():
        return values
    known, in_row = np.where(present, values, 0.0), present.sum(axis=1)  # (rows, columns), (rows,)
    shares = present / in_row[:, None]  # (rows, columns)
    # The normal equations of the column effects; the row effects are eliminated.
    normal = np.diag(present.sum(axis=0)) - present.T @ shares
    of_columns = np.linalg.lstsq(normal, known.sum(axis=0) - shares.T @ known.sum(axis=1))[0]
    of_rows = (known - present * of_columns).sum(axis=1) / in_row
    return np.where(present, values, of_rows[:, None] + of_columns)


def _mean_squares(values: Floats, missing: int = 0) -> tuple[float, float, float]:
    """Mean squares of rows, columns and residual of a crossed array, at least 2 x 2, of which `missing` cells were filled."""
    rows, columns = values.shape
    mean = values.mean()
    means_of_rows, means_of_columns = values.mean(axis=1), values.mean(axis=0)  # (rows,), (columns,)
    residuals = values - means_of_rows[:, None] - means_of_columns[None, :] + mean  # (rows, columns)
    return (
        columns * float(((means_of_rows - mean) ** 2).sum()) / (rows - 1),
        rows * float(((means_of_columns - mean) ** 2).sum()) / (columns - 1),
        float((residuals**2).sum()) / ((rows - 1) * (columns - 1) - missing),
    )


def row_means(values: Floats) -> Floats:
    """(rows,) means of the values in each row; NaN for a row without a value."""
    present = ~np.isnan(values)
    count = present.sum(axis=1)
    sums = np.where(present, values, 0.0).sum(axis=1)
    return np.asarray(np.where(count > 0, sums / np.maximum(count, 1), np.nan), dtype=np.float64)
