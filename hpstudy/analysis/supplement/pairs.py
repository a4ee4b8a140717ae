"""Supplementary statistics of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from hpstudy.analysis.comparisons.budgets import BudgetDifference
from hpstudy.analysis.comparisons.margin import Bounds, one_sided
from hpstudy.analysis.comparisons.sensitivity import LeaveOneOut, Policy, PolicyResult, leave_one_out, under_policy
from hpstudy.analysis.curves.anytime import AnytimeDifference, Scale, anytime_difference
from hpstudy.analysis.curves.training_time import CostDifference, TrialSeconds, cost_difference
from hpstudy.analysis.endpoints import Endpoints
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.analysis.statistics.pairing import Unpaired, improvement, unpaired, win_share
from hpstudy.analysis.statistics.ranks import Shift, SignedRank, shift, signed_rank
from hpstudy.analysis.statistics.survival import log_rank
from hpstudy.analysis.targets.average_runtime import mean_ratio, runtime_ratio
from hpstudy.analysis.view_result import ViewResult


@dataclass(frozen=True)
class BudgetSupplement:
    """Supplementary statistics of two views at a budget; every difference is A minus B.

    Attributes:
        shift: Hodges-Lehmann estimate.
        signed_rank: Wilcoxon's test.
        unpaired: interval without pairing.
        win_share: P(A better than B) within a replicate.
        improvement: P(A better than B) for independent searches of A and B.
        bounds: one-sided confidence bounds.
    """

    budget: int
    shift: Shift
    signed_rank: SignedRank
    unpaired: Unpaired
    win_share: Estimate
    improvement: Estimate
    bounds: Bounds


@dataclass(frozen=True)
class PairSupplement:
    """Supplementary statistics of two views; empty if they have no common complete replicate.

    Attributes:
        budgets: statistics at each budget of the study, in order.
        ratio: ratio of restricted mean trials-to-target, A over B; None without a target level.
        runtime_ratio: ratio of average runtimes, A over B; None without a target level.
        log_rank: p of the log-rank test over all searches of both views; None without a target level.
        anytime: differences of the anytime scores; None without a scale.
        without_one: leave-one-out differences at the last budget; None with one replicate.
        trials_without_one: leave-one-out differences of restricted mean trials-to-target; None without a target level.
        policies: the main differences when trials without a value count (worst) and when they do not (drop).
        cost: comparison at equal training times; None without recorded times, or if the searches share no time.
    """

    a: str
    b: str
    budgets: tuple[BudgetSupplement, ...] = ()
    ratio: Estimate | None = None
    runtime_ratio: Estimate | None = None
    log_rank: float | None = None
    anytime: AnytimeDifference | None = None
    without_one: LeaveOneOut | None = None
    trials_without_one: LeaveOneOut | None = None
    policies: tuple[PolicyResult, ...] = ()
    cost: CostDifference | None = None


def pair_supplement(
    pair: PairResult,
    views: Mapping[str, ViewResult],
    scale: Scale | None,
    times: Mapping[str, TrialSeconds],
    endpoints: Endpoints,
) -> PairSupplement:
    """Compute the supplementary statistics of two views; `times` is empty without recorded times."""
    if pair.curve is None:
        return PairSupplement(pair.a, pair.b)
    bootstrap, both, goal = endpoints.bootstrap, pair.replicates, endpoints.study.metric.goal
    view_a, view_b = views[pair.a], views[pair.b]
    a, b = view_a.best[both], view_b.best[both]
    values_a, values_b = view_a.searches.values[both], view_b.searches.values[both]
    ratio = ratio_of_runtimes = p_log_rank = None
    if pair.trials is not None and view_a.trials is not None and view_b.trials is not None:
        times_a, times_b = view_a.trials.times, view_b.trials.times
        trials_a, trials_b = pair.trials.trials_a, pair.trials.trials_b
        ratio = mean_ratio(trials_a, trials_b, bootstrap)
        ratio_of_runtimes = runtime_ratio(trials_a, times_a.reached[both], trials_b, times_b.reached[both], bootstrap)
        p_log_rank = log_rank(times_a, times_b)
    cost = None
    if times:
        trained_a, trained_b = (times[name].trained[both] for name in (pair.a, pair.b))
        cost = cost_difference(a, b, trained_a, trained_b, bootstrap.confidence)
    return PairSupplement(
        a=pair.a,
        b=pair.b,
        budgets=tuple(_budget(difference, endpoints) for difference in pair.budgets),
        ratio=ratio,
        runtime_ratio=ratio_of_runtimes,
        log_rank=p_log_rank,
        anytime=anytime_difference(a, b, scale, bootstrap.confidence) if scale is not None else None,
        without_one=leave_one_out(a[:, -1] - b[:, -1]),
        trials_without_one=leave_one_out(pair.trials.trials_a - pair.trials.trials_b) if pair.trials is not None else None,
        policies=tuple(
            under_policy(
                policy, values_a, values_b, endpoints.target, endpoints.budgets, goal, endpoints.worst, bootstrap.confidence
            )
            for policy in get_args(Policy)
        ),
        cost=cost,
    )


def _budget(difference: BudgetDifference, endpoints: Endpoints) -> BudgetSupplement:
    """The supplementary statistics at one budget."""
    bootstrap, goal = endpoints.bootstrap, endpoints.study.metric.goal
    a, b = difference.values_a, difference.values_b  # (replicates,)
    return BudgetSupplement(
        budget=difference.budget,
        shift=shift(a - b, bootstrap.confidence),
        signed_rank=signed_rank(a - b),
        unpaired=unpaired(a, b, bootstrap.confidence),
        win_share=win_share(a, b, goal, bootstrap.confidence),
        improvement=improvement(a, b, goal, bootstrap),
        bounds=one_sided(a - b, bootstrap),
    )
