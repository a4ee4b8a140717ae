"""Imported results: trials that were not trained in the study. They are the first trials of their searches; events give their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hpstudy.study.plan import SearchKey

KIND = "imported"
"""Of the events."""


def imported(events: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[SearchKey, int]:
    """The number of imported results at the start of each search; searches without any are omitted.

    Args:
        events: kind and detail of all events of the study.
    """
    counts: dict[SearchKey, int] = {}
    for kind, detail in events:
        match detail:
            case {"arms": [*arms], "replicates": [*replicates], "trials": int(count)} if kind == KIND:
                counts |= {SearchKey(arm, replicate): count for arm in arms for replicate in replicates}
    return counts
