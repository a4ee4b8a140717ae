"""The planned trials of searches, and the remaining trials of a confirmation, given the trials of its search and those stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from hpstudy.store.counts import Counts
from hpstudy.store.history import TrialRow
from hpstudy.study.confirm import IncumbentCount, Retraining, retrainings
from hpstudy.study.controls import Arm, arms
from hpstudy.study.plan import Plan, SearchKey
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
    study: Study, arm: Arm, replicate: int, search: Sequence[TrialRow], stored: Sequence[TrialRow]
) -> dict[Retraining, Point]:
    """Return the trials of a confirmation that are not stored yet, with their points, in run order.

    Args:
        study: resolved; with a `confirm` block.
        arm: the arm of the confirmation.
        replicate: replicate of the search.
        search: trials of the search. While it is incomplete, `confirm.incumbents` lists its incumbents so far; otherwise the
            search should be complete, because its best trial so far is listed.
        stored: stored trials of the confirmation.
    """
    assert study.confirm is not None
    chosen = incumbents(study, search)
    if not study.confirm.incumbents:
        chosen = chosen[-1:]
    default = study.views[arm.view].space.default()
    points: dict[int | None, Point] = {None: default, **{row.number: row.point for row in chosen}}
    stored_retrainings = {row.retrained for row in stored}
    numbers = [row.number for row in chosen]
    planned_retrainings = retrainings(study.confirm.seeds, numbers, default=arm.trains_default and replicate == 0)
    return {each: points[each.number] for each in planned_retrainings if each not in stored_retrainings}


def planned_counts(study: Study, history: Callable[[SearchKey], Sequence[TrialRow]] = lambda _: ()) -> dict[SearchKey, Counts]:
    """Return the numbers of planned trials of all searches, in run order.

    The trials of a confirmation are those stored and those listed so far. While its search is incomplete, those of an incumbent that is
    not known yet are added, or with `confirm.incumbents`, as `estimated`, those of the expected incumbents (`IncumbentCount`).

    Args:
        study: resolved.
        history: returns the stored trials of a search; default: there are none.
    """
    named = arms(study)
    counts = {key: Counts(named[key.view].trials) for key in Plan(study).searches()}
    for name, arm in named.items():
        if study.confirm is None or arm.confirms is None:
            continue
        searches = {replicate: history(SearchKey(arm.confirms, replicate)) for replicate in range(study.replicates)}
        expected_incumbents = incumbent_count(study, arm.confirms, searches)
        for replicate, rows in searches.items():
            key, expected = SearchKey(name, replicate), 0
            stored = history(key)
            known = len(stored) + len(listed(study, arm, replicate, rows, stored))
            if not is_complete(study, rows):
                if study.confirm.incumbents:
                    expected = study.confirm.seeds * expected_incumbents.expected(replicate)
                elif incumbent(study, rows) is None:
                    known += study.confirm.seeds
            counts[key] = Counts(known + expected, estimated=expected)
    return counts


def incumbent_count(study: Study, searched: str, searches: Mapping[int, Sequence[TrialRow]]) -> IncumbentCount:
    """Count the incumbents of the searches of one arm, given the trials by replicate."""
    counts = {replicate: (len(incumbents(study, rows)), finished(rows)) for replicate, rows in searches.items()}
    return IncumbentCount(study.search.trials, counts, searched in study.views)
