"""The default point: the control that shows what is gained by tuning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hpstudy.goal import Goal
from hpstudy.search.interface import Observation, Searcher
from hpstudy.study.space import Point, Space


class DefaultSearcher(Searcher):
    """Proposes the default point of the space for every trial: the result without a search."""

    reads_history: ClassVar[bool] = False

    def ask(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point:
        """The default point, independent of the history."""
        return space.default()
