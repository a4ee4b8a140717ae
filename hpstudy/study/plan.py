"""What a study is going to run: its searches in order, the work left, and how long it takes."""

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


@dataclass(frozen=True)
class Plan:
    """What a study is going to run."""

    study: Study

    def searches(self) -> tuple[SearchKey, ...]:
        """All searches in run order.

        Replicate by replicate, so that a half-finished study has whole replicates; then by view, and the controls. At last the
        confirmations.
        """
        names = arms(self.study).items()
        return tuple(
            SearchKey(name, replicate)
            for listed in (False, True)
            for replicate in range(self.study.replicates)
            for name, arm in names
            if arm.listed == listed
        )

    def planned(self) -> dict[SearchKey, int]:
        """Trials of every search in run order, as far as the study tells; a database knows more about confirmations."""
        named = arms(self.study)
        return {key: named[key.view].planned(key.replicate) for key in self.searches()}

    @property
    def trials(self) -> int:
        """Trials of all searches together."""
        return sum(self.planned().values())

    def duration_s(self, left: Mapping[SearchKey, int], trial_s: Mapping[str, float], workers: int) -> float:
        """Wall seconds that the rest takes.

        Each worker takes the next search in run order when it is free: the trials of one search follow each other, so that more
        workers than searches do not help. Listed trials do not wait for each other.

        Args:
            left: trials still to be run of each search, in run order.
            trial_s: seconds of one trial of each arm, choosing its point included.
            workers: trials at a time.
        """
        named, free_at = arms(self.study), [0.0] * workers
        for search, trials in left.items():
            runs = [1] * trials if named[search.view].listed else [trials]
            for run in runs:
                heapq.heapreplace(free_at, free_at[0] + run * trial_s[search.view])
        return max(free_at)
