"""Bayesian optimization with the surrogate and the acquisition of the `ax` searcher, and faster optimizers, after an initial Sobol design.

The optimizers are those of `hpstudy.search.batched`, which fit the surrogates and maximize the acquisitions of one or more searches as one
batch of tensors. BoTorch takes seconds to import, so it is imported inside `ask`.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from hpstudy.errors import Problem
from hpstudy.goal import Goal
from hpstudy.search.effort import DEFAULT, FAST, Effort
from hpstudy.search.interface import Observation, Searcher
from hpstudy.search.linear import linearity_problems
from hpstudy.search.outcomes import has_value
from hpstudy.search.untried import next_untried
from hpstudy.study.blocks import Block
from hpstudy.study.space import Point, Space

logger = logging.getLogger(__name__)


class BoTorchSettings(Block):
    """Settings of the searchers `ax` and `botorch`."""

    initial: int = Field(default=5, ge=2)
    """Trials of the initial Sobol design, before the first trial that the surrogate proposes."""
    effort: Literal["fast", "default"] = "fast"
    """How the acquisition is optimized: `default` as in Ax; `fast` from fewer starts, in 40% to 70% of the time per ask."""

    @property
    def optimizers(self) -> Effort:
        """The settings of the optimizers."""
        return FAST if self.effort == "fast" else DEFAULT


class BoTorchSearcher(Searcher):
    """A Gaussian process and noisy expected improvement, as in the `ax` searcher, in less time per ask.

    Trials before `initial`, and trials for which fewer than two past trials have a value, come from the search's Sobol sequence:
    the same points as `SobolSearcher`'s. A trial without a value keeps the search away from its point. No point is tried twice while the
    space holds an untried one.

    The acquisition is maximized without the constraints. If its maximum violates one, the acquisition chooses between the nearest point
    that satisfies them and untried points of the Sobol sequence.
    """

    Settings: ClassVar[type[BaseModel]] = BoTorchSettings
    settings: BoTorchSettings

    def check(self, space: Space, trials: int) -> list[Problem]:
        """Problems: an initial design that is too long, and constraints that are not linear in the coordinates."""
        return [*super().check(space, trials), *linearity_problems(space)]

    def ask(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point:
        """The point of trial `number`; see `Searcher.ask`."""
        return self.ask_many(space, [history], goal=goal, seeds=[seed], number=number)[0]

    def ask_many(
        self, space: Space, histories: Sequence[Sequence[Observation]], *, goal: Goal, seeds: Sequence[int], number: int
    ) -> list[Point]:
        """The points of trial `number` of several searches; see `Searcher.ask_many`."""
        proposed = batched_proposals(self.settings, space, histories, goal=goal, seeds=seeds, number=number)
        points = []
        for point, history, seed in zip(proposed, histories, seeds, strict=True):
            if point is None and number >= self.settings.initial and sum(map(has_value, history)) >= 2:
                logger.warning("the Gaussian process proposes no untried point: trial %d takes a Sobol point", number)
            points.append(point or next_untried(space, history, seed=seed, number=number))
        return points


def batched_proposals(
    settings: BoTorchSettings,
    space: Space,
    histories: Sequence[Sequence[Observation]],
    *,
    goal: Goal,
    seeds: Sequence[int],
    number: int,
) -> list[Point | None]:
    """The surrogates' proposals for trial `number` of each search, as from `hpstudy.search.batched.propose.propose`.

    Returns:
        A point for each search; None in the initial design and where `propose` returns None.
    """
    if number < settings.initial:
        return [None] * len(seeds)
    with no_deprecations():
        from hpstudy.search.batched.propose import propose

    return propose(space, histories, goal=goal, seeds=seeds, number=number, effort=settings.optimizers)


@contextmanager
def no_deprecations() -> Iterator[None]:
    """GPyTorch uses deprecated parts of torch, which warns of them with a FutureWarning from version 2.14 on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=DeprecationWarning)
        warnings.simplefilter("ignore", category=FutureWarning)
        yield
