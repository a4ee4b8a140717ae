"""What a sceptical reviewer asks for beyond the headline: every further statistic of a study, in one container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats
from hpstudy.analysis.comparisons.margin import Bounds, one_sided
from hpstudy.analysis.comparisons.sensitivity import LeaveOneOut, PolicyResult, leave_one_out, under_policy
from hpstudy.analysis.curves.anytime import Anytime, AnytimeDifference, Scale, anytime, anytime_difference, scale_of
from hpstudy.analysis.curves.best_so_far import best_so_far
from hpstudy.analysis.curves.training_time import CostCurve, CostDifference, cost_curve, cost_difference, seconds_grid
from hpstudy.analysis.exploration.range_ends import BoundaryHits, boundary_hits, places_of
from hpstudy.analysis.statistics.bootstrap import Resampling
from hpstudy.analysis.statistics.pairing import Share, Unpaired, improvement, unpaired, win_share
from hpstudy.analysis.statistics.permutation import holm
from hpstudy.analysis.statistics.ranks import Friedman, SignedRank, friedman, signed_rank
from hpstudy.analysis.statistics.robust import IqmCurve, Shift, iqm_curve, shift
from hpstudy.analysis.statistics.survival import trials_to_target
from hpstudy.analysis.targets.average_runtime import Ratio, average_runtime, log_rank, mean_ratio, runtime_ratio
from hpstudy.seeds import derive_seed
from hpstudy.study.space import ChoiceParameter

if TYPE_CHECKING:
    from hpstudy.analysis.comparisons.budgets import BudgetDifference
    from hpstudy.analysis.results import PairResult, Results, ViewResult


@dataclass(frozen=True)
class ViewExtended:
    """More of one view.

    Attributes:
        name: the view's name.
        iqm: interquartile mean of its best-so-far curves.
        runtime: average runtime to the target, over complete searches; None without a target level or a complete search.
        anytime: ratings over all trials; None without a scale or a complete search.
        boundaries: of every hyperparameter that has a range.
        cost: against seconds of training; None without a grid of seconds, a complete search, or records of the time.
    """

    name: str
    iqm: IqmCurve
    runtime: Ratio | None
    anytime: Anytime | None
    boundaries: tuple[BoundaryHits, ...]
    cost: CostCurve | None


@dataclass(frozen=True)
class BudgetExtended:
    """More of two views after the same number of trials; every difference is A minus B.

    Attributes:
        budget: trials.
        shift: Hodges-Lehmann estimate.
        signed_rank: Wilcoxon's test.
        unpaired: the interval that forgets the pairing.
        win_share: P(A > B) within a replicate.
        improvement: P(A > B) of any search of A against any of B.
        bounds: one-sided bounds.
    """

    budget: int
    shift: Shift
    signed_rank: SignedRank
    unpaired: Unpaired
    win_share: Share
    improvement: Share
    bounds: Bounds


@dataclass(frozen=True)
class PairExtended:
    """More of two views; all is empty where they have no complete replicate in common.

    Attributes:
        a, b: names of the views.
        budgets: in the order of the study's budgets.
        ratio: of restricted mean trials-to-target, A over B; None without a target level.
        runtime_ratio: of average runtimes, A over B; None without a target level.
        log_rank: p of the log-rank test over all searches of both views; None without a target level.
        anytime: ratings over all trials; None without a scale.
        without_one: the difference at the last budget with each replicate left out; None with one replicate.
        trials_without_one: the same of the difference of restricted mean trials-to-target; None without a target level.
        policies: the headline when trials without a value count (worst) and when they do not (drop).
        cost: at equal seconds of training; None without records, or without a time that all searches share.
    """

    a: str
    b: str
    budgets: tuple[BudgetExtended, ...] = ()
    ratio: Ratio | None = None
    runtime_ratio: Ratio | None = None
    log_rank: float | None = None
    anytime: AnytimeDifference | None = None
    without_one: LeaveOneOut | None = None
    trials_without_one: LeaveOneOut | None = None
    policies: tuple[PolicyResult, ...] = ()
    cost: CostDifference | None = None


@dataclass(frozen=True)
class Extended:
    """Further statistics of one study.

    Attributes:
        views: in the order of the study; none in a sweep.
        pairs: the declared comparisons; none in a sweep.
        adjusted: Holm-adjusted p of every signed-rank test, in the order of `pairs` and their budgets.
        friedman: at each budget, over the replicates that are complete in all views; None with two views.
        scale: of the ratings over all trials; None when no search is complete or nothing was gained.
        seconds: (times,) grid of the curves against seconds; None when all searches share no span of time.
        unrecorded: finished trials without a record of their seconds, which count as 0.
    """

    views: tuple[ViewExtended, ...]
    pairs: tuple[PairExtended, ...]
    adjusted: Floats
    friedman: tuple[Friedman | None, ...]
    scale: Scale | None
    seconds: Floats | None
    unrecorded: int


@dataclass(frozen=True)
class _Times:
    """Seconds of the trials of one view, each (replicates x trials): cumulative in training, and in choosing points."""

    trained: Floats
    ask: Floats


def extend(results: Results, table: Any) -> Extended:
    """Compute all further statistics.

    Args:
        results: of the study.
        table: DataFrame of its trials, as `hpstudy.store.Reader.trials` gives it: view, replicate, number, state, ask_s, evaluate_s
            and a column point.NAME for each hyperparameter.

    Returns:
        Empty in a sweep, whose trials have no order.
    """
    if results.sweep:
        return Extended((), (), np.zeros(0), (), None, None, 0)
    study = results.study
    resampling = Resampling(derive_seed(results.seed, "bootstrap"), study.analysis.resamples)
    whole = {view.name: view.searches.complete & ~np.isnan(view.best).any(axis=1) for view in results.views}
    scale = scale_of([view.best[whole[view.name]] for view in results.views], study.metric.goal)
    times, unrecorded = _times(results, table)
    seconds = seconds_grid([times[view.name].trained[whole[view.name]] for view in results.views]) if times else None
    views = tuple(
        _view(results, view, whole[view.name], table, scale, times.get(view.name), seconds, resampling) for view in results.views
    )
    pairs = tuple(_pair(results, pair, scale, times, resampling) for pair in results.pairs)
    p_values = np.array([budget.signed_rank.p for pair in pairs for budget in pair.budgets])
    return Extended(views, pairs, holm(p_values), _friedman(results, whole), scale, seconds, unrecorded)


def _view(
    results: Results,
    view: ViewResult,
    whole: Bools,
    table: Any,
    scale: Scale | None,
    times: _Times | None,
    seconds: Floats | None,
    resampling: Resampling,
) -> ViewExtended:
    confidence, best = results.study.analysis.confidence, view.best[whole]
    runtime = cost = None
    if view.trials is not None and view.searches.complete.any():
        complete, found = view.searches.complete, view.trials.times
        runtime = average_runtime(found.trials[complete].astype(np.float64), found.reached[complete], resampling, confidence)
    if times is not None and seconds is not None and len(best):
        cost = cost_curve(best, times.trained[whole], times.ask[whole].sum(axis=1), seconds, resampling, confidence)
    return ViewExtended(
        name=view.name,
        iqm=iqm_curve(view.best, resampling, confidence),
        runtime=runtime,
        anytime=anytime(best, scale, resampling, confidence) if scale is not None and len(best) else None,
        boundaries=_boundaries(results, view, table),
        cost=cost,
    )


def _pair(
    results: Results, pair: PairResult, scale: Scale | None, times: dict[str, _Times], resampling: Resampling
) -> PairExtended:
    if pair.curve is None:
        return PairExtended(pair.a, pair.b)
    study, both = results.study, pair.replicates
    goal, confidence = study.metric.goal, study.analysis.confidence
    view_a, view_b = results.view(pair.a), results.view(pair.b)
    a, b = view_a.best[both], view_b.best[both]
    level = results.level.value if results.level is not None and pair.trials is not None else None
    ratio = of_runtimes = test = None
    if level is not None and pair.trials is not None and view_a.trials is not None and view_b.trials is not None:
        whole = np.full(len(both), study.search.trials)
        found = [trials_to_target(best_so_far(v.searches.values[both], goal), whole, level, goal) for v in (view_a, view_b)]
        spent = [pair.trials.trials_a, pair.trials.trials_b]
        ratio = mean_ratio(spent[0], spent[1], resampling, confidence)
        of_runtimes = runtime_ratio(spent[0], found[0].reached, spent[1], found[1].reached, resampling, confidence)
        test = log_rank(view_a.trials.times, view_b.trials.times)
    cost = None
    if times:
        trained = [times[name].trained[both] for name in (pair.a, pair.b)]
        cost = cost_difference(a, b, trained[0], trained[1], resampling, confidence)
    values = [v.searches.values[both] for v in (view_a, view_b)]
    return PairExtended(
        a=pair.a,
        b=pair.b,
        budgets=tuple(_budget(results, found, resampling) for found in pair.budgets),
        ratio=ratio,
        runtime_ratio=of_runtimes,
        log_rank=test,
        anytime=anytime_difference(a, b, scale, resampling, confidence) if scale is not None else None,
        without_one=leave_one_out(a[:, -1] - b[:, -1]),
        trials_without_one=leave_one_out(pair.trials.trials_a - pair.trials.trials_b) if pair.trials is not None else None,
        policies=tuple(
            under_policy(policy, values[0], values[1], level, results.budgets, goal, results.worst, resampling, confidence)
            for policy in ("worst", "drop")
        ),
        cost=cost,
    )


def _budget(results: Results, found: BudgetDifference, resampling: Resampling) -> BudgetExtended:
    goal, confidence = results.study.metric.goal, results.study.analysis.confidence
    a, b = found.values_a, found.values_b
    return BudgetExtended(
        budget=found.budget,
        shift=shift(a - b, confidence),
        signed_rank=signed_rank(a - b),
        unpaired=unpaired(a, b, confidence),
        win_share=win_share(a, b, goal, confidence),
        improvement=improvement(a, b, goal, resampling, confidence),
        bounds=one_sided(a - b, resampling, confidence),
    )


def _friedman(results: Results, whole: dict[str, Bools]) -> tuple[Friedman | None, ...]:
    if len(results.views) < 3:
        return (None,) * len(results.budgets)
    together = np.logical_and.reduce([whole[view.name] for view in results.views])
    return tuple(
        friedman(np.stack([view.best[together, budget - 1] for view in results.views], axis=1), results.study.metric.goal)
        for budget in results.budgets
    )


def _times(results: Results, table: Any) -> tuple[dict[str, _Times], int]:
    """Seconds of every view's trials, and how many finished trials have no record; none at all when no trial has one."""
    recorded = table["evaluate_s"].to_numpy(dtype=np.float64, na_value=np.nan)
    if not (recorded > 0).any():
        return {}, 0
    asked = np.nan_to_num(table["ask_s"].to_numpy(dtype=np.float64, na_value=np.nan))
    names, replicate, number = (table[key].to_numpy() for key in ("view", "replicate", "number"))
    times, unrecorded = {}, 0
    for view in results.views:
        shape = view.searches.values.shape
        own = (names == view.name) & (replicate < shape[0]) & (number < shape[1])
        place = replicate[own].astype(np.int64), number[own].astype(np.int64)
        trained, ask = np.full(shape, np.nan), np.zeros(shape)
        trained[place], ask[place] = recorded[own], asked[own]
        unrecorded += int((np.isnan(trained) & (np.arange(shape[1]) < view.searches.finished[:, None])).sum())
        times[view.name] = _Times(np.nan_to_num(trained).cumsum(axis=1), ask)
    return times, unrecorded


def _boundaries(results: Results, view: ViewResult, table: Any) -> tuple[BoundaryHits, ...]:
    """The best point of every search that has a value, hyperparameter by hyperparameter."""
    values = view.searches.values
    found = np.flatnonzero(np.isfinite(values).any(axis=1))
    pick = np.nanargmax if results.study.metric.goal == "maximize" else np.nanargmin
    best = {int(replicate): int(pick(values[replicate])) for replicate in found}
    names, replicate, number = (table[key].to_numpy() for key in ("view", "replicate", "number"))
    rows = [row for row in np.flatnonzero(names == view.name) if best.get(int(replicate[row])) == int(number[row])]
    hits = []
    for name, parameter in results.study.views[view.name].space.items():
        if isinstance(parameter, ChoiceParameter):
            continue
        tried = table[f"point.{name}"].to_numpy(dtype=np.float64, na_value=np.nan)[rows]
        places = places_of(tried[np.isfinite(tried)], parameter.low, parameter.high, log=parameter.log)
        hits.append(boundary_hits(name, places, results.study.analysis.confidence))
    return tuple(hits)
