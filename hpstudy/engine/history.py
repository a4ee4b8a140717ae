"""The trials of running searches, in memory and in the database, and as a searcher receives them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hpstudy.engine.step_queue import StoredTrial
from hpstudy.search.interface import Observation
from hpstudy.store import HEARTBEAT_S, EndedTrial, NewTrial, Store, TrialRow
from hpstudy.study.confirm import Retraining
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Metric
from hpstudy.study.space import Point


class Histories:
    """The trials of each running search. The database is read once for each search; every change is written to it.

    Args:
        store: the database; this object is the only one that writes trials.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: dict[SearchKey, list[TrialRow]] = {}
        self._last_write = time.monotonic()

    def __getitem__(self, key: SearchKey) -> list[TrialRow]:
        if key not in self._rows:
            self._rows[key] = self._store.history(key)
        return self._rows[key]

    def pop(self, key: SearchKey) -> list[TrialRow]:
        """Forget a complete search; returns its trials."""
        return self._rows.pop(key)

    def new_trial(self, key: SearchKey, point: Point, ask_s: float, retrained: Retraining | None = None) -> NewTrial:
        """Add the next trial of a search, which `start` stores."""
        rows = self[key]
        rows.append(TrialRow(len(rows), point, "running", None, 1, retrained))
        return NewTrial(key, len(rows) - 1, point, ask_s, retrained)

    def start(self, new: Sequence[NewTrial], new_sources: Mapping[str, str]) -> None:
        """Store new trials as running, in one transaction with the user's code that is new."""
        self._store.start_trials(new, identity=new_sources)
        self._last_write = time.monotonic()

    def start_again(self, trials: Sequence[StoredTrial], reason: str) -> list[StoredTrial]:
        """Store another attempt of trials, and why there is one."""
        self._store.record_attempts([(key, row.number) for key, row in trials], reason)
        again = [StoredTrial(key, replace(row, attempts=row.attempts + 1)) for key, row in trials]
        for key, row in again:
            self._rows[key][row.number] = row
        return again

    def finish(self, ended: Sequence[EndedTrial], new_sources: Mapping[str, str]) -> None:
        """Store the outcomes of trials, in one transaction with the user's code that is new."""
        self._store.finish_trials(ended, identity=new_sources)
        self._last_write = time.monotonic()
        for one in ended:
            rows = self._rows[one.key]
            rows[one.number] = replace(rows[one.number], state=one.outcome.state, objective=one.objective)

    def heartbeat(self) -> None:
        """Show that this process is alive, if it has written nothing for HEARTBEAT_S."""
        if time.monotonic() - self._last_write > HEARTBEAT_S:
            self._store.heartbeat()
            self._last_write = time.monotonic()


def observations(rows: Sequence[TrialRow], metric: Metric) -> tuple[Observation, ...]:
    """The finished trials of a search as observations for its searcher.

    `metric.on_failure` decides how a trial without a finite value (diverged, failed, timed out) appears. With `drop` it has its point and
    no value. With `worst` it has the worst value that the search has measured so far, or no value while there is none. The result depends
    only on `rows`.
    """
    values = [row.objective if row.state == "completed" else None for row in rows]
    measured = [value for value in values if value is not None]
    worst = metric.goal.worst(measured) if metric.on_failure == "worst" and measured else None
    return tuple(
        Observation(row.number, row.point, worst if value is None else value) for row, value in zip(rows, values, strict=True)
    )
