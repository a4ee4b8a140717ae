"""Numbers of trials by state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass

from hpstudy.study.plan import SearchKey


@dataclass(frozen=True)
class Counts:
    """Number of trials of a search, an arm or a study, by state.

    Attributes:
        planned: all trials, stored or not.
        running, completed, diverged, failed, timed_out: stored trials in this state.
        estimated: how many of the planned trials are an estimate: confirmations of incumbents that a search is expected to find.
    """

    planned: int = 0
    running: int = 0
    completed: int = 0
    diverged: int = 0
    failed: int = 0
    timed_out: int = 0
    estimated: int = 0

    @property
    def by_state(self) -> dict[str, int]:
        """The stored trials by state, in the order of `hpstudy.store.STATES`."""
        counts = asdict(self)
        del counts["planned"], counts["estimated"]
        return counts

    @property
    def planned_text(self) -> str:
        """The number of planned trials as text; "about 1,000" if it contains an estimate."""
        return f"{'about ' if self.estimated else ''}{self.planned:,}"

    @property
    def finished(self) -> int:
        """Trials that have ended, with or without a value."""
        return sum(self.by_state.values()) - self.running

    @property
    def no_value(self) -> str:
        """A message if trials have ended and none of them has a value; otherwise ""."""
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
        """Add several counts. Returns zeros for none."""
        return cls(*map(sum, zip(*map(astuple, counts), strict=True)))


def by_arm(counts: Mapping[SearchKey, Counts]) -> dict[str, Counts]:
    """Sum the counts of searches over replicates. Returns them by arm."""
    arms = dict.fromkeys(key.view for key in counts)
    return {name: Counts.total(count for key, count in counts.items() if key.view == name) for name in arms}
