"""Points that a search has not tried yet. A searcher uses them instead of repeating a point."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from hpstudy.search.interface import Observation
from hpstudy.search.sobol import sobol_points
from hpstudy.search.values import combinations
from hpstudy.study.parameters import ChoiceParameter, Value
from hpstudy.study.space import Point, Space

MAX_COMBINATIONS = 100_000
"""Maximum combinations checked in a finite space with constraints."""

SPARE_POINTS = 32
"""Points of the Sobol sequence checked beyond the requested number, before a finite space is enumerated.

With fewer, late points of a finite space would be taken in enumeration order instead of evenly spread. Each costs about 20 µs.
"""


def is_tried(point: Point, history: Sequence[Observation]) -> bool:
    """Whether a past trial had exactly this point."""
    return any(point == past.point for past in history)


def untried_points(space: Space, history: Sequence[Observation], *, seed: int, number: int, count: int) -> list[Point]:
    """Untried points of the search's Sobol sequence, from index `number` on, each once.

    In a nearly exhausted finite space the sequence may repeatedly give tried points. The list is then filled with untried combinations;
    there is at least one unless all were tried.

    Args:
        space: the search space.
        history: the search's past trials.
        seed: the search's seed.
        number: number of the requested trial, from 0.
        count: number of points.

    Returns:
        Up to `count` points that `space.admits`; empty only if the space is exhausted.
    """
    untried: list[Point] = []
    sequence = sobol_points(space, seed=seed, start=number, count=count + SPARE_POINTS)
    for point in itertools.chain(sequence, _combinations(space, len(history))):
        if len(untried) == count:
            break
        if point not in untried and not is_tried(point, history):
            untried.append(point)
    return untried


def next_untried(space: Space, history: Sequence[Observation], *, seed: int, number: int) -> Point:
    """The next untried point of the search's Sobol sequence, from index `number` on; a tried one if all points were tried."""
    untried = untried_points(space, history, seed=seed, number=number, count=1)
    return untried[0] if untried else sobol_points(space, seed=seed, start=number, count=1)[0]


def _combinations(space: Space, tried: int) -> Iterator[Point]:
    """Points of a finite space, in the order of its hyperparameters; none of a space with a continuous range.

    A range with more values than past trials is cut to its first `tried + 1` values, one of which is untried. With constraints these may be
    infeasible, so all values are taken.
    """
    most = MAX_COMBINATIONS if space.constraints else tried + 1
    values: dict[str, Sequence[Value]] = {}
    for name, parameter in space.items():
        if parameter.count is None:
            return iter(())
        count = parameter.count if isinstance(parameter, ChoiceParameter) else min(parameter.count, most)
        values[name] = [parameter.value(index) for index in range(count)]
    points = combinations(space, values)
    return filter(space.satisfies, itertools.islice(points, MAX_COMBINATIONS)) if space.constraints else points
