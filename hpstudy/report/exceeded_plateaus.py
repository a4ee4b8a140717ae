"""Sentences about declared plateaus that a view is shown to exceed."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.confirmed.endpoints import EndpointResult
from hpstudy.analysis.confirmed.plateaus import ConfirmedMean, ExceededPlateau
from hpstudy.analysis.results import Results
from hpstudy.goal import Goal
from hpstudy.report import numbers
from hpstudy.report.endpoints import metric_writer
from hpstudy.study.declaration import Endpoint


def sentences(results: Results, result: EndpointResult) -> Iterator[str]:
    """The contradiction of each plateau of the endpoint, and what it means for the endpoint; empty before the study is complete."""
    declared = results.study.analysis.plateaus
    if not result.endpoint.has_plateau or declared is None or results.provisional:
        return
    best = results.study.metric.goal.best(declared.values.values()) if declared.values else None
    for exceeded in results.exceeded_plateaus:
        if exceeded.plateau == (best if result.endpoint.of_best_plateau else declared.values[exceeded.view]):
            yield _sentence(results, result.endpoint, exceeded)


def _sentence(results: Results, endpoint: Endpoint, exceeded: ExceededPlateau) -> str:
    mean = exceeded.mean
    write = metric_writer(results, mean.value - 2 * mean.error, mean.value + 2 * mean.error)
    wrong = "low" if results.study.metric.goal is Goal.MAXIMIZE else "high"
    which = "best declared plateau" if endpoint.of_best_plateau else f"declared plateau of {exceeded.view}"
    return (
        f"The {which} ({write(exceeded.plateau)}) is too {wrong}: {_subject(exceeded.view, mean)} {write(mean.value)} "
        f"(standard error {write(mean.error)}; p {numbers.p_value(exceeded.p)} after Bonferroni's correction for "
        f"{numbers.things(exceeded.tests, 'confirmed mean')}), so {_consequence(endpoint, exceeded.view)}."
    )


def _subject(view: str, mean: ConfirmedMean) -> str:
    searcher = mean.arm.partition("/")[2]
    of_searcher = f" with {searcher}" if searcher else ""
    if mean.kind == "searches":
        return f"{numbers.things(mean.n, 'search', 'es')} of {view}{of_searcher} end at a mean of"
    seeds = numbers.things(mean.n, "fresh seed")
    if mean.kind == "default":
        return f"the default point of {view} has on {seeds} a mean of"
    return f"the chosen point of {view}{of_searcher} in replicate {mean.replicate} has on {seeds} a mean of"


def _consequence(endpoint: Endpoint, view: str) -> str:
    """What a plateau that is too easy means for the endpoint."""
    if endpoint.use == "confirmed_regret" and endpoint.of_best_plateau:
        return "every regret to it is too small by the same amount, and differences stay"
    if endpoint.use == "confirmed_regret":
        return f"the regret of {view} is too small"
    whose = "every view" if endpoint.of_best_plateau else view
    return f"the trials of {whose} are too few"
