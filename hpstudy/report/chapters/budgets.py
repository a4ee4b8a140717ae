"""The views at equal numbers of trials."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hpstudy.analysis.comparisons.margin import ENOUGH
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.permutation import smallest_p
from hpstudy.report import csvs, numbers
from hpstudy.report.charts import budgets
from hpstudy.report.model import Section, Table, grouped, section
from hpstudy.report.notation import Notation, holm
from hpstudy.report.overview import OBSERVED

TABLES = (budgets.budget_values, budgets.budgets, csvs.comparisons)


def chapter(results: Results) -> Iterator[Section]:
    """Every view at every declared budget, and the differences."""
    if any(budget.searches for view in results.views for budget in view.budgets):
        charts = [budgets.chart(results)] if results.has_values else []
        yield from section("At the same number of trials", *charts, _values(results), _differences(results))


def _values(results: Results) -> Table:
    """Each view after each budget."""
    notation = Notation(results)
    rows = [
        (
            str(at.budget),
            view.name,
            str(at.searches),
            *notation.cells(at.mean, at.low, at.high),
            notation.value(at.sd),
            notation.value(at.median),
        )
        for budget in zip(*(view.budgets for view in results.views), strict=True)
        for view, at in zip(results.views, budget, strict=True)
    ]
    head = ("trials", "view", "searches", "mean", f"{notation.ci} of the mean", "SD", "median")
    note = "Intervals of a mean assume that the searches contain every rare event, such as one search in ten that gets stuck."
    few = {at.searches for view in results.views for at in view.budgets if at.searches > 1}
    if (p := smallest_p(min(few, default=1_000))) >= 1 - results.study.analysis.confidence:
        note += (
            f" An interval lies within the values of the searches. With {min(few)} of them it contains the mean of a symmetric "
            f"distribution in at most {numbers.percent(round(1 - p, 3))} of all studies."
        )
    return Table(f"Best {notation.metric} after a number of trials.", head, grouped(rows), left=2, note=note)


def _differences(results: Results) -> Table:
    """Each comparison at each budget."""
    notation, margin = Notation(results), None if results.provisional or results.declared else results.study.analysis.margin
    rows = [
        (
            f"{pair.a} − {pair.b}",
            str(difference.budget),
            str(difference.replicates),
            *notation.cells(difference.mean, difference.low, difference.high),
            f"{difference.wins}/{difference.ties}/{difference.losses}",
            numbers.p_cell(difference.test.p),
            numbers.p_cell(difference.adjusted),
            numbers.metric(difference.correlation, 2),
            notation.value(difference.detectable if difference.sd > 0 else math.nan),
            *([] if margin is None else [difference.verdict or numbers.MISSING]),
        )
        for pair in results.pairs
        for difference in pair.budgets
    ]
    note = (
        f"Mean differences {notation.goal.better_side} 0 favor the first view. Win, tie, loss: replicates in which the first view is "
        f"better, equal, worse. p: two-sided sign-flip permutation test. {holm(len(rows))} r: correlation of the two views over "
        "replicates, from which pairing gains. MDE: smallest true difference found with 80% power, given the observed spread, before "
        "Holm's correction."
    )
    if results.declared:
        note += f" {OBSERVED}"
    head: tuple[str, ...] = ("A − B", "trials", "n", "mean", notation.ci, "win/tie/loss", "p", "Holm", "r", "MDE")
    if margin is not None:
        note += (
            f" Verdict: of the first view against the margin of {numbers.general(margin)}. Superior and inferior also require a "
            f"significant adjusted p. Equivalent and non-inferior require at least {ENOUGH} replicates: with fewer, a large loss in a "
            "tenth of the searches may be absent from them."
        )
        head = (*head, "verdict")
    return Table("Paired differences after a number of trials.", head, grouped(rows), note=note)
