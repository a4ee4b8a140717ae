"""What a sweep measured at its points."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import csvs
from hpstudy.report.charts import sweep
from hpstudy.report.figures import draw_heat, draw_learning
from hpstudy.report.model import Block, Section

TABLES = {function.__name__: function for function in (sweep.sweep_values, sweep.sweep_means, csvs.learning_curves)}


def chapter(results: Results) -> Iterator[Section]:
    """Metrics over the swept values, and over the epochs."""
    if not results.sweep:
        return
    swept: tuple[Block, ...] = (*sweep.charts(results), *draw_heat(results))
    if swept:
        yield Section("Over the swept values", swept)
    if learnt := tuple(draw_learning(results)):
        yield Section("Learning curves", learnt)
