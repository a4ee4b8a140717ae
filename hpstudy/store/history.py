"""The trials of a search as stored, with events and environments."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from hpstudy.store.decoding import Undecodable, fetch, row_name
from hpstudy.store.searches import refuse_foreign_point, space_of
from hpstudy.store.values import TrialState
from hpstudy.study.confirm import Retraining
from hpstudy.study.controls import arms
from hpstudy.study.imported import imported
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.space import Point


@dataclass(frozen=True)
class TrialRow:
    """One trial of a search.

    Attributes:
        number: its number within the search, from 0.
        point: the evaluated point.
        state: running, or the final state.
        objective: the measured value, which can be NaN or infinite; None if there is none.
        attempts: how often its evaluation was started.
        retrained: the trial that a confirmation retrains, and the seed; None for any other trial.
    """

    number: int
    point: Point
    state: TrialState
    objective: float | None
    attempts: int
    retrained: Retraining | None = None

    @property
    def seed_number(self) -> int | None:
        """Number of the fresh seed of a confirmation; None for any other trial."""
        return None if self.retrained is None else self.retrained.seed_number


@dataclass(frozen=True)
class BestTrial:
    """The best completed trial of a view."""

    view: str
    replicate: int
    number: int
    objective: float
    point: Point
    metrics: dict[str, float]


@dataclass(frozen=True)
class Event:
    """An event of the study: its time (UTC), kind and detail."""

    at: str
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Environment:
    """The environment of a session, or of another host that ran its steps: machine, libraries, versions.

    Attributes:
        id: ID of the row.
        started_at: when the session started, or the first step on the host ended.
        ended_at: when the session ended; None while it runs, or if it was killed.
        detail: properties by name. For a session they include its `command`.
        trials: number of trials that ended there.
    """

    id: int
    started_at: str
    ended_at: str | None
    detail: dict[str, str]
    trials: int = 0


def read_history(connection: sqlite3.Connection, study: Study, view: str, replicate: int) -> list[TrialRow]:
    """Return the trials of one search, in order; an empty list for a search that the database does not have yet."""
    search_ids = fetch(
        connection,
        "search.id",
        "FROM search JOIN view ON view.id = view_id WHERE view.name = ? AND replicate = ?",
        (view, replicate),
    )
    if not search_ids:
        return []
    space, is_listed = space_of(study, view), arms(study)[view].listed
    rows = fetch(
        connection,
        "trial.id trial.number trial.point trial.state trial.objective trial.attempts",
        "FROM trial WHERE search_id = ? ORDER BY number",
        search_ids[0],
    )
    retrained = read_retrainings(connection, search_ids[0][0]) if is_listed else {}
    history = []
    for trial_id, number, point, state, objective, attempts in rows:
        refuse_foreign_point(trial_id, point, space)
        if is_listed and trial_id not in retrained:
            raise Undecodable(f"{row_name('trial', [trial_id])}: it is a confirmation but has no row in table retraining")
        history.append(TrialRow(number, point, state, objective, attempts, retrained.get(trial_id)))
    return history


def read_retrainings(connection: sqlite3.Connection, search_id: int | None = None) -> dict[int, Retraining]:
    """Return what each confirmation of a search retrains, by trial ID; of all searches if `search_id` is None."""
    rows = fetch(
        connection,
        "retraining.trial_id retraining.of_trial_id retraining.seed_number",
        "FROM retraining" if search_id is None else "FROM retraining JOIN trial ON trial.id = trial_id WHERE search_id = ?",
        () if search_id is None else (search_id,),
    )
    originals = {
        of: fetch(connection, "trial.number", "FROM trial WHERE id = ?", (of,))
        for of in {of for _, of, _ in rows if of is not None}
    }
    retrained = {}
    for trial_id, of, seed_number in rows:
        if of is not None and not originals[of]:
            raise Undecodable(f"{row_name('retraining', [trial_id])}, column of_trial_id: there is no trial {of}")
        retrained[trial_id] = Retraining(None if of is None else originals[of][0][0], seed_number)
    return retrained


def read_events(connection: sqlite3.Connection) -> list[Event]:
    """Return all events, in order."""
    return [Event(*row) for row in fetch(connection, "event.at event.kind event.detail", "FROM event ORDER BY id")]


def read_imported(connection: sqlite3.Connection) -> dict[SearchKey, int]:
    """Return how many trials of each search, the first ones, are imported results."""
    return imported((event.kind, event.detail) for event in read_events(connection))


def read_environments(connection: sqlite3.Connection) -> list[Environment]:
    """Return the environments of all sessions and hosts, in order."""
    columns = "environment.id environment.started_at environment.ended_at environment.detail"
    counted = "SELECT environment_id, count(*) FROM trial WHERE state <> 'running' GROUP BY environment_id"
    trials = dict(connection.execute(counted).fetchall())
    return [
        Environment(number, started_at, ended_at, detail, trials.get(number, 0))
        for number, started_at, ended_at, detail in fetch(connection, columns, "FROM environment ORDER BY id")
    ]
