"""The declared endpoints of several studies: estimates for each study and means over the studies.

An endpoint is averaged over studies if every study declares it with the same delta and the same number of trials. Trials need no scale;
regrets and final values are divided by the width of their study's scale (`hpstudy.analysis.cross_study`). Replicates are paired within a
study, and studies are independent. The mean of k differences therefore has the variance sum(se^2) / k^2; its interval is Student's t with
Welch-Satterthwaite degrees of freedom (Satterthwaite 1946, https://doi.org/10.2307/3002019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from hpstudy.analysis.confirmed.endpoints import EndpointResult
from hpstudy.analysis.curves.anytime import Scale
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.estimate import CountedEstimate
from hpstudy.analysis.statistics.permutation import holm
from hpstudy.study.declaration import Endpoint


@dataclass(frozen=True)
class JointEndpoint:
    """An endpoint of one comparison in several studies, A minus B.

    Attributes:
        endpoint: the declaration in the first study.
        primary: whether it is primary in every study.
        studies: difference in each study; regrets and final values are on the study's scale, where a positive final value is better.
        reached: for each study, numbers of searches of A and of B that reach the criterion; None for an endpoint that is not a number
            of trials.
        alone: for each study, the better view after the study's own correction; "" where it shows no difference.
        together: mean over studies, weighted equally; None if in some study no search of a view reaches the criterion.
        p: p-value of the two-sided test of no difference; NaN where it is not known.
        adjusted: p, adjusted over all comparisons of the primary endpoints, or of the others (Holm).
        shown: the better view, if the adjusted p is below 1 - confidence; "" where no difference is shown.
    """

    endpoint: Endpoint
    primary: bool
    a: str
    b: str
    studies: tuple[CountedEstimate, ...]
    reached: tuple[tuple[int, int] | None, ...]
    alone: tuple[str, ...]
    together: CountedEstimate | None
    p: float
    adjusted: float
    shown: str


def joint_endpoints(
    studies: Sequence[Results], scales: Sequence[Scale], pairs: Sequence[tuple[str, str]]
) -> tuple[JointEndpoint, ...]:
    """The endpoints that all studies declare and have estimated, for their common comparisons.

    Args:
        studies: results of independent studies.
        scales: scales of the studies.
        pairs: names of A and B.
    """
    if len({results.study.search.trials for results in studies}) > 1:
        return ()
    found = []
    for result in studies[0].declared:
        same = [_same(result.endpoint, results) for results in studies]
        measured = [one for one in same if one is not None and one.declared is not None]
        if len(measured) == len(studies):
            found += [_joint(measured, studies, scales, pair) for pair in pairs]
    return _tested(found, 1 - studies[0].study.analysis.confidence)


def _same(endpoint: Endpoint, results: Results) -> EndpointResult | None:
    """The matching endpoint of another study."""

    def key(of: Endpoint) -> tuple[str, bool, tuple[float, ...]]:
        return of.use, of.of_best_plateau, of.deltas[:1]

    return next((result for result in results.declared if key(result.endpoint) == key(endpoint)), None)


def _joint(
    measured: Sequence[EndpointResult], studies: Sequence[Results], scales: Sequence[Scale], names: tuple[str, str]
) -> JointEndpoint:
    endpoint, (a, b) = measured[0].endpoint, names
    estimates, reached, alone = [], [], []
    for result, scale in zip(measured, scales, strict=True):
        assert result.declared is not None, "the caller has looked"
        pair = next(pair for pair in result.declared.pairs if (pair.a, pair.b) == names)
        counts = {view.view: view.reached for view in result.declared.views}
        of_a, of_b = counts[a], counts[b]
        reached.append(None if of_a is None or of_b is None else (of_a, of_b))
        estimates.append(_scaled(pair.estimate, _width(endpoint, scale)))
        alone.append(pair.shown)
    together, p = mean_of_studies(estimates, [results.study.analysis.confidence for results in studies])
    bounded = any(counts is not None and 0 in counts for counts in reached)
    return JointEndpoint(
        endpoint,
        all(result.primary for result in measured),
        a,
        b,
        tuple(estimates),
        tuple(reached),
        tuple(alone),
        None if bounded else together,
        float("nan") if bounded else p,
        float("nan"),
        "",
    )


def _width(endpoint: Endpoint, scale: Scale) -> float:
    """The divisor of a difference: the signed width of the scale for a final value, its absolute value for a regret, 1 for trials."""
    if endpoint.use == "final":
        return scale.known - scale.first
    return abs(scale.known - scale.first) if endpoint.use == "confirmed_regret" else 1.0


def _scaled(estimate: CountedEstimate, width: float) -> CountedEstimate:
    low, high = sorted((estimate.low / width, estimate.high / width))
    return CountedEstimate(estimate.value / width, low, high, estimate.n)


def mean_of_studies(estimates: Sequence[CountedEstimate], confidences: Sequence[float]) -> tuple[CountedEstimate, float]:
    """The mean of independent means, and the p of the two-sided test of 0; ends and p are NaN if a study has no interval or no spread.

    Args:
        estimates: means over n replicates with their t intervals.
        confidences: level of each interval; the result has the level of the first.
    """
    value, n = float(np.mean([each.value for each in estimates])), sum(each.n for each in estimates)
    freedom = np.array([each.n - 1 for each in estimates], dtype=np.float64)
    half = np.array([(each.high - each.low) / 2 for each in estimates])
    if (freedom < 1).any() or not (half > 0).all():
        return CountedEstimate(value, float("nan"), float("nan"), n), float("nan")
    squares = (half / stats.t.ppf((1 + np.array(confidences)) / 2, freedom)) ** 2
    error = float(np.sqrt(squares.sum())) / len(estimates)
    together = float(squares.sum() ** 2 / (squares**2 / freedom).sum())
    reach = float(stats.t.ppf((1 + confidences[0]) / 2, together)) * error
    return CountedEstimate(value, value - reach, value + reach, n), float(2 * stats.t.sf(abs(value) / error, together))


def _tested(found: Sequence[JointEndpoint], alpha: float) -> tuple[JointEndpoint, ...]:
    """Set the adjusted p-values, separately over the primary endpoints and the others, and the verdicts."""
    adjusted = dict.fromkeys(range(len(found)), float("nan"))
    for primary in (True, False):
        family = [index for index, one in enumerate(found) if one.primary == primary and not np.isnan(one.p)]
        adjusted |= dict(zip(family, holm(np.array([found[index].p for index in family])).tolist(), strict=True))
    made = []
    for index, one in enumerate(found):
        shown = ""
        if adjusted[index] < alpha and one.together is not None:
            better = one.together.value if one.endpoint.use == "final" else -one.together.value
            shown = one.a if better > 0 else one.b
        made.append(replace(one, adjusted=adjusted[index], shown=shown))
    return tuple(made)
