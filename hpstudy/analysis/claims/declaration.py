"""Whether the endpoint, budgets, target, margin, comparisons and claims were declared before the first trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hpstudy.study.changes import growth
from hpstudy.study.schema import Study

BLOCK = "analysis."
"""The key of the declaration in a study file."""


@dataclass(frozen=True)
class Change:
    """One change of the declaration.

    Attributes:
        at: time of the change; "" for settings of this report that are not in the database.
        finished_trials: number of trials finished at that time; None where the database does not record it.
        keys: changed keys.
    """

    at: str
    finished_trials: int | None
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Declaration:
    """When the analysis was declared.

    Attributes:
        digest: SHA-256 of the analysis settings that this report uses.
        first_digest: SHA-256 of the settings at the creation of the database; None where it is not recorded, as in databases of older
            versions.
        changes: changes after the creation of the database, in order.
    """

    digest: str
    first_digest: str | None
    changes: tuple[Change, ...]

    @property
    def before_first_trial(self) -> bool | None:
        """Whether everything was declared before any trial was finished; None where the database does not record it."""
        late = [change for change in self.changes if change.finished_trials != 0]
        if not late:
            recorded = self.first_digest is not None and (bool(self.changes) or self.first_digest == self.digest)
            return True if recorded else None
        return None if all(change.finished_trials is None and change.at for change in late) else False


def declaration(stored: Study, used: Study, events: Iterable[tuple[str, str, Mapping[str, Any]]], finished: int) -> Declaration:
    """The times at which the analysis was declared and changed, from the events of the database.

    Args:
        stored: the study in the database.
        used: the same study with the analysis settings of this report.
        events: (at, kind, detail) of the database, in order.
        finished: number of trials finished now.
    """
    first: str | None = None
    changes: list[Change] = []
    for at, kind, detail in events:
        if kind == "created":
            first = detail.get("declaration")
        elif kind == "study_changed":
            keys = _keys(detail.get("changes", ()))
            if keys or "changes" not in detail:
                changes.append(Change(at, detail.get("finished_trials"), keys))
    if keys := _keys(growth(stored, used)):
        changes.append(Change("", finished, keys))
    return Declaration(used.declaration(), first, tuple(changes))


def _keys(lines: Iterable[str]) -> tuple[str, ...]:
    """The keys of the declaration in lines such as "analysis.margin: 0.01 -> 0.02"."""
    keys = (line.split(":", 1)[0] for line in lines)
    return tuple(key.removeprefix(BLOCK) for key in keys if key.startswith(BLOCK))
