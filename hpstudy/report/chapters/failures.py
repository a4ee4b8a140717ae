"""Trials without a value."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import tables
from hpstudy.report.model import Section


def chapter(results: Results) -> Iterator[Section]:
    """What went wrong, grouped."""
    if (table := tables.failures(results)) is not None:
        yield Section("Failures", (table,))
