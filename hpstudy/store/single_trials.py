"""Reading of single trials: running trials, finished ones, and one trial with all stored values."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hpstudy.store import paths
from hpstudy.store.decoding import fetch
from hpstudy.store.searches import TRIALS, key_of, read_searches, refuse_foreign_point, space_of
from hpstudy.store.values import TrialState
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.space import Point


@dataclass(frozen=True)
class StoredTrial:
    """One trial without its point and metrics.

    Attributes:
        key, number: its search, and its number within the search, from 0.
        state: running, or the final state.
        objective: the measured value; None if there is none.
        started_at, ended_at: times in UTC; `ended_at` is None while the trial is running.
        evaluate_s: wall time of its training in seconds; None while the trial is running.
    """

    key: SearchKey
    number: int
    state: TrialState
    objective: float | None
    started_at: str
    ended_at: str | None
    evaluate_s: float | None


@dataclass(frozen=True)
class TrialDetail:
    """One trial with all stored values.

    Attributes:
        trial: its state, value and times.
        point: the evaluated point.
        seed_number: number of the fresh seed of a confirmation; None for any other trial.
        attempts: how often its evaluation was started.
        error_type, error, traceback: of the exception that it raised; None if there is none.
        log_path: absolute path of the worker's log; None if there is none.
        metrics: final values by name.
        curves: (epoch, value) pairs by the name of the metric, ordered by epoch.
    """

    trial: StoredTrial
    point: Point
    seed_number: int | None
    attempts: int
    error_type: str | None
    error: str | None
    traceback: str | None
    log_path: str | None
    metrics: Mapping[str, float]
    curves: Mapping[str, list[tuple[int, float]]]


class FinishedKey(NamedTuple):
    """Identifies a finished trial. `ended_at` (ISO 8601, UTC) distinguishes it from a removed trial that was run again."""

    view: str
    replicate: int
    number: int
    ended_at: str


_COLUMNS = "trial.id trial.search_id trial.number trial.state trial.objective trial.started_at trial.ended_at trial.evaluate_s"
"""Columns of a StoredTrial."""


def read_running(connection: sqlite3.Connection, study: Study) -> list[StoredTrial]:
    """Return the running trials, ordered by start time."""
    return _read(connection, study, "FROM trial WHERE state = 'running' ORDER BY started_at, id")


def read_latest(connection: sqlite3.Connection, study: Study, most: int) -> list[StoredTrial]:
    """Return the `most` latest finished trials, the latest first."""
    return _read(connection, study, "FROM trial WHERE ended_at IS NOT NULL ORDER BY ended_at DESC, id DESC LIMIT ?", most)


def count_ended_since(connection: sqlite3.Connection, moment: str) -> int:
    """Return the number of trials that have ended since `moment` (ISO 8601, UTC)."""
    return int(connection.execute("SELECT count(*) FROM trial WHERE ended_at >= ?", (moment,)).fetchone()[0])


def finished_keys(connection: sqlite3.Connection, since: str = "") -> list[FinishedKey]:
    """Return the trials that ended at `since` or later, ordered by end time."""
    columns = "view.name search.replicate trial.number trial.ended_at"
    ended = "trial.state <> 'running' AND trial.ended_at >= ? ORDER BY trial.ended_at, trial.id"
    return [FinishedKey(*row) for row in fetch(connection, columns, f"FROM {TRIALS} WHERE {ended}", (since,))]


def read_trial(connection: sqlite3.Connection, study: Study, key: SearchKey, number: int, database: Path) -> TrialDetail | None:
    """Return one trial; None if there is no trial with this search and number."""
    rows = fetch(
        connection,
        f"{_COLUMNS} trial.point trial.attempts trial.error_type trial.error trial.traceback trial.log_path",
        f"FROM {TRIALS} WHERE view.name = ? AND replicate = ? AND number = ?",
        (key.view, key.replicate, number),
    )
    if not rows:
        return None
    trial_id, _, _, *stored, point, attempts, error_type, error, traceback, log_path = rows[0]
    refuse_foreign_point(trial_id, point, space_of(study, key.view))
    seeds = fetch(connection, "retraining.seed_number", "FROM retraining WHERE trial_id = ?", (trial_id,))
    of_trial = "JOIN metric ON metric.id = metric_id WHERE trial_id = ? ORDER BY name"
    metrics = fetch(connection, "metric.name metric_value.value", f"FROM metric_value {of_trial}", (trial_id,))
    curves: dict[str, list[tuple[int, float]]] = {}
    for name, epoch, value in fetch(
        connection, "metric.name curve.epoch curve.value", f"FROM curve {of_trial}, epoch", (trial_id,)
    ):
        curves.setdefault(name, []).append((epoch, value))
    return TrialDetail(
        StoredTrial(key, number, *stored),
        point,
        seeds[0][0] if seeds else None,
        attempts,
        error_type,
        error,
        traceback,
        paths.to_absolute(log_path, database),
        dict(metrics),
        curves,
    )


def _read(connection: sqlite3.Connection, study: Study, tail: str, *arguments: int) -> list[StoredTrial]:
    searches = read_searches(connection, study)
    rows = fetch(connection, _COLUMNS, tail, arguments)
    return [StoredTrial(key_of(searches, trial_id, search_id), *rest) for trial_id, search_id, *rest in rows]
