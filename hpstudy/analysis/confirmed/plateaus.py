"""Plateaus: the confirmed value of a well-tuned view, for each replicate, never estimated from the curve that is compared with it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.goal import Goal
from hpstudy.study.declaration import Plateaus


def plateaus(finals: Mapping[str, Floats], declared: Plateaus | None) -> dict[str, Floats]:
    """(replicates,) plateau of every view: the declared one, or the leave-one-out mean of the finals of all other replicates.

    Args:
        finals: for each view, (replicates,) confirmed values after the last trial, no NaN; at least two replicates where they determine
            the plateau.
        declared: declared plateaus; None for leave-one-out means.
    """
    if declared is not None:
        return {view: np.full(len(values), declared.values[view]) for view, values in finals.items()}
    return {view: np.asarray((values.sum() - values) / (len(values) - 1), dtype=np.float64) for view, values in finals.items()}


def best_plateau(of_views: Mapping[str, Floats], goal: Goal) -> Floats:
    """(replicates,) best plateau over all views."""
    stacked = goal.sign * np.stack(list(of_views.values()))
    return np.asarray(goal.sign * stacked.max(axis=0), dtype=np.float64)
