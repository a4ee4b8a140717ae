"""Estimates and tests of the declared endpoints: choice of replicates and correction for multiple tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats, Ints
from hpstudy.analysis.confirmed.comparison import Measurement, findable, measurement
from hpstudy.analysis.confirmed.curves import ConfirmedCurve
from hpstudy.analysis.confirmed.measure import EndpointInputs
from hpstudy.analysis.curves.best_so_far import best_so_far
from hpstudy.analysis.endpoints import Endpoints, pairs_of
from hpstudy.analysis.statistics.permutation import holm
from hpstudy.analysis.trials.searches import Searches
from hpstudy.display import MISSING, estimate, number
from hpstudy.study.declaration import Endpoint
from hpstudy.study.schema import Study


@dataclass(frozen=True)
class EndpointResult:
    """The result of one declared endpoint.

    Attributes:
        endpoint: the declaration.
        primary: whether it is a primary endpoint.
        replicates: (n,) replicates that are used: complete in all views, and not held out.
        measurements: at the declared delta, then at the other deltas, which are not tested; empty without a usable replicate, a plateau
            or a target.
    """

    endpoint: Endpoint
    primary: bool
    replicates: Ints
    measurements: tuple[Measurement, ...]

    @property
    def declared(self) -> Measurement | None:
        """The measurement at the declared delta, which is tested."""
        return self.measurements[0] if self.measurements else None

    def __repr__(self) -> str:
        return f"<EndpointResult {self._title()}: {len(self.replicates)} replicates>"

    def rows(self, *, verdicts: bool = True) -> tuple[tuple[str, ...], ...]:
        """Table rows of the differences at the declared delta: endpoint, comparison, difference, adjusted p, better view."""
        return tuple(
            (
                self._title(),
                f"{pair.a} - {pair.b}",
                estimate(pair.estimate.value, pair.estimate.low, pair.estimate.high),
                number(pair.adjusted) if verdicts else MISSING,
                MISSING if not verdicts else f"{pair.shown} better" if pair.shown else "no difference",
            )
            for pair in (self.declared.pairs if self.declared is not None else ())
        )

    def _title(self) -> str:
        endpoint, delta = self.endpoint, self.declared.delta if self.declared is not None else None
        within = "" if delta is None else f" {delta:g}"
        plateau = f" of {endpoint.plateau or 'own'} plateau" if endpoint.has_plateau else ""
        return f"{endpoint.use.replace('_', ' ')}{within}{plateau}{' (primary)' if self.primary else ''}"


@dataclass(frozen=True)
class Curves:
    """The curves of all views.

    Attributes:
        of_views: (replicates x trials) curves of each view; empty without curves.
        complete: (replicates,) whether a replicate is complete in all views.
    """

    of_views: Mapping[str, Floats]
    complete: Bools


def endpoint_results(
    curves: Sequence[ConfirmedCurve], searches: Mapping[str, Searches], endpoints: Endpoints, replicates: int | None = None
) -> tuple[EndpointResult, ...]:
    """Estimate and test every declared endpoint.

    Args:
        curves: the confirmed curves; empty where the study confirms no incumbents.
        searches: the trials of every view.
        endpoints: the study and its target.
        replicates: use only the first `replicates`; None for all.
    """
    study = endpoints.study
    used = np.arange(study.replicates) < (replicates or study.replicates)
    confirmed = Curves(
        {curve.view: curve.scored for curve in curves},
        np.logical_and.reduce([used & bool(curves), *(curve.complete for curve in curves)]),
    )
    observed = Curves(
        {view: best_so_far(block.values, study.metric.goal) for view, block in searches.items()},
        np.logical_and.reduce([used, *(block.complete for block in searches.values())]),
    )
    return declared_results(study, confirmed, observed, endpoints.target)


def declared_results(study: Study, confirmed: Curves, observed: Curves, level: float | None) -> tuple[EndpointResult, ...]:
    """Estimate and test every declared endpoint.

    Args:
        study: the resolved study.
        confirmed: the scored confirmed curves.
        observed: the best so far, NaN before the first value.
        level: target level of trials-to-target; None without a target.
    """
    results = [
        _result(endpoint, study, observed if endpoint.use == "trials_to_target" else confirmed, level)
        for endpoint in study.analysis.endpoints
    ]
    return _with_verdicts(results, study)


def _result(endpoint: Endpoint, study: Study, curves: Curves, level: float | None) -> EndpointResult:
    """The result of one endpoint, without adjusted p-values."""
    used, inputs = endpoint_inputs(endpoint, study, curves, level)
    measurements = [
        measurement(endpoint, delta, inputs, pairs_of(study), study.analysis.confidence)
        for delta in endpoint.deltas or (None,)
        if inputs is not None
    ]
    return EndpointResult(endpoint, endpoint in study.analysis.primary, used, tuple(measurements))


def endpoint_inputs(endpoint: Endpoint, study: Study, curves: Curves, level: float | None) -> tuple[Ints, EndpointInputs | None]:
    """The replicates used, and the data of an endpoint; None without a replicate, a plateau or a target.

    Args:
        endpoint: the endpoint to compute.
        study: the resolved study.
        curves: curves of all views, or of arms of views (`hpstudy.study.controls`), which have the declared plateau of their view.
        level: target level of trials-to-target; None without a target.
    """
    declared, plateaus = study.analysis.plateaus, None
    held_out = (declared.held_out or 0) if declared is not None else 0
    used = np.flatnonzero(curves.complete & (np.arange(len(curves.complete)) >= held_out)).astype(np.int64)
    if held_out:
        plateaus = _held_out_plateaus(curves, held_out)
    elif declared is not None:
        plateaus = {name: declared.values[name.partition("/")[0]] for name in curves.of_views}
    possible = len(used) > 0 and (endpoint.use != "trials_to_target" or level is not None)
    if endpoint.has_plateau and plateaus is None:
        possible = len(used) > 1 and not held_out
    if not possible:
        return used, None
    return used, EndpointInputs(
        study.metric.goal, {view: curve[used] for view, curve in curves.of_views.items()}, plateaus, level
    )


def _held_out_plateaus(curves: Curves, replicates: int) -> dict[str, float] | None:
    """Plateaus from the first replicates, which are held out; None until these are complete."""
    if not curves.complete[:replicates].all():
        return None
    return {view: float(curve[:replicates, -1].mean()) for view, curve in curves.of_views.items()}


def _with_verdicts(results: Sequence[EndpointResult], study: Study) -> tuple[EndpointResult, ...]:
    """Set adjusted p-values: Holm over all comparisons of the primary endpoints, and separately over those of the others."""
    adjusted, tests = {}, {}
    for primary in (True, False):
        p = np.array(
            [pair.p for one in results if one.primary == primary and one.declared is not None for pair in one.declared.pairs]
        )
        adjusted[primary], tests[primary] = iter(holm(p).tolist()), int((~np.isnan(p)).sum())
    return tuple(_with_verdict(result, adjusted[result.primary], tests[result.primary], study) for result in results)


def _with_verdict(result: EndpointResult, adjusted: Iterator[float], tests: int, study: Study) -> EndpointResult:
    """Set the adjusted p-values, the next ones of the family of `tests` tests, and the verdicts of one endpoint."""
    if result.declared is None:
        return result
    pairs = []
    alpha = 1 - study.analysis.confidence
    for pair in result.declared.pairs:
        p, better = next(adjusted), ""
        if p < alpha:
            sign = study.metric.goal.sign if result.endpoint.use == "final" else -1
            better = pair.a if sign * pair.estimate.value > 0 else pair.b
        pairs.append(replace(pair, adjusted=p, shown=better, detectable=findable(pair, alpha / tests) if tests else float("nan")))
    return replace(result, measurements=(replace(result.declared, pairs=tuple(pairs)), *result.measurements[1:]))
