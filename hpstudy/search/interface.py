"""The interface of every searcher."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel

from hpstudy.errors import Problem
from hpstudy.goal import Goal
from hpstudy.study.blocks import NoSettings
from hpstudy.study.space import Point, Space

Key = tuple[str | int, ...]
"""The path of a setting in a study; begins with "search"."""


@dataclass(frozen=True)
class Observation:
    """One past trial as the searcher sees it.

    Attributes:
        number: the trial's number within its search, from 0.
        point: the point that was tried.
        value: the metric; None for a trial without a value (`on_failure: drop`). Its point was still tried.
    """

    number: int
    point: Point
    value: float | None


class Searcher(ABC):
    """Proposes the points of a search one after another.

    A searcher keeps no state between calls. Its proposals depend only on the arguments, so any process can ask for any trial again and gets
    the same bits. It is created once per process and asked many times, for many searches.

    Implementations import their libraries inside `ask`, because `hpstudy validate` creates a searcher to check its settings and must start
    fast.
    """

    Settings: ClassVar[type[BaseModel]] = NoSettings
    """The searcher's own keys of the study's `search` block; unknown keys are rejected."""
    lists_points: ClassVar[bool] = False
    """Whether the points are listed in advance. The study is then a sweep and not a search."""
    reads_history: ClassVar[bool] = True
    """Whether `ask` reads the history. If False, the history may be empty, so that the cost of a trial does not grow with the history."""

    def __init__(self, settings: BaseModel | None = None) -> None:
        self.settings = self.Settings() if settings is None else settings

    def check(self, space: Space, trials: int) -> list[Problem]:
        """Check the settings for one view, beyond their schema.

        The default checks only that a setting `initial`, the number of trials of an initial design, does not exceed the trials of a search.

        Args:
            space: the search space of the view.
            trials: number of trials of every search.

        Returns:
            Problems with keys of the study, for instance ("search", "points", 0, "alpha"). Problems of only some views are reported with
            their names.
        """
        initial = getattr(self.settings, "initial", None)
        if not isinstance(initial, int) or initial <= trials:
            return []
        text = f"the initial design of {initial} trials does not fit into a search of {trials}: lower 'initial' or raise 'trials'"
        return [Problem(("search", "initial"), text)]

    def named(self) -> list[Key]:
        """The keys of settings that name hyperparameters; each key ends in the name. A name that no view tunes is a mistake."""
        return []

    @abstractmethod
    def ask(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point:
        """The point of trial `number`.

        Args:
            space: the search space.
            history: trials 0 .. number-1 of this search, in order; may be empty if `reads_history` is False.
            goal: whether values are minimized or maximized.
            seed: seed of the search, the same for all its trials; derive the seed of one trial from (seed, number). In [0, 2**31) for a
                user's own searcher unless the study's `search_seed_bits` is 63.
            number: number of the requested trial, from 0.

        Returns:
            A point that `space.admits`.
        """

    def ask_many(
        self, space: Space, histories: Sequence[Sequence[Observation]], *, goal: Goal, seeds: Sequence[int], number: int
    ) -> list[Point]:
        """The points of trial `number` of several searches of one space (`search.lockstep`). The default calls `ask` for each.

        Args:
            space: the search space.
            histories: history of each search, as in `ask`.
            goal: whether values are minimized or maximized.
            seeds: seed of each search.
            number: number of the requested trial, from 0.

        Returns:
            A point for each search. It depends on its own search and on the number of searches, but not on the other searches.
        """
        return [
            self.ask(space, history, goal=goal, seed=seed, number=number) for history, seed in zip(histories, seeds, strict=True)
        ]
