"""The table of the declared claims."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import claims
from hpstudy.report.model import Section


def chapter(results: Results) -> Iterator[Section]:
    """The table of all claims; empty without claims."""
    if (table := claims.table(results)) is not None:
        yield Section("Claims", (table,))
