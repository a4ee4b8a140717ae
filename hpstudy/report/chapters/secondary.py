"""Measures of tuning from other papers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.csvs import Row, numbered
from hpstudy.report.model import Section, Table, grouped, section
from hpstudy.report.notation import Notation


def chapter(results: Results) -> Iterator[Section]:
    """Cumulative performance, expected best, and tunability; empty without confirmed curves."""
    if results.secondary:
        yield from section("Other measures of tuning", _cumulative(results), _expected(results), _tunability(results))


def _cumulative(results: Results) -> Table:
    notation = Notation(results)
    rows = []
    for view in results.secondary:
        for what, measured in (("observed", view.of_observed), ("confirmed", view.of_confirmed)):
            if measured is not None:
                of = notation.estimate
                rows.append((view.view, what, *of(measured.early), *of(measured.uniform), *of(measured.late)))
    note = (
        "Weighted means over the trials of the incumbent's value (Sivaprasad et al. 2020): early (CPE, weights T - n + 1), uniform (CPU), "
        "late (CPL, weights n)."
    )
    head = ("view", "value", "CPE", notation.ci, "CPU", notation.ci, "CPL", notation.ci)
    return Table(f"Cumulative performance: {results.study.metric.name} over the trials.", head, grouped(rows), left=2, note=note)


def _expected(results: Results) -> Table:
    write = Notation(results).value
    rows = tuple(
        (view.view, *(write(float(view.expected.mean[budget - 1])) for budget in results.budgets))
        for view in results.secondary
        if len(view.expected.mean)
    )
    note = (
        "Expected best value of n trials drawn at random from all trials of the view (Dodge et al. 2019, unbiased form of Tang et al. "
        "2020). Values are observed and biased by selection. The trials of an adaptive searcher are not exchangeable."
    )
    head = ("view", *(numbers.count(budget) for budget in results.budgets))
    return Table("Expected best of n trials.", head, rows, note=note)


def _tunability(results: Results) -> Table:
    write = partial(numbers.metric, decimals=Notation(results).decimals)
    rows = []
    for view in results.secondary:
        if view.tunability is not None:
            explained = numbers.metric(view.tunability.explained, 2)
            rows += [(view.view, name, write(gain), explained) for name, gain in view.tunability.gains.items()]
    note = (
        "Gain of tuning one hyperparameter with the others at their defaults (Probst et al. 2019), as predicted by a forest fitted to the "
        "trials: the best prediction along the line minus that at the default. The study has no trials along these lines, so there is no "
        "interval. Explained: share of the variance of held-out searches that the forest explains."
    )
    head = ("view", "hyperparameter", "gain", "explained")
    return Table("Tunability of each hyperparameter, predicted.", head, grouped(rows), left=2, note=note)


def expected_best_of_trials(results: Results) -> Iterator[Row]:
    """The expected best of n trials of every view."""
    yield "view", "trials", "mean", "low", "high"
    for view in results.secondary:
        yield from numbered((view.view,), view.expected.mean, view.expected.low, view.expected.high)


TABLES = (expected_best_of_trials,)
