"""Interactions with searchers: whether the answer depends on the searcher that tunes the views."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from hpstudy.analysis.baselines.searchers import ByEndpoint, Searchers
from hpstudy.analysis.confirmed.comparison import Interaction
from hpstudy.analysis.results import Results
from hpstudy.report import endpoints, numbers
from hpstudy.report.charts import searchers as charts
from hpstudy.report.csvs import Row
from hpstudy.report.model import Paragraph, Section, Table, grouped, section
from hpstudy.report.notation import Notation, holm
from hpstudy.report.wording import level_text


def chapter(results: Results) -> Iterator[Section]:
    """The verdict, the numbers and the curves; empty for a study with one searcher."""
    if (found := results.searchers) is None:
        return
    verdict = Paragraph(_verdict(results, found), strong=True)
    yield from section("Several searchers", verdict, _table(results, found), *charts.charts(results))


def _verdict(results: Results, found: Searchers) -> str:
    """The verdict: whether the answer depends on the searcher."""
    main = results.study.search.searcher
    if not results.pairs:
        return "The study has one view, so no comparison can depend on the searcher."
    if not found.complete or results.provisional:
        return "Whether the answer depends on the searcher is not judged before all searches are complete."
    tested = [(one, pair) for one in found.compared for pair in one.pairs if not math.isnan(pair.adjusted)]
    if not tested:
        return "Whether the answer depends on the searcher is not known: too few replicates can be compared."
    shown = [(one, pair) for one, pair in tested if pair.shown]
    if not shown:
        least = min(pair.adjusted for _, pair in tested)
        if len(tested) == 1:
            which, p = f"the difference between {main} and another searcher is not", "p"
        else:
            which, p = f"none of {len(tested)} differences between {main} and another searcher is", "smallest p, adjusted by Holm"
        return f"It is not shown that the answer depends on the searcher: {which} significant ({p}: {numbers.p_cell(least)})."
    differences = "; ".join(_shown(results, one, pair) for one, pair in shown)
    return f"The answer depends on the searcher (differences shown: {len(shown)} of {len(tested)}). {differences}."


def _shown(results: Results, one: ByEndpoint, pair: Interaction) -> str:
    estimate, write = pair.estimate, _writer(results, one, pair)
    return (
        f"{title(results, one)}, {pair.a} minus {pair.b}: {write(pair.main.value)} with {results.study.search.searcher}, "
        f"{write(pair.other.value)} with {one.searcher}, a difference of {write(estimate.value)} ({Notation(results).ci} "
        f"{numbers.interval(estimate.low, estimate.high, write)}, Holm p {numbers.p_value(pair.adjusted)})"
    )


def title(results: Results, one: ByEndpoint) -> str:
    """The name of the compared quantity."""
    if results.study.analysis.endpoints:
        return endpoints.title(results, one.endpoint)
    if one.endpoint.use == "final":
        return f"Final best {results.study.metric.name}"
    return f"Trials to {level_text(results)}"


def _writer(results: Results, one: ByEndpoint, pair: Interaction) -> Callable[[float], str]:
    if one.endpoint.use in ("trials_to_target", "trials_to_within"):
        return numbers.trials
    return endpoints.metric_writer(results, pair.estimate.low, pair.estimate.high)


def _table(results: Results, found: Searchers) -> Table:
    main, ci = results.study.search.searcher, Notation(results).ci
    rows = []
    for one in found.compared:
        for pair in one.pairs:
            write = _writer(results, one, pair)
            rows.append(
                (
                    endpoints.name(one.endpoint),
                    f"{pair.a} − {pair.b}",
                    one.searcher,
                    write(pair.main.value),
                    *numbers.estimate_cells(pair.other, write),
                    *numbers.estimate_cells(pair.estimate, write),
                    numbers.p_cell(pair.adjusted),
                    str(pair.estimate.n),
                )
            )
    head = ("", "A − B", "S", f"with {main}", "with S", ci, f"{main} minus S", ci, "Holm p", "n")
    note = (
        f"A minus B with the searcher {main}, with another searcher S, and the difference of the two. n: replicates that are complete with "
        f"both. Intervals and p are Student's t over paired replicates. {holm(len(rows))} "
    )
    note += (
        "The target is that of the main searches. "
        if any(one.endpoint.use == "trials_to_target" for one in found.compared)
        else ""
    )
    if all(one.on_observed for one in found.compared):
        note += "Values are observed and include seed noise."
    return Table("Each comparison with each searcher.", head, grouped(rows), left=3, note=note.strip())


def searcher_comparisons(results: Results) -> Iterator[Row]:
    """Each comparison with the main and with another searcher, and the interaction."""
    yield (
        "endpoint",
        "a",
        "b",
        "searcher",
        "replicates",
        *_columns("main"),
        *_columns("other"),
        *_columns("difference"),
        "p",
        "p_holm",
        "shown",
    )
    for one in results.searchers.compared if results.searchers is not None else ():
        for pair in one.pairs:
            ends = [end for of in (pair.main, pair.other, pair.estimate) for end in (of.value, of.low, of.high)]
            name = endpoints.name(one.endpoint) + (", observed" if one.on_observed else "")
            yield name, pair.a, pair.b, one.searcher, pair.estimate.n, *ends, pair.p, pair.adjusted, pair.shown


def _columns(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"


TABLES = (charts.searcher_curves, searcher_comparisons)
