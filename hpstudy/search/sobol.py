"""A scrambled Sobol sequence: points that fill the space evenly, for initial designs and as a control.

References:
    S. Joe, F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional projections", SIAM Journal on Scientific Computing 30
        (2008), https://doi.org/10.1137/070709359 (the sequence).
    J. Matoušek, "On the L2-discrepancy for anchored boxes", Journal of Complexity 14 (1998), https://doi.org/10.1006/jcom.1998.0489 (the
        scrambling).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, ClassVar

from hpstudy.goal import Goal
from hpstudy.search.feasible import feasible_points
from hpstudy.search.interface import Observation, Searcher
from hpstudy.seeds import derive_seed
from hpstudy.study.space import Point, Space

if TYPE_CHECKING:
    from scipy.stats import qmc

CACHED_SEQUENCES = 64
"""Cached sequences per process, one for each search. Creating one takes 2 ms, and skipping to a point takes time proportional to its
number."""


def sobol_points(space: Space, *, seed: int, start: int, count: int) -> list[Point]:
    """Points `start` .. `start + count - 1` of the search's own scrambled Sobol sequence.

    Each search has its own scrambling. A point is reached by skipping, so it does not depend on earlier requests. Points that violate the
    constraints of the space are skipped: point n is the n-th feasible one.

    Args:
        space: the search space.
        seed: the search's seed.
        start: index among the points, from 0; below 2**30 in the sequence.
        count: number of points.

    Returns:
        Points that `space.admits`.
    """
    constrained = space.model_dump_json() if space.constraints else ""
    texts = tuple(constraint.text for constraint in space.constraints)
    sequence = _sequence(len(space), derive_seed(seed, "sobol"), constrained, texts)
    with sequence.lock:
        return [space.from_unit(sequence.unit(index)) for index in sequence.indices(space, start, start + count)]


class _Sequence:
    """A scrambled sequence with its current position.

    Attributes:
        lock: held while the position changes.
    """

    def __init__(self, dimensions: int, seed: int) -> None:
        import numpy as np
        from scipy.stats import qmc

        self.lock = Lock()
        self._sequence: qmc.Sobol = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
        self._feasible: list[int] = []

    def unit(self, index: int) -> list[float]:
        """The coordinates at an index of the sequence."""
        if index < self._sequence.num_generated:
            self._sequence.reset()
        if index > self._sequence.num_generated:
            self._sequence.fast_forward(index - self._sequence.num_generated)
        # One at a time: scipy warns when the first draw is not a power of two, and the points are the same.
        return self._sequence.random(1)[0].tolist()  # type: ignore[no-any-return]

    def indices(self, space: Space, start: int, stop: int) -> Sequence[int]:
        """The indices in the sequence of feasible points `start` .. `stop - 1`."""
        if not space.constraints:
            return range(start, stop)
        if missing := max(0, stop - len(self._feasible)):
            first = self._feasible[-1] + 1 if self._feasible else 0
            self._feasible += [index for index, _ in islice(feasible_points(space, self.unit, first), missing)]
        return self._feasible[start:stop]


@lru_cache(maxsize=CACHED_SEQUENCES)
def _sequence(dimensions: int, seed: int, _space: str, _constraints: tuple[str, ...]) -> _Sequence:
    """The sequence of a search. There is one for each set of constraints, because it caches which points satisfy them."""
    return _Sequence(dimensions, seed)


class SobolSearcher(Searcher):
    """The scrambled Sobol sequence of the search, point by point."""

    reads_history: ClassVar[bool] = False

    def ask(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point:
        """The point of trial `number`: a function of (seed, number), independent of the history."""
        return sobol_points(space, seed=seed, start=number, count=1)[0]
