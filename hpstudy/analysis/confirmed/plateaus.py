"""Plateaus: the confirmed value that a view can reach when it is well tuned, replicate by replicate and never from the curve it judges."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.goal import Goal
from hpstudy.study.declaration import Plateaus


def plateaus(finals: Mapping[str, Floats], declared: Plateaus | None) -> dict[str, Floats]:
    """(replicates,) plateau of every view: the declared one, or the mean of the finals of all other replicates.

    Args:
        finals: for each view (replicates,) confirmed values after the last trial, no NaN; at least two replicates where they set the
            plateau.
        declared: with values; None to leave out the replicate that is judged.
    """
    if declared is not None:
        return {view: np.full(len(values), declared.values[view]) for view, values in finals.items()}
    return {view: np.asarray((values.sum() - values) / (len(values) - 1), dtype=np.float64) for view, values in finals.items()}


def best_plateau(of_views: Mapping[str, Floats], goal: Goal) -> Floats:
    """(replicates,) the best plateau of all views."""
    stacked = goal.sign * np.stack(list(of_views.values()))
    return np.asarray(goal.sign * stacked.max(axis=0), dtype=np.float64)
