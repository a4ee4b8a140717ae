"""Bootstrap intervals for means of whole searches.

The unit of resampling is a replicate: a row of (searches x trials), jointly in all compared views. A resample is a row of weights,
so the resampled means of all trials are one matrix product.

References:
    Efron (1987), Better bootstrap confidence intervals, JASA 82, https://doi.org/10.1080/01621459.1987.10478410 (BCa)
    Hesterberg (2015), What teachers should know about the bootstrap, Am. Stat. 69, https://doi.org/10.1080/00031305.2015.1089789
    (small-sample expansion)
    Montiel Olea and Plagborg-Møller (2019), Simultaneous confidence bands, J. Appl. Econometrics 34,
    https://doi.org/10.1002/jae.2656 (sup-t band)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from hpstudy.analysis.arrays import Bools, Floats
from hpstudy.analysis.statistics.deviation import deviation, scaled
from hpstudy.seeds import derive_seed

BLOCK = 2**23
"""Numbers in a block of resampled means (64 MiB). Larger blocks need more memory, smaller ones more calls."""


@dataclass(frozen=True)
class Bootstrap:
    """Bootstrap settings. The same seed and number of replicates give the same resamples.

    Attributes:
        resamples: number of resamples.
        confidence: level of every interval.
    """

    seed: int
    resamples: int
    confidence: float

    def weights(self, replicates: int) -> Floats:
        """(resamples x replicates) weight of each replicate in each resample; rows sum to 1."""
        return _drawn(derive_seed(self.seed, "weights", replicates), self.resamples, replicates)[0]

    def counts(self, replicates: int) -> npt.NDArray[np.int16]:
        """(replicates x resamples) count of each replicate in each resample; columns sum to `replicates`."""
        return _drawn(derive_seed(self.seed, "weights", replicates), self.resamples, replicates)[1]


@lru_cache(maxsize=2)
def _drawn(seed: int, resamples: int, replicates: int) -> tuple[Floats, npt.NDArray[np.int16]]:
    """(resamples x replicates) weights and (replicates x resamples) counts.

    A study has at most 1,000 replicates, so the counts fit in 16 bits.
    """
    counts = np.random.default_rng(seed).multinomial(replicates, np.full(replicates, 1 / replicates), size=resamples)
    weights, counts_16 = counts / replicates, counts.T.astype(np.int16, order="C")
    weights.setflags(write=False)
    counts_16.setflags(write=False)
    return weights, counts_16


def resampled_means(values: Floats, bootstrap: Bootstrap) -> Iterator[tuple[slice, Floats]]:
    """Resampled column means of (replicates x trials) values, no NaN. Yields blocks: the columns, and (columns x resamples) means."""
    weights = bootstrap.weights(values.shape[0])
    step = max(1, BLOCK // bootstrap.resamples)
    for start in range(0, values.shape[1], step):
        columns = slice(start, min(start + step, values.shape[1]))
        yield columns, np.ascontiguousarray(values[:, columns].T) @ weights.T


def mean_intervals(values: Floats, bootstrap: Bootstrap, *, expand: bool = True) -> tuple[Floats, Floats]:
    """BCa intervals of the column means of (replicates x trials) values, no NaN. Returns lower and upper ends, each (trials,).

    A replicate is a whole search, or a paired difference of two. The ends are NaN with fewer than 2 replicates, and equal the mean where
    all replicates are equal.

    The bias correction z0 and the acceleration a shift the percentiles of the resampled means (Efron 1987; for a mean the jackknife gives
    a = skewness / (6 sqrt n)). Differs from the textbook: the normal quantile z is replaced by sqrt(n / (n - 1)) t(n - 1), Hesterberg's
    expansion, because plain bootstrap intervals are too short at n = 20 (docs/reference/statistics.md has the coverage).
    `expand=False` gives Efron's interval.
    """
    n, trials = values.shape
    low, high = np.full(trials, np.nan), np.full(trials, np.nan)
    if n < 2:
        return low, high
    centered, _ = scaled(values - values.mean(axis=0))  # (replicates, trials)
    spread = np.ptp(values, axis=0)  # (trials,), as are `squares` and `acceleration`
    squares = (centered**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        acceleration = np.where(squares > 0, (centered**3).sum(axis=0) / (6 * squares**1.5), 0.0)
    z = quantile_z(n, bootstrap.confidence) if expand else float(special.ndtri((1 + bootstrap.confidence) / 2))
    for columns, means in resampled_means(values, bootstrap):  # means: (trials of the block, resamples)
        center, tolerance = values[:, columns].mean(axis=0)[:, None], 1e-12 * spread[columns][:, None]
        share = (
            (means < center - tolerance).mean(axis=1) + (means <= center + tolerance).mean(axis=1)
        ) / 2  # (trials of the block,)
        z0 = special.ndtri(np.clip(share, 1 / (2 * bootstrap.resamples), 1 - 1 / (2 * bootstrap.resamples)))
        means.sort(axis=1)
        for end, sign in ((low, -1), (high, 1)):
            end[columns] = _quantiles(means, bca_level(z0, acceleration[columns], sign * z))
    equal = ~_varies(values)
    low[equal] = high[equal] = values[0, equal]
    return low, high


def bca_level(z0: Floats, acceleration: Floats, z: float) -> Floats:
    """The percentile level of a BCa interval: Phi(z0 + (z0 + z) / (1 - a (z0 + z))).

    Beyond the pole of the fraction (strong skewness, few replicates), the level is that of the nearer end, 0 or 1.
    """
    shifted = z0 + z
    scale = 1 - acceleration * shifted
    with np.errstate(divide="ignore", invalid="ignore"):
        level = special.ndtr(z0 + shifted / scale)
    return np.asarray(np.where(scale > 0, level, shifted > 0), dtype=np.float64)


@lru_cache(maxsize=1_000)
def quantile_z(n: int, confidence: float) -> float:
    """sqrt(n / (n - 1)) t(n - 1), the quantile with which a percentile interval of a mean is as wide as Student's t interval."""
    return float(np.sqrt(n / (n - 1)) * stats.t.ppf((1 + confidence) / 2, n - 1))


def percentile_interval(statistic: Floats, n: int, confidence: float) -> tuple[float, float]:
    """Percentile interval with the small-sample expansion, for statistics to which BCa does not apply (trial counts).

    `statistic` is (resamples,) and may be infinite; n is the number of replicates. NaN, a resample without a value, counts as -infinity
    for the lower end and as infinity for the upper end. The ends are NaN with fewer than 2 replicates.
    """
    if n < 2:
        return float("nan"), float("nan")
    tail = float(special.ndtr(-quantile_z(n, confidence)))
    ordered, unknown = np.sort(statistic), int(np.isnan(statistic).sum())  # NaN is sorted last
    # Order statistics, not interpolations between two, since the statistic may be infinite.
    lower = int(np.floor(tail * (len(ordered) - 1)))
    upper = len(ordered) - 1 - lower
    low = ordered[lower - unknown] if lower >= unknown else -np.inf
    high = ordered[upper] if upper < len(ordered) - unknown else np.inf
    return float(low), float(high)


@dataclass(frozen=True)
class Band:
    """A simultaneous confidence band of a mean curve: it contains the whole true curve with the stated confidence.

    Attributes:
        low, high: (trials,) ends of the band.
        critical: half width of the band in standard errors.
    """

    low: Floats
    high: Floats
    critical: float


def simultaneous_band(values: Floats, bootstrap: Bootstrap) -> Band:
    """The sup-t band of a mean curve: mean +- c se, where c is the quantile of max over t of |resampled mean - mean| / se.

    `values` is (replicates x trials), no NaN, at least 2 replicates. The resamples give c for known standard errors. Differs from the
    textbook: c is mapped from the normal distribution to Student's t with n - 1 degrees of freedom at the same tail probability, so the
    band of a single trial is the t interval.
    """
    n = values.shape[0]
    mean, error = values.mean(axis=0), deviation(values) / np.sqrt(n)  # (trials,)
    varies = _varies(values)  # (trials,)
    largest = np.zeros(bootstrap.resamples)  # (resamples,) maximum over the trials
    if varies.any():
        for columns, means in resampled_means(values[:, varies], bootstrap):
            distance = (
                np.abs(means - mean[varies][columns, None]) / error[varies][columns, None]
            )  # (trials of the block, resamples)
            np.maximum(largest, distance.max(axis=0), out=largest)
    normal = float(np.quantile(largest, bootstrap.confidence)) * np.sqrt(n / (n - 1))
    critical = float(stats.t.isf(stats.norm.sf(normal), n - 1))
    half_width = np.where(varies, critical * error, 0.0)
    return Band(mean - half_width, mean + half_width, critical)


def ranges(mask: Bools) -> tuple[tuple[int, int], ...]:
    """Runs of True as (first, last) trials, counted from 1."""
    edges = np.diff(np.r_[0, np.asarray(mask, dtype=np.int8), 0])
    return tuple((int(a) + 1, int(b)) for a, b in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True))


def _varies(values: Floats) -> Bools:
    """(columns,) whether the replicates of each column differ by more than rounding."""
    return np.asarray(np.ptp(values, axis=0) > 1e-12 * np.abs(values).max(axis=0), dtype=np.bool_)


def _quantiles(ordered: Floats, level: Floats) -> Floats:
    """The quantile of each row of `ordered` (rows x resamples, ascending) at the level of that row, linear between order statistics."""
    position = level * (ordered.shape[1] - 1)  # (rows,), as are `below` and `above`
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, ordered.shape[1] - 1)
    rows = np.arange(ordered.shape[0])
    return np.asarray(ordered[rows, below] + (position - below) * (ordered[rows, above] - ordered[rows, below]), dtype=np.float64)
