"""What searches chose, on fresh seeds: its worth, the bias of its tuning score, and the noise of training.

Every chosen point (the incumbent of a search) and every view's default point is trained on K fresh seeds: an array of (searches x seeds)
per view and metric. The seeds are common to all replicates, so that searches and seeds are crossed and both are samples; or, where a study
confirms all incumbents, they belong to the replicate, and the searches are the sample.

References: Cawley and Talbot (2010), On over-fitting in model selection and subsequent selection bias in performance evaluation, JMLR 11
(the gap). Bouthillier et al. (2021), Accounting for variance in machine learning benchmarks, MLSys 3 (sources of variance). Probst
et al. (2019), Tunability, JMLR 20 (tuned minus default).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.comparisons.margin import Bounds, one_sided
from hpstudy.analysis.retraining.trainings import Retrained, retrained, test_metric
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.crossed import Components, components, crossed_mean, row_means
from hpstudy.analysis.statistics.estimate import CountedEstimate, mean_of
from hpstudy.analysis.statistics.pairing import win_share
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.analysis.sweeps.points import summary
from hpstudy.analysis.trials.searches import Searches
from hpstudy.goal import Goal


@dataclass(frozen=True)
class ConfirmedMetric:
    """One metric of one view on fresh seeds.

    Attributes:
        tuned: mean of the incumbents, over searches and seeds.
        default: mean of the default point, with a t interval over seeds; None without a value.
        gain: tuned minus default on the same seeds, over searches and seeds; None without seeds in common.
        components: of the incumbents' variance.
    """

    metric: str
    tuned: CountedEstimate
    default: CountedEstimate | None
    gain: CountedEstimate | None
    components: Components


@dataclass(frozen=True)
class ConfirmedView:
    """One view on fresh seeds.

    Attributes:
        crossed: whether the seeds are common to all replicates.
        metrics: the objective, then the test metric where there is one.
        gap: tuning score minus mean score on fresh seeds, of the objective, over searches and seeds: how much selection flatters.
        below_default: share of the searches whose mean on fresh seeds is worse than that of the default point, ties half; None without
            seeds in common.
    """

    data: Retrained
    crossed: bool
    metrics: tuple[ConfirmedMetric, ...]
    gap: CountedEstimate
    below_default: CountedEstimate | None


@dataclass(frozen=True)
class PairedDifference:
    """A metric of A minus B on the same fresh seeds, paired by replicate.

    Attributes:
        mean: over replicates and seeds.
        bounds: one-sided bounds of the mean where each replicate has seeds of its own; None where the seeds are common, since bounds over
            searches alone would take them as given.
    """

    metric: str
    mean: CountedEstimate
    bounds: Bounds | None


@dataclass(frozen=True)
class ConfirmedPair:
    """Two views compared on fresh seeds; `differences` follows the metrics of the confirmation."""

    a: str
    b: str
    differences: tuple[PairedDifference, ...]


@dataclass(frozen=True)
class Confirmation:
    """A study on fresh seeds.

    Attributes:
        metrics: the objective, then the test metric where there is one.
        seeds: fresh seeds.
        views: those with a confirmed search, in the order of the study.
        pairs: the declared comparisons with a replicate in common.
    """

    metrics: tuple[str, ...]
    seeds: int
    views: tuple[ConfirmedView, ...]
    pairs: tuple[ConfirmedPair, ...]


def confirmation(
    rows: Any,
    searches: Mapping[str, Searches],
    pairs: Sequence[tuple[str, str]],
    *,
    metric: str,
    goal: Goal,
    bootstrap: Bootstrap,
    crossed: bool = True,
) -> Confirmation | None:
    """Analyse the trainings on fresh seeds; None when no incumbent has a value on one.

    `rows` is a DataFrame as `hpstudy.store.Reader.confirmations` gives it; every one of `pairs` is compared, A minus B.
    `crossed` says whether the fresh seeds are common to all replicates.
    """
    test = test_metric([name.removeprefix("metric.") for name in rows.columns if name.startswith("metric.")], metric)
    metrics = (metric,) if test is None else (metric, test)
    trainings = [retrained(rows, block, metrics, goal) for block in searches.values()]
    views = {
        data.view: view_on_fresh_seeds(data, metrics, goal, bootstrap, crossed=crossed)
        for data in trainings
        if len(data.replicates)
    }
    if not views:
        return None
    compared = [pair_on_fresh_seeds(views[a], views[b], bootstrap) for a, b in pairs if a in views and b in views]
    return Confirmation(
        metrics,
        max(view.data.scores[metric].shape[1] for view in views.values()),
        tuple(views.values()),
        tuple(pair for pair in compared if pair is not None),
    )


def view_on_fresh_seeds(
    data: Retrained, metrics: Sequence[str], goal: Goal, bootstrap: Bootstrap, *, crossed: bool = True
) -> ConfirmedView:
    """One view's statistics; every search has an objective on some seed, and the objective is the first of `metrics`."""
    confirmed = []
    for name in metrics:
        values, default = data.scores[name], data.default[name]
        known = default[~np.isnan(default)]
        confirmed.append(
            ConfirmedMetric(
                name,
                over_searches_and_seeds(values, bootstrap, crossed=crossed),
                over_seeds(known, bootstrap.confidence) if known.size else None,
                gain(values, default, bootstrap.confidence),
                components(values),
            )
        )
    gap = over_searches_and_seeds(data.tuning[:, None] - data.scores[metrics[0]], bootstrap, crossed=crossed)
    scores, default = data.scores[metrics[0]], data.default[metrics[0]]
    risk = below_default(scores, default, goal, bootstrap.confidence, crossed=crossed)
    return ConfirmedView(data, crossed, tuple(confirmed), gap, risk)


def pair_on_fresh_seeds(a: ConfirmedView, b: ConfirmedView, bootstrap: Bootstrap) -> ConfirmedPair | None:
    """A minus B on the seeds on which both have a value, replicate by replicate; None without a replicate in common."""
    _, of_a, of_b = np.intersect1d(a.data.replicates, b.data.replicates, return_indices=True)
    differences = []
    for left, right in zip(a.metrics, b.metrics, strict=True):
        difference = a.data.scores[left.metric][of_a] - b.data.scores[right.metric][of_b]
        means = row_means(difference)
        differences.append(
            PairedDifference(
                left.metric,
                over_searches_and_seeds(difference, bootstrap, crossed=a.crossed),
                None if a.crossed else one_sided(means[~np.isnan(means)], bootstrap),
            )
        )
    return ConfirmedPair(a.data.view, b.data.view, tuple(differences)) if differences[0].mean.n else None


def over_searches_and_seeds(values: Floats, bootstrap: Bootstrap, *, crossed: bool) -> CountedEstimate:
    """Mean of (searches x seeds) values, NaN without one, over searches and seeds.

    Over searches alone, by Student's t, where the seeds belong to the search (not `crossed`); by BCa with one common seed.
    """
    if not crossed:
        known = row_means(values)
        known = known[~np.isnan(known)]
        mean = t_mean(known, bootstrap.confidence)
        return CountedEstimate(mean.value, mean.low, mean.high, known.size)
    if values.shape[1] > 1:
        return crossed_mean(values, bootstrap.confidence)
    return over_searches(values[:, 0], bootstrap)


def over_searches(values: Floats, bootstrap: Bootstrap) -> CountedEstimate:
    """Mean of (searches,) values, NaN left out, with a BCa interval over searches; the seed is taken as given."""
    known = values[~np.isnan(values)]
    mean = mean_of(known, bootstrap)
    return CountedEstimate(mean.value, mean.low, mean.high, known.size)


def over_seeds(values: Floats, confidence: float) -> CountedEstimate:
    """Mean of (seeds,) values, at least one and no NaN, with Student's t interval."""
    means = summary(values[:, None], confidence)
    return CountedEstimate(float(means.mean[0]), float(means.low[0]), float(means.high[0]), values.size)


def below_default(values: Floats, default: Floats, goal: Goal, confidence: float, *, crossed: bool) -> CountedEstimate | None:
    """The share of searches whose mean is worse than that of the default point.

    The interval counts searches and the seeds of the default as samples: Wilson's for the shares below both ends of the t interval of the
    default's mean, each of the two at half of 1 - confidence (Bonferroni), so that it covers at least. NaN with one seed.

    Args:
        values: (searches x seeds), NaN without one.
        default: (seeds,) values of the default point.
        goal: of the metric.
        confidence: of the interval.
        crossed: whether the seeds are common, so that only those count on which both have a value; else each search is on its own seeds.
    """
    seeds = ~np.isnan(default)
    if crossed:
        values = values[:, seeds]
        values = values[~np.isnan(values).any(axis=1)]
    if not seeds.any() or not values.size:
        return None
    tuned, known, level = row_means(values), over_seeds(default[seeds], confidence), (1 + confidence) / 2
    share = win_share(np.full(len(tuned), known.value), tuned, goal, confidence)
    if known.n < 2:
        return CountedEstimate(share.value, np.nan, np.nan, len(tuned))
    ends = over_seeds(default[seeds], level)
    shares = [win_share(np.full(len(tuned), end), tuned, goal, level) for end in (ends.low, ends.high)]
    return CountedEstimate(share.value, min(each.low for each in shares), max(each.high for each in shares), len(tuned))


def gain(values: Floats, default: Floats, confidence: float) -> CountedEstimate | None:
    """Tuned (searches x seeds) minus default (seeds,) on the same seeds, over searches and over seeds.

    Only seeds on which the default point has a value count, and searches that have a value on all of those; None when nothing
    remains.
    """
    seeds = ~np.isnan(default)
    crossed = values[:, seeds] - default[seeds]
    crossed = crossed[~np.isnan(crossed).any(axis=1)]
    return crossed_mean(crossed, confidence) if crossed.size else None
