"""The declared endpoints of several studies: estimates for each study and means over the studies.

An endpoint is averaged over studies if every study declares it with the same delta and the same number of trials. Trials need no scale;
regrets and final values are divided by the width of their study's scale (`hpstudy.analysis.cross_study`). Replicates are paired within a
study, and between studies with the same seed (`hpstudy.analysis.common_replicates`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpstudy.analysis.common_replicates import Sample, t_mean_over_studies
from hpstudy.analysis.confirmed.endpoints import EndpointResult
from hpstudy.analysis.curves.anytime import Scale
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.estimate import CountedEstimate
from hpstudy.analysis.statistics.permutation import holm
from hpstudy.analysis.statistics.survival import trials_range
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
        p: p-value of the two-sided test of no difference; NaN if it cannot be computed.
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
    adjusted: float = float("nan")
    shown: str = ""


def joint_endpoints(
    studies: Sequence[Results], scales: Sequence[Scale], pairs: Sequence[tuple[str, str]]
) -> tuple[JointEndpoint, ...]:
    """The endpoints that all studies declare and have estimated, for their common comparisons.

    Args:
        studies: results of the studies.
        scales: scales of the studies.
        pairs: names of A and B.
    """
    if len({results.study.search.trials for results in studies}) > 1:
        return ()
    joint = []
    for result in studies[0].declared:
        matches = [_matching(result.endpoint, results) for results in studies]
        estimated = [match for match in matches if match is not None and match.declared is not None]
        if len(estimated) == len(studies):
            joint += [_joint(estimated, studies, scales, pair) for pair in pairs]
    return _with_verdicts(joint, 1 - studies[0].study.analysis.confidence)


def _matching(endpoint: Endpoint, results: Results) -> EndpointResult | None:
    """The same endpoint of another study; None if that study does not declare it."""

    def key(of: Endpoint) -> tuple[str, bool, tuple[float, ...]]:
        return of.use, of.of_best_plateau, of.deltas[:1]

    return next((result for result in results.declared if key(result.endpoint) == key(endpoint)), None)


def _joint(
    estimated: Sequence[EndpointResult], studies: Sequence[Results], scales: Sequence[Scale], names: tuple[str, str]
) -> JointEndpoint:
    """One endpoint of one comparison, without adjusted p and verdict."""
    endpoint, (a, b) = estimated[0].endpoint, names
    estimates, samples, reached, alone = [], [], [], []
    for results, result, scale in zip(studies, estimated, scales, strict=True):
        assert result.declared is not None, "the caller passes endpoints with an estimate"
        pair = next(pair for pair in result.declared.pairs if (pair.a, pair.b) == names)
        counts = {view.view: view.reached for view in result.declared.views}
        of_a, of_b = counts[a], counts[b]
        reached.append(None if of_a is None or of_b is None else (of_a, of_b))
        width = _width(endpoint, scale)
        estimates.append(_scaled(pair.estimate, width))
        independent = {view.view: view.independent for view in result.declared.views}
        samples.append(Sample(results.study.seed, result.replicates, (independent[a] - independent[b]) / width))
        alone.append(pair.shown)
    primary = all(result.primary for result in estimated)
    mean: CountedEstimate | None
    mean, p = t_mean_over_studies(samples, studies[0].study.analysis.confidence)
    if any(np.isnan(result.declared.pairs[0].sd) for result in estimated if result.declared is not None):
        mean, p = replace(mean, low=float("nan"), high=float("nan")), float("nan")  # too few replicates for their own plateaus
    if reached[0] is not None:
        mean = mean.within(trials_range(studies[0].study.search.trials))
    if any(counts is not None and 0 in counts for counts in reached):
        mean, p = None, float("nan")
    return JointEndpoint(endpoint, primary, a, b, tuple(estimates), tuple(reached), tuple(alone), mean, p)


def _width(endpoint: Endpoint, scale: Scale) -> float:
    """The divisor of a difference: the signed width of the scale for a final value, its absolute value for a regret, 1 for trials."""
    if endpoint.use == "final":
        return scale.known - scale.first
    return abs(scale.known - scale.first) if endpoint.use == "confirmed_regret" else 1.0


def _scaled(estimate: CountedEstimate, width: float) -> CountedEstimate:
    low, high = sorted((estimate.low / width, estimate.high / width))
    return CountedEstimate(estimate.value / width, low, high, estimate.n)


def _with_verdicts(endpoints: Sequence[JointEndpoint], alpha: float) -> tuple[JointEndpoint, ...]:
    """Set the adjusted p-values, separately over the primary endpoints and the others, and the verdicts."""
    families = {primary: [each.p for each in endpoints if each.primary == primary] for primary in (True, False)}
    adjusted = {primary: iter(holm(np.array(p_values)).tolist()) for primary, p_values in families.items()}
    return tuple(_with_verdict(each, next(adjusted[each.primary]), alpha) for each in endpoints)


def _with_verdict(endpoint: JointEndpoint, p: float, alpha: float) -> JointEndpoint:
    """Set the adjusted p and the better view."""
    better = ""
    if p < alpha and endpoint.together is not None:
        gain = endpoint.together.value if endpoint.endpoint.use == "final" else -endpoint.together.value
        better = endpoint.a if gain > 0 else endpoint.b
    return replace(endpoint, adjusted=p, shown=better)
