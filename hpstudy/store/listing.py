"""The remaining trials of a confirmation, given the trials of its search and the stored confirmations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hpstudy.store.history import TrialRow
from hpstudy.study.confirm import IncumbentCount, Retraining, retrainings
from hpstudy.study.controls import arm_name, arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.space import Point


def incumbents(study: Study, rows: Sequence[TrialRow]) -> list[TrialRow]:
    """Return the trials of a search that are better than all earlier ones, in order.

    Later trials do not change the incumbents so far.
    """
    improving, best = list[TrialRow](), -math.inf
    for row in rows:
        if row.state == "completed" and row.objective is not None and study.metric.goal.sign * row.objective > best:
            improving.append(row)
            best = study.metric.goal.sign * row.objective
    return improving


def incumbent(study: Study, rows: Sequence[TrialRow]) -> TrialRow | None:
    """Return the best trial of a search so far, the first one in case of a tie; None if no trial has a value."""
    return next(reversed(incumbents(study, rows)), None)


def is_complete(study: Study, rows: Sequence[TrialRow]) -> bool:
    """Return whether all trials of a view's search have ended."""
    return finished(rows) >= study.search.trials


def finished(rows: Sequence[TrialRow]) -> int:
    """Return the number of trials that have ended."""
    return sum(row.state != "running" for row in rows)


def confirmed_search(study: Study, confirmation: SearchKey) -> SearchKey:
    """Return the search whose trials a confirmation retrains."""
    searched = arms(study)[confirmation.view].confirms
    assert searched is not None, "the arm of a confirmation confirms another one"
    return SearchKey(searched, confirmation.replicate)


def listed(
    study: Study, searched: str, replicate: int, search: Sequence[TrialRow], stored: Sequence[TrialRow]
) -> dict[Retraining, Point]:
    """Return the trials of a confirmation that are not stored yet, with their points, in run order.

    Args:
        study: resolved; with a `confirm` block.
        searched: the arm whose trials are retrained.
        replicate: replicate of the search.
        search: trials of the search. While it is incomplete, `confirm.incumbents` lists its incumbents so far; otherwise the
            search should be complete, because its best trial so far is listed.
        stored: stored trials of the confirmation.
    """
    assert study.confirm is not None
    chosen = incumbents(study, search)
    if not study.confirm.incumbents:
        chosen = chosen[-1:]
    arm = arms(study)[arm_name(searched, "confirm")]
    default = study.views[arm.view].space.default()
    points: dict[int | None, Point] = {None: default, **{row.number: row.point for row in chosen}}
    stored_retrainings = {row.retrained for row in stored}
    numbers = [row.number for row in chosen]
    planned_retrainings = retrainings(study.confirm.seeds, numbers, default=arm.trains_default and replicate == 0)
    return {each: points[each.number] for each in planned_retrainings if each not in stored_retrainings}


def planned(
    study: Study, searched: str, search: Sequence[Sequence[TrialRow]], stored: Sequence[Sequence[TrialRow]]
) -> list[tuple[int, int]]:
    """Return the number of known and of expected trials of the confirmation of each replicate.

    The known trials are those stored and those listed so far. Without `confirm.incumbents` they include those of an incumbent that
    is not known yet. The number of expected trials estimates the future incumbents of an incomplete search (`IncumbentCount`).

    Args:
        study: resolved; with a `confirm` block.
        searched: the arm whose trials are retrained.
        search: trials of the search of every replicate.
        stored: stored trials of the confirmation of every replicate.
    """
    assert study.confirm is not None
    counts = []
    count = incumbent_count(study, searched, dict(enumerate(search)))
    for replicate, (rows, done) in enumerate(zip(search, stored, strict=True)):
        known = len(done) + len(listed(study, searched, replicate, rows, done))
        expected = 0
        if not is_complete(study, rows):
            if study.confirm.incumbents:
                expected = study.confirm.seeds * count.expected(replicate)
            elif incumbent(study, rows) is None:
                known += study.confirm.seeds
        counts.append((known, expected))
    return counts


def incumbent_count(study: Study, searched: str, searches: Mapping[int, Sequence[TrialRow]]) -> IncumbentCount:
    """Count the incumbents of the searches of one arm, given the trials by replicate."""
    counts = {replicate: (len(incumbents(study, rows)), finished(rows)) for replicate, rows in searches.items()}
    return IncumbentCount(study.search.trials, counts, searched in study.views)
