"""The searches of a study, in the order in which they are run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpstudy.study.schema import Study


@dataclass(frozen=True)
class SearchKey:
    """One search of a study: a view and a replicate (from 0)."""

    view: str
    replicate: int


@dataclass(frozen=True)
class Plan:
    """What a study is going to run."""

    study: Study

    def searches(self) -> tuple[SearchKey, ...]:
        """All searches in run order: replicate by replicate, so that a half-finished study has whole replicates; then by view."""
        return tuple(SearchKey(view, replicate) for replicate in range(self.study.replicates) for view in self.study.views)

    @property
    def trials(self) -> int:
        """Trials of all searches together."""
        return len(self.study.views) * self.study.replicates * self.study.search.trials

    def left(self, done: Mapping[str, int]) -> dict[str, int]:
        """Trials still to be run in every view, given how many are done in each."""
        planned = self.study.replicates * self.study.search.trials
        return {view: max(0, planned - done.get(view, 0)) for view in self.study.views}
