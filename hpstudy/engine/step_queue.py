"""The steps of a run that wait for a worker, in the order in which they start."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from hpstudy.engine.requests import TrialKey
from hpstudy.store import TrialRow
from hpstudy.study.confirm import Retraining
from hpstudy.study.plan import Group, SearchKey
from hpstudy.study.space import Point


class StoredTrial(NamedTuple):
    """A stored trial: its search and its row."""

    key: SearchKey
    row: TrialRow


@dataclass(frozen=True)
class Step:
    """A waiting or running step.

    Attributes:
        group: its searches; for a step of a confirmation, only that one.
        trials: the trials that it evaluates; empty if it asks for the next points of the group.
        listed: trials of a confirmation that have not started: what they retrain, and the points. The step stores and evaluates them.
        interrupted: whether the session that evaluated its trials has ended.
        deaths: number of workers that died running it in this session. An interruption of the whole run does not count.
        losses: number of workers that were lost with their machine while running it in this session.
    """

    group: Group
    trials: Sequence[StoredTrial] = ()
    listed: Mapping[Retraining, Point] = field(default_factory=dict)
    interrupted: bool = False
    deaths: int = 0
    losses: int = 0

    @property
    def keys(self) -> tuple[TrialKey, ...]:
        """The trials that it evaluates."""
        return tuple(TrialKey(key, row.number) for key, row in self.trials)

    @property
    def seed_number(self) -> int:
        """The lowest fresh seed of the confirmations that it evaluates; -1 for a step of a search."""
        retrained = next(iter(self.listed), self.trials[0].row.retrained if self.trials else None)
        return retrained.seed_number if retrained else -1


class StepQueue:
    """Waiting steps: those of searches before those of fresh seeds, then in the order of the plan, then as added.

    Args:
        positions: position of each search in the plan.
    """

    def __init__(self, positions: Mapping[SearchKey, int]) -> None:
        self._positions = positions
        self._heap: list[tuple[int, int, int, Step]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, step: Step) -> None:
        """Add a step."""
        heapq.heappush(self._heap, (step.seed_number, self._positions[step.group[0]], next(self._order), step))

    def take(self, most: int) -> list[Step]:
        """Remove the first steps, at most `most`."""
        return [heapq.heappop(self._heap)[-1] for _ in range(min(most, len(self._heap)))]


def group_text(group: Group) -> str:
    """The searches of a group, such as "both, replicates 0 to 3"."""
    return f"{group[0].view}, replicate{_range([key.replicate for key in group])}"


def trials_text(trials: Sequence[TrialKey]) -> str:
    """The trials of a step, such as "both, replicate 0, trial 3"."""
    group = tuple(trial.search for trial in trials)
    return f"{group_text(group)}, trial{_range([trial.number for trial in trials])}"


def _range(numbers: Sequence[int]) -> str:
    """The end of a phrase about consecutive numbers: " 3", or "s 3 to 5"."""
    first, last = min(numbers), max(numbers)
    return f" {first}" if first == last else f"s {first} to {last}"
