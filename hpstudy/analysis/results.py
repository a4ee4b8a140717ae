"""All results of the analysis of one study, the input of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.baselines.controls import Controls
from hpstudy.analysis.baselines.searchers import Searchers
from hpstudy.analysis.claims.declaration import Declaration
from hpstudy.analysis.claims.judgment import CriterionResult
from hpstudy.analysis.confirmed.curves import ConfirmedCurve
from hpstudy.analysis.confirmed.endpoints import EndpointResult
from hpstudy.analysis.confirmed.plateaus import ExceededPlateau
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
        identity: what determines the numbers besides the study.
        environments: (started_at, ended_at, detail) of every session, and of every other host that ran its steps.
        ran_in: where the trials ran, if in more than one environment; "" otherwise.
        events: (at, kind, detail) of each event.
        seed: root seed of the analysis.
        budgets: numbers of trials at which views are compared; empty in a sweep.
        level: the target level; None without a target, and in a sweep.
        worst: worst value of the study, the value of trials before the first value of a search; NaN if no trial has a value, and in a
            sweep.
        views: results of the views in the order of the study.
        pairs: the declared comparisons; empty in a sweep.
        failures: trials without a value, grouped.
        sweep: views of a sweep (a study whose searcher lists its points), in the order of the study; empty for a search.
        declaration: when the analysis was declared; None if this is not recorded.
        criteria: results of the declared claims; empty without claims.
        controls: comparison with random search and the default point; None for a study without controls.
        searchers: comparison of the searchers; None for a study with one searcher.
        confirmed: confirmed curves of the views, in the order of the study; empty if not all incumbents are confirmed.
        declared: results of the declared endpoints.
        declared_first: the same from the first `analysis.first_replicates` replicates alone; empty without this setting.
        exceeded_plateaus: the declared plateaus that a view is shown to exceed on fresh seeds.
        policies: the declared endpoints under other treatments of trainings without a value; empty if every training gave a value, or the
            analysis was not thorough.
        secondary: measures of tuning from other papers; empty if not all incumbents are confirmed.
        confirmation: statistics of the trainings on fresh seeds; None without any.
        unconfirmed: number of trainings on fresh seeds, of the chosen points of complete searches, that have not ended.
        searched: exploration of each view's search space; empty in a sweep, or if the analysis was not thorough.
        supplement: supplementary statistics; None in a sweep, or if the analysis was not thorough.
        epochs: comparison at equal epochs for a custom task that reports epochs; None otherwise, or if the analysis was not thorough.
        ranking: ranks of the views; None with fewer than three views, in a sweep, or if the analysis was not thorough.
        broken_seals: mismatches with the seals of the database, in one line; "" for none, or if not checked.
        database_digest: digest of all values in the database; "" without a database, or if not computed.
        seal_note: limits of what the seals of the database can detect; "" for none, or if not checked.
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
    exceeded_plateaus: tuple[ExceededPlateau, ...] = ()
    policies: tuple[EndpointsUnderPolicy, ...] = ()
    secondary: tuple[Secondary, ...] = ()
    confirmation: Confirmation | None = None
    unconfirmed: int = 0
    searched: tuple[SearchedView, ...] = ()
    supplement: Supplement | None = None
    epochs: TrainingEpochs | None = None
    ranking: Ranking | None = None
    broken_seals: str = ""
    database_digest: str = ""
    seal_note: str = ""

    @property
    def endpoints(self) -> Endpoints:
        """The settings of the comparisons."""
        return Endpoints(self.study, self.seed, self.budgets, self.level, self.worst)

    @property
    def adjusted(self) -> Floats:
        """(tests,) Holm-adjusted p of every (pair, budget), in the order of `pairs` and their budgets."""
        return np.array([difference.adjusted for pair in self.pairs for difference in pair.budgets])

    @property
    def provisional(self) -> bool:
        """Whether any planned search is incomplete, or any chosen point to confirm has not been trained on all its fresh seeds."""
        searches_complete = all(view.completeness.complete == view.completeness.searches for view in self.views)
        return not searches_complete or self.unconfirmed > 0

    @property
    def imported(self) -> dict[str, dict[int, int]]:
        """For each view with imported results, the number of imported trials of each replicate; these are the first trials."""
        counts: dict[str, dict[int, int]] = {}
        for key, count in imported((kind, detail) for _, kind, detail in self.events).items():
            if key.view in self.study.views:
                counts.setdefault(key.view, {})[key.replicate] = count
        return counts

    @property
    def has_values(self) -> bool:
        """Whether any trial of a search has a value, so that curves can be drawn."""
        return self.worst == self.worst and any(view.completeness.finished for view in self.views)

    def __repr__(self) -> str:
        views, pairs = (
            f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"
            for items, noun in ((self.views, "view"), (self.pairs, "comparison"))
        )
        return f"<Results of {self._summary()}; {views}, {pairs}>"

    def _repr_html_(self) -> str:
        """The views, their comparisons, and the declared endpoints, for a notebook."""
        percent = f"{self.study.analysis.confidence:.0%} CI"
        last = f"mean best after all trials ({percent})"
        verdicts = not self.provisional
        endpoints = tuple(row for result in self.declared for row in result.rows(verdicts=verdicts))
        pairs = tuple((f"{pair.a} - {pair.b}", *row) for pair in self.pairs for row in pair.rows(verdicts=verdicts))
        return as_html(
            f"Results of {self._summary()}; metric: {self.study.metric.name}, to {self.study.metric.goal}.",
            Listing("Declared endpoints", ("endpoint", "comparison", f"difference ({percent})", *TESTED), endpoints),
            Listing(
                "Views",
                ("view", "complete searches", last, "reached the target", "best value"),
                tuple(view.row() for view in self.views),
            ),
            Listing("Comparisons", ("comparison", "at", "replicates", f"difference ({percent})", *TESTED), pairs),
        )

    def _summary(self) -> str:
        complete, searches = (sum(getattr(view.completeness, key) for view in self.views) for key in ("complete", "searches"))
        state = "provisional" if self.provisional else "complete"
        return f"{self.study.name}: {state}, {complete:,} of {searches:,} searches"

    def view(self, name: str) -> ViewResult:
        """The result of the view `name`, which must be a view of the study."""
        return next(view for view in self.views if view.name == name)
