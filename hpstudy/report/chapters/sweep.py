"""What a sweep measured at its points."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import csvs
from hpstudy.report.figures import draw_heat, draw_learning, draw_sweep
from hpstudy.report.model import Section

TABLES = {function.__name__: function for function in (csvs.sweep_values, csvs.sweep_means, csvs.learning_curves)}


def chapter(results: Results) -> Iterator[Section]:
    """Metrics over the swept values, and over the epochs."""
    if not results.sweep:
        return
    if swept := (*draw_sweep(results), *draw_heat(results)):
        yield Section("Over the swept values", swept)
    if learnt := tuple(draw_learning(results)):
        yield Section("Learning curves", learnt)
