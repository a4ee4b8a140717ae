"""Many comparisons at a glance: where each interval lies, and in what order they stand."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hpstudy.analysis.comparisons.budgets import BudgetDifference
from hpstudy.analysis.comparisons.margin import Side
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.results import Results
from hpstudy.analysis.targets.trials_to_target import TrialsDifference
from hpstudy.goal import Goal

FEW = 4
"""Views up to which all share one plot and each comparison has its paragraph: there are four line styles (`style.DASHES`), and of more
views some differ by colour alone. In a report of many, comparisons are counted, and every view has a panel of its own."""


def many_views(results: Results) -> bool:
    """Whether the views are too many for one plot."""
    return len(results.views) > FEW


def many_comparisons(results: Results) -> bool:
    """Whether the comparisons are too many for a paragraph each: as many as more than `FEW` views have with one of them."""
    return len(results.pairs) >= FEW


def reference(results: Results) -> str | None:
    """The view with which all comparisons are made; None when there is no such view."""
    if not results.pairs:
        return None
    first, common = results.pairs[0], set.intersection(*({pair.a, pair.b} for pair in results.pairs))
    return next((view for view in (first.b, first.a) if view in common), None)


@dataclass(frozen=True)
class Standing:
    """One comparison among many; both sides are None where the views cannot be compared, and before the study is complete.

    Attributes:
        pair: of views.
        name: A's where B is the second view of every comparison; else both.
        trials: the difference of restricted mean trials-to-target; None without a target or a replicate, and when neither view
            reached the target.
        final: the difference of the final best; None without a replicate.
        trials_side: 1 when A needs more trials, -1 fewer, 0 when no difference is shown.
        final_side: 1 when A ends better, -1 worse, 0 when no difference is shown.
    """

    pair: PairResult
    name: str
    trials: TrialsDifference | None
    final: BudgetDifference | None
    trials_side: Side | None
    final_side: Side | None


def _opposite(side: Side) -> Side:
    return -1 if side > 0 else 1 if side < 0 else 0


def _side(final: BudgetDifference | None, *, upward: bool) -> Side | None:
    if final is None or final.shown is None:
        return None
    return final.shown if upward else _opposite(final.shown)


def one_reference(results: Results) -> bool:
    """Whether all comparisons have the same second view, so that the first one's name tells them apart."""
    return len({pair.b for pair in results.pairs}) == 1


def standings(results: Results) -> tuple[Standing, ...]:
    """All comparisons, that in which A saves most trials first; equal ones and those without trials by the final best of A."""
    upward, judged = results.study.metric.goal is Goal.MAXIMIZE, not results.provisional
    unordered = []
    for pair in results.pairs:
        final = pair.budgets[-1] if pair.budgets else None
        trials = pair.trials if pair.trials is not None and (pair.trials.reached_a or pair.trials.reached_b) else None
        unordered.append(
            Standing(
                pair=pair,
                name=pair.a if one_reference(results) else f"{pair.a} − {pair.b}",
                trials=trials,
                final=final,
                trials_side=trials.shown if judged and trials is not None else None,
                final_side=_side(final, upward=upward) if judged else None,
            )
        )

    def rank(one: Standing) -> tuple[float, float]:
        gained = 0.0 if one.final is None else one.final.mean if upward else -one.final.mean
        return math.inf if one.trials is None else one.trials.difference, -gained

    return tuple(sorted(unordered, key=rank))
