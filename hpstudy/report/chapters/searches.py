"""How the searches went, trial by trial."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import csvs
from hpstudy.report.figures import draw_differences, draw_progress
from hpstudy.report.model import Section

TABLES = {function.__name__: function for function in (csvs.best_so_far, csvs.mean_curves, csvs.differences, csvs.searches)}


def chapter(results: Results) -> Iterator[Section]:
    """Best-so-far curves, and the differences between them."""
    if not results.sweep and results.has_values:
        yield Section("How the searches went", (draw_progress(results), *draw_differences(results)))
