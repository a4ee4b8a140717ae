"""The steps of a run that wait for a worker, in the order in which they start."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from hpstudy.engine.remaining_work import RemainingWork
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

    A search that may take longer than each worker's equal share of the remaining work goes first. Otherwise the last searches would run
    while other workers have nothing to do.

    Args:
        positions: position of each search in the plan.
        work: the remaining work.
        stacks: whether the trials of a group are one step.
    """

    def __init__(self, positions: Mapping[SearchKey, int], work: RemainingWork, *, stacks: bool) -> None:
        self._positions = positions
        self._work = work
        self._stacks = stacks
        self._order = count()
        self._waiting: dict[int, Step] = {}
        self._planned: list[tuple[int, int, int]] = []
        self._longest: dict[str, list[tuple[int, int, int]]] = {}
        """For each arm, its waiting searches, those with the most remaining trials first."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, step: Step) -> None:
        """Add a step."""
        order, position = next(self._order), self._positions[step.group[0]]
        self._waiting[order] = step
        self._push(self._planned, (step.seed_number, position, order))
        if step.seed_number < 0:
            longest = self._longest.setdefault(step.group[0].view, [])
            self._push(longest, (-self._trials_in_sequence(step), position, order))

    def take(self, most: int, workers: int) -> list[Step]:
        """Remove the first steps, at most `most`, for a run with this number of workers."""
        share_s = self._work.total_s() / max(workers, 1)
        return [self._waiting.pop(self._next(share_s, workers)) for _ in range(min(most, len(self._waiting)))]

    def _next(self, share_s: float, workers: int) -> int:
        """The order of the next step."""
        first = {arm: entry for arm, heap in self._longest.items() if (entry := self._first(heap))}
        if first and workers > 1:
            seconds = {arm: self._work.most_s(arm, -entry[0]) for arm, entry in first.items()}
            longest = max(seconds, key=seconds.__getitem__)
            if seconds[longest] > share_s:
                return first[longest][-1]
        entry = self._first(self._planned)
        assert entry is not None, "the caller takes no more steps than there are"
        return entry[-1]

    def _push(self, heap: list[tuple[int, int, int]], entry: tuple[int, int, int]) -> None:
        """Add an entry. Entries of steps that were taken from another heap are removed when they are more than half."""
        if len(heap) > 2 * len(self._waiting):
            heap[:] = [each for each in heap if each[-1] in self._waiting]
            heapq.heapify(heap)
        heapq.heappush(heap, entry)

    def _first(self, heap: list[tuple[int, int, int]]) -> tuple[int, int, int] | None:
        """The first entry of a heap whose step is waiting."""
        while heap and heap[0][-1] not in self._waiting:
            heapq.heappop(heap)
        return heap[0] if heap else None

    def _trials_in_sequence(self, step: Step) -> int:
        """The number of remaining trials of a search that run one after the other."""
        key = step.trials[0].key if step.trials else step.group[0]
        return self._work.left(key) * (len(step.group) if self._stacks else 1)


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
