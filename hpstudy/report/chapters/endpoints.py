"""The declared endpoints: definitions, estimates for every view and comparison, and results at other deltas."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hpstudy.analysis.confirmed.endpoints import EndpointResult
from hpstudy.analysis.results import Results
from hpstudy.report import endpoint_answers, endpoints, numbers
from hpstudy.report.csvs import Row
from hpstudy.report.model import Facts, Paragraph, Section, Table, grouped, section
from hpstudy.report.notation import Notation


def chapter(results: Results) -> Iterator[Section]:
    """Definitions, plateaus and the two tables; empty without declared endpoints."""
    if not results.declared:
        return
    definitions = tuple(
        (f"{endpoints.title(results, result.endpoint)} ({endpoints.role(result)})", endpoints.estimand(results, result))
        for result in results.declared
    )
    origin = [Paragraph(text)] if (text := endpoints.plateau_origin(results)) else []
    yield from section("Endpoints", Facts(definitions), *origin, _estimates(results), _deltas(results))


def _estimates(results: Results) -> Table:
    """The table of every endpoint of every comparison."""
    rows = []
    for result in results.declared:
        name = endpoints.title(results, result.endpoint)
        if result.declared is None:
            rows.append((name, *[numbers.MISSING] * 9))
            continue
        means = {view.view: view for view in result.declared.views}
        for pair in result.declared.pairs:
            estimate = pair.estimate
            write = endpoints.writer(results, result, estimate.low, estimate.high)
            of_views = [write(means[view].estimate.value) for view in (pair.a, pair.b)]
            rows.append(
                (
                    name,
                    f"{pair.a} − {pair.b}",
                    *of_views,
                    *endpoints.difference(results, result, result.declared, pair),
                    numbers.p_cell(pair.p),
                    numbers.p_cell(pair.adjusted),
                    endpoint_answers.detectable(results, result, pair),
                    str(estimate.n),
                )
            )
    head = ("endpoint", "A − B", "A", "B", "difference", Notation(results).ci, "p", "Holm p", "MDE", "n")
    primary, others = (sum(result.primary == kind for result in results.declared) for kind in (True, False))
    families = f"Holm's correction covers the comparisons of {_all(primary, 'primary')} together"
    families += f", and those of {_all(others, 'secondary')} together" if others else ""
    note = (
        f"n: paired replicates. Intervals and p: paired t over replicates. {families}. MDE: smallest true difference found with 80% power "
        "or more, given the observed spread."
    )
    return Table("Declared endpoints, A minus B.", head, grouped(rows), left=2, note=note)


def _all(number: int, role: str) -> str:
    return f"the {numbers.plural(number, '', f'{number} ')}{role} {numbers.plural(number, 'endpoint', 'endpoints')}"


def _deltas(results: Results) -> Table:
    """The table of trials to come within each delta of the plateau."""
    near = [result for result in results.declared if result.endpoint.deltas]
    rows = [row for result in near for row in _of_deltas(results, result)]
    head = ("plateau", "delta", "A − B", "A", "reached", "B", "reached", "difference", Notation(results).ci, "attainable")
    note = (
        "Means are restricted to the trials of a search. Only the declared delta is tested. Attainable: range of the difference if one "
        "view never reaches the plateau and the other keeps its mean."
    )
    return Table("Trials to come within a delta of the plateau, for every delta.", head, grouped(rows), left=3, note=note)


def _of_deltas(results: Results, result: EndpointResult) -> Iterator[tuple[str, ...]]:
    plateau = "best" if result.endpoint.of_best_plateau else "own"
    for measured in endpoints.measurements(result):
        views = {view.view: view for view in measured.views}
        declared = " (declared)" if measured is result.declared else ""
        for pair in measured.pairs:
            cells = [
                (numbers.trials(views[v].estimate.value), f"{views[v].reached}/{len(views[v].values)}") for v in (pair.a, pair.b)
            ]
            low, high = pair.attainable or (math.nan, math.nan)
            yield (
                plateau,
                f"{numbers.general(measured.delta or 0)}{declared}",
                f"{pair.a} − {pair.b}",
                *cells[0],
                *cells[1],
                *endpoints.difference(results, result, measured, pair),
                numbers.interval(low, high, numbers.trials),
            )


def endpoint_values(results: Results) -> Iterator[Row]:
    """Every endpoint of every search used."""
    yield "endpoint", "delta", "view", "replicate", "value"
    for result in results.declared:
        for measured in result.measurements:
            for view in measured.views:
                for replicate, value in zip(result.replicates.tolist(), view.values.tolist(), strict=True):
                    yield endpoints.name(result.endpoint), _delta(measured.delta), view.view, replicate, value


def endpoint_differences(results: Results) -> Iterator[Row]:
    """Every endpoint of every comparison, A minus B; p-values of the declared delta only."""
    yield "endpoint", "role", "delta", "a", "b", "replicates", "difference", "low", "high", "p", "p_holm", "shown", "detectable"
    for result in results.declared:
        for measured in result.measurements:
            for pair in measured.pairs:
                e, tested = pair.estimate, (pair.p, pair.adjusted) if measured is result.declared else (math.nan, math.nan)
                name = endpoints.name(result.endpoint), endpoints.role(result), _delta(measured.delta)
                yield *name, pair.a, pair.b, e.n, e.value, e.low, e.high, *tested, pair.shown, pair.detectable


def _delta(delta: float | None) -> float:
    return math.nan if delta is None else delta


TABLES = (endpoint_values, endpoint_differences)
