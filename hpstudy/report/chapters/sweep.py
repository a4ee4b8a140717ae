"""The metrics of a sweep at its points."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report.charts import heat, learning, sweep, sweep_metrics
from hpstudy.report.model import Block, Section

TABLES = (sweep_metrics.sweep_values, sweep_metrics.sweep_means, learning.learning_curves)


def chapter(results: Results) -> Iterator[Section]:
    """Metrics against the swept values and against the epochs."""
    if not results.sweep:
        return
    swept: tuple[Block, ...] = (*sweep.charts(results), *heat.charts(results))
    if swept:
        yield Section("Over the swept values", swept)
    if learned := tuple(learning.charts(results)):
        yield Section("Learning curves", learned)
