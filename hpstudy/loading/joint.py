"""Checks that a task accepts the values of a view in combination, at the points that the study may try.

For a sweep these are the listed points. A search may try any point of the space; its default point and corners represent the others,
because a rule such as "a < b" is violated first at a corner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from hpstudy.errors import Problem
from hpstudy.search.values import combinations
from hpstudy.study.parameters import ChoiceParameter
from hpstudy.study.schema import View
from hpstudy.study.space import Point, Space
from hpstudy.tasks.interface import Task

MAX_CORNERS = 4_096
"""Maximum corners of a space that are checked: all corners of twelve ranges."""


def check_search(task: Task, view: View) -> list[Problem]:
    """Problems at the default point, otherwise at the first rejected corner. Keys are relative to the view."""
    if reasons := task.check_point(view, view.space.default()):
        return [_problem(f"at the default point: {text}") for text in reasons]
    for corner in _corners(view.space):
        if reasons := task.check_point(view, corner):
            head = f"a search may try points that the {_refuses(view)}, such as {_point_text(corner)}"
            return [_problem(f"{head}: {text}") for text in reasons]
    return []


def check_sweep(task: Task, view: View, points: Sequence[Point]) -> list[Problem]:
    """Problems at the first rejected point of a list, and the number of rejected points. Keys are relative to the view."""
    refused = [(number, reasons) for number, point in enumerate(points, start=1) if (reasons := task.check_point(view, point))]
    if not refused:
        return []
    number, reasons = refused[0]
    more = f" ({len(refused)} of {len(points)} points are refused)" if len(refused) > 1 else ""
    head = f"the sweep's point {number} is one that the {_refuses(view)}: {_point_text(points[number - 1])}"
    return [_problem(f"{head}: {text}{more}") for text in reasons]


def _corners(space: Space) -> Iterator[Point]:
    ends = {name: p.values if isinstance(p, ChoiceParameter) else (p.low, p.high) for name, p in space.items()}
    return filter(space.satisfies, islice(combinations(space, ends), MAX_CORNERS))


def _refuses(view: View) -> str:
    return "method refuses" if view.method is not None else "task refuses"


def _problem(text: str) -> Problem:
    return Problem(("space",), text)


def _point_text(point: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in point.items())
