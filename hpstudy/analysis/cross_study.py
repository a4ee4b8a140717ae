"""Joint analysis of several studies that compare views of the same names, for instance on audio and on images.

Raw metrics of different tasks are never pooled. The values of each study are normalized to a common scale: 0 is the median of its first
trials (points that no search chose), 1 the best value of its complete searches (Bayesmark score: Turner et al. 2021,
https://proceedings.mlr.press/v133/turner21a.html). Trials-to-target need no scale. They are restricted to the smallest budget of all
studies.

The unit of resampling is a replicate within its study; studies are weighted equally. An interval over all studies covers other seeds of
these studies, not other tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.curves.anytime import Scale, progress, scale_of
from hpstudy.analysis.joint_endpoints import JointEndpoint, joint_endpoints
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.bootstrap import Bootstrap, percentile_interval
from hpstudy.analysis.statistics.critical_difference import mean_ranks
from hpstudy.analysis.statistics.estimate import mean_of
from hpstudy.analysis.statistics.performance_profile import performance_profile
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.analysis.supplement.ranking import Ranking, trials_of
from hpstudy.errors import UsageError
from hpstudy.goal import Goal
from hpstudy.seeds import derive_seed


@dataclass(frozen=True)
class Estimate:
    """A mean over replicates, or over studies, with its interval; NaN where there is none."""

    mean: float
    low: float
    high: float
    replicates: int


@dataclass(frozen=True)
class Normalised:
    """The best so far of one view of one study on the common scale.

    Attributes:
        mean: (trials,) mean normalized best so far over complete searches; empty without any.
        final: mean at the last trial, with its interval.
    """

    study: str
    view: str
    mean: Floats
    final: Estimate


@dataclass(frozen=True)
class PairOfStudies:
    """One comparison in every study and over all studies; every difference is `a` minus `b`.

    Attributes:
        score: difference of the normalized final bests, by study.
        trials: difference of restricted trials-to-target, by study; None where a study has no target, or a view never reaches it.
        score_together, trials_together: means over studies; trials only if every study has them.
    """

    a: str
    b: str
    score: tuple[Estimate, ...]
    trials: tuple[Estimate | None, ...]
    score_together: Estimate
    trials_together: Estimate | None


@dataclass(frozen=True)
class Several:
    """The joint analysis of several studies.

    Attributes:
        studies: results of the studies, in the order given.
        scales: for each study, the values that map to 0 and 1, as in its anytime scores.
        views: normalized best so far of each view, study by study.
        pairs: comparisons that every study declares.
        endpoints: endpoints that every study declares, for each of these comparisons.
        ranking: ranks and profiles of the common views: ranks of the mean normalized final best over studies, profiles over all
            replicates.
    """

    studies: tuple[Results, ...]
    scales: tuple[Scale, ...]
    views: tuple[Normalised, ...]
    pairs: tuple[PairOfStudies, ...]
    endpoints: tuple[JointEndpoint, ...]
    ranking: Ranking


def several(studies: Sequence[Results]) -> Several:
    """Analyze several studies jointly.

    Args:
        studies: results of two or more studies, none of them a sweep.

    Raises:
        UsageError: a study is a sweep, has no value yet, or is given twice; or the studies have no comparison in common.
    """
    names = [results.study.name for results in studies]
    for results in studies:
        if results.sweep:
            raise UsageError(f"{results.study.name} is a sweep: a report of several studies compares searches")
        if not results.has_values:
            raise UsageError(f"{results.study.name} has no value yet", "run it first, or leave it out")
    if len(set(names)) < len(names):
        raise UsageError(f"a study is given twice: {', '.join(names)}")
    shared = [
        (pair.a, pair.b)
        for pair in studies[0].pairs
        if all(any((other.a, other.b) == (pair.a, pair.b) for other in results.pairs) for results in studies)
    ]
    if not shared:
        views = "; ".join(
            f"{results.study.name}: {', '.join(f'{p.a} − {p.b}' for p in results.pairs) or 'none'}" for results in studies
        )
        raise UsageError(f"these studies have no comparison in common ({views})", "views must have the same names in all of them")
    scales = tuple(_scale(results) for results in studies)
    normalised = tuple(
        _normalised(results, scale, view) for results, scale in zip(studies, scales, strict=True) for view in results.study.views
    )
    pairs = tuple(_pair(a, b, studies, scales) for a, b in shared)
    endpoints = joint_endpoints(studies, scales, shared)
    return Several(tuple(studies), scales, normalised, pairs, endpoints, _ranking(studies, normalised))


def _ranking(studies: Sequence[Results], views: Sequence[Normalised]) -> Ranking:
    first, *others = (results.study.views for results in studies)
    names = tuple(view for view in first if all(view in known for known in others))
    final = {(one.study, one.view): one.final.mean for one in views}
    values = np.array([[final[results.study.name, view] for view in names] for results in studies])
    costs = [trials_of([results.view(view) for view in names]) for results in studies]
    known = [of for of in costs if of is not None]
    seed, confidence = derive_seed(studies[0].seed, "ranks"), studies[0].study.analysis.confidence
    return Ranking(
        None if np.isnan(values).any() else mean_ranks(values, names, Goal.MAXIMIZE, confidence, seed),
        performance_profile(np.concatenate(known), names) if len(known) == len(costs) else None,
    )


def _scale(results: Results) -> Scale:
    """The scale of a study, from its complete searches. Raises UsageError if it cannot be computed."""
    complete = [view.best[view.searches.complete] for view in results.views]
    scale = scale_of([best for best in complete if len(best)], results.study.metric.goal)
    if scale is None:
        raise UsageError(
            f"{results.study.name} has no scale to compare on: no search is complete, or the median first trial is the best of all",
            "run it to its end, or leave it out",
        )
    return scale


def _normalised(results: Results, scale: Scale, name: str) -> Normalised:
    view = results.view(name)
    values = progress(view.best[view.searches.complete], scale)
    if not len(values):
        return Normalised(results.study.name, name, np.zeros(0), Estimate(np.nan, np.nan, np.nan, 0))
    return Normalised(results.study.name, name, values.mean(axis=0), _estimate(values[:, -1], results))


def _pair(a: str, b: str, studies: Sequence[Results], scales: Sequence[Scale]) -> PairOfStudies:
    compared = [next(pair for pair in results.pairs if (pair.a, pair.b) == (a, b)) for results in studies]
    scores = [_score(results, scale, pair) for results, scale, pair in zip(studies, scales, compared, strict=True)]
    horizon = min(results.study.search.trials for results in studies)
    trials = [_trials(pair, horizon) for pair in compared]
    return PairOfStudies(
        a,
        b,
        tuple(_difference(values, results) for values, results in zip(scores, studies, strict=True)),
        tuple(None if values is None else _difference(values, results) for values, results in zip(trials, studies, strict=True)),
        _together(scores, studies[0]),
        None if any(values is None for values in trials) else _together([v for v in trials if v is not None], studies[0]),
    )


def _score(results: Results, scale: Scale, pair: PairResult) -> Floats:
    """(replicates,) differences of the normalized final bests."""
    best = {view.name: progress(view.best, scale) for view in results.views}
    return np.asarray(best[pair.a][pair.replicates, -1] - best[pair.b][pair.replicates, -1])


def _trials(pair: PairResult, horizon: int) -> Floats | None:
    """(replicates,) differences of trials-to-target, restricted to the smallest budget; None where a view never reaches the target."""
    if pair.trials is None or not (pair.trials.reached_a and pair.trials.reached_b):
        return None
    return np.minimum(pair.trials.trials_a, horizon) - np.minimum(pair.trials.trials_b, horizon)


def _bootstrap(results: Results) -> Bootstrap:
    settings = results.study.analysis
    return Bootstrap(derive_seed(results.seed, "several", results.study.name), settings.resamples, settings.confidence)


def _estimate(values: Floats, results: Results) -> Estimate:
    mean = mean_of(values, _bootstrap(results))
    return Estimate(mean.value, mean.low, mean.high, len(values))


def _difference(values: Floats, results: Results) -> Estimate:
    mean = t_mean(values, results.study.analysis.confidence)
    return Estimate(mean.value, mean.low, mean.high, len(values))


def _together(groups: Sequence[Floats], first: Results) -> Estimate:
    """The mean of the studies' means, with a percentile interval from a bootstrap of replicates within each study."""
    if any(len(group) < 2 for group in groups):
        return Estimate(float(np.mean([g.mean() if len(g) else np.nan for g in groups])), np.nan, np.nan, sum(map(len, groups)))
    bootstrap = _bootstrap(first)
    means = np.mean(
        [
            replace(bootstrap, seed=derive_seed(bootstrap.seed, index)).weights(len(group)) @ group
            for index, group in enumerate(groups)
        ],
        axis=0,
    )
    low, high = percentile_interval(means, min(len(group) for group in groups), bootstrap.confidence)
    return Estimate(float(np.mean([group.mean() for group in groups])), low, high, sum(map(len, groups)))
