"""Supplementary statistics of a study: for each view, for each comparison, and over all views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.curves.anytime import Scale, scale_of
from hpstudy.analysis.curves.training_time import seconds_grid, seconds_of_trials
from hpstudy.analysis.endpoints import Endpoints
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.statistics.permutation import holm
from hpstudy.analysis.statistics.ranks import Friedman, friedman
from hpstudy.analysis.supplement.pairs import PairSupplement, pair_supplement
from hpstudy.analysis.supplement.views import ViewSupplement, view_supplement
from hpstudy.analysis.view_result import ViewResult


@dataclass(frozen=True)
class Supplement:
    """Supplementary statistics of one study.

    Attributes:
        views: statistics of the views in the order of the study; empty in a sweep.
        pairs: statistics of the declared comparisons; empty in a sweep.
        adjusted: Holm-adjusted p of every signed-rank test, in the order of `pairs` and their budgets.
        friedman: Friedman's test at each budget, over the replicates that are complete in all views; None with two views.
        scale: scale of the anytime scores; None if no search is complete or no trial improves on the median first trial.
        seconds: (times,) time grid in seconds; None if the searches share no time range.
        unrecorded: number of finished trials without a recorded time, which count as 0 seconds.
    """

    views: tuple[ViewSupplement, ...]
    pairs: tuple[PairSupplement, ...]
    adjusted: Floats
    friedman: tuple[Friedman | None, ...]
    scale: Scale | None
    seconds: Floats | None
    unrecorded: int


def supplement(views: Sequence[ViewResult], pairs: Sequence[PairResult], endpoints: Endpoints, table: Any) -> Supplement:
    """Compute all supplementary statistics of a study whose trials have an order.

    `table` is a DataFrame of its trials with the columns view, replicate, number, ask_s and evaluate_s.
    """
    by_name, goal = {view.name: view for view in views}, endpoints.study.metric.goal
    scale = scale_of([view.best[view.whole] for view in views], goal)
    times, unrecorded = seconds_of_trials(table, [view.searches for view in views])
    seconds = seconds_grid([times[view.name].trained[view.whole] for view in views]) if times else None
    of_views = tuple(view_supplement(view, scale, times.get(view.name), seconds, endpoints) for view in views)
    of_pairs = tuple(pair_supplement(pair, by_name, scale, times, endpoints) for pair in pairs)
    p_values = np.array([budget.signed_rank.p for pair in of_pairs for budget in pair.budgets])
    best = np.stack([view.best for view in views], axis=2)[np.logical_and.reduce([view.whole for view in views])]
    # None from `friedman` with two views; `best` is (replicates, trials, views).
    tests = tuple(friedman(best[:, budget - 1], goal) for budget in endpoints.budgets)
    return Supplement(of_views, of_pairs, holm(p_values), tests, scale, seconds, unrecorded)
