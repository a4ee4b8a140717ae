"""Overview of many comparisons: verdicts and order."""

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
"""Maximum number of views that share one plot and have a paragraph for each comparison. There are four line styles (`style.DASHES`), so of
more views some would differ by color alone. With more views, comparisons are counted and every view has a separate panel."""

OBSERVED = "Best observed values are biased by selection: the verdicts are those on the declared endpoints."
"""The note on comparisons of best observed values in a study with declared endpoints."""


def many_views(results: Results) -> bool:
    """Whether the views are too many for one plot."""
    return len(results.views) > FEW


def many_comparisons(results: Results) -> bool:
    """Whether there are too many comparisons for a paragraph each: as many as more than `FEW` views have with a reference."""
    return len(results.pairs) >= FEW


def reference(results: Results) -> str | None:
    """The view with which all others are compared; None without such a view."""
    if not results.pairs:
        return None
    first, common = results.pairs[0], set.intersection(*({pair.a, pair.b} for pair in results.pairs))
    return next((view for view in (first.b, first.a) if view in common), None)


@dataclass(frozen=True)
class Standing:
    """One comparison among many.

    Both sides are None without a verdict: if the views cannot be compared, before the study is complete, and if it declares endpoints.

    Attributes:
        pair: the compared views.
        name: name of A if B is the second view of every comparison, else both names.
        trials: difference of restricted mean trials-to-target; None without a target or a replicate, or if neither view reached the
            target.
        final: difference of the final best; None without a replicate.
        trials_side: 1 if A needs more trials, -1 if fewer, 0 if no difference is shown.
        final_side: 1 if the final best of A is better, -1 if worse, 0 if no difference is shown.
    """

    pair: PairResult
    name: str
    trials: TrialsDifference | None
    final: BudgetDifference | None
    trials_side: Side | None
    final_side: Side | None


def one_reference(results: Results) -> bool:
    """Whether all comparisons have the same second view, so that the name of the first view identifies them."""
    return len({pair.b for pair in results.pairs}) == 1


def standings(results: Results) -> tuple[Standing, ...]:
    """All comparisons, ordered by the trials that A saves, most first; ties and those without trials by the final best of A.

    Best observed values have no verdict in a study with declared endpoints.
    """
    goal, judged = results.study.metric.goal, not results.provisional and not results.declared
    opposite: dict[Side | None, Side | None] = {-1: 1, 0: 0, 1: -1, None: None}
    unordered = []
    for pair in results.pairs:
        final = pair.budgets[-1] if pair.budgets else None
        trials = pair.trials if pair.trials is not None and (pair.trials.reached_a or pair.trials.reached_b) else None
        side = final.shown if judged and final is not None else None
        unordered.append(
            Standing(
                pair=pair,
                name=pair.a if one_reference(results) else f"{pair.a} − {pair.b}",
                trials=trials,
                final=final,
                trials_side=trials.shown if judged and trials is not None else None,
                final_side=side if goal is Goal.MAXIMIZE else opposite[side],
            )
        )

    def rank(one: Standing) -> tuple[float, float]:
        gained = 0.0 if one.final is None else goal.sign * one.final.mean
        return math.inf if one.trials is None else one.trials.difference, -gained

    return tuple(sorted(unordered, key=rank))
