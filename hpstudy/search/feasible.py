"""Finds points that satisfy the constraints of their space: by rejection sampling, or near a point that violates them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count

from hpstudy.errors import HpstudyError
from hpstudy.search.encoding import Encoding
from hpstudy.study.parameters import ChoiceParameter
from hpstudy.study.space import Point, Space

MIN_SHARE = 0.01
"""Minimum share of a space that must satisfy its constraints. Below it, a point takes more than a hundred draws, and a mistake is
likely."""

SAMPLE = 10_000
"""Number of uniform points to estimate the share, with a standard error of 0.001 at `MIN_SHARE`."""

MAX_DRAWS = 100_000
"""Maximum consecutive draws that violate the constraints. At `MIN_SHARE`, exceeding it happens once in 10^436 searches."""


ROUNDS = 20
"""Rounds of projections onto all constraints. If a few are not enough, changing real numbers rarely repairs the point."""

MARGIN = 1e-6
"""Distance in coordinates of a projected point from the constraint, so that rounding does not violate it again."""


def feasible_share(space: Space) -> float:
    """The share of uniform points that satisfy the constraints, estimated from a fixed sample."""
    generator, width = random.Random(0), len(space)
    points = (space.from_unit([generator.random() for _ in range(width)]) for _ in range(SAMPLE))
    return sum(map(space.satisfies, points)) / SAMPLE


def feasible_points(space: Space, draw: Callable[[int], Sequence[float]], first: int = 0) -> Iterator[tuple[int, Point]]:
    """The numbers, starting at `first`, whose points satisfy the constraints, with the points.

    Args:
        space: the search space.
        draw: maps a number to unit coordinates.
        first: the first number.

    Raises:
        HpstudyError: `MAX_DRAWS` consecutive points violate the constraints.
    """
    last = first - 1
    for number in count(first):
        point = space.from_unit(draw(number))
        if space.satisfies(point):
            last = number
            yield number, point
        elif number - last >= MAX_DRAWS:
            raise HpstudyError(
                f"{MAX_DRAWS:,} consecutive points violate the constraints of the view", "narrow the ranges of its space"
            )


def feasible_neighbors(space: Space, point: Point) -> list[Point]:
    """Feasible points that are one step from a point that violates constraints because its coordinates were rounded."""
    found: list[Point] = []
    for constraint in space.constraints:
        if constraint.holds(point):
            continue
        for name, weight in constraint.weights.items():
            parameter = space.root[name]
            if parameter.count is None or isinstance(parameter, ChoiceParameter):
                continue
            index = parameter.index(point[name]) + (-1 if weight > 0 else 1)
            if 0 <= index < parameter.count and space.satisfies(near := {**point, name: parameter.value(index)}):
                found.append(near)
    return found


def projected(encoding: Encoding, point: Point) -> Point:
    """The point, with real numbers moved the shortest distance to satisfy each violated constraint in turn."""
    if encoding.space.satisfies(point):
        return point
    real = {column for name, column in encoding.columns.items() if encoding.space.root[name].count is None}
    moved, constraints = encoding.encode(point), encoding.constraints()
    for _ in range(ROUNDS):
        for weights, bound in constraints:
            excess = sum(weight * moved[column] for column, weight in weights.items()) - bound + MARGIN
            length = sum(weight**2 for column, weight in weights.items() if column in real)
            if excess > 0 and length:
                for column in real & weights.keys():
                    moved[column] = min(max(moved[column] - excess * weights[column] / length, 0.0), 1.0)
    return encoding.decode(moved)
