"""Which trials of confirmations can begin, as the searches that they confirm continue."""

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
        store: holds the study.
        searches: those that the database runs.
        stacks: whether all seeds of a point are trained together.

    Attributes:
        of_incumbents: whether every incumbent of a search is confirmed, as soon as it has ended.
    """

    def __init__(self, store: Store, searches: Collection[SearchKey], stacks: bool) -> None:
        self._store = store
        self._study = study = store.study
        self._stacks = stacks
        self.of_incumbents = study.confirm is not None and study.confirm.incumbents
        self._returned = defaultdict[SearchKey, set[Retraining]](set)
        self._incumbents: dict[SearchKey, list[TrialRow]] = {}
        self._found = {
            searched: incumbent_count(
                study, searched, {key.replicate: store.history(key) for key in searches if key.view == searched}
            )
            for searched in (confirmed(study) if self.of_incumbents else ())
        }

    def listed(self, confirmation: SearchKey) -> list[dict[Retraining, Point]]:
        """The trials that are listed by now, not stored, and were not returned before; those that are trained together in one dict."""
        new = {
            again: point for again, point in self._store.listed(confirmation).items() if again not in self._returned[confirmation]
        }
        self._returned[confirmation].update(new)
        return [{again: new[again] for again in stack} for stack in self.stacked(new)]

    def stacked(self, retrainings: Iterable[Retraining]) -> list[list[Retraining]]:
        """Those that are trained together: all seeds of a point, or each alone."""
        stacks = defaultdict[object, list[Retraining]](list)
        for again in retrainings:
            stacks[again.number if self._stacks else again].append(again)
        return list(stacks.values())

    def is_incumbent(self, search: SearchKey, rows: Sequence[TrialRow]) -> bool:
        """Whether the last trial of a search that is confirmed, which has just ended, is an incumbent. Counts it."""
        if search not in self._incumbents:
            self._incumbents[search] = incumbents(self._study, rows[:-1])
        known = self._incumbents[search]
        found = rows[-1] in incumbents(self._study, [*known[-1:], rows[-1]])
        if found:
            known.append(rows[-1])
        self._found[search.view].found[search.replicate] = len(known), len(rows)
        return found

    def planned(self, searched: str) -> tuple[int, int]:
        """Trials of all confirmations of an arm, and how many of them are an estimate (`of_incumbents` only)."""
        assert self._study.confirm is not None
        return self._found[searched].trainings(self._study.confirm.seeds)
