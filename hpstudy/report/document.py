"""The contents of a report, in order, independent of the output format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType

from hpstudy.analysis.results import Results
from hpstudy.report import claims, numbers, wording
from hpstudy.report.chapters import (
    answer,
    anytime,
    budgets,
    citation,
    completeness,
    confirm,
    controls,
    declaration,
    endpoints,
    environment,
    failures,
    layers,
    methods,
    overview,
    ranks,
    robustness,
    searched,
    searchers,
    searches,
    secondary,
    spaces,
    sweep,
    target,
    tests,
)
from hpstudy.report.charts.model import Chart
from hpstudy.report.csvs import Row
from hpstudy.report.labels import long_name
from hpstudy.report.model import Section

OBSERVED: tuple[ModuleType, ...] = (target, budgets)
"""Chapters on observed values: the main results of a study without declared endpoints, supplementary results in others."""

FURTHER: tuple[ModuleType, ...] = (tests, ranks, anytime, secondary, robustness, searched, citation, environment)
"""Chapters of the appendix."""


def chapters(results: Results) -> tuple[tuple[ModuleType, ...], tuple[ModuleType, ...]]:
    """The chapters of a report in order: those of the main part, and those of the appendix.

    A chapter is a module with `chapter`, which yields its sections. Its CSV files are the data of its figures. If it has others, or some of
    its figures are not always drawn, `TABLES` lists all of them as functions that return the rows; the name of a function is that of its
    file.
    """
    last = (confirm, searchers, controls, spaces, declaration, methods)
    if results.declared:
        return (answer, completeness, claims, failures, endpoints, searches, *last), (overview, *OBSERVED, *FURTHER)
    return (answer, overview, completeness, searches, claims, failures, sweep, layers, *OBSERVED, *last), FURTHER


@dataclass(frozen=True)
class Document:
    """A report.

    Attributes:
        name: name of the study.
        question: question of the study, or "".
        design: the design of the study in a sentence.
        provisional: why no number is final; "" if the study is complete.
        sections: the sections, in order.
        tables: the CSV files of the figures, by name without ending.
    """

    name: str
    question: str
    design: str
    provisional: str
    sections: tuple[Section, ...]
    tables: Mapping[str, Callable[[], Iterable[Row]]]

    @property
    def charts(self) -> tuple[Chart, ...]:
        """All figures, in order."""
        return tuple(block for section in self.sections for block in section.blocks if isinstance(block, Chart))


def document(results: Results) -> Document:
    """The report of a study. Call it within `style.applied()`."""
    sections: list[Section] = []
    tables: dict[str, Callable[[], Iterable[Row]]] = {}
    for part, modules in enumerate(chapters(results)):
        if part:
            sections.append(Section("Appendix", ()))
        for module in modules:
            if chapter := tuple(module.chapter(results)):
                sections += chapter
                tables |= _tables(results, module, chapter)
    return Document(
        name=results.study.name,
        question=results.study.question,
        design=_design(results),
        provisional=wording.provisional(results) if results.provisional else "",
        sections=tuple(sections),
        tables=tables,
    )


def _tables(results: Results, module: ModuleType, chapter: Iterable[Section]) -> dict[str, Callable[[], Iterable[Row]]]:
    """The CSV files of a chapter, by name without ending."""
    if listed := getattr(module, "TABLES", ()):
        return {rows.__name__: partial(rows, results) for rows in listed}
    charts = (block for section in chapter for block in section.blocks if isinstance(block, Chart))
    return {data.name: data.rows for chart in charts for data in chart.data}


def _design(results: Results) -> str:
    study = results.study
    if results.sweep:
        return _sweep_design(results)
    views = ", ".join(f"{name} with {len(view.space)}" for name, view in study.views.items())
    if labels := [f"{name} is '{view.label}'" for name, view in study.views.items() if view.label not in ("", name)]:
        views += f"; in figures {', '.join(labels)}"
    others = f" (also: {', '.join(other.searcher for other in study.search.others)})" if study.search.others else ""
    return (
        f"{numbers.things(len(study.views), 'view')} (hyperparameters tuned: {views}), {numbers.things(study.replicates, 'replicate')} of "
        f"{numbers.things(study.search.trials, 'trial')} each, searcher {study.search.searcher}{others}, task {study.task.title}, "
        f"{study.metric.name} to {study.metric.goal}.{_complete(results)}"
    )


def _complete(results: Results) -> str:
    """The completeness of a complete study, and remaining gaps, with a leading space; "" for an incomplete one."""
    if results.provisional:
        return ""
    counts = [view.completeness for view in results.views]
    text = f"Complete: {numbers.things(sum(count.planned for count in counts), 'trial')}"
    if lost := sum(count.planned - count.completed + count.without_value for count in counts):
        text += f", {numbers.count(lost)} of them without a value"
    if results.confirmed:
        incumbents = sum(curve.incumbents for curve in results.confirmed)
        text += f"; {numbers.things(incumbents, 'incumbent')} on {numbers.things(results.confirmed[0].seeds, 'fresh seed')} each"
        if missed := sum(curve.lost for curve in results.confirmed):
            text += f", {numbers.things(missed, 'training')} without a value"
    return f" {text}."


def _sweep_design(results: Results) -> str:
    study = results.study
    views = ", ".join(
        long_name(results, view.name) + (f" over {' and '.join(view.swept)}" if view.swept else "") for view in results.sweep
    )
    return (
        f"Sweep of {numbers.things(study.search.trials, 'point')} in {numbers.things(len(study.views), 'view')} ({views}), "
        f"{numbers.things(study.replicates, 'replicate')} of every point, searcher {study.search.searcher}, task {study.task.title}, "
        f"{study.metric.name} to {study.metric.goal}."
    )
