"""Texts about the declared endpoints: definitions and number formats."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from hpstudy.analysis.confirmed.comparison import EndpointOfPair, Measurement
from hpstudy.analysis.confirmed.endpoints import EndpointResult
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.estimate import CountedEstimate
from hpstudy.goal import Goal
from hpstudy.report import numbers
from hpstudy.report.notation import Notation
from hpstudy.report.wording import level_origin, level_text
from hpstudy.study.declaration import Endpoint


def estimand(results: Results, result: EndpointResult) -> str:
    """The definition of the endpoint, as a sentence."""
    study, endpoint = results.study, result.endpoint
    metric, trials = study.metric.name, study.search.trials
    plateau = "the best plateau of all views" if endpoint.of_best_plateau else "the view's own plateau"
    if endpoint.use == "confirmed_regret":
        minus = f"{plateau} minus the confirmed {metric}"
        if study.metric.goal is Goal.MINIMIZE:
            minus = f"the confirmed {metric} minus {plateau}"
        return f"The mean over trials 1 to {trials} of {minus} of the incumbent; smaller is better."
    if endpoint.use == "trials_to_within":
        near = numbers.general(endpoint.deltas[0])
        return (
            f"The first trial, from 1, at which the confirmed {metric} of the incumbent is within {near} of {plateau}; "
            f"{trials} if it never is."
        )
    if endpoint.use == "final":
        return f"The confirmed {metric} of the incumbent after {numbers.things(trials, 'trial')}."
    return f"The first trial, from 1, with an observed {level_text(results)}, {level_origin(results)}; {trials} if there is none."


def title(results: Results, endpoint: Endpoint) -> str:
    """The name of the quantity of an endpoint."""
    study = results.study
    plateau = "the best plateau" if endpoint.of_best_plateau else "the view's own plateau"
    if endpoint.use == "confirmed_regret":
        return f"Mean confirmed regret to {plateau}"
    if endpoint.use == "trials_to_within":
        return f"Trials to a confirmed value within {numbers.general(endpoint.deltas[0])} of {plateau}"
    if endpoint.use == "final":
        return f"Confirmed {study.metric.name} after {numbers.things(study.search.trials, 'trial')}"
    return f"Trials to an observed {level_text(results)}"


def name(endpoint: Endpoint) -> str:
    """The name of an endpoint as declared."""
    parts = [endpoint.use.replace("_", " ")]
    if endpoint.has_plateau:
        parts.append("best plateau" if endpoint.of_best_plateau else "own plateau")
    if endpoint.deltas:
        parts.append(f"delta {', '.join(map(numbers.general, endpoint.deltas))}")
    return ", ".join(parts)


def role(result: EndpointResult) -> str:
    """Whether the endpoint is primary."""
    return "primary" if result.primary else "secondary"


def definitions(results: Results) -> str:
    """The definitions of incumbent, confirmed value and plateau; "" if no endpoint uses confirmed values."""
    study, notation = results.study, Notation(results)
    if study.confirm is None or all(result.endpoint.use == "trials_to_target" for result in results.declared):
        return ""
    text = (
        "Incumbent: the best point of a search so far. Confirmed value: the mean of the incumbent on "
        f"{numbers.things(study.confirm.seeds, 'fresh seed')}."
    )
    if not any(result.endpoint.has_plateau for result in results.declared):
        return text
    declared = study.analysis.plateaus
    if declared is None:
        return f"{text} Plateau: the mean final confirmed value of the other replicates."
    if declared.held_out is not None:
        held_out = numbers.things(declared.held_out, "replicate")
        return f"{text} Plateau: the mean final confirmed value of the first {held_out}, which are not judged."
    values = ", ".join(f"{view} {notation.value(value)}" for view, value in declared.values.items())
    return f"{text} Plateau: what a view can reach when it is well tuned, as declared: {values}."


def plateau_origin(results: Results) -> str:
    """The source of the plateaus, as a sentence; "" without an endpoint that has one."""
    if not any(result.endpoint.has_plateau for result in results.declared):
        return ""
    declared, notation = results.study.analysis.plateaus, Notation(results)
    if declared is None:
        return (
            "No plateaus are declared. Each replicate is judged against the mean final confirmed value of all other replicates of this "
            "study, never against its own. The intervals account for the estimation of the plateaus from the same study."
        )
    if declared.held_out is not None:
        return (
            f"The plateau of a view is the mean final confirmed value of the first {numbers.things(declared.held_out, 'replicate')}, which "
            "are not judged; the intervals take it as given."
        )
    values = ", ".join(f"{view} {notation.value(value)}" for view, value in declared.values.items())
    return f"Declared plateaus: {values} ({declared.source.strip().rstrip('.')}); the intervals take them as given."


def writer(results: Results, result: EndpointResult, low: float, high: float) -> Callable[[float], str]:
    """The format of an endpoint's numbers with an interval: trials with one decimal, others with two digits of half its width."""
    if result.declared is not None and result.declared.views[0].reached is not None:
        return numbers.trials
    return metric_writer(results, low, high)


def metric_writer(results: Results, low: float, high: float) -> Callable[[float], str]:
    """The format of numbers in units of the metric with an interval: two digits of half its width."""
    half = (high - low) / 2
    if not math.isfinite(half) or half <= 0:
        return Notation(results).value
    decimals = numbers.telling_decimals(max(0, 1 - math.floor(math.log10(half))), (low, high), (0.0,))
    return lambda value: numbers.metric(value, decimals)


def cells(results: Results, result: EndpointResult, estimate: CountedEstimate) -> tuple[str, str]:
    """A number of an endpoint and its interval, for two columns of a table."""
    return numbers.estimate_cells(estimate, writer(results, result, estimate.low, estimate.high))


def difference(results: Results, result: EndpointResult, measured: Measurement, pair: EndpointOfPair) -> tuple[str, str]:
    """A difference and its interval, for two columns of a table; no interval if a view never reaches it (`numbers.restricted`)."""
    (a, b), e = reached(measured, pair), pair.estimate
    if a is None or b is None:
        return cells(results, result, e)
    return numbers.restricted(e.value, e.low, e.high, (a, b), e.n)


def reached(measured: Measurement, pair: EndpointOfPair) -> tuple[int | None, int | None]:
    """The numbers of searches of A and of B that reach the criterion; None for an endpoint that is not a number of trials."""
    counts = {view.view: view.reached for view in measured.views}
    return counts[pair.a], counts[pair.b]


def measurements(result: EndpointResult) -> Iterator[Measurement]:
    """The measurements at all deltas, the smallest first."""
    yield from sorted(result.measurements, key=lambda one: one.delta or 0.0)
