"""The results of one view: curve, budgets, trials-to-target, best trial and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats, Objects
from hpstudy.analysis.comparisons.budgets import ViewBudget, view_budget
from hpstudy.analysis.curves.best_so_far import NO_CURVE, MeanCurve, best_so_far, mean_curve
from hpstudy.analysis.endpoints import Endpoints
from hpstudy.analysis.statistics.survival import trials_to_target
from hpstudy.analysis.targets.trials_to_target import ViewTrials, view_trials
from hpstudy.analysis.trials.completeness import Completeness, completeness
from hpstudy.analysis.trials.searches import Searches, gather_points, plain
from hpstudy.display import MISSING, Listing, as_html, estimate, number
from hpstudy.study.schema import Study


@dataclass(frozen=True)
class Best:
    """The best trial of a view: the first one with the best value.

    Attributes:
        replicate, number: replicate and number of the trial (both from 0).
        value: its objective.
        point: its hyperparameters.
        metrics: its final metrics; NaN for one without a number.
    """

    replicate: int
    number: int
    value: float
    point: Mapping[str, Any]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Cost:
    """The cost of a view.

    Attributes:
        evaluate_s: (trials,) seconds of wall time spent training, for every finished trial with a recorded time.
        ask_s: (trials,) seconds of wall time spent choosing points.
    """

    evaluate_s: Floats
    ask_s: Floats


@dataclass(frozen=True)
class ViewResult:
    """The results of one view.

    Attributes:
        searches: (replicates x trials) values and states.
        best: (replicates x trials) best so far; (replicates x 0) in a sweep, whose trials have no order.
        curve: mean of `best`.
        budgets: statistics at each budget; empty in a sweep.
        trials: trials-to-target; None without a target level.
        completeness: number of trials in each state.
        best_trial: the best trial; None if no trial has a value.
        points: for each hyperparameter, (replicates x trials) tried values; None for a missing trial.
    """

    name: str
    searches: Searches
    best: Floats
    curve: MeanCurve
    budgets: tuple[ViewBudget, ...]
    trials: ViewTrials | None
    completeness: Completeness
    best_trial: Best | None
    cost: Cost
    points: Mapping[str, Objects]

    def __repr__(self) -> str:
        name, complete, mean, *_ = self.row()
        return f"<ViewResult '{name}': {complete} searches, mean best {mean}>"

    @property
    def whole(self) -> Bools:
        """(replicates,) mask of the complete searches with a best so far at every trial."""
        return np.asarray(self.searches.complete & ~np.isnan(self.best).any(axis=1), dtype=np.bool_)

    def _repr_html_(self) -> str:
        """The budgets, for a notebook."""
        rows = tuple(
            (str(at.budget), str(at.searches), estimate(at.mean, at.low, at.high), number(at.sd), number(at.median))
            for at in self.budgets
        )
        return as_html(
            f"View {self.name}", Listing("Best so far", ("after trials", "searches", "mean (interval)", "sd", "median"), rows)
        )

    def row(self) -> tuple[str, ...]:
        """Name, complete searches, mean best after all trials, searches that reached the target, best value."""
        last = self.budgets[-1] if self.budgets else None
        return (
            self.name,
            f"{self.completeness.complete} of {self.completeness.searches}",
            MISSING if last is None else estimate(last.mean, last.low, last.high),
            MISSING if self.trials is None else f"{self.trials.reached} of {self.trials.complete}",
            MISSING if self.best_trial is None else number(self.best_trial.value),
        )

    def point(self, replicate: int, number: int) -> dict[str, Any]:
        """The point of a trial (both numbers from 0); None for each hyperparameter of a missing trial."""
        return {name: values[replicate, number] for name, values in self.points.items()}


def view_result(block: Searches, best: Floats, table: Any, endpoints: Endpoints) -> ViewResult:
    """Analyze one view; `table` is a DataFrame with one row per trial of the study.

    `best` is (replicates x trials), or (replicates x 0) in a sweep.
    """
    study, bootstrap, goal = endpoints.study, endpoints.bootstrap, endpoints.study.metric.goal
    trials = None
    if endpoints.target is not None:
        # A search without a value has not reached the target, even if the worst value of the study does.
        times = trials_to_target(best_so_far(block.values, goal), endpoints.target, goal, block.finished)
        trials = view_trials(times, block.complete, study.search.trials, bootstrap.confidence)
    return ViewResult(
        name=block.view,
        searches=block,
        best=best,
        curve=mean_curve(best, bootstrap) if best.shape[1] else NO_CURVE,
        budgets=tuple(view_budget(best, budget, bootstrap) for budget in endpoints.budgets),
        trials=trials,
        completeness=completeness(block, table),
        best_trial=_best_trial(block, table, study),
        cost=_cost(block.view, table),
        points=gather_points(table, block.view, study.views[block.view].space.names(), block.values.shape),
    )


def _best_trial(block: Searches, table: Any, study: Study) -> Best | None:
    """The first trial with the best value; None if no trial has a value."""
    if not np.isfinite(block.values).any():
        return None
    flat = np.nanargmax(study.metric.goal.sign * block.values)
    replicate, number = (int(index) for index in np.unravel_index(flat, block.values.shape))
    chosen = (table["view"] == block.view) & (table["replicate"] == replicate) & (table["number"] == number)
    row = table[chosen].iloc[0]
    present = row.notna()
    names = [name for name in study.views[block.view].space.names() if present[f"point.{name}"]]
    return Best(
        replicate,
        number,
        float(block.values[replicate, number]),
        {name: plain(row[f"point.{name}"]) for name in names},
        {str(key).removeprefix("metric."): float(row[key]) for key in table.columns if str(key).startswith("metric.")},
    )


def _cost(name: str, table: Any) -> Cost:
    own = table[table["view"] == name]
    ask, evaluate = (own[key].to_numpy(dtype=np.float64, na_value=np.nan) for key in ("ask_s", "evaluate_s"))
    return Cost(evaluate[np.isfinite(evaluate)], ask[np.isfinite(ask)])
