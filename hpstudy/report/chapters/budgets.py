"""The views at the same number of trials."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import csvs, tables
from hpstudy.report.charts import budgets
from hpstudy.report.model import Block, Section

TABLES = {function.__name__: function for function in (budgets.budget_values, budgets.budgets, csvs.comparisons)}


def chapter(results: Results) -> Iterator[Section]:
    """Every view at every declared budget, and the differences."""
    if (values := tables.budget_values(results)) is None:
        return
    blocks: list[Block] = [values]
    if results.has_values:
        blocks.insert(0, budgets.chart(results))
    if (differences := tables.budget_differences(results)) is not None:
        blocks.append(differences)
    yield Section("At the same number of trials", tuple(blocks))
