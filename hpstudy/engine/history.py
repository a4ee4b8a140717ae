"""The observations that a searcher receives about earlier trials of its search."""

from __future__ import annotations

from collections.abc import Sequence

from hpstudy.search.interface import Observation
from hpstudy.store import TrialRow
from hpstudy.study.schema import Metric


def observations(rows: Sequence[TrialRow], metric: Metric) -> tuple[Observation, ...]:
    """The finished trials of a search as observations for its searcher.

    `metric.on_failure` decides how a trial without a finite value (diverged, failed, timed out) appears. With `drop` it has its point and
    no value. With `worst` it has the worst value that the search has measured so far, or no value while there is none. The result depends
    only on `rows`.
    """
    values = [row.objective if row.state == "completed" else None for row in rows]
    measured = [value for value in values if value is not None]
    worst = None
    if metric.on_failure == "worst" and measured:
        worst = metric.goal.worst(measured)
    return tuple(
        Observation(row.number, row.point, worst if value is None else value) for row, value in zip(rows, values, strict=True)
    )
