"""Random search: independent uniform points, the baseline for every searcher."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hpstudy.goal import Goal
from hpstudy.search.feasible import feasible_points
from hpstudy.search.interface import Observation, Searcher
from hpstudy.seeds import derive_seed
from hpstudy.study.space import Point, Space


class RandomSearcher(Searcher):
    """Uniform on every hyperparameter's declared scale, each trial independent of all others.

    A point that violates the constraints is replaced by the next draw of its trial's own generator.
    """

    reads_history: ClassVar[bool] = False

    def ask(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point:
        """The point of trial `number`: a function of (seed, number), independent of the history."""
        import numpy as np

        generator = np.random.default_rng(derive_seed(seed, "random", number))
        return next(point for _, point in feasible_points(space, lambda _: generator.random(len(space)).tolist()))
