"""Grid search: all combinations of selected values of every hyperparameter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import islice
from typing import Annotated, ClassVar

from pydantic import BaseModel, Field

from hpstudy.errors import Problem
from hpstudy.goal import Goal
from hpstudy.search.interface import Key, Observation, Searcher
from hpstudy.search.values import combinations, describe_domain, invalidity, point_value, value_count
from hpstudy.study.blocks import Block
from hpstudy.study.parameters import AnyParameter, ChoiceParameter, FloatParameter, IntParameter, Value
from hpstudy.study.space import Point, Space

MAX_LEVELS = 1_000
"""Maximum levels of one hyperparameter."""

MAX_POINTS = 100_000
"""Maximum points that are listed: the maximum trials of a study."""

DIGITS = 50
"""Decimal digits of the calculation of a level, which is rounded once, at the end: 1e-4 to 1e1 in 6 levels gives 0.0001, 0.001, ..., 10."""


class GridSettings(Block):
    """Settings of the `grid` searcher."""

    levels: dict[str, Annotated[int, Field(ge=2, le=MAX_LEVELS)]] = Field(default={})
    """Number of equally spaced values of a hyperparameter on its (log) scale, both ends of its range included: 2 to 1000."""
    values: dict[str, Annotated[tuple[Value, ...], Field(min_length=1)]] = Field(default={})
    """The values of a hyperparameter, in order. A choice or a range with steps in neither `levels` nor `values` takes all its values."""


class GridSearcher(Searcher):
    """Tries all combinations in the order of the view's hyperparameters. The last one changes fastest.

    An absent hyperparameter takes no value, so no point is repeated. Combinations that violate a constraint are skipped.
    """

    Settings: ClassVar[type[BaseModel]] = GridSettings
    lists_points: ClassVar[bool] = True
    reads_history: ClassVar[bool] = False
    settings: GridSettings

    def __init__(self, settings: GridSettings) -> None:
        super().__init__(settings)
        self._listed: tuple[Space, Sequence[Point]] | None = None

    def check(self, space: Space, trials: int) -> list[Problem]:
        """Problems: hyperparameters with missing or invalid values; otherwise a number of trials that is not the number of points."""
        problems = [problem for name, parameter in space.items() for problem in self._check_values(name, parameter)]
        if problems:
            return problems
        total = self._count(space)
        if total == trials:
            return []
        text = f"must be {total}" if total <= MAX_POINTS or not _is_irregular(space) else f"must be more than {MAX_POINTS:,}"
        return [Problem(("search", "trials"), f"{text}, the number of points of the grid, not {trials}")]

    def named(self) -> list[Key]:
        """The key of every hyperparameter that has levels or values."""
        levels: list[Key] = [("search", "levels", name) for name in self.settings.levels]
        return [*levels, *(("search", "values", name) for name in self.settings.values)]

    def ask(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point:
        """Combination `number`: the last hyperparameter varies fastest."""
        return dict(self._points(space)[number])

    def _count(self, space: Space) -> int:
        """The number of points; in a space with conditions or constraints, counted up to `MAX_POINTS` + 1."""
        if _is_irregular(space):
            return sum(1 for _ in islice(self._combinations(space), MAX_POINTS + 1))
        return math.prod(self._size(name, parameter) for name, parameter in space.items())

    def _points(self, space: Space) -> Sequence[Point]:
        """All combinations of a space; if they are too many for a study, the first ones."""
        if self._listed is None or self._listed[0] is not space:
            self._listed = space, tuple(islice(self._combinations(space), MAX_POINTS))
        return self._listed[1]

    def _combinations(self, space: Space) -> Iterator[Point]:
        """The points, without those that violate a constraint."""
        values = {
            name: [self._value(name, parameter, index) for index in range(self._size(name, parameter))]
            for name, parameter in space.items()
        }
        return filter(space.satisfies, combinations(space, values))

    def _size(self, name: str, parameter: AnyParameter) -> int:
        """The number of values of a hyperparameter."""
        if name in self.settings.values:
            return len(self.settings.values[name])
        return self.settings.levels.get(name) or parameter.count or 0

    def _value(self, name: str, parameter: AnyParameter, index: int) -> Value:
        """Value `index`, from 0, of a hyperparameter."""
        if name in self.settings.values:
            return point_value(parameter, self.settings.values[name][index])
        if isinstance(parameter, ChoiceParameter) or name not in self.settings.levels:
            return parameter.value(index)
        return level(parameter, self.settings.levels[name], index)

    def _check_values(self, name: str, parameter: AnyParameter) -> list[Problem]:
        """Problems with the settings of one hyperparameter of a view."""
        if name in self.settings.levels:
            text = self._level_objection(name, parameter)
            return [Problem(("search", "levels", name), text)] if text else []
        if name in self.settings.values:
            return _check_listed(self.settings.values[name], ("search", "values", name), parameter)
        if value_count(parameter) is not None:
            return []
        text = f"the grid has no values of '{name}', {describe_domain(parameter)}: write 'levels: {{{name}: 5}}', or list them in 'values'"
        return [Problem(("search",), text)]

    def _level_objection(self, name: str, parameter: AnyParameter) -> str:
        """The reason why a hyperparameter cannot have its number of levels; "" if it can."""
        if name in self.settings.values:
            return f"'{name}' has 'values' too: keep one of the two"
        if isinstance(parameter, ChoiceParameter):
            return f"'{name}' is a choice and has no scale: leave it out to try all its values, or list some in 'values'"
        count = self.settings.levels[name]
        if parameter.count is not None and count > parameter.count:
            what = "all whole numbers" if parameter.step is None else f"all steps of {parameter.step:.15g}"
            return f"must be at most {parameter.count}, {what} in [{parameter.low:.15g}, {parameter.high:.15g}], not {count}"
        values = [level(parameter, count, index) for index in range(count)]
        if not all(map(parameter.admits, values)):
            return f"{count} levels do not lie on the steps of '{name}': leave it out to try all its values, or list some in 'values'"
        different = len(set(values))
        if different < count:
            return f"rounding leaves {different} different values of {count} levels: take fewer levels, or list them in 'values'"
        return ""


def _is_irregular(space: Space) -> bool:
    """Whether the points of a space may be fewer than all combinations."""
    return space.is_conditional or bool(space.constraints)


def _check_listed(values: Sequence[Value], key: Key, parameter: AnyParameter) -> list[Problem]:
    """Problems with the values listed for one hyperparameter at `key`."""
    objections = [(index, invalidity(parameter, value)) for index, value in enumerate(values)]
    problems = [Problem((*key, index), text) for index, text in objections if text]
    if len(set(values)) < len(values):
        problems.append(Problem(key, "a value is listed twice: keep one of the two"))
    return problems


def level(parameter: FloatParameter | IntParameter, count: int, index: int) -> float | int:
    """Level `index` of `count` levels that are equally spaced on the parameter's (log) scale.

    Level n of N is low + (high - low) n / (N - 1), or low (high / low)^(n / (N - 1)) on a log scale, rounded half up to a whole number
    for an `IntParameter`.

    Args:
        parameter: the range; its two ends are the first and the last level.
        count: levels, at least 2.
        index: of the level, from 0 to count - 1.
    """
    if index in (0, count - 1):
        return parameter.high if index else parameter.low
    with localcontext() as context:
        context.prec = DIGITS
        # The shortest text of the number: 1e-4 is meant, not the nearest binary fraction.
        low, high = Decimal(str(parameter.low)), Decimal(str(parameter.high))
        share = Decimal(index) / Decimal(count - 1)
        real = low * (high / low) ** share if parameter.log else low + (high - low) * index / (count - 1)
        return int(real.to_integral_value(ROUND_HALF_UP)) if isinstance(parameter, IntParameter) else float(real)
