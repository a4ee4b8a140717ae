"""The endpoints as numbers: one for every search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats
from hpstudy.analysis.confirmed.plateaus import best_plateau, plateaus
from hpstudy.analysis.statistics.survival import trials_to_target
from hpstudy.goal import Goal
from hpstudy.study.declaration import Endpoint, Plateaus

ROUNDING = 1e-9
"""What a distance from a plateau may be above its delta by rounding alone, relative to the plateau; steps of a metric meet deltas."""


@dataclass(frozen=True)
class Judged:
    """What an endpoint is computed from.

    Attributes:
        goal: of the metric.
        curves: for each view (replicates x trials) the confirmed curve, or the best value so far for trials to the target; no NaN in a
            confirmed curve, NaN in a best so far before the first value.
        plateaus: declared, or of held-out replicates; None where the plateau of a replicate comes from the others.
        level: of trials to the target; None for a confirmed endpoint.
    """

    goal: Goal
    curves: Mapping[str, Floats]
    plateaus: Plateaus | None = None
    level: float | None = None

    @property
    def replicates(self) -> int:
        """How many there are."""
        return len(next(iter(self.curves.values())))

    def without(self, replicate: int) -> Judged:
        """The same without one replicate."""
        return replace(self, curves={view: np.delete(curve, replicate, axis=0) for view, curve in self.curves.items()})


@dataclass(frozen=True)
class Values:
    """An endpoint of the searches of one view: (replicates,) values, plateaus and whether each got there, None where there is no such."""

    values: Floats
    plateau: Floats | None = None
    reached: Bools | None = None


def measured(endpoint: Endpoint, delta: float | None, judged: Judged) -> dict[str, Values]:
    """An endpoint of every search of every view, judged against the plateaus of all of them.

    A search that never comes within the delta, or to the target, counts all its trials: the mean is restricted to the budget.
    """
    goal = judged.goal
    if endpoint.use == "final":
        return {view: Values(curve[:, -1]) for view, curve in judged.curves.items()}
    if endpoint.use == "trials_to_target":
        assert judged.level is not None
        found = {}
        for view, curve in judged.curves.items():
            times = trials_to_target(curve, np.full(len(curve), curve.shape[1]), judged.level, goal)
            found[view] = Values(times.trials.astype(np.float64), None, times.reached)
        return found
    own = plateaus({view: curve[:, -1] for view, curve in judged.curves.items()}, judged.plateaus)
    best = best_plateau(own, goal)
    found = {}
    for view, curve in judged.curves.items():
        plateau = best if endpoint.of_best_plateau else own[view]
        regret = goal.sign * (plateau[:, None] - curve)
        if delta is None:
            found[view] = Values(regret.mean(axis=1), plateau)
        else:
            near = regret <= delta + ROUNDING * np.abs(plateau[:, None])
            reached = np.logical_or.reduce(near, axis=1)
            trials = np.where(reached, near.argmax(axis=1) + 1, curve.shape[1]).astype(np.float64)
            found[view] = Values(trials, plateau, reached)
    return found
