"""The metrics of a sweep at its points."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report.charts import heat, learning, sweep, sweep_metrics
from hpstudy.report.model import Section, section

TABLES = (sweep_metrics.sweep_values, sweep_metrics.sweep_means, learning.learning_curves)


def chapter(results: Results) -> Iterator[Section]:
    """Metrics against the swept values and against the epochs."""
    if not results.sweep:
        return
    yield from section("Over the swept values", *sweep.charts(results), *heat.charts(results))
    yield from section("Learning curves", *learning.charts(results))
