"""Points that a search has not tried yet: what a searcher falls back on rather than repeat itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from hpstudy.search.interface import Observation
from hpstudy.search.sobol import sobol_points
from hpstudy.study.parameters import ChoiceParameter, Value
from hpstudy.study.space import Point, Space

MOST_COMBINATIONS = 100_000
"""Combinations of a finite space with constraints that are looked at."""

SPARE_PLACES = 32
"""Places of the Sobol sequence looked at beyond the number of points wanted, before a finite space is counted through.

With fewer, late points of a finite space would be taken in counting order, not spread evenly; each costs some 20 µs.
"""


def is_tried(point: Point, history: Sequence[Observation]) -> bool:
    """Whether a past trial had exactly this point."""
    return any(point == past.point for past in history)


def untried_points(space: Space, history: Sequence[Observation], *, seed: int, number: int, count: int) -> list[Point]:
    """Untried points of the search's Sobol sequence, from index `number` on, each once.

    In a finite space that is nearly used up the sequence may keep hitting tried points; the list is then filled with untried
    combinations, of which there is at least one unless all were tried.

    Args:
        space: what may be tried.
        history: the search's past trials.
        seed: the search's seed.
        number: the trial asked for, from 0.
        count: points wanted.

    Returns:
        Up to `count` points that `space.admits`; empty only when the space is used up.
    """
    untried: list[Point] = []
    sequence = sobol_points(space, seed=seed, start=number, count=count + SPARE_PLACES)
    for point in itertools.chain(sequence, _combinations(space, len(history))):
        if len(untried) == count:
            break
        if point not in untried and not is_tried(point, history):
            untried.append(point)
    return untried


def _combinations(space: Space, tried: int) -> Iterator[Point]:
    """Points of a finite space, in the order of its hyperparameters; none of a space with a continuous range.

    A range with more values than past trials is cut to its first `tried + 1`: one of them is untried. Under constraints these may be
    excluded, and all values are taken.
    """
    most = MOST_COMBINATIONS if space.constraints else tried + 1
    columns: list[Sequence[Value]] = []
    for parameter in space.root.values():
        if parameter.count is None:
            return
        if isinstance(parameter, ChoiceParameter):
            columns.append(parameter.values)
        else:
            columns.append([parameter.value(index) for index in range(min(parameter.count, most))])
    combinations = itertools.product(*columns)
    for values in itertools.islice(combinations, MOST_COMBINATIONS) if space.constraints else combinations:
        point = space.present(dict(zip(space.names(), values, strict=True)))
        if space.satisfies(point):
            yield point
