"""Whether the endpoint, budgets, target, margin, comparisons and claims were declared before the first trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hpstudy.study.changes import growth
from hpstudy.study.schema import Study

BLOCK = "analysis."
"""Where the declaration stands in a study."""


@dataclass(frozen=True)
class Change:
    """One change of the declaration.

    Attributes:
        at: when; "" for the settings of this report, which the database does not have.
        finished_trials: how many trials were finished by then; None where the database does not say.
        keys: what changed.
    """

    at: str
    finished_trials: int | None
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Declaration:
    """What is known of when the analysis was declared.

    Attributes:
        digest: SHA-256 of the analysis settings that this report uses.
        first_digest: of those that stood when the database was made; None where it does not say, as in databases of older versions.
        changes: after the database was made, in order.
    """

    digest: str
    first_digest: str | None
    changes: tuple[Change, ...]

    @property
    def before_first_trial(self) -> bool | None:
        """Whether all of it was declared before any trial was finished; None where the database cannot tell."""
        late = [change for change in self.changes if change.finished_trials != 0]
        if not late:
            proved = self.first_digest is not None and (bool(self.changes) or self.first_digest == self.digest)
            return True if proved else None
        return None if all(change.finished_trials is None and change.at for change in late) else False


def declaration(stored: Study, used: Study, events: Iterable[tuple[str, str, Mapping[str, Any]]], finished: int) -> Declaration:
    """Read the declaration's history.

    Args:
        stored: the study as it stands in the database.
        used: the same with the analysis settings of this report.
        events: (at, kind, detail) of the database, in order.
        finished: trials finished by now.
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
