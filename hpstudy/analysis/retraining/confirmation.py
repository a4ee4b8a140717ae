"""The chosen points on fresh seeds: their values, the bias of the tuning score, and the training noise.

Every chosen point (the incumbent of a search) and the default point of every view are trained on K fresh seeds: a (searches x seeds) array
for each view and metric. If the seeds are common to all replicates, searches and seeds are crossed random factors. If a study confirms all
incumbents, each replicate has its own seeds, and the searches are the sample.

References:
    Cawley and Talbot (2010), On over-fitting in model selection and subsequent selection bias in performance evaluation, JMLR 11,
    https://jmlr.org/papers/v11/cawley10a.html (the gap)
    Bouthillier et al. (2021), Accounting for variance in machine learning benchmarks, MLSys 3, https://arxiv.org/abs/2103.03098
    (sources of variance)
    Probst et al. (2019), Tunability, JMLR 20, https://jmlr.org/papers/v20/18-444.html (tuned minus default)
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
        tuned: mean of the incumbents over searches and seeds.
        default: mean of the default point, with a t interval over seeds; None without a value.
        gain: mean over searches and seeds of tuned minus default, paired by seed; None without common seeds.
        components: variance components of the incumbents.
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
        metrics: the objective, then the test metric if there is one.
        gap: tuning score minus mean score on fresh seeds, of the objective, over searches and seeds: the selection bias.
        below_default: share of the searches whose mean on fresh seeds is worse than that of the default point, counting ties half; None
            without common seeds.
    """

    data: Retrained
    crossed: bool
    metrics: tuple[ConfirmedMetric, ...]
    gap: CountedEstimate
    below_default: CountedEstimate | None


@dataclass(frozen=True)
class PairedDifference:
    """Difference of a metric, A minus B, on the same fresh seeds, paired by replicate.

    Attributes:
        mean: mean over replicates and seeds.
        bounds: one-sided bounds of the mean if each replicate has its own seeds; None if the seeds are common, since bounds over searches
            alone would ignore the variance over seeds.
    """

    metric: str
    mean: CountedEstimate
    bounds: Bounds | None


@dataclass(frozen=True)
class ConfirmedPair:
    """The comparison of two views on fresh seeds; `differences` has the order of `Confirmation.metrics`."""

    a: str
    b: str
    differences: tuple[PairedDifference, ...]


@dataclass(frozen=True)
class Confirmation:
    """The statistics of a study on fresh seeds.

    Attributes:
        metrics: the objective, then the test metric if there is one.
        seeds: number of fresh seeds.
        views: views with a confirmed search, in the order of the study.
        pairs: declared comparisons with a common replicate.
    """

    metrics: tuple[str, ...]
    seeds: int
    views: tuple[ConfirmedView, ...]
    pairs: tuple[ConfirmedPair, ...]

    def __repr__(self) -> str:
        views = ", ".join(view.data.view for view in self.views)
        return f"<Confirmation of {views}: {', '.join(self.metrics)} on {self.seeds} fresh seeds>"


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
    """Analyze the trainings on fresh seeds; None if no incumbent has a value on one.

    `rows` is the DataFrame of `hpstudy.store.Reader.confirmations`. Each of `pairs` is compared, A minus B. `crossed` is true if the
    fresh seeds are common to all replicates.
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
    """The statistics of one view; every search has an objective on some seed, and the objective is the first of `metrics`."""
    confirmed = []
    for name in metrics:
        values, default = data.scores[name], data.default[name]  # (searches, seeds), (seeds,)
        default_values = default[~np.isnan(default)]
        confirmed.append(
            ConfirmedMetric(
                name,
                over_searches_and_seeds(values, bootstrap, crossed=crossed),
                over_seeds(default_values, bootstrap.confidence) if default_values.size else None,
                gain(values, default, bootstrap.confidence),
                components(values, crossed=crossed),
            )
        )
    scores, default = data.scores[metrics[0]], data.default[metrics[0]]
    gap = over_searches_and_seeds(data.tuning[:, None] - scores, bootstrap, crossed=crossed)
    risk = below_default(scores, default, goal, bootstrap.confidence, crossed=crossed)
    return ConfirmedView(data, crossed, tuple(confirmed), gap, risk)


def pair_on_fresh_seeds(a: ConfirmedView, b: ConfirmedView, bootstrap: Bootstrap) -> ConfirmedPair | None:
    """A minus B on the seeds on which both have a value, for each replicate; None without a common replicate."""
    _, of_a, of_b = np.intersect1d(a.data.replicates, b.data.replicates, return_indices=True)
    differences = []
    for name in (confirmed.metric for confirmed in a.metrics):
        difference = a.data.scores[name][of_a] - b.data.scores[name][of_b]  # (replicates, seeds)
        means = row_means(difference)
        differences.append(
            PairedDifference(
                name,
                over_searches_and_seeds(difference, bootstrap, crossed=a.crossed),
                None if a.crossed else one_sided(means[~np.isnan(means)], bootstrap),
            )
        )
    return ConfirmedPair(a.data.view, b.data.view, tuple(differences)) if differences[0].mean.n else None


def over_searches_and_seeds(values: Floats, bootstrap: Bootstrap, *, crossed: bool) -> CountedEstimate:
    """Mean of (searches x seeds) values over searches and seeds; NaN marks a missing value.

    The interval is Student's t over searches if the seeds belong to the search (not `crossed`), and BCa with one common seed.
    """
    if crossed and values.shape[1] > 1:
        return crossed_mean(values, bootstrap.confidence)
    means = values[:, 0] if crossed else row_means(values)
    means = means[~np.isnan(means)]  # (searches with a value,)
    return (mean_of(means, bootstrap) if crossed else t_mean(means, bootstrap.confidence)).counted(means.size)


def over_seeds(values: Floats, confidence: float) -> CountedEstimate:
    """Mean of (seeds,) values, at least one, no NaN, with Student's t interval."""
    means = summary(values[:, None], confidence)
    return CountedEstimate(means.mean.item(), means.low.item(), means.high.item(), values.size)


def below_default(values: Floats, default: Floats, goal: Goal, confidence: float, *, crossed: bool) -> CountedEstimate | None:
    """The share of searches whose mean is worse than that of the default point, counting ties half.

    The interval accounts for the sampling of searches and of the default's seeds: Wilson's interval of the shares below both ends of the
    t interval of the default's mean. Each of the two has half of 1 - confidence (Bonferroni), so the coverage is at least the stated one.
    NaN with one seed.

    Args:
        values: (searches x seeds) values; NaN for a missing one.
        default: (seeds,) values of the default point.
        goal: goal of the metric.
        confidence: level of the interval.
        crossed: whether the seeds are common; then only seeds with values of both are used. Otherwise each search has its own seeds.
    """
    seeds = ~np.isnan(default)
    if crossed:
        values = values[:, seeds]
        values = values[~np.isnan(values).any(axis=1)]
    if not seeds.any() or not values.size:
        return None
    tuned, level = row_means(values), (1 + confidence) / 2  # (searches,)
    mean_of_default = over_seeds(default[seeds], level)
    share = win_share(np.full(len(tuned), mean_of_default.value), tuned, goal, confidence)
    if mean_of_default.n < 2:
        return CountedEstimate(share.value, np.nan, np.nan, len(tuned))
    ends = (mean_of_default.low, mean_of_default.high)
    shares = [win_share(np.full(len(tuned), end), tuned, goal, level) for end in ends]
    return CountedEstimate(share.value, min(each.low for each in shares), max(each.high for each in shares), len(tuned))


def gain(values: Floats, default: Floats, confidence: float) -> CountedEstimate | None:
    """Mean over searches and seeds of tuned (searches x seeds) minus default (seeds,), paired by seed.

    Uses only seeds on which the default point has a value, and searches with a value on all of these; None if nothing remains.
    """
    seeds = ~np.isnan(default)
    gains = values[:, seeds] - default[seeds]  # (searches, seeds with the default)
    gains = gains[~np.isnan(gains).any(axis=1)]
    return crossed_mean(gains, confidence) if gains.size else None
