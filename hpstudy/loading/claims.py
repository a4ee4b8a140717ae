"""Declared claims of a study: the points that they select, and whether the study can answer them.

This module does not import numpy, because `hpstudy validate` must start fast.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hpstudy.errors import Problem, nearest
from hpstudy.goal import Goal
from hpstudy.loading.parts import Parts
from hpstudy.search.interface import Searcher
from hpstudy.study.declaration import NUMBERS_OF_TRIALS, TRIALS_TO_TARGET, Analysis, Criterion, Selection
from hpstudy.study.explain import shown
from hpstudy.study.parameters import Value, same_value
from hpstudy.study.schema import View
from hpstudy.study.space import Point, Space

Key = tuple[str | int, ...]

CONFIRMED = ("confirmed_regret", "trials_to_within")
"""Names of endpoints, which no task uses for a metric."""

MOST_LISTED = 12
"""Maximum valid values listed in a message."""


def selected_points(selection: Selection, points: Sequence[Point]) -> list[int]:
    """The numbers of a sweep's points that a selection matches. An empty point, which is not known, never matches."""
    return [
        n
        for n, point in enumerate(points)
        if point and all(name in point and same_value(point[name], value) for name, value in selection.at.items())
    ]


def listed_points(searcher: Searcher, space: Space, trials: int) -> tuple[Point, ...]:
    """The points of a sweep in one view, in order; empty if the searcher cannot list them."""
    if not searcher.lists_points:
        return ()
    try:
        if searcher.check(space, trials):
            return ()
        return tuple(searcher.ask(space, (), goal=Goal.MAXIMIZE, seed=0, number=number) for number in range(trials))
    except Exception:  # a user's searcher may raise anything
        return ()


@dataclass(frozen=True)
class _Side:
    """One selection of a claim: `of` or `minus`.

    Attributes:
        key: its path in the study file.
        selection: the selection at that path.
        view: the view that it names; None for a view with schema mistakes.
        points: points of the sweep in that view; empty if unknown.
    """

    key: Key
    selection: Selection
    view: View | None
    points: tuple[Point, ...]


def check_criteria(analysis: Analysis, parts: Parts, searcher: Searcher | None) -> Iterator[Problem]:
    """Problems: claims that the study cannot answer. Keys begin with "analysis".

    Args:
        analysis: the claims, and the endpoints that they may refer to.
        parts: the other blocks of the study.
        searcher: searcher of the study; None if it could not be created, and then only names of views are checked.
    """
    views, trials = parts.views, parts.trials
    selected = {side.view for criterion in analysis.criteria for side in (criterion.of, criterion.minus) if side is not None}
    points: dict[str, tuple[Point, ...]] = {}
    if searcher is not None and trials is not None:
        points = {name: listed_points(searcher, view.space, trials) for name, view in views.items() if name in selected}
    for index, criterion in enumerate(analysis.criteria):
        key: Key = ("analysis", "criteria", index)
        sides = [
            _Side((*key, name), selection, views.get(selection.view), points.get(selection.view, ()))
            for name, selection in (("of", criterion.of), ("minus", criterion.minus))
            if selection is not None
        ]
        for side in sides:
            if side.selection.view not in parts.names:
                text = f"no view is called '{side.selection.view}': {nearest(side.selection.view, parts.names)}"
                yield Problem((*side.key, "view"), text)
        if searcher is not None:
            yield from (
                _sweep_problems(criterion, key, sides)
                if searcher.lists_points
                else _search_problems(criterion, key, sides, trials, endpoint=analysis.is_endpoint(criterion.metric))
            )


def _search_problems(
    criterion: Criterion, key: Key, sides: Sequence[_Side], trials: int | None, *, endpoint: bool
) -> Iterator[Problem]:
    if not endpoint and criterion.metric in CONFIRMED:
        yield Problem(
            (*key, "metric"), f"'{criterion.metric}' is an endpoint that the study does not declare: add it to 'endpoints'"
        )
    if criterion.epoch != "last":
        yield Problem((*key, "epoch"), "a claim about a search is about the final values of its best trial: leave out 'epoch'")
    if criterion.shape != "each":
        text = f"shape '{criterion.shape}' compares points of a sweep, and a search gives one value: leave out 'shape'"
        yield Problem((*key, "shape"), text)
    for side in sides:
        best_of = side.selection.best_of
        if side.selection.at:
            text = "a search chooses its points itself: leave out 'at', or list the points with the searcher points or grid"
            yield Problem((*side.key, "at"), text)
        if best_of is not None and endpoint:
            yield Problem((*side.key, "best_of"), f"{criterion.metric} is about whole searches: leave out 'best_of'")
        elif best_of is not None and trials is not None and best_of > trials:
            yield Problem((*side.key, "best_of"), f"must be at most {trials}, the trials of a search, not {best_of}")
    if endpoint and criterion.metric in NUMBERS_OF_TRIALS and trials is not None:
        yield from _trial_problems(criterion, key, trials)
    of, *minus = (side.selection for side in sides)
    if minus and of.view == minus[0].view and _budget(of, trials) == _budget(minus[0], trials):
        yield Problem((*key, "minus"), "is the same as 'of', so that every difference is 0: select something else")


def _trial_problems(criterion: Criterion, key: Key, trials: int) -> Iterator[Problem]:
    """Problems: bounds that no number of trials, from 1 to the trials of a search, can satisfy."""
    minimum, maximum = (1 - trials, trials - 1) if criterion.minus is not None else (1, trials)
    name = str(criterion.metric).replace("_", "-")
    quantity = f"a difference of {name}" if criterion.minus is not None else name
    suffix = f"with {trials} trials per search, so the claim cannot hold"
    if criterion.above is not None and criterion.above >= maximum:
        yield Problem((*key, "above"), f"{quantity} is at most {maximum} {suffix}")
    if criterion.below is not None and criterion.below <= minimum:
        yield Problem((*key, "below"), f"{quantity} is at least {minimum} {suffix}")


def _budget(selection: Selection, trials: int | None) -> int | None:
    return selection.best_of or trials


def _sweep_problems(criterion: Criterion, key: Key, sides: Sequence[_Side]) -> Iterator[Problem]:
    if criterion.metric in (TRIALS_TO_TARGET, *CONFIRMED):
        yield Problem((*key, "metric"), "a sweep has no trials to a target: name a metric that the task reports")
    for side in sides:
        if side.selection.best_of is not None:
            text = "a sweep has no best so far, since its points have no order: leave out 'best_of', and select points with 'at'"
            yield Problem((*side.key, "best_of"), text)
    problems = [problem for side in sides for problem in _selection_problems(side)]
    yield from problems
    if not problems and all(side.points for side in sides):
        yield from _size_problems(criterion, key, sides)


def _selection_problems(side: _Side) -> Iterator[Problem]:
    """Problems: names and values of `at` that no point has."""
    if side.view is None:
        return
    wrong = False
    for name, value in side.selection.at.items():
        text = ""
        if name not in side.view.space.names():
            text = f"view '{side.selection.view}' does not tune '{name}': {nearest(name, side.view.space.names())}"
        elif side.points and not any(name in point and same_value(point[name], value) for point in side.points):
            text = f"no point of the sweep has {name} {shown(value)}: valid: {_values_text(side.points, name)}"
        if text:
            wrong = True
            yield Problem((*side.key, "at", name), text)
    if not wrong and side.points and not selected_points(side.selection, side.points):
        yield Problem((*side.key, "at"), "no point of the sweep has these values together")


def _values_text(points: Sequence[Point], name: str) -> str:
    """The values of a hyperparameter, in the order of the sweep."""
    values: list[Value] = []
    for point in points:
        if name in point and not any(same_value(point[name], value) for value in values):
            values.append(point[name])
    more = [f"... ({len(values)} in all)"] if len(values) > MOST_LISTED else []
    return ", ".join([*(shown(value) for value in values[:MOST_LISTED]), *more])


def _size_problems(criterion: Criterion, key: Key, sides: Sequence[_Side]) -> Iterator[Problem]:
    """Problems: selections with incompatible numbers of points."""
    of, *minus = (selected_points(side.selection, side.points) for side in sides)
    if criterion.shape != "each" and len(of) < 2:
        yield Problem((*key, "of"), f"shape '{criterion.shape}' compares points, and only one is selected: select two or more")
    if not minus:
        return
    (subtracted,) = minus
    if len(subtracted) not in (1, len(of)):
        text = f"selects {len(subtracted)} points, and 'of' selects {len(of)}: select one, or as many as 'of'"
        yield Problem((*key, "minus"), text)
    elif criterion.minus is not None and criterion.minus.view == criterion.of.view:
        pairs = zip(of, subtracted * len(of) if len(subtracted) == 1 else subtracted, strict=True)
        if any(a == b for a, b in pairs):
            yield Problem((*key, "minus"), "subtracts a point from itself, which is always 0: select other points")
