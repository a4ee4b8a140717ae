"""What to try next: the interface of every searcher."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel

from hpstudy.errors import Problem
from hpstudy.goal import Goal
from hpstudy.study.space import Point, Space

Key = tuple[str | int, ...]
"""Where a setting stands in a study; begins with "search"."""


@dataclass(frozen=True)
class Observation:
    """One past trial as the searcher sees it.

    Attributes:
        number: the trial's number within its search, from 0.
        point: the point that was tried.
        value: the metric; None for a trial that gave none (`on_failure: drop`), whose point was tried all the same.
    """

    number: int
    point: Point
    value: float | None


class Searcher(ABC):
    """Proposes the points of one search, one after another.

    A searcher keeps nothing between calls: all it knows of a search are its arguments, so any process can ask for any trial
    again and gets the same bits. It is made once per process and asked many times, for many searches.

    Implementations import their libraries inside `ask`: `hpstudy validate` makes a searcher to check its settings, and must
    start fast.
    """

    Settings: ClassVar[type[BaseModel]]
    """The searcher's own keys of the study's `search` block; unknown keys are refused."""
    lists_points: ClassVar[bool] = False
    """Whether the points are listed beforehand, so that the study is a sweep and not a search."""
    reads_history: ClassVar[bool] = True
    """Whether `ask` reads the history. When False it may get an empty one, so that a trial costs the same however many came before."""

    def __init__(self, settings: BaseModel) -> None:
        self.settings = settings

    def check(self, space: Space, trials: int) -> list[Problem]:
        """What is wrong with the settings for one view, beyond their form.

        By default only this: a setting called `initial`, the number of trials of an initial design, must fit into the search.

        Args:
            space: what the view may try.
            trials: trials of every search.

        Returns:
            Problems with keys of the study, for instance ("search", "points", 0, "alpha"). What is found for some of the views
            only is reported with their names.
        """
        initial = getattr(self.settings, "initial", None)
        if not isinstance(initial, int) or initial <= trials:
            return []
        text = f"the initial design of {initial} trials does not fit into a search of {trials}: lower 'initial' or raise 'trials'"
        return [Problem(("search", "initial"), text)]

    def named(self) -> list[Key]:
        """Where the settings name hyperparameters: keys that end in the name. One that no view tunes is a mistake."""
        return []

    @abstractmethod
    def ask(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point:
        """The point of trial `number`.

        Args:
            space: what may be tried.
            history: trials 0 .. number-1 of this search, in order; possibly empty when `reads_history` is False.
            goal: which way the values are better.
            seed: the search's seed, the same for all its trials; what one trial needs is derived from (seed, number). In [0, 2**31) for a
                user's own searcher unless the study's `search_seed_bits` is 63.
            number: the trial asked for, from 0.

        Returns:
            A point that `space.admits`.
        """

    def ask_many(
        self, space: Space, histories: Sequence[Sequence[Observation]], *, goal: Goal, seeds: Sequence[int], number: int
    ) -> list[Point]:
        """The points of trial `number` of several searches of one space (`search.lockstep`). By default one after the other.

        Args:
            space: what may be tried.
            histories: of each search, as in `ask`.
            goal: which way the values are better.
            seeds: of each search.
            number: the trial asked for, from 0.

        Returns:
            A point for each search. It depends on its own search and on the number of searches, not on the other searches.
        """
        return [
            self.ask(space, history, goal=goal, seed=seed, number=number) for history, seed in zip(histories, seeds, strict=True)
        ]
