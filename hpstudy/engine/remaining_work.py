"""The work that remains in a run, in expected seconds. It determines the order of steps, never a result."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from hpstudy.study.plan import SearchKey

DEVIATIONS = 3
"""Standard deviations that a search is expected to take at most beyond its mean."""


@dataclass
class Durations:
    """Mean and variance of the durations of an arm's trials, in seconds (Welford 1962, https://doi.org/10.1080/00401706.1962.10490022)."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0
    """Sum of the squared deviations from the mean."""

    def add(self, seconds: float) -> None:
        """Add a duration."""
        self.n += 1
        difference = seconds - self.mean
        self.mean += difference / self.n
        self.squares += difference * (seconds - self.mean)

    @property
    def variance(self) -> float:
        """Variance; 0 for fewer than two durations."""
        return self.squares / (self.n - 1) if self.n > 1 else 0.0


class RemainingWork:
    """The trials that remain, and how long they take by the trials that have ended in this run.

    Args:
        left: number of remaining trials of each search.
    """

    def __init__(self, left: Mapping[SearchKey, int]) -> None:
        self._left = dict(left)
        self._left_of_arm = Counter[str]()
        for key, trials in left.items():
            self._left_of_arm[key.view] += trials
        self._durations: dict[str, Durations] = {}
        self._of_all = Durations()

    def finish(self, key: SearchKey, seconds: float) -> None:
        """Count a trial that has ended, with its duration."""
        # A search can have more confirmations than were expected.
        if self._left[key]:
            self._left[key] -= 1
            self._left_of_arm[key.view] -= 1
        for durations in (self._durations.setdefault(key.view, Durations()), self._of_all):
            durations.add(seconds)

    def left(self, key: SearchKey) -> int:
        """The number of remaining trials of a search."""
        return self._left[key]

    def total_s(self) -> float:
        """Expected seconds of all remaining trials, one after the other."""
        return sum(left * self._expected(arm).mean for arm, left in self._left_of_arm.items())

    def most_s(self, arm: str, trials: int) -> float:
        """Seconds that a number of trials one after the other will hardly exceed."""
        expected = self._expected(arm)
        return trials * expected.mean + DEVIATIONS * math.sqrt(trials * expected.variance)

    def _expected(self, arm: str) -> Durations:
        """The durations of an arm; those of all arms while it has none."""
        return self._durations.get(arm, self._of_all)
