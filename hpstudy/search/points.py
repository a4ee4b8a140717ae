"""The points listed in the study file, in order: for instance a published sweep as a study.

Trial n tries point n in every view, so that trial n of one view can be compared with trial n of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import BaseModel, Field, field_validator

from hpstudy.errors import Problem
from hpstudy.goal import Goal
from hpstudy.search.interface import Key, Observation, Searcher
from hpstudy.search.values import invalidity, point_of
from hpstudy.study.blocks import Block
from hpstudy.study.parameters import Value, is_present
from hpstudy.study.space import Point, Space


class PointsSettings(Block):
    """Settings of the `points` searcher."""

    points: tuple[dict[str, Value], ...] = Field(min_length=1)
    """The points, in order: trial n of every view tries point n. A point gives all hyperparameters that any view tunes; each view uses its
    own."""

    @field_validator("points")
    @classmethod
    def _differ(cls, points: tuple[dict[str, Value], ...]) -> tuple[dict[str, Value], ...]:
        first: dict[frozenset[tuple[str, Value]], int] = {}
        for number, point in enumerate(points, start=1):
            if (earlier := first.setdefault(frozenset(point.items()), number)) < number:
                raise ValueError(
                    f"point {number} of the list repeats point {earlier}: remove it ('replicates' repeats all points)"
                )
        return points


class PointsSearcher(Searcher):
    """Tries the listed points in order, independent of their values."""

    Settings: ClassVar[type[BaseModel]] = PointsSettings
    lists_points: ClassVar[bool] = True
    reads_history: ClassVar[bool] = False
    settings: PointsSettings

    def check(self, space: Space, trials: int) -> list[Problem]:
        """Problems: hyperparameters missing in points, values out of range, and a number of trials other than the number of points."""
        points = self.settings.points
        problems = [problem for name in space.names() for problem in self._check_values(space, name)]
        if not problems:
            problems = [*self._check_constraints(space)]
        if trials != len(points):
            text = f"must be {len(points)}, the number of points in the list, not {trials}"
            problems.append(Problem(("search", "trials"), text))
        return problems

    def named(self) -> list[Key]:
        """The key of the first occurrence of every hyperparameter in the list."""
        first: dict[str, Key] = {}
        for index, point in enumerate(self.settings.points):
            for name in point:
                first.setdefault(name, ("search", "points", index, name))
        return list(first.values())

    def ask(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point:
        """Point `number` of the list, without the hyperparameters that the space does not have."""
        return point_of(space, self.settings.points[number])

    def _check_values(self, space: Space, name: str) -> list[Problem]:
        """Problems with the values of one hyperparameter of a view."""
        points, parameter = self.settings.points, space.root[name]
        needed = [is_present(parameter, partial_point) for partial_point in map(space.present, points)]
        if any(needed) and not any(name in point for point in points):
            return [
                Problem(("search", "points"), f"no point gives a value of '{name}': add it to every point, or fix it in the view")
            ]
        problems = []
        for index, point in enumerate(points):
            if not needed[index]:
                continue
            if name not in point:
                problems.append(Problem(("search", "points", index), f"point {index + 1} of the list gives no value of '{name}'"))
            elif text := invalidity(parameter, point[name]):
                problems.append(Problem(("search", "points", index, name), text))
        return problems

    def _check_constraints(self, space: Space) -> Iterator[Problem]:
        """Problems: points that violate constraints."""
        for index, point in enumerate(map(space.present, self.settings.points)):
            for constraint in space.constraints:
                if not constraint.holds(point):
                    yield Problem(("search", "points", index), f"point {index + 1} of the list violates {constraint.text!r}")
