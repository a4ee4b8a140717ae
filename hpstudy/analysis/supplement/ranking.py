"""Joint comparison of three or more views: mean ranks, and performance profiles of trials-to-target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.endpoints import Endpoints
from hpstudy.analysis.statistics.critical_difference import MeanRanks, mean_ranks
from hpstudy.analysis.statistics.performance_profile import PerformanceProfile, performance_profile
from hpstudy.analysis.view_result import ViewResult
from hpstudy.seeds import derive_seed

FEWEST = 3
"""Minimum number of views; ranks of two views add nothing to their comparison."""


@dataclass(frozen=True)
class Ranking:
    """Ranks and performance profiles of several views.

    Attributes:
        ranks: mean ranks of the final best over blocks; None with fewer than three views or two blocks, or if all views are tied.
        profile: performance profiles of trials-to-target; None if no two views reach the target with different numbers of trials.
    """

    ranks: MeanRanks | None
    profile: PerformanceProfile | None


def ranking(views: Sequence[ViewResult], endpoints: Endpoints) -> Ranking | None:
    """Rank the views of one study over the replicates that are complete in all of them; None with fewer than three views."""
    if len(views) < FEWEST:
        return None
    names, settings = tuple(view.name for view in views), endpoints.study.analysis
    whole = np.logical_and.reduce([view.whole for view in views])
    final = np.stack([view.best[whole, -1] for view in views], axis=1)  # (replicates, views)
    costs = trials_of(views)
    return Ranking(
        mean_ranks(final, names, endpoints.study.metric.goal, settings.confidence, derive_seed(endpoints.seed, "ranks")),
        None if costs is None else performance_profile(costs, names),
    )


def trials_of(views: Sequence[ViewResult]) -> Floats | None:
    """(replicates x views) trials-to-target of replicates complete in all views, NaN where not reached; None without a target."""
    times = [view.trials.times for view in views if view.trials is not None]
    if len(times) < len(views):
        return None
    complete = np.logical_and.reduce([view.searches.complete for view in views])
    return np.stack([np.where(of_view.reached, of_view.trials, np.nan)[complete] for of_view in times], axis=1)
