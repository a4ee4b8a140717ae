"""Means over studies, some of whose replicates are common.

Replicate r of two studies with the same seed has the same initial points and training seeds, also on different data, so the values of both
are correlated. A mean over studies is therefore computed from replicates, where a common replicate counts once, with the values of all its
studies. Its influence on the mean is the sum of its deviations from the means of its studies, each divided by the numbers of studies and of
replicates. The variance of the mean is the sum of the squared influences. If no replicate is common, this is sum(se^2) / k^2 for k studies
(Welch); if all are, the mean has the paired t interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.statistics.bootstrap import Bootstrap, percentile_interval
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


def influences(samples: Sequence[Sample]) -> Mapping[tuple[int, ...], Floats]:
    """The influences on the mean over studies of the replicates of the same studies, by the indices of these studies.

    The deviations of a study of n replicates are multiplied by sqrt(n / (n - 1)), so that their squares have the expected value of the
    variance. Every study has at least two replicates.
    """
    of_replicates: dict[tuple[int, int], dict[int, float]] = {}
    for study, sample in enumerate(samples):
        n, centered = len(sample.values), sample.values - sample.values[0]  # exactly 0 if all values are equal
        deviations = (centered - centered.mean()) / (len(samples) * np.sqrt(n * (n - 1)))
        for replicate, part in zip(sample.replicates.tolist(), deviations.tolist(), strict=True):
            of_replicates.setdefault((sample.seed, replicate), {})[study] = part
    by_studies: dict[tuple[int, ...], list[float]] = {}
    for parts in of_replicates.values():
        by_studies.setdefault(tuple(parts), []).append(sum(parts.values()))
    return {studies: np.array(of) for studies, of in by_studies.items()}


def t_mean_over_studies(samples: Sequence[Sample], confidence: float) -> tuple[CountedEstimate, float]:
    """The mean over studies with Student's t interval, and the p of the two-sided test of 0.

    The degrees of freedom are those of Satterthwaite (1946, https://doi.org/10.2307/3002019), with n - 1 for n replicates of the same
    studies, and 1 for a single one. Ends and p are NaN if a study has fewer than two replicates, or the studies of a seed have no spread.
    """
    value, n = mean_over_studies(samples), sum(len(sample.values) for sample in samples)
    without = CountedEstimate(value, float("nan"), float("nan"), n), float("nan")
    if any(len(sample.values) < 2 for sample in samples):
        return without
    groups = influences(samples)
    variances = np.array([float((group**2).sum()) for group in groups.values()])
    seeds = np.array([samples[studies[0]].seed for studies in groups])
    if any(not variances[seeds == seed].any() for seed in seeds):
        return without
    freedom = np.array([max(len(group) - 1, 1) for group in groups.values()])
    error, of_all = float(np.sqrt(variances.sum())), float(variances.sum() ** 2 / (variances**2 / freedom).sum())
    half_width = float(stats.t.ppf((1 + confidence) / 2, of_all)) * error
    return CountedEstimate(value, value - half_width, value + half_width, n), float(2 * stats.t.sf(abs(value) / error, of_all))


def bootstrap_mean_over_studies(samples: Sequence[Sample], bootstrap: Bootstrap) -> CountedEstimate:
    """The mean over studies with a percentile interval of a bootstrap that draws replicates, a common one for all its studies.

    The replicates of studies with the same seed are drawn together, apart from those of other seeds (stratified resampling: Davison and
    Hinkley 1997, Bootstrap methods and their application, section 3.2, https://doi.org/10.1017/CBO9780511802843). A study has the mean of
    its drawn replicates. Ends are NaN if a study has fewer than two.
    """
    value, sizes = mean_over_studies(samples), [len(sample.values) for sample in samples]
    if min(sizes) < 2:
        return CountedEstimate(value, float("nan"), float("nan"), sum(sizes))
    total = np.zeros(bootstrap.resamples)
    for index, seed in enumerate(dict.fromkeys(sample.seed for sample in samples)):
        of_seed = [sample for sample in samples if sample.seed == seed]
        drawn = list(dict.fromkeys(number for sample in of_seed for number in sample.replicates.tolist()))
        weights = replace(bootstrap, seed=derive_seed(bootstrap.seed, index)).weights(len(drawn))  # (resamples, replicates)
        for sample in of_seed:
            own = weights[:, [drawn.index(number) for number in sample.replicates.tolist()]]
            with np.errstate(invalid="ignore"):  # NaN if none of the study's replicates is drawn
                total += own @ sample.values / own.sum(axis=1) / len(samples)
    return CountedEstimate(value, *percentile_interval(total, min(sizes), bootstrap.confidence), sum(sizes))
