"""Supplementary statistics of one view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.curves.anytime import Anytime, Scale, anytime
from hpstudy.analysis.curves.training_time import CostCurve, TrialSeconds, cost_curve
from hpstudy.analysis.endpoints import Endpoints
from hpstudy.analysis.exploration.initial_design import InitialDesign, initial_design
from hpstudy.analysis.exploration.range_ends import BoundaryHits, boundary_hits, unit_coordinates
from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.analysis.statistics.interquartile_mean import IqmCurve, iqm_curve
from hpstudy.analysis.targets.average_runtime import average_runtime
from hpstudy.analysis.view_result import ViewResult
from hpstudy.study.parameters import ChoiceParameter


@dataclass(frozen=True)
class ViewSupplement:
    """Supplementary statistics of one view.

    Attributes:
        iqm: interquartile mean of the best-so-far curves.
        runtime: average runtime to the target, over complete searches; None without a target level or a complete search.
        anytime: anytime scores; None without a scale or a complete search.
        boundaries: best points at range ends, for every hyperparameter with a range.
        initial: searches whose best trial belongs to the initial design; None without such a design or a complete search.
        cost: best so far against training time; None without a time grid, a complete search, or recorded times.
    """

    name: str
    iqm: IqmCurve
    runtime: Estimate | None
    anytime: Anytime | None
    boundaries: tuple[BoundaryHits, ...]
    initial: InitialDesign | None
    cost: CostCurve | None


def view_supplement(
    view: ViewResult, scale: Scale | None, times: TrialSeconds | None, seconds: Floats | None, endpoints: Endpoints
) -> ViewSupplement:
    """Compute the supplementary statistics of one view; `times` is None without recorded times, `seconds` is the (times,) grid."""
    bootstrap, best = endpoints.bootstrap, view.best[view.whole]
    runtime = cost = None
    complete = view.searches.complete
    if view.trials is not None and complete.any():
        to_target = view.trials.times
        runtime = average_runtime(to_target.trials[complete].astype(np.float64), to_target.reached[complete], bootstrap)
    if times is not None and seconds is not None and len(best):
        cost = cost_curve(best, times.trained[view.whole], times.ask[view.whole].sum(axis=1), seconds, bootstrap)
    return ViewSupplement(
        name=view.name,
        iqm=iqm_curve(view.best, bootstrap),
        runtime=runtime,
        anytime=anytime(best, scale, bootstrap) if scale is not None and len(best) else None,
        boundaries=_boundaries(view, endpoints),
        initial=initial_design(view.searches, endpoints.study),
        cost=cost,
    )


def _boundaries(view: ViewResult, endpoints: Endpoints) -> tuple[BoundaryHits, ...]:
    """Positions of the best points of all searches with a value, for each hyperparameter."""
    study, values = endpoints.study, view.searches.values
    valued = np.flatnonzero(np.isfinite(values).any(axis=1))
    best = np.nanargmax(study.metric.goal.sign * values[valued], axis=1) if valued.size else valued
    boundaries = []
    for name, parameter in study.views[view.name].space.items():
        if not isinstance(parameter, ChoiceParameter):
            values_of_best = np.array([v for v in view.points[name][valued, best] if v is not None], dtype=np.float64)
            finite = values_of_best[np.isfinite(values_of_best)]
            unit = unit_coordinates(finite, parameter.low, parameter.high, log=parameter.log)
            boundaries.append(boundary_hits(name, unit, study.analysis.confidence))
    return tuple(boundaries)
