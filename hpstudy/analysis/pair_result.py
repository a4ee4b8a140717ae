"""The comparison of two views: curves, budgets and trials-to-target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Ints
from hpstudy.analysis.comparisons.budgets import BudgetDifference, Difference, budget_difference, common, difference_curve
from hpstudy.analysis.comparisons.curve_distance import Distance, distance_at_budget, distance_at_level
from hpstudy.analysis.comparisons.margin import Side
from hpstudy.analysis.curves.best_so_far import best_so_far
from hpstudy.analysis.endpoints import Endpoints
from hpstudy.analysis.targets.trials_to_target import TrialsDifference, trials_difference
from hpstudy.analysis.view_result import ViewResult
from hpstudy.display import MISSING, Listing, as_html, estimate, number
from hpstudy.seeds import derive_seed


@dataclass(frozen=True)
class PairResult:
    """The comparison of two views; every difference is `a` minus `b`.

    Attributes:
        replicates: (n,) replicates that are complete in both views; without any, the other attributes are empty.
        curve: difference of the best-so-far curves.
        budgets: differences at each budget.
        trials: difference of restricted mean trials-to-target; None without a target level.
        distances: horizontal distances of the mean curves: first at the target, if there is one, then at the level of B at each budget.
    """

    a: str
    b: str
    replicates: Ints
    curve: Difference | None
    budgets: tuple[BudgetDifference, ...]
    trials: TrialsDifference | None
    distances: tuple[Distance, ...]

    def __repr__(self) -> str:
        return f"<PairResult {self.a} - {self.b}: {len(self.replicates)} replicates>"

    def _repr_html_(self) -> str:
        """The differences, for a notebook."""
        head = ("at", "replicates", "difference (interval)", *TESTED)
        return as_html(f"{self.a} - {self.b}", Listing("Differences", head, self.rows()))

    def rows(self, *, verdicts: bool = True) -> tuple[tuple[str, ...], ...]:
        """Table rows of the differences at each budget and in trials-to-target: at, replicates, difference, adjusted p, verdict."""
        differences: list[tuple[str, float, BudgetDifference | TrialsDifference]] = [
            (f"best after {at_budget.budget:,} trials", at_budget.mean, at_budget) for at_budget in self.budgets
        ]
        if self.trials is not None:
            differences.append(("trials to the target", self.trials.difference, self.trials))
        return tuple(
            (
                label,
                str(difference.replicates),
                estimate(mean, difference.low, difference.high),
                *tested(difference.adjusted, SIDES[difference.shown], verdicts=verdicts),
            )
            for label, mean, difference in differences
        )


TESTED = ("p, adjusted", "shown")
"""Column heads of `tested`."""

SIDES: Mapping[Side | None, str] = {-1: "below 0", 0: "no difference", 1: "above 0", None: MISSING}
"""Names of the sides of 0 on which a difference is shown to lie."""


def tested(p: float, verdict: str, *, verdicts: bool) -> tuple[str, str]:
    """The adjusted p of a difference and its verdict; `MISSING` before the study is complete."""
    return (number(p), verdict) if verdicts else (MISSING, MISSING)


def pair_result(a: str, b: str, views: Mapping[str, ViewResult], endpoints: Endpoints) -> PairResult:
    """Compare two views, `a` minus `b`."""
    level, bootstrap, goal = endpoints.level, endpoints.bootstrap, endpoints.study.metric.goal
    both = common(views[a].searches.complete, views[b].searches.complete)
    x, y = views[a].best[both], views[b].best[both]
    if not both.size or np.isnan(x).any() or np.isnan(y).any():
        return PairResult(a, b, both, None, (), None, ())
    differences = tuple(
        budget_difference(x, y, budget, goal, bootstrap, seed=derive_seed(endpoints.seed, "sign_flip", a, b, budget))
        for budget in endpoints.budgets
    )
    distances = [distance_at_budget(x, y, budget, goal, bootstrap) for budget in endpoints.budgets]
    trials = None
    if level is not None and level.value is not None:
        distances.insert(0, distance_at_level(x, y, level.value, goal, bootstrap))
        source = views[level.view] if level.view is not None else None  # the view that defines the level
        trials = trials_difference(
            best_so_far(views[a].searches.values[both], goal),
            best_so_far(views[b].searches.values[both], goal),
            level.value,
            goal,
            bootstrap,
            seed=derive_seed(endpoints.seed, "sign_flip", a, b, "target"),
            finals=source.best[both, -1] if source is not None and source.searches.complete[both].all() else None,
            statistic=level.statistic,
        )
    return PairResult(a, b, both, difference_curve(x, y, bootstrap), differences, trials, tuple(distances))
