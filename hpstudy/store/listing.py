"""Which trials of a confirmation are still to be run, given what its search has found and what is stored."""

from __future__ import annotations

from collections.abc import Sequence

from hpstudy.store.rows import TrialRow
from hpstudy.study.confirm import Retraining, retrainings
from hpstudy.study.schema import Study
from hpstudy.study.space import Point


def incumbent(study: Study, rows: Sequence[TrialRow]) -> TrialRow | None:
    """The best trial of a search so far, the first of equals; None when no trial has a value."""
    sign = study.metric.goal.sign
    valued = [(sign * row.objective, -row.number, row) for row in rows if row.state == "completed" and row.objective is not None]
    return max(valued)[-1] if valued else None


def is_complete(study: Study, rows: Sequence[TrialRow]) -> bool:
    """Whether all trials of a view's search have ended."""
    return sum(row.state != "running" for row in rows) >= study.search.trials


def listed(
    study: Study, view: str, replicate: int, search: Sequence[TrialRow], stored: Sequence[TrialRow]
) -> dict[Retraining, Point]:
    """The trials of a confirmation that are not stored yet, with their points, in the order in which they begin.

    Args:
        study: resolved; with a `confirm` block.
        view: the name of the view.
        replicate: of the search.
        search: its trials. While it is incomplete, its best trial so far stands in for its incumbent.
        stored: the trials of the confirmation.
    """
    assert study.confirm is not None
    best = incumbent(study, search)
    points: dict[int | None, Point] = {None: study.views[view].space.default()}
    if best is not None:
        points[best.number] = best.point
    known = {row.retrained for row in stored}
    wanted = retrainings(study.confirm.seeds, replicate, [best.number] if best is not None else [])
    return {again: points[again.number] for again in wanted if again not in known}


def planned(study: Study, view: str, replicate: int, search: Sequence[TrialRow], stored: Sequence[TrialRow]) -> int:
    """How many trials a confirmation will have: those stored and those listed; as many as seeds for an incumbent that is not known yet."""
    assert study.confirm is not None
    unknown = incumbent(study, search) is None and not is_complete(study, search)
    return len(stored) + len(listed(study, view, replicate, search, stored)) + (study.confirm.seeds if unknown else 0)
