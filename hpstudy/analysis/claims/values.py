"""The values of all views that claims refer to, as input of `hpstudy.analysis.claims.judgment`.

A finished trial without a value (diverged, failed, timed out) counts as the worst value of any trial of the study, as in the best so far.
Each epoch of its learning curve counts as the worst value of any epoch. Leaving such trials out would favor a view or point that fails.
This applies to the study's objective only. The worst value of any other metric is not known, so a trial without a value is left out of
claims about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats
from hpstudy.analysis.claims.judgment import Observed
from hpstudy.analysis.confirmed.endpoints import EndpointResult
from hpstudy.analysis.curves.best_so_far import incumbent_numbers, worst_value
from hpstudy.analysis.sweeps.points import SweepView
from hpstudy.analysis.trials.searches import Searches, final_metrics
from hpstudy.analysis.view_result import ViewResult
from hpstudy.errors import HpstudyError
from hpstudy.loading.claims import listed_points
from hpstudy.loading.make import make_searcher
from hpstudy.study.declaration import TRIALS_TO_TARGET
from hpstudy.study.schema import Study
from hpstudy.study.space import Point


def observe(
    study: Study, trials: Any, views: Sequence[ViewResult], sweeps: Sequence[SweepView], endpoints: Sequence[EndpointResult] = ()
) -> dict[str, Observed]:
    """The values of each view, by name.

    Args:
        study: resolved.
        trials: DataFrame with one row per trial and the columns view, replicate, number, state, then `metric.NAME`.
        views: the searches of each view.
        sweeps: the points of each view; empty for a search.
        endpoints: the declared endpoints of a search. Of two with the same `use`, claims refer to the first.
    """
    goal, objective = study.metric.goal, study.metric.name
    worst = worst_value([view.searches.values for view in views], goal)
    if not sweeps:
        return {view.name: _of_a_search(study, trials, view, worst, endpoints) for view in views}
    worst_of_curve = worst_value([view.curves[objective] for view in sweeps if objective in view.curves], goal)
    return {
        view.name: _of_a_sweep(study, swept, _lost(view.searches), worst, worst_of_curve)
        for view, swept in zip(views, sweeps, strict=True)
    }


def _of_a_search(study: Study, trials: Any, view: ViewResult, worst: float, endpoints: Sequence[EndpointResult]) -> Observed:
    """The values of a view of a search; `worst` replaces the objective of a trial without a value."""
    searches = view.searches
    values = {
        **final_metrics(trials, view.name, searches.values.shape),
        study.metric.name: np.where(_lost(searches), worst, searches.values),
    }
    best = incumbent_numbers(searches.values, study.metric.goal)
    # Before the first value of a search, its first trial is the best; it counts as the worst value.
    best = np.where(searches.spent, np.maximum(best, 0), -1)  # (replicates, trials)
    # Of two endpoints with the same use, the first one is kept.
    of_searches: dict[str, Floats] = {
        result.endpoint.use: _of_replicates(result, view.name, len(best)) for result in reversed(endpoints)
    }
    if view.trials is not None:
        of_searches[TRIALS_TO_TARGET] = np.where(searches.complete, view.trials.times.trials.astype(np.float64), np.nan)
    return Observed(values=values, best=best, of_searches=of_searches)


def _of_replicates(result: EndpointResult, view: str, replicates: int) -> Floats:
    """(replicates,) endpoint of the searches of a view; NaN for replicates that are not used.

    Where plateaus are estimated from the replicates, jackknife pseudo-values, so that a claim has the interval of the endpoint.
    """
    values = np.full(replicates, np.nan)
    for of_view in result.declared.views if result.declared is not None else ():
        if of_view.view == view:
            values[result.replicates] = of_view.independent
            if len(result.replicates) == 2 and np.isnan(of_view.estimate.low):
                # Each is the plateau of the other, so they are one observation, without an interval.
                values[result.replicates] = of_view.estimate.value, np.nan
    return values


def _of_a_sweep(study: Study, view: SweepView, lost: Bools, worst: float, worst_of_curve: float) -> Observed:
    """The values of a view of a sweep; `lost` is a (replicates x points) mask of trainings without a value."""
    objective = study.metric.name
    values = {**view.values, objective: np.where(lost, worst, view.values[objective])}
    curves = dict(view.curves)
    if objective in curves:
        recorded = ~np.isnan(curves[objective]).all(axis=(0, 1))
        curves[objective] = np.where(lost[..., None] & recorded, worst_of_curve, curves[objective])
    best = np.full(lost.shape, -1)
    return Observed(points=_points(study, view), values=values, epochs=view.epochs, curves=curves, best=best)


def _points(study: Study, view: SweepView) -> tuple[Point, ...]:
    """The points of a sweep; a point that no replicate has started is taken from the list of the searcher."""
    if all(view.points):
        return view.points
    try:
        listed = listed_points(make_searcher(study.search), study.views[view.name].space, study.search.trials)
    except HpstudyError:
        listed = ()
    return tuple(point or other for point, other in zip(view.points, listed or view.points, strict=True))


def _lost(searches: Searches) -> Bools:
    """(replicates x trials) mask of finished trials without a value."""
    return np.asarray(searches.ended & np.isnan(searches.values), dtype=np.bool_)
