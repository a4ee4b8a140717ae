"""Everything that the analysis found, as numbers: what a report is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.baselines.controls import Controls
from hpstudy.analysis.baselines.searchers import Searchers
from hpstudy.analysis.claims.declaration import Declaration
from hpstudy.analysis.claims.judgement import CriterionResult
from hpstudy.analysis.confirmed.curves import ConfirmedCurve
from hpstudy.analysis.confirmed.endpoints import EndpointResult
from hpstudy.analysis.confirmed.policies import EndpointsUnderPolicy
from hpstudy.analysis.confirmed.secondary import Secondary
from hpstudy.analysis.curves.training_epochs import TrainingEpochs
from hpstudy.analysis.endpoints import Endpoints
from hpstudy.analysis.exploration.searches import SearchedView
from hpstudy.analysis.pair_result import TESTED, PairResult
from hpstudy.analysis.retraining.confirmation import Confirmation
from hpstudy.analysis.supplement.ranking import Ranking
from hpstudy.analysis.supplement.study import Supplement
from hpstudy.analysis.sweeps.points import SweepView
from hpstudy.analysis.targets.trials_to_target import Level
from hpstudy.analysis.trials.completeness import Failures
from hpstudy.analysis.view_result import ViewResult
from hpstudy.display import Listing, as_html
from hpstudy.study.imported import imported
from hpstudy.study.schema import Study


@dataclass(frozen=True)
class Results:
    """The analysis of one study.

    Attributes:
        study: the resolved study.
        identity: what determines numbers beside the study.
        environments: (started_at, ended_at, detail) of every session, and of every other host that ran its steps.
        ran_in: where the trials ran, when that was more than one environment; "" otherwise.
        events: (at, kind, detail) of everything that happened.
        seed: root of the seeds of the analysis.
        budgets: numbers of trials at which views are compared; none in a sweep.
        level: the target; None when nothing sets one, and in a sweep.
        worst: the worst value of the study, used where a search has no value yet; NaN when no trial has a value, and in a sweep.
        views: in the order of the study.
        pairs: the declared comparisons; none in a sweep.
        failures: trials without a value, grouped.
        sweep: the views of a study whose searcher lists its points, in the order of the study; empty for a search.
        declaration: when the analysis was declared; None where nothing is known of it.
        criteria: what became of the declared claims; empty when none is declared.
        controls: searches against random search and the default point; None for a study without controls.
        searchers: the searchers of the study compared; None for a study with one.
        confirmed: the confirmed curves of the views, in the order of the study; empty where not all incumbents are confirmed.
        declared: the declared endpoints.
        declared_first: the same from `analysis.first_replicates` replicates alone; none where that is not asked for.
        policies: the declared endpoints under other ways of counting trainings without a value; none where each gave one, and where the
            analysis was not thorough.
        secondary: measures of tuning that other papers use; empty where not all incumbents are confirmed.
        confirmation: trainings on fresh seeds; None without any.
        searched: how every view was searched; empty in a sweep, and where the analysis was not thorough.
        supplement: supplementary statistics; None in a sweep, and where the analysis was not thorough.
        epochs: of training, of a task of the user's own that reports epochs; None elsewhere, and where the analysis was not thorough.
        ranking: the views ranked; None with fewer than three views, in a sweep, and where the analysis was not thorough.
        broken_seals: what does not match its seal in the database, in one line; "" for nothing, and where that was not looked for.
        database_digest: of all values in the database; "" where there is no database or that was not looked for.
        seal_note: what the seals of the database cannot tell; "" for nothing, and where that was not looked for.
    """

    study: Study
    identity: Mapping[str, str]
    environments: tuple[tuple[str, str | None, Mapping[str, str]], ...]
    ran_in: str
    events: tuple[tuple[str, str, Mapping[str, Any]], ...]
    seed: int
    budgets: tuple[int, ...]
    level: Level | None
    worst: float
    views: tuple[ViewResult, ...]
    pairs: tuple[PairResult, ...]
    failures: tuple[Failures, ...]
    sweep: tuple[SweepView, ...] = ()
    declaration: Declaration | None = None
    criteria: tuple[CriterionResult, ...] = ()
    controls: Controls | None = None
    searchers: Searchers | None = None
    confirmed: tuple[ConfirmedCurve, ...] = ()
    declared: tuple[EndpointResult, ...] = ()
    declared_first: tuple[EndpointResult, ...] = ()
    policies: tuple[EndpointsUnderPolicy, ...] = ()
    secondary: tuple[Secondary, ...] = ()
    confirmation: Confirmation | None = None
    searched: tuple[SearchedView, ...] = ()
    supplement: Supplement | None = None
    epochs: TrainingEpochs | None = None
    ranking: Ranking | None = None
    broken_seals: str = ""
    database_digest: str = ""
    seal_note: str = ""

    @property
    def endpoints(self) -> Endpoints:
        """What the views are compared on."""
        return Endpoints(self.study, self.seed, self.budgets, self.level, self.worst)

    @property
    def adjusted(self) -> Floats:
        """Holm-adjusted p of every (pair, budget), in the order of `pairs` and their budgets."""
        return np.array([difference.adjusted for pair in self.pairs for difference in pair.budgets])

    @property
    def provisional(self) -> bool:
        """Whether any planned search is incomplete, or any incumbent that the study confirms is not trained on all its fresh seeds."""
        searched = all(view.completeness.complete == view.completeness.searches for view in self.views)
        return not (searched and all(curve.complete.all() for curve in self.confirmed))

    @property
    def imported(self) -> dict[str, dict[int, int]]:
        """Of each view with imported results: how many trials of a replicate, the first ones, are imported, by replicate."""
        counts: dict[str, dict[int, int]] = {}
        for key, count in imported((kind, detail) for _, kind, detail in self.events).items():
            if key.view in self.study.views:
                counts.setdefault(key.view, {})[key.replicate] = count
        return counts

    @property
    def has_values(self) -> bool:
        """Whether any trial of a search study has a value, so that there is something to draw."""
        return self.worst == self.worst and any(view.completeness.finished for view in self.views)

    def __repr__(self) -> str:
        views, pairs = (
            f"{len(parts)} {name}{'' if len(parts) == 1 else 's'}"
            for parts, name in ((self.views, "view"), (self.pairs, "comparison"))
        )
        return f"<Results of {self._in_words()}; {views}, {pairs}>"

    def _repr_html_(self) -> str:
        """The views, their comparisons, and the declared endpoints, for a notebook."""
        percent = f"{self.study.analysis.confidence:.0%} CI"
        last = f"mean best after all trials ({percent})"
        verdicts = not self.provisional
        endpoints = tuple(row for result in self.declared for row in result.rows(verdicts=verdicts))
        pairs = tuple((f"{pair.a} - {pair.b}", *row) for pair in self.pairs for row in pair.rows(verdicts=verdicts))
        return as_html(
            f"Results of {self._in_words()}; metric: {self.study.metric.name}, to {self.study.metric.goal}.",
            Listing("Declared endpoints", ("endpoint", "comparison", f"difference ({percent})", *TESTED), endpoints),
            Listing(
                "Views",
                ("view", "complete searches", last, "reached the target", "best value"),
                tuple(view.row() for view in self.views),
            ),
            Listing("Comparisons", ("comparison", "at", "replicates", f"difference ({percent})", *TESTED), pairs),
        )

    def _in_words(self) -> str:
        complete, searches = (sum(getattr(view.completeness, key) for view in self.views) for key in ("complete", "searches"))
        state = "provisional" if self.provisional else "complete"
        return f"{self.study.name}: {state}, {complete:,} of {searches:,} searches"

    def view(self, name: str) -> ViewResult:
        """The view called `name`, which is one of the study's."""
        return next(view for view in self.views if view.name == name)
