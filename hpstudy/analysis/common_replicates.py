"""Means over studies, some of whose replicates are common.

Replicate r of two studies with the same seed has the same initial points and training seeds, also on different data, so the values of both
are correlated. A mean over studies is therefore computed from the contributions of replicates, where a common replicate contributes once,
with the values of all its studies. Replicates that belong to the same studies form a stratum, in which they are independent and alike. The
variance of the mean is the sum over strata of n times the variance of the contributions. If no replicate is common, this is
sum(se^2) / k^2 for k studies (Welch); if all are, the mean has the paired t interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.statistics.bootstrap import Bootstrap, percentile_interval
from hpstudy.analysis.statistics.deviation import deviation
from hpstudy.analysis.statistics.estimate import CountedEstimate
from hpstudy.seeds import derive_seed


@dataclass(frozen=True)
class Sample:
    """The values of one study.

    Attributes:
        seed: seed of the study.
        replicates: (n,) numbers of the replicates.
        values: (n,) value of each.
    """

    seed: int
    replicates: Ints
    values: Floats


def mean_over_studies(samples: Sequence[Sample]) -> float:
    """The mean of the means of the studies; NaN if one has no replicate."""
    return float(np.mean([sample.values.mean() if len(sample.values) else np.nan for sample in samples]))


def strata(samples: Sequence[Sample]) -> list[Floats]:
    """For each stratum, the (replicates,) contributions to the mean over studies; they all sum to it."""
    contributions: dict[tuple[int, int], dict[int, float]] = {}
    for study, sample in enumerate(samples):
        for replicate, value in zip(sample.replicates.tolist(), sample.values.tolist(), strict=True):
            parts = contributions.setdefault((sample.seed, replicate), {})
            parts[study] = value / (len(samples) * len(sample.values))
    by_studies: dict[tuple[int, ...], list[float]] = {}
    for parts in contributions.values():
        by_studies.setdefault(tuple(parts), []).append(sum(parts.values()))
    return [np.array(by_studies[studies]) for studies in sorted(by_studies)]


def t_mean_over_studies(samples: Sequence[Sample], confidence: float) -> tuple[CountedEstimate, float]:
    """The mean over studies with Student's t interval, and the p of the two-sided test of 0.

    The degrees of freedom are those of Satterthwaite (1946, https://doi.org/10.2307/3002019). Ends and p are NaN if a stratum has fewer
    than two replicates or no spread.
    """
    value, n = mean_over_studies(samples), sum(len(sample.values) for sample in samples)
    groups = strata(samples)
    if any(len(group) < 2 for group in groups):
        return CountedEstimate(value, float("nan"), float("nan"), n), float("nan")
    # (strata,) degrees of freedom, and variances of the sums of contributions.
    freedom = np.array([len(group) - 1 for group in groups], dtype=np.float64)
    variances = np.array([len(group) * float(deviation(group)) ** 2 for group in groups])
    if not (variances > 0).all():
        return CountedEstimate(value, float("nan"), float("nan"), n), float("nan")
    error, of_all = float(np.sqrt(variances.sum())), float(variances.sum() ** 2 / (variances**2 / freedom).sum())
    half_width = float(stats.t.ppf((1 + confidence) / 2, of_all)) * error
    return CountedEstimate(value, value - half_width, value + half_width, n), float(2 * stats.t.sf(abs(value) / error, of_all))


def bootstrap_mean_over_studies(samples: Sequence[Sample], bootstrap: Bootstrap) -> CountedEstimate:
    """The mean over studies with a percentile interval of a bootstrap that draws replicates within every stratum.

    Stratified resampling: Davison and Hinkley (1997), Bootstrap methods and their application, section 3.2,
    https://doi.org/10.1017/CBO9780511802843. Ends are NaN if a stratum has fewer than two replicates.
    """
    value, n, groups = mean_over_studies(samples), sum(len(sample.values) for sample in samples), strata(samples)
    if any(len(group) < 2 for group in groups) or any(not len(sample.values) for sample in samples):
        return CountedEstimate(value, float("nan"), float("nan"), n)
    resampled = []  # (resamples,) sums of contributions of each stratum
    for index, group in enumerate(groups):
        weights = replace(bootstrap, seed=derive_seed(bootstrap.seed, index)).weights(len(group))  # (resamples, replicates)
        resampled.append(weights @ (len(group) * group))
    low, high = percentile_interval(np.sum(resampled, axis=0), min(map(len, groups)), bootstrap.confidence)
    return CountedEstimate(value, low, high, n)
