"""The plan of a study: its searches in order and in groups, the remaining work, and its duration."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from hpstudy.study.controls import arms
from hpstudy.study.schema import Study


@dataclass(frozen=True)
class SearchKey:
    """One search of a study: an arm (`hpstudy.study.controls`), and a replicate (from 0)."""

    view: str
    replicate: int


Group = tuple[SearchKey, ...]
"""Searches of one arm that run in lockstep, ordered by replicate; or a single search."""


@dataclass(frozen=True)
class Plan:
    """The plan of a study."""

    study: Study

    def searches(self) -> tuple[SearchKey, ...]:
        """All searches in run order.

        The order is by replicate, so that a partial study has whole replicates, then by view and controls. Confirmations come last.
        """
        return tuple(key for group in self.groups() for key in group)

    def groups(self) -> tuple[Group, ...]:
        """All searches in run order, in the groups that run in lockstep. Each confirmation is a separate group."""
        named, replicates = arms(self.study), self.study.replicates
        return tuple(
            tuple(SearchKey(name, replicate) for replicate in range(first, min(first + size, replicates)))
            for listed, size in ((False, self.study.search.lockstep), (True, 1))
            for first in range(0, replicates, size)
            for name, arm in named.items()
            if arm.listed == listed
        )

    def duration_s(
        self, left: Mapping[SearchKey, int], trial_s: Mapping[str, float], workers: int, *, stacks: bool = False
    ) -> float:
        """Wall seconds of the remaining work.

        The trials of one search are sequential, so more workers than searches do not help. Workers share searches equally, unless one of
        them takes longer. Listed trials are independent and run last. Trials that are trained together use one worker.

        Args:
            left: number of remaining trials of each search.
            trial_s: seconds of one trial of each arm, including the choice of its point; for trials that are trained together, a share of
                their seconds.
            workers: number of steps at a time.
            stacks: whether the task trains the trials of a group in lockstep together.
        """
        named = arms(self.study)
        stacks = stacks and self.study.search.lockstep > 1
        searches, listed = [0.0], list[float]()  # seconds
        for group in self.groups():
            arm, trials = named[group[0].view], [left[search] for search in group if search in left]
            if arm.listed:
                size = arm.trials if stacks else 1
                runs = [min(size, sum(trials) - begun) for begun in range(0, sum(trials), size)]
            else:
                runs = [sum(trials)] if stacks else trials
            (listed if arm.listed else searches).extend(run * trial_s[group[0].view] for run in runs if run)
        free_at = [sum(searches) / workers] * workers
        for seconds in listed:
            heapq.heapreplace(free_at, free_at[0] + seconds)
        return max(*searches, *free_at)
