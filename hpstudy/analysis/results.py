"""Everything that the analysis found, as numbers: what a report is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpstudy.analysis.arrays import Floats, Ints, Objects, Searches
from hpstudy.analysis.baselines.controls import Controls
from hpstudy.analysis.claims.declaration import Declaration
from hpstudy.analysis.claims.judgement import CriterionResult
from hpstudy.analysis.comparisons.budgets import BudgetDifference, Difference, ViewBudget
from hpstudy.analysis.comparisons.curve_distance import Distance
from hpstudy.analysis.curves.best_so_far import MeanCurve
from hpstudy.analysis.exploration.searches import SearchedView
from hpstudy.analysis.retraining.confirmation import Confirmation
from hpstudy.analysis.sweeps.points import SweepView
from hpstudy.analysis.targets.trials_to_target import Level, TrialsDifference, ViewTrials
from hpstudy.analysis.trials.completeness import Completeness, Failures
from hpstudy.study.schema import Study

if TYPE_CHECKING:
    from hpstudy.analysis.extended import Extended


@dataclass(frozen=True)
class Best:
    """The best trial of a view: the first one with the best value.

    Attributes:
        replicate, number: which trial (both from 0).
        value: its objective.
        point: its hyperparameters.
        metrics: its final metrics; NaN where one was not a number.
    """

    replicate: int
    number: int
    value: float
    point: Mapping[str, Any]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Cost:
    """What a view cost.

    Attributes:
        evaluate_s: (trials,) seconds of wall time in training, of every finished trial that has a record of it.
        ask_s: (trials,) seconds of wall time spent choosing points.
    """

    evaluate_s: Floats
    ask_s: Floats


@dataclass(frozen=True)
class ViewResult:
    """One view by itself.

    Attributes:
        name: the view's name.
        searches: (replicates x trials) values and states.
        best: (replicates x trials) best so far; (replicates x 0) in a sweep, whose trials have no order.
        curve: its mean.
        budgets: statistics at each budget; none in a sweep.
        trials: trials-to-target; None when there is no target level.
        completeness: trials in each state.
        best_trial: None when no trial has a value.
        cost: seconds.
        points: for each hyperparameter (replicates x trials) tried values; None where there is no trial.
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

    def point(self, replicate: int, number: int) -> dict[str, Any]:
        """The point of a trial (both numbers from 0); None for each hyperparameter where there is no trial."""
        return {name: values[replicate, number] for name, values in self.points.items()}


@dataclass(frozen=True)
class PairResult:
    """Two views compared; every difference is `a` minus `b`.

    Attributes:
        a, b: names of the views.
        replicates: (n,) those that are complete in both views; without any, all that follows is empty.
        curve: difference of the best-so-far curves.
        budgets: differences at each budget.
        trials: difference of restricted mean trials-to-target; None without a target level.
        distances: horizontal distances of the mean curves, at the target (first, when there is one) and at the level of B at
            each budget.
    """

    a: str
    b: str
    replicates: Ints
    curve: Difference | None
    budgets: tuple[BudgetDifference, ...]
    trials: TrialsDifference | None
    distances: tuple[Distance, ...]


@dataclass(frozen=True)
class Results:
    """The analysis of one study.

    Attributes:
        study: the resolved study.
        identity: what determines numbers beside the study.
        environments: (started_at, ended_at, detail) of every session.
        events: (at, kind, detail) of everything that happened.
        seed: root of the seeds of the analysis.
        budgets: numbers of trials at which views are compared; none in a sweep.
        level: the target; None when nothing sets one, and in a sweep.
        worst: the worst value of the study, which stands for "no value yet"; NaN when no trial has a value, and in a sweep.
        views: in the order of the study.
        pairs: the declared comparisons; none in a sweep.
        adjusted: Holm-adjusted p of every (pair, budget), in the order of `pairs` and their budgets.
        failures: trials without a value, grouped.
        sweep: the views of a study whose searcher lists its points, in the order of the study; empty for a search.
        declaration: when the analysis was declared; None where nothing is known of it.
        criteria: what became of the declared claims; empty when none is declared.
        controls: searches against random search and the default point; None for a study without controls.
        confirmation: trainings on fresh seeds; None without any.
        searched: how every view was searched; empty in a sweep, and where the analysis was not thorough.
        extended: second opinions, anytime scores, robustness; None where the analysis was not thorough.
    """

    study: Study
    identity: Mapping[str, str]
    environments: tuple[tuple[str, str | None, Mapping[str, str]], ...]
    events: tuple[tuple[str, str, Mapping[str, Any]], ...]
    seed: int
    budgets: tuple[int, ...]
    level: Level | None
    worst: float
    views: tuple[ViewResult, ...]
    pairs: tuple[PairResult, ...]
    adjusted: Floats
    failures: tuple[Failures, ...]
    sweep: tuple[SweepView, ...] = ()
    declaration: Declaration | None = None
    criteria: tuple[CriterionResult, ...] = ()
    controls: Controls | None = None
    confirmation: Confirmation | None = None
    searched: tuple[SearchedView, ...] = ()
    extended: Extended | None = None

    @property
    def provisional(self) -> bool:
        """Whether any planned search is incomplete."""
        return any(view.completeness.complete < view.completeness.searches for view in self.views)

    @property
    def has_values(self) -> bool:
        """Whether any trial of a search study has a value, so that there is something to draw."""
        return self.worst == self.worst and any(view.completeness.finished for view in self.views)

    def view(self, name: str) -> ViewResult:
        """The view called `name`, which is one of the study's."""
        return next(view for view in self.views if view.name == name)
