"""A scrambled Sobol sequence: points that fill the space evenly, for initial designs and as a control.

References:
    A. B. Owen, "Scrambling Sobol' and Niederreiter-Xing points", Journal of Complexity 14 (1998).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

from hpstudy.goal import Goal
from hpstudy.search.interface import Observation, Searcher
from hpstudy.seeds import derive_seed
from hpstudy.study.space import Point, Space

if TYPE_CHECKING:
    from scipy.stats import qmc

CACHED_SEQUENCES = 64
"""Sequences that a process keeps, one for each search. Making one takes 2 ms, and skipping to a point is proportional to its number."""


def sobol_points(space: Space, *, seed: int, start: int, count: int) -> list[Point]:
    """Points `start` .. `start + count - 1` of the search's own scrambled Sobol sequence.

    One scrambling belongs to one search, and a point is reached by skipping, so it does not depend on which points were asked for
    before.

    Args:
        space: what may be tried.
        seed: the search's seed.
        start: index in the sequence, from 0; below 2**30.
        count: number of points.

    Returns:
        Points that `space.admits`.
    """
    sequence, lock = _sequence(len(space), derive_seed(seed, "sobol"))
    with lock:
        if start < sequence.num_generated:
            sequence.reset()
        if start > sequence.num_generated:
            sequence.fast_forward(start - sequence.num_generated)
        # One at a time: scipy warns when the first draw is not a power of two, and the points are the same.
        return [space.from_unit(sequence.random(1)[0].tolist()) for _ in range(count)]


@lru_cache(maxsize=CACHED_SEQUENCES)
def _sequence(dimensions: int, seed: int) -> tuple[qmc.Sobol, Lock]:
    """A scrambled sequence, at the place where it was left, and what to hold while it is moved."""
    import numpy as np
    from scipy.stats import qmc

    return qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed)), Lock()


class SobolSettings(BaseModel):
    """A Sobol search has no settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SobolSearcher(Searcher):
    """The scrambled Sobol sequence of the search, point by point."""

    Settings: ClassVar[type[BaseModel]] = SobolSettings
    reads_history: ClassVar[bool] = False

    def ask(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point:
        """The point of trial `number`: a function of (seed, number), independent of the history."""
        return sobol_points(space, seed=seed, start=number, count=1)[0]
