"""What comes out of a database one by one: trials of a search, events, environments."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

from hpstudy.store.values import decode, decode_point
from hpstudy.study.confirm import Retraining
from hpstudy.study.space import Point

TrialState = Literal["running", "completed", "diverged", "failed", "timed_out"]
"""The state of a stored trial; all but the first are final."""

STATES: tuple[TrialState, ...] = ("running", "completed", "diverged", "failed", "timed_out")
"""All states, in the order in which counts are shown."""


@dataclass(frozen=True)
class TrialRow:
    """One trial as the search sees it.

    Attributes:
        number: its number within the search, from 0.
        point: the point tried.
        state: running, or how it ended.
        objective: the measured value (NaN and infinities included); None when there is none.
        attempts: how often its evaluation was begun.
        retrained: of a confirmation: what it trains again; None for every other trial.
    """

    number: int
    point: Point
    state: TrialState
    objective: float | None
    attempts: int
    retrained: Retraining | None = None

    @property
    def seed_number(self) -> int | None:
        """Number of the fresh seed of a confirmation; None for every other trial."""
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
    """Something that happened to the study: when (UTC), what, and its particulars."""

    at: str
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Environment:
    """Where one session of the study ran: machine, libraries, versions. `ended_at` is None while it runs, or when it died."""

    id: int
    started_at: str
    ended_at: str | None
    detail: dict[str, str]


def read_history(connection: sqlite3.Connection, view: str, replicate: int) -> list[TrialRow]:
    """The trials of one search, in order."""
    rows = connection.execute(
        """
        SELECT trial.number, trial.point, trial.state, trial.objective, trial.objective_kind, trial.attempts,
            original.number, retraining.seed_number
        FROM trial JOIN search ON search.id = trial.search_id JOIN view ON view.id = search.view_id
        LEFT JOIN retraining ON retraining.trial_id = trial.id LEFT JOIN trial AS original ON original.id = retraining.of_trial_id
        WHERE view.name = ? AND search.replicate = ?
        ORDER BY trial.number
        """,
        (view, replicate),
    )
    return [
        TrialRow(
            number,
            decode_point(point),
            state,
            None if kind is None else decode(value, kind),
            attempts,
            None if seed is None else Retraining(of, seed),
        )
        for number, point, state, value, kind, attempts, of, seed in rows
    ]


def read_events(connection: sqlite3.Connection) -> list[Event]:
    """All events, in order."""
    rows = connection.execute("SELECT at, kind, detail FROM event ORDER BY id")
    return [Event(at, kind, json.loads(detail)) for at, kind, detail in rows]


def read_environments(connection: sqlite3.Connection) -> list[Environment]:
    """All sessions' environments, in order."""
    rows = connection.execute("SELECT id, started_at, ended_at, detail FROM environment ORDER BY id")
    return [Environment(number, started, ended, json.loads(detail)) for number, started, ended, detail in rows]
