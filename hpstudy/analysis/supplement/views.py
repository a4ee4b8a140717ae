"""Supplementary statistics of one view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats
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
    view: ViewResult, whole: Bools, scale: Scale | None, spent: TrialSeconds | None, seconds: Floats | None, endpoints: Endpoints
) -> ViewSupplement:
    """Compute the supplementary statistics of one view; `spent` is None without recorded times.

    `whole` is a (replicates,) mask of complete searches with a best so far at every trial; `seconds` is the (times,) grid.
    """
    bootstrap, best = endpoints.bootstrap, view.best[whole]
    runtime = cost = None
    complete = view.searches.complete
    if view.trials is not None and complete.any():
        times = view.trials.times
        runtime = average_runtime(times.trials[complete].astype(np.float64), times.reached[complete], bootstrap)
    if spent is not None and seconds is not None and len(best):
        cost = cost_curve(best, spent.trained[whole], spent.ask[whole].sum(axis=1), seconds, bootstrap)
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
    hits = []
    for name, parameter in study.views[view.name].space.items():
        if isinstance(parameter, ChoiceParameter):
            continue
        chosen = view.points[name][valued, best]
        chosen = np.array([value for value in chosen if value is not None], dtype=np.float64)
        unit = unit_coordinates(chosen[np.isfinite(chosen)], parameter.low, parameter.high, log=parameter.log)
        hits.append(boundary_hits(name, unit, study.analysis.confidence))
    return tuple(hits)
