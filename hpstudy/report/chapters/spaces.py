"""What was tuned, over which ranges, and the best points."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import tables
from hpstudy.report.model import Section


def chapter(results: Results) -> Iterator[Section]:
    """A table for every view."""
    if results.sweep:
        made = (table(results, view) for view in results.sweep for table in (tables.sweep_points, tables.sweep_space))
        yield Section("Points", tuple(made))
    else:
        yield Section("Search spaces and best points", tuple(tables.hyperparameters(results, view) for view in results.views))
