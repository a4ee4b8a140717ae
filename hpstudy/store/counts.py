"""How many trials are in each state, and how many are planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass

from hpstudy.study.plan import SearchKey


@dataclass(frozen=True)
class Counts:
    """Trials of a search, an arm or a study, by state.

    Attributes:
        planned: trials in all, stored or not.
        running, completed, diverged, failed, timed_out: stored trials in this state.
    """

    planned: int = 0
    running: int = 0
    completed: int = 0
    diverged: int = 0
    failed: int = 0
    timed_out: int = 0

    @property
    def by_state(self) -> dict[str, int]:
        """The stored trials by state, in the order of `hpstudy.store.STATES`."""
        counts = asdict(self)
        del counts["planned"]
        return counts

    @property
    def finished(self) -> int:
        """Trials that have ended, with or without a value."""
        return sum(self.by_state.values()) - self.running

    @property
    def no_value(self) -> str:
        """A sentence when trials have ended and none of them has a value; "" otherwise."""
        if self.completed or not self.finished:
            return ""
        ended = ", ".join(f"{n:,} {state.replace('_', ' ')}" for state, n in self.by_state.items() if n and state != "running")
        return f"No trial has a value: {ended}."

    @property
    def left(self) -> int:
        """Trials that have not ended."""
        return self.planned - self.finished

    @classmethod
    def total(cls, counts: Iterable[Counts]) -> Counts:
        """The sum of several counts; zeros when there are none."""
        return cls(*map(sum, zip(*map(astuple, counts), strict=True)))


def by_arm(counts: Mapping[SearchKey, Counts]) -> dict[str, Counts]:
    """The counts of searches, summed over replicates."""
    arms = dict.fromkeys(key.view for key in counts)
    return {name: Counts.total(count for key, count in counts.items() if key.view == name) for name in arms}
