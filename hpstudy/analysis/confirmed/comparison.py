"""Estimates of an endpoint for every view, and paired differences for every comparison.

The replicate is the sampling unit: its searches in all views share their fresh seeds, and no other replicate has these seeds. Intervals and
tests are Student's t over replicates (Student 1908, https://doi.org/10.1093/biomet/6.1.1). Where the plateau of a replicate is estimated
from the other replicates, the values of replicates depend on each other. The interval then is that of the jackknife over replicates, which
repeats the whole computation without each of them (Efron and Tibshirani 1993, An introduction to the bootstrap, chapter 11,
https://doi.org/10.1201/9780429246593).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.confirmed.measure import EndpointInputs, EndpointValues, endpoint_values
from hpstudy.analysis.statistics.deviation import deviation
from hpstudy.analysis.statistics.estimate import CountedEstimate
from hpstudy.analysis.statistics.power import POWER, detectable
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.analysis.statistics.survival import trials_range
from hpstudy.analysis.targets.trials_to_target import attainable
from hpstudy.study.declaration import Endpoint

EQUAL = 1e-12
"""Relative range up to which all differences are equal apart from rounding."""


@dataclass(frozen=True)
class EndpointOfView:
    """Estimate of an endpoint for one view.

    Attributes:
        values: (replicates,) endpoint of each search used.
        estimate: mean of `values` with its interval; ends are NaN with too few replicates.
        plateau: mean of the plateaus of the searches; None for an endpoint without one.
        reached: number of searches that come within delta of the plateau, or reach the target; None for an endpoint that is not a number
            of trials.
        independent: (replicates,) numbers with the mean of `values` and the standard error of that mean: `values`, or shifted jackknife
            pseudo-values where the plateaus are estimated from the replicates.
    """

    view: str
    values: Floats
    estimate: CountedEstimate
    plateau: float | None
    reached: int | None
    independent: Floats


@dataclass(frozen=True)
class EndpointOfPair:
    """Difference of an endpoint, A minus B, paired by replicate.

    Attributes:
        differences: (replicates,) paired differences.
        estimate: mean of `differences` with its interval.
        p: p-value of the two-sided t test of no difference; NaN with too few replicates.
        adjusted: p, adjusted over the family of the endpoint (Holm).
        shown: the better view, if the adjusted p is below 1 - confidence; "" where no difference is shown.
        attainable: for a number of trials, the difference if only B never reached the criterion and A kept its mean, and vice versa; None
            for other endpoints.
        sd: standard deviation over replicates; sd / sqrt(n) is the standard error of the mean; NaN with too few replicates.
        detectable: smallest true difference that a study of this size detects with at least 80% power after the correction (`findable`);
            NaN if it is not tested, cannot be computed, or is not attainable.
    """

    a: str
    b: str
    differences: Floats
    estimate: CountedEstimate
    p: float
    adjusted: float
    shown: str
    attainable: tuple[float, float] | None
    sd: float
    detectable: float = float("nan")


@dataclass(frozen=True)
class Measurement:
    """Estimates of an endpoint for all views and comparisons.

    Attributes:
        delta: distance from the plateau; None for an endpoint without one.
        views: in the order of the study.
        pairs: the declared comparisons.
    """

    delta: float | None
    views: tuple[EndpointOfView, ...]
    pairs: tuple[EndpointOfPair, ...]


def measurement(
    endpoint: Endpoint, delta: float | None, inputs: EndpointInputs, pairs: Sequence[tuple[str, str]], confidence: float
) -> Measurement:
    """Estimate an endpoint for all views and comparisons; the p-values are not adjusted yet."""
    values = endpoint_values(endpoint, delta, inputs)
    influence = _influence(endpoint, delta, inputs, values)
    of_mean, of_difference, _ = _ranges(values, inputs.horizon)
    views = tuple(
        EndpointOfView(
            view,
            of_view.values,
            _estimate(of_view.values, influence[view], confidence, of_mean),
            None if of_view.plateau is None else float(of_view.plateau.mean()),
            None if of_view.reached is None else int(of_view.reached.sum()),
            _independent(of_view.values, influence[view]),
        )
        for view, of_view in values.items()
    )
    differences = []
    for a, b in pairs:
        ends = None if values[a].reached is None else attainable(values[a].values, values[b].values, inputs.horizon)
        paired, of_pair = values[a].values - values[b].values, influence[a] - influence[b]
        differences.append(_pair(a, b, paired, of_pair, ends, confidence, of_difference))
    return Measurement(delta, views, tuple(differences))


@dataclass(frozen=True)
class Interaction:
    """A comparison of two views with the main searcher and with another one.

    Attributes:
        a, b: the views.
        main, other: A minus B with each searcher, with its interval.
        estimate: `main` minus `other`, paired, with its interval.
        p: p-value of the two-sided t test that both are equal; NaN with too few replicates.
        adjusted: p, adjusted over all interactions (Holm); NaN until it is set.
        shown: whether the adjusted p is below 1 - confidence.
    """

    a: str
    b: str
    main: CountedEstimate
    other: CountedEstimate
    estimate: CountedEstimate
    p: float
    adjusted: float = float("nan")
    shown: bool = False


def interactions(
    endpoint: Endpoint,
    delta: float | None,
    inputs: EndpointInputs,
    pairs: Sequence[tuple[tuple[str, str], tuple[str, str]]],
    confidence: float,
) -> tuple[Interaction, ...]:
    """Interactions of comparisons and searchers, not adjusted yet; each pair holds the arms of both views with either searcher."""
    values = endpoint_values(endpoint, delta, inputs)
    influence = _influence(endpoint, delta, inputs, values)
    _, of_difference, of_interaction = _ranges(values, inputs.horizon)
    result = []
    for (a, b), (c, d) in pairs:
        main, other = values[a].values - values[b].values, values[c].values - values[d].values
        influence_main, influence_other = influence[a] - influence[b], influence[c] - influence[d]
        interaction = _pair(a, b, main - other, influence_main - influence_other, None, confidence, of_interaction)
        of_main, of_other = (
            _estimate(*each, confidence, of_difference) for each in ((main, influence_main), (other, influence_other))
        )
        result.append(Interaction(a, b, of_main, of_other, interaction.estimate, interaction.p))
    return tuple(result)


def _influence(
    endpoint: Endpoint, delta: float | None, inputs: EndpointInputs, values: Mapping[str, EndpointValues]
) -> dict[str, Floats]:
    """For each view, (replicates,) numbers whose standard error is that of the mean: the values, or jackknife pseudo-values.

    Pseudo-values where the plateaus are estimated from the replicates themselves; NaN with fewer than 3 replicates.
    """
    n = inputs.replicates
    if not endpoint.has_plateau or inputs.plateaus is not None:
        return {view: of_view.values for view, of_view in values.items()}
    if n < 3:
        return {view: np.full(n, np.nan) for view in values}
    without_one = [endpoint_values(endpoint, delta, inputs.without(replicate)) for replicate in range(n)]
    return {
        view: n * of_view.values.mean() - (n - 1) * np.array([others[view].values.mean() for others in without_one])
        for view, of_view in values.items()
    }


def _independent(values: Floats, influence: Floats) -> Floats:
    """The pseudo-values with the mean of the values; the values where there are no pseudo-values."""
    if influence is values or np.isnan(influence).any():
        return values
    return np.asarray(influence - influence.mean() + values.mean(), dtype=np.float64)


Range: TypeAlias = tuple[float, float]
"""Smallest and largest possible value."""


def _ranges(values: Mapping[str, EndpointValues], horizon: int) -> tuple[Range, Range, Range]:
    """The possible ranges of a mean, a difference of views and a difference of such differences; infinite unless they count trials."""
    if next(iter(values.values())).reached is None:
        return ((-np.inf, np.inf),) * 3
    return trials_range(horizon, 0), trials_range(horizon, 1), trials_range(horizon, 2)


def _estimate(values: Floats, influence: Floats, confidence: float, possible: Range) -> CountedEstimate:
    """The mean of the values, with the t interval from the standard error of `influence` within the possible range."""
    mean, spread = t_mean(values, confidence).value, t_mean(influence, confidence)
    low, high = mean - (spread.value - spread.low), mean + (spread.high - spread.value)
    return CountedEstimate(mean, low, high, len(values)).within(possible)


def _pair(
    a: str, b: str, differences: Floats, influence: Floats, ends: Range | None, confidence: float, possible: Range
) -> EndpointOfPair:
    """The (replicates,) differences of two views, not adjusted yet; `influence` is the difference of `_influence`."""
    n = len(differences)
    if np.ptp(influence) <= EQUAL * np.abs(influence).max():
        influence = np.full_like(influence, influence[0])
    estimate = _estimate(differences, influence, confidence, possible)
    sd = float(deviation(influence - influence[0])) if n > 1 else float("nan")
    return EndpointOfPair(a, b, differences, estimate, _p(estimate.value, sd, n), float("nan"), "", ends, sd)


def findable(pair: EndpointOfPair, alpha: float) -> float:
    """The smallest true difference that a t test at level alpha detects with 80% power, given the observed spread.

    With alpha divided by the number of tests, the power after Holm's correction is at least 80%.
    NaN with too few replicates, and for a difference that is not attainable.
    """
    n = len(pair.differences)
    smallest = detectable(n, POWER, alpha) * pair.sd if n > 1 else float("nan")
    if pair.attainable is not None and not smallest <= min(-pair.attainable[0], pair.attainable[1]):
        return float("nan")
    return smallest


def _p(mean: float, sd: float, n: int) -> float:
    """Two-sided p of Student's t; where all differences are equal, the p of the sign-flip test."""
    if np.isnan(sd):
        return float("nan")
    if sd == 0:
        return 2.0 ** (1 - n) if mean else 1.0
    return float(2 * stats.t.sf(abs(mean) / (sd / np.sqrt(n)), n - 1))
