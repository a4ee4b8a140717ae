"""The searches, trial by trial."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import csvs
from hpstudy.report.charts import best_so_far, difference
from hpstudy.report.model import Section

TABLES = (best_so_far.best_so_far, best_so_far.mean_curves, difference.differences, csvs.searches)


def chapter(results: Results) -> Iterator[Section]:
    """Best-so-far curves, and the differences between them."""
    if not results.sweep and results.has_values:
        yield Section("Best value so far", (best_so_far.chart(results), *difference.charts(results)))
