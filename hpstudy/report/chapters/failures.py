"""Trials without a value."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.analysis.trials.completeness import Failures
from hpstudy.report import numbers
from hpstudy.report.labels import cut
from hpstudy.report.model import Section, Table, section

MOST_FAILURES = 10
"""Maximum number of listed failure kinds; the JSON file has all counts."""

LONGEST_ERROR = 160
"""Maximum number of characters of an error message."""


def chapter(results: Results) -> Iterator[Section]:
    """The failures, grouped by kind."""
    yield from section("Failures", failures(results))


def failures(results: Results) -> Table:
    """The most frequent ways in which trials ended without a value."""
    rows = tuple(
        (
            f.view,
            f.state.replace("_", " "),
            error_text(f),
            f"replicate {f.replicate}, trial {f.number}",
            numbers.count(f.trials),
        )
        for f in results.failures[:MOST_FAILURES]
    )
    rest = len(results.failures) - len(rows)
    note = f"The {MOST_FAILURES} most frequent of {len(results.failures)} kinds; the JSON file lists all." if rest > 0 else ""
    return Table("Trials that ended without a value.", ("view", "end", "error", "first", "trials"), rows, left=4, note=note)


def error_text(failure: Failures) -> str:
    """The type and the message of the error."""
    return ": ".join(filter(None, (failure.error_type, cut(failure.error, LONGEST_ERROR)))) or numbers.MISSING
