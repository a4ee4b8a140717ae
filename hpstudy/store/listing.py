"""Which trials of a confirmation are still to be run, given what its search has found and what is stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hpstudy.store.rows import TrialRow
from hpstudy.study.confirm import IncumbentCount, Retraining, retrainings
from hpstudy.study.controls import arm_name, arms
from hpstudy.study.schema import Study
from hpstudy.study.space import Point


def incumbents(study: Study, rows: Sequence[TrialRow]) -> list[TrialRow]:
    """The trials of a search that are better than all before them, in order. Whether a trial is one is final once it has ended."""
    found, best = list[TrialRow](), -math.inf
    for row in rows:
        if row.state == "completed" and row.objective is not None and study.metric.goal.sign * row.objective > best:
            found.append(row)
            best = study.metric.goal.sign * row.objective
    return found


def incumbent(study: Study, rows: Sequence[TrialRow]) -> TrialRow | None:
    """The best trial of a search so far, the first of equals; None when no trial has a value."""
    return next(reversed(incumbents(study, rows)), None)


def is_complete(study: Study, rows: Sequence[TrialRow]) -> bool:
    """Whether all trials of a view's search have ended."""
    return finished(rows) >= study.search.trials


def finished(rows: Sequence[TrialRow]) -> int:
    """How many trials have ended."""
    return sum(row.state != "running" for row in rows)


def listed(
    study: Study, searched: str, replicate: int, search: Sequence[TrialRow], stored: Sequence[TrialRow]
) -> dict[Retraining, Point]:
    """The trials of a confirmation that are not stored yet, with their points, in the order in which they begin.

    Args:
        study: resolved; with a `confirm` block.
        searched: the arm whose trials are trained again.
        replicate: of the search.
        search: its trials. While it is incomplete, `confirm.incumbents` lists its incumbents so far; otherwise its best trial so far
            stands in for its best one.
        stored: the trials of the confirmation.
    """
    assert study.confirm is not None
    chosen = incumbents(study, search)
    if not study.confirm.incumbents:
        chosen = chosen[-1:]
    arm = arms(study)[arm_name(searched, "confirm")]
    default = study.views[arm.view].space.default()
    points: dict[int | None, Point] = {None: default, **{row.number: row.point for row in chosen}}
    known = {row.retrained for row in stored}
    numbers = [row.number for row in chosen]
    wanted = retrainings(study.confirm.seeds, numbers, default=arm.trains_default and replicate == 0)
    return {again: points[again.number] for again in wanted if again not in known}


def planned(
    study: Study, searched: str, search: Sequence[Sequence[TrialRow]], stored: Sequence[Sequence[TrialRow]]
) -> list[tuple[int, int]]:
    """How many trials the confirmation of each replicate has, as far as known, and how many more are expected.

    The first number counts the trials stored and those listed by now; without `confirm.incumbents` also those of an incumbent that is not
    known yet. The second one is an estimate for the incumbents to come of an incomplete search (`IncumbentCount`).

    Args:
        study: resolved; with a `confirm` block.
        searched: the arm whose trials are trained again.
        search: the trials of the searches of every replicate.
        stored: the trials of their confirmations.
    """
    assert study.confirm is not None
    counts = []
    found = incumbent_count(study, searched, dict(enumerate(search)))
    for replicate, (rows, done) in enumerate(zip(search, stored, strict=True)):
        known = len(done) + len(listed(study, searched, replicate, rows, done))
        expected = 0
        if not is_complete(study, rows):
            if study.confirm.incumbents:
                expected = study.confirm.seeds * found.expected(replicate)
            elif incumbent(study, rows) is None:
                known += study.confirm.seeds
        counts.append((known, expected))
    return counts


def incumbent_count(study: Study, searched: str, searches: Mapping[int, Sequence[TrialRow]]) -> IncumbentCount:
    """Incumbents of the searches of one arm, given the trials by replicate."""
    found = {replicate: (len(incumbents(study, rows)), finished(rows)) for replicate, rows in searches.items()}
    return IncumbentCount(study.search.trials, found, searched in study.views)
