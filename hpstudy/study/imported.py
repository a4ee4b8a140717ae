"""Imported results: trials that were not trained in the study. They are the first ones of their searches; events say how many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hpstudy.study.plan import SearchKey

KIND = "imported"
"""Of the events."""


def imported(events: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[SearchKey, int]:
    """How many trials of each search, the first ones, are imported results; searches without any are left out.

    Args:
        events: kind and detail of all that happened to the study.
    """
    found: dict[SearchKey, int] = {}
    for kind, detail in events:
        match detail:
            case {"arms": [*arms], "replicates": [*replicates], "trials": int(count)} if kind == KIND:
                found |= {SearchKey(arm, replicate): count for arm in arms for replicate in replicates}
    return found
