"""Joint analysis of several studies that compare views of the same names, for instance on audio and on images.

Raw metrics of different tasks are never pooled. The values of each study are normalized to a common scale: 0 is the median of its first
trials (points that no search chose), 1 the best value of its complete searches (similar to the score of Turner et al. 2021,
https://proceedings.mlr.press/v133/turner21a.html). Trials-to-target need no scale. They are restricted to the smallest budget of all
studies.

The unit of resampling is a replicate, which studies with the same seed have in common; studies are weighted equally. An interval over all
studies covers other seeds of these studies, not other tasks. Studies of the same task and data with the same seed are refused: replicate r
of both has the same training seeds and initial points, so they are no two samples of a task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.common_replicates import Sample, bootstrap_mean_over_studies
from hpstudy.analysis.curves.anytime import Scale, progress, scale_of
from hpstudy.analysis.joint_endpoints import JointEndpoint, joint_endpoints
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.critical_difference import mean_ranks
from hpstudy.analysis.statistics.estimate import mean_of
from hpstudy.analysis.statistics.performance_profile import performance_profile
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.analysis.statistics.survival import trials_range
from hpstudy.analysis.supplement.ranking import Ranking, trials_of
from hpstudy.errors import UsageError
from hpstudy.goal import Goal
from hpstudy.seeds import derive_seed
from hpstudy.sources import SOURCE


@dataclass(frozen=True)
class Estimate:
    """A mean over replicates, or over studies, with its interval; NaN where there is none."""

    mean: float
    low: float
    high: float
    replicates: int


@dataclass(frozen=True)
class Normalized:
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
        trials: difference of restricted trials-to-target, by study; None where a study has no target, or a view never reaches it within
            the smallest budget.
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
    views: tuple[Normalized, ...]
    pairs: tuple[PairOfStudies, ...]
    endpoints: tuple[JointEndpoint, ...]
    ranking: Ranking


def several(studies: Sequence[Results]) -> Several:
    """Analyze several studies jointly.

    Args:
        studies: results of two or more studies, none of them a sweep.

    Raises:
        UsageError: a study is a sweep, has no value yet, or is given twice; the levels of confidence differ; two studies have the same
            seed, task and data; or the studies have no comparison in common.
    """
    names = [results.study.name for results in studies]
    for results in studies:
        if results.sweep:
            raise UsageError(f"{results.study.name} is a sweep: a report of several studies compares searches")
        if not results.has_values:
            raise UsageError(f"{results.study.name} has no value yet", "run the study first, or omit it")
    if len(set(names)) < len(names):
        raise UsageError(f"a study is given twice: {', '.join(names)}")
    levels = {results.study.name: results.study.analysis.confidence for results in studies}
    if len(set(levels.values())) > 1:
        listed = ", ".join(f"{name} {level:g}" for name, level in levels.items())
        raise UsageError(
            f"the intervals of these studies have different levels: {listed}",
            "set the same analysis.confidence in their study files",
        )
    for one, other in combinations(studies, 2):
        if _same_draws(one, other):
            raise UsageError(
                f"{one.study.name} and {other.study.name} have the same seed, task and data, so their replicates have the same training "
                "seeds and are not independent",
                "report each of them alone, or run one of them with another seed",
            )
    declared = [[(pair.a, pair.b) for pair in results.pairs] for results in studies]
    shared = [pair for pair in declared[0] if all(pair in pairs for pairs in declared)]
    if not shared:
        listed = "; ".join(
            f"{name}: {', '.join(f'{a} − {b}' for a, b in pairs) or 'none'}" for name, pairs in zip(names, declared, strict=True)
        )
        raise UsageError(
            f"these studies have no comparison in common ({listed})", "views must have the same names in all studies"
        )
    scales = tuple(_scale(results) for results in studies)
    normalized = tuple(
        _normalized(results, scale, view) for results, scale in zip(studies, scales, strict=True) for view in results.study.views
    )
    pairs = tuple(_pair(a, b, studies, scales) for a, b in shared)
    endpoints = joint_endpoints(studies, scales, shared)
    return Several(tuple(studies), scales, normalized, pairs, endpoints, _ranking(studies, normalized))


def _same_draws(one: Results, other: Results) -> bool:
    """Whether replicate r of two studies has the same random draws: data split, initial points and training seeds."""
    data = [{name: digest for name, digest in of.identity.items() if not name.startswith(SOURCE)} for of in (one, other)]
    return (one.study.seed, one.study.task, data[0]) == (other.study.seed, other.study.task, data[1])


def _ranking(studies: Sequence[Results], normalized: Sequence[Normalized]) -> Ranking:
    """Ranks and performance profiles of the views that all studies have."""
    names = tuple(view for view in studies[0].study.views if all(view in results.study.views for results in studies))
    final = {(of_view.study, of_view.view): of_view.final.mean for of_view in normalized}
    values = np.array([[final[results.study.name, view] for view in names] for results in studies])  # (studies, views)
    costs = [trials_of([results.view(view) for view in names]) for results in studies]  # (replicates, views) of each study
    costs_with_target = [of_study for of_study in costs if of_study is not None]
    seed, confidence = derive_seed(studies[0].seed, "ranks"), studies[0].study.analysis.confidence
    return Ranking(
        None if np.isnan(values).any() else mean_ranks(values, names, Goal.MAXIMIZE, confidence, seed),
        performance_profile(np.concatenate(costs_with_target), names) if len(costs_with_target) == len(costs) else None,
    )


def _scale(results: Results) -> Scale:
    """The scale of a study, from its complete searches. Raises UsageError if it cannot be computed."""
    complete = [view.best[view.searches.complete] for view in results.views]
    scale = scale_of([best for best in complete if len(best)], results.study.metric.goal)
    if scale is None:
        raise UsageError(
            f"{results.study.name} has no common scale: no search is complete, or no trial is better than the median first trial",
            "complete the study, or omit it",
        )
    return scale


def _normalized(results: Results, scale: Scale, name: str) -> Normalized:
    view = results.view(name)
    values = progress(view.best[view.searches.complete], scale)
    if not len(values):
        return Normalized(results.study.name, name, np.zeros(0), Estimate(np.nan, np.nan, np.nan, 0))
    final = mean_of(values[:, -1], _bootstrap(results))
    return Normalized(results.study.name, name, values.mean(axis=0), Estimate(final.value, final.low, final.high, len(values)))


def _pair(a: str, b: str, studies: Sequence[Results], scales: Sequence[Scale]) -> PairOfStudies:
    """The comparison of `a` and `b` in every study and over all studies."""
    pairs = [next(pair for pair in results.pairs if (pair.a, pair.b) == (a, b)) for results in studies]
    scores = [_score(results, scale, pair) for results, scale, pair in zip(studies, scales, pairs, strict=True)]
    horizon = min(results.study.search.trials for results in studies)
    trials = [_trials(pair, horizon) for pair in pairs]
    with_target = [values for values in trials if values is not None]
    return PairOfStudies(
        a,
        b,
        tuple(_difference(values, results) for values, results in zip(scores, studies, strict=True)),
        tuple(
            None if values is None else _difference(values, results, trials_range(horizon))
            for values, results in zip(trials, studies, strict=True)
        ),
        _together(scores, pairs, studies),
        _together(with_target, pairs, studies) if len(with_target) == len(studies) else None,
    )


def _together(groups: Sequence[Floats], pairs: Sequence[PairResult], studies: Sequence[Results]) -> Estimate:
    """The mean over studies of (replicates,) values of a comparison in each study, with its bootstrap interval."""
    samples = [
        Sample(results.study.seed, pair.replicates, values) for results, pair, values in zip(studies, pairs, groups, strict=True)
    ]
    mean = bootstrap_mean_over_studies(samples, _bootstrap(studies[0]))
    return Estimate(mean.value, mean.low, mean.high, mean.n)


def _score(results: Results, scale: Scale, pair: PairResult) -> Floats:
    """(replicates,) differences of the normalized final bests."""
    a, b = (progress(results.view(name).best, scale)[pair.replicates, -1] for name in (pair.a, pair.b))
    return np.asarray(a - b)


def _trials(pair: PairResult, horizon: int) -> Floats | None:
    """(replicates,) differences of trials-to-target within the smallest budget; None where a view never reaches the target in it."""
    if (trials := pair.trials) is None or not (trials.reached_a and trials.reached_b):
        return None
    if max(trials.trials_a.min(), trials.trials_b.min()) > horizon:
        return None
    return np.minimum(trials.trials_a, horizon) - np.minimum(trials.trials_b, horizon)


def _bootstrap(results: Results) -> Bootstrap:
    """The bootstrap settings of a study; its seed differs from that of the study's own report."""
    settings = results.study.analysis
    return Bootstrap(derive_seed(results.seed, "several", results.study.name), settings.resamples, settings.confidence)


def _difference(values: Floats, results: Results, possible: tuple[float, float] = (-np.inf, np.inf)) -> Estimate:
    """The mean of (replicates,) paired differences with its t interval within the possible range."""
    mean = t_mean(values, results.study.analysis.confidence).within(possible)
    return Estimate(mean.value, mean.low, mean.high, len(values))
