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
    """More of one view.

    Attributes:
        iqm: interquartile mean of its best-so-far curves.
        runtime: average runtime to the target, over complete searches; None without a target level or a complete search.
        anytime: ratings over all trials; None without a scale or a complete search.
        boundaries: of every hyperparameter that has a range.
        initial: searches that chose a point of their initial design; None without such a design or a complete search.
        cost: against seconds of training; None without a grid of seconds, a complete search, or records of the time.
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
    """Compute the supplementary statistics of one view; `spent` is None without records of seconds.

    `whole` is (replicates,): searches that are complete and have a best so far at every trial; `seconds` is the (times,) grid.
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
    """The best point of every search that has a value, hyperparameter by hyperparameter."""
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
