"""Interactions of views and searchers: whether the comparison of two views depends on the searcher that tunes them.

For a comparison A minus B and another searcher S, the interaction is a difference of differences: (A minus B with the main searcher) minus
(A minus B with S). It is paired by replicate: the four searches of a replicate share their training seeds. Intervals and tests are those
of an endpoint (`hpstudy.analysis.confirmed.comparison`), with Holm's correction over all interactions of the study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats
from hpstudy.analysis.confirmed.comparison import Interaction, interactions
from hpstudy.analysis.confirmed.curves import confirmed_curves
from hpstudy.analysis.confirmed.endpoints import Curves, endpoint_inputs
from hpstudy.analysis.curves.best_so_far import MeanCurve, best_so_far, mean_curve, worst_value
from hpstudy.analysis.endpoints import Endpoints, pairs_of
from hpstudy.analysis.statistics.permutation import holm
from hpstudy.analysis.trials.searches import Searches, gather
from hpstudy.goal import Goal
from hpstudy.loading.make import is_sweep
from hpstudy.study.controls import arm_name
from hpstudy.study.declaration import Endpoint

CurvesOfArms: TypeAlias = Mapping[str, tuple[Floats, Bools]]
"""For each arm, (replicates x trials) curves and (replicates,) flags of complete searches."""

OBSERVED = (Endpoint(use="trials_to_target"), Endpoint(use="final"))
"""The endpoints, on observed values, of a study that declares none."""


@dataclass(frozen=True)
class SearchedBy:
    """A view tuned by one searcher.

    Attributes:
        view: the name of the view.
        searcher: the name of the searcher.
        complete: number of complete searches.
        curve: mean best so far of these searches.
    """

    view: str
    searcher: str
    complete: int
    curve: MeanCurve


@dataclass(frozen=True)
class ByEndpoint:
    """The interactions of one endpoint and one other searcher.

    Attributes:
        searcher: the other searcher.
        endpoint: a declared endpoint, or one of `OBSERVED`.
        on_observed: whether it is computed from observed values instead of values on fresh seeds.
        pairs: one interaction for each declared comparison; empty without a usable replicate, a plateau or a target.
    """

    searcher: str
    endpoint: Endpoint
    on_observed: bool
    pairs: tuple[Interaction, ...]


@dataclass(frozen=True)
class Searchers:
    """Comparison of the searchers of a study.

    Attributes:
        views: each view with each searcher, the main searcher first.
        compared: the interactions of each other searcher, for each endpoint.
        complete: whether all planned searches are complete, and confirmed where the endpoints need it.
    """

    views: tuple[SearchedBy, ...]
    compared: tuple[ByEndpoint, ...]
    complete: bool

    @property
    def pairs(self) -> tuple[Interaction, ...]:
        """All interactions, which are one family of tests."""
        return tuple(pair for by_endpoint in self.compared for pair in by_endpoint.pairs)


def searchers(trials: Any, confirmations: Any, endpoints: Endpoints) -> Searchers | None:
    """Compare the searchers of a study; None without `search.others`.

    Args:
        trials: DataFrame with a row per trial; the trials of another searcher are those of the view VIEW/SEARCHER.
        confirmations: DataFrame from `hpstudy.store.Reader.confirmations`, of all searchers.
        endpoints: the study and its target, which the searches of the main searcher define for all searchers.
    """
    study = endpoints.study
    others = [other.searcher for other in study.search.others]
    if not others or is_sweep(study):
        return None
    goal, shape = study.metric.goal, (study.replicates, study.search.trials)
    names = [*study.views, *(arm_name(view, other) for view in study.views for other in others)]
    blocks = {name: gather(trials, name, shape) for name in names}
    worst = worst_value([block.values for block in blocks.values()], goal)
    best = {name: best_so_far(block.values, goal, finished=block.finished, worst=worst) for name, block in blocks.items()}
    confirmed: CurvesOfArms = {}
    if study.confirm is not None and study.confirm.incumbents:
        curves = confirmed_curves(confirmations, blocks, study)
        confirmed = {curve.view: (curve.scored, curve.complete) for curve in curves}
    compared = []
    for endpoint in study.analysis.primary or OBSERVED:
        on_observed = not study.analysis.endpoints or endpoint.use == "trials_to_target"
        arms = _observed(blocks, best, endpoint, goal) if on_observed else confirmed
        for other in others:
            pairs = _interactions(endpoint, arms, endpoints, other)
            compared.append(ByEndpoint(other, endpoint, on_observed, pairs))
    complete = all(block.complete.all() for block in blocks.values()) and all(each.all() for _, each in confirmed.values())
    views = [
        SearchedBy(
            view, other or study.search.searcher, int(blocks[name].complete.sum()), mean_curve(best[name], endpoints.bootstrap)
        )
        for view in study.views
        for other, name in [(None, view), *((other, arm_name(view, other)) for other in others)]
    ]
    return Searchers(tuple(views), _with_verdicts(compared, 1 - study.analysis.confidence), complete)


def _observed(blocks: Mapping[str, Searches], best: Mapping[str, Floats], endpoint: Endpoint, goal: Goal) -> CurvesOfArms:
    """The best so far of all searches; for trials-to-target, NaN before the first value of a search."""
    if endpoint.use == "trials_to_target":
        best = {name: best_so_far(block.values, goal) for name, block in blocks.items()}
    return {name: (best[name], block.complete) for name, block in blocks.items()}


def _interactions(endpoint: Endpoint, arms: CurvesOfArms, endpoints: Endpoints, other: str) -> tuple[Interaction, ...]:
    """The interaction of each declared comparison with another searcher, without adjusted p; empty without the curves of an arm."""
    study = endpoints.study
    names = [*study.views, *(arm_name(view, other) for view in study.views)]
    if any(name not in arms for name in names):
        return ()
    curves = Curves({name: arms[name][0] for name in names}, np.logical_and.reduce([arms[name][1] for name in names]))
    _, inputs = endpoint_inputs(endpoint, study, curves, endpoints.target)
    if inputs is None:
        return ()
    delta = endpoint.deltas[0] if endpoint.deltas else None
    pairs = [((a, b), (arm_name(a, other), arm_name(b, other))) for a, b in pairs_of(study)]
    return interactions(endpoint, delta, inputs, pairs, study.analysis.confidence)


def _with_verdicts(compared: Sequence[ByEndpoint], alpha: float) -> tuple[ByEndpoint, ...]:
    """Set the adjusted p-values (Holm over all interactions) and the verdicts."""
    adjusted = iter(holm(np.array([pair.p for each in compared for pair in each.pairs])).tolist())
    return tuple(
        replace(each, pairs=tuple(replace(pair, adjusted=(p := next(adjusted)), shown=p < alpha) for pair in each.pairs))
        for each in compared
    )
