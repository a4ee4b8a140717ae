"""Tracks which confirmation trials can start while the searches that they confirm are running."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from hpstudy.store import Store, TrialRow, incumbent_count, incumbents
from hpstudy.study.confirm import Retraining
from hpstudy.study.controls import confirmed
from hpstudy.study.plan import SearchKey
from hpstudy.study.space import Point


class Confirmations:
    """The listed trials of a study's confirmations.

    Args:
        store: the database of the study.
        searches: the searches that the database runs.
        stacks: whether all seeds of a point are trained together.

    Attributes:
        of_incumbents: whether every incumbent of a search is confirmed as soon as its trial has ended.
    """

    def __init__(self, store: Store, searches: Collection[SearchKey], stacks: bool) -> None:
        self._store = store
        self._study = study = store.study
        self._stacks = stacks
        self.of_incumbents = study.confirm is not None and study.confirm.incumbents
        self._returned = defaultdict[SearchKey, set[Retraining]](set)
        self._incumbents: dict[SearchKey, list[TrialRow]] = {}
        self._incumbent_counts = {
            searched: incumbent_count(
                study, searched, {key.replicate: store.history(key) for key in searches if key.view == searched}
            )
            for searched in (confirmed(study) if self.of_incumbents else ())
        }

    def listed(self, confirmation: SearchKey) -> list[dict[Retraining, Point]]:
        """Listed trials that are neither stored nor returned before. Trials that are trained together share a dict."""
        new = {
            again: point for again, point in self._store.listed(confirmation).items() if again not in self._returned[confirmation]
        }
        self._returned[confirmation].update(new)
        return [{again: new[again] for again in stack} for stack in self.stacked(new)]

    def stacked(self, retrainings: Iterable[Retraining]) -> list[list[Retraining]]:
        """Groups of trials that are trained together: all seeds of a point, or each trial alone."""
        stacks = defaultdict[object, list[Retraining]](list)
        for again in retrainings:
            stacks[again.number if self._stacks else again].append(again)
        return list(stacks.values())

    def is_incumbent(self, search: SearchKey, rows: Sequence[TrialRow]) -> bool:
        """Whether the trial that has just ended, the last of its search, is an incumbent to confirm. If so, it is counted."""
        if search not in self._incumbents:
            self._incumbents[search] = incumbents(self._study, rows[:-1])
        earlier = self._incumbents[search]
        is_incumbent = rows[-1] in incumbents(self._study, [*earlier[-1:], rows[-1]])
        if is_incumbent:
            earlier.append(rows[-1])
        self._incumbent_counts[search.view].counts[search.replicate] = len(earlier), len(rows)
        return is_incumbent

    def planned(self, searched: str) -> tuple[int, int]:
        """The number of confirmation trials of an arm, and how many of them are an estimate (with `of_incumbents` only)."""
        assert self._study.confirm is not None
        return self._incumbent_counts[searched].trainings(self._study.confirm.seeds)
