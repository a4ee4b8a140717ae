"""What there is: trials by state, complete searches."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import tables
from hpstudy.report.model import Section


def chapter(results: Results) -> Iterator[Section]:
    """The table that a reader must see before any number."""
    yield Section("What there is", (tables.completeness(results),))
