"""Computation of an endpoint: one number for every search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats
from hpstudy.analysis.statistics.survival import trials_to_target
from hpstudy.goal import Goal
from hpstudy.study.declaration import Endpoint

ROUNDING = 1e-9
"""Rounding tolerance of a distance from a plateau, relative to the plateau; distances of a discrete metric can equal delta exactly."""


@dataclass(frozen=True)
class EndpointInputs:
    """The data from which an endpoint is computed.

    Attributes:
        goal: goal of the metric.
        curves: for each view, (replicates x trials) confirmed curves without NaN; or, for trials-to-target, the best so far, NaN before
            the first value.
        plateaus: declared plateau of each view, or that of its held-out replicates; None where the plateau of a
            replicate is estimated from the others.
        level: target level of trials-to-target; None for a confirmed endpoint.
    """

    goal: Goal
    curves: Mapping[str, Floats]
    plateaus: Mapping[str, float] | None = None
    level: float | None = None

    @property
    def replicates(self) -> int:
        """Number of replicates."""
        return len(next(iter(self.curves.values())))

    @property
    def horizon(self) -> int:
        """Number of trials of a search."""
        return int(next(iter(self.curves.values())).shape[1])

    def without(self, replicate: int) -> EndpointInputs:
        """A copy without one replicate."""
        return replace(self, curves={view: np.delete(curve, replicate, axis=0) for view, curve in self.curves.items()})


@dataclass(frozen=True)
class EndpointValues:
    """An endpoint of one view: (replicates,) values, plateaus, and flags of the searches that reached it; None where they do not apply."""

    values: Floats
    plateau: Floats | None = None
    reached: Bools | None = None


def endpoint_values(endpoint: Endpoint, delta: float | None, inputs: EndpointInputs) -> dict[str, EndpointValues]:
    """Compute an endpoint for every search of every view, given the plateaus of all views.

    A search that never comes within delta of the plateau, or never reaches the target, counts all its trials (restricted mean).
    """
    goal, curves = inputs.goal, inputs.curves
    if endpoint.use == "final":
        return {view: EndpointValues(curve[:, -1]) for view, curve in curves.items()}
    if endpoint.use == "trials_to_target":
        assert inputs.level is not None
        times = {view: trials_to_target(curve, inputs.level, goal) for view, curve in curves.items()}
        return {view: EndpointValues(of.trials.astype(np.float64), None, of.reached) for view, of in times.items()}
    own = _plateaus({view: curve[:, -1] for view, curve in curves.items()}, inputs.plateaus)
    best = goal.sign * np.max([goal.sign * plateau for plateau in own.values()], axis=0)  # (replicates,)
    values = {}
    for view, curve in curves.items():
        plateau = best if endpoint.of_best_plateau else own[view]  # (replicates,)
        regret = goal.sign * (plateau[:, None] - curve)  # (replicates, trials)
        if delta is None:
            values[view] = EndpointValues(regret.mean(axis=1), plateau)
        else:
            within = regret <= delta + ROUNDING * np.abs(plateau[:, None])
            reached = np.logical_or.reduce(within, axis=1)
            trials = np.where(reached, within.argmax(axis=1) + 1, curve.shape[1]).astype(np.float64)
            values[view] = EndpointValues(trials, plateau, reached)
    return values


def _plateaus(finals: Mapping[str, Floats], declared: Mapping[str, float] | None) -> dict[str, Floats]:
    """(replicates,) plateau of every view: the declared one, or the leave-one-out mean of the finals of all other replicates.

    A plateau is the confirmed value of a well-tuned view. It is never estimated from the curve that is compared with it. `finals` holds
    the (replicates,) confirmed values after the last trial, no NaN; at least two replicates without declared plateaus.
    """
    if declared is not None:
        return {view: np.full(len(values), declared[view]) for view, values in finals.items()}
    return {view: np.asarray((values.sum() - values) / (len(values) - 1), dtype=np.float64) for view, values in finals.items()}
