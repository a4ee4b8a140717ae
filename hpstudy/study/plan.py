"""What a study is going to run: its searches in order, the work left, and how long it takes."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from hpstudy.study.controls import arms
from hpstudy.study.schema import Study


@dataclass(frozen=True)
class SearchKey:
    """One search of a study: a view, or one of its controls (`hpstudy.study.controls`), and a replicate (from 0)."""

    view: str
    replicate: int


@dataclass(frozen=True)
class Plan:
    """What a study is going to run."""

    study: Study

    def searches(self) -> tuple[SearchKey, ...]:
        """All searches in run order.

        Replicate by replicate, so that a half-finished study has whole replicates; then by view, and at last the controls.
        """
        return tuple(SearchKey(name, replicate) for replicate in range(self.study.replicates) for name in arms(self.study))

    @property
    def trials(self) -> int:
        """Trials of all searches together."""
        return self.study.replicates * sum(arm.trials for arm in arms(self.study).values())

    def remaining(self, done: Mapping[SearchKey, int]) -> dict[SearchKey, int]:
        """Trials still to be run in every search that is not finished, in run order, given how many are done in each."""
        planned = arms(self.study)
        left = {search: planned[search.view].trials - done.get(search, 0) for search in self.searches()}
        return {search: trials for search, trials in left.items() if trials > 0}

    def duration_s(self, done: Mapping[SearchKey, int], trial_s: Mapping[str, float], workers: int) -> float:
        """Wall seconds that the rest takes.

        Each worker takes the next search in run order when it is free: the trials of one search follow each other, so that more
        workers than searches do not help.

        Args:
            done: finished trials of each search.
            trial_s: seconds of one trial of each view and control, choosing its point included.
            workers: trials at a time.
        """
        free_at = [0.0] * workers
        for search, trials in self.remaining(done).items():
            heapq.heapreplace(free_at, free_at[0] + trials * trial_s[search.view])
        return max(free_at)
