"""Reading of single finished trials with their metrics and curves."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hpstudy.store.decoding import fetch
from hpstudy.study.space import Point


class FinishedKey(NamedTuple):
    """Identifies a finished trial. `ended_at` (ISO 8601, UTC) distinguishes it from a removed trial that was run again."""

    view: str
    replicate: int
    number: int
    ended_at: str


@dataclass(frozen=True)
class Finished:
    """A finished trial with its results.

    Attributes:
        state: final state.
        point: its hyperparameters.
        seed_number: number of the fresh seed of a confirmation; None for any other trial.
        metrics: final value by metric.
        curves: (epoch, metric, value), ordered by epoch.
        error: type and message of its failure; "" if there is none.
        started_at: start time (ISO 8601, UTC).
    """

    state: str
    point: Point
    seed_number: int | None
    metrics: Mapping[str, float]
    curves: tuple[tuple[int, str, float], ...]
    error: str
    started_at: str


def finished_keys(connection: sqlite3.Connection, since: str = "") -> dict[FinishedKey, int]:
    """Return the IDs of the trials that ended at `since` or later, ordered by end time."""
    rows = fetch(
        connection,
        "view.name search.replicate trial.number trial.ended_at trial.id",
        "FROM trial JOIN search ON search.id = search_id JOIN view ON view.id = view_id "
        "WHERE trial.state <> 'running' AND trial.ended_at >= ? ORDER BY trial.ended_at, trial.id",
        (since,),
    )
    return {FinishedKey(*key): trial_id for *key, trial_id in rows}


def read_finished(connection: sqlite3.Connection, key: FinishedKey, trial_id: int) -> Finished | None:
    """Return a finished trial; None if it has been removed."""
    columns = "trial.state trial.point trial.error_type trial.error trial.started_at"
    rows = fetch(connection, columns, "FROM trial WHERE id = ? AND ended_at = ?", (trial_id, key.ended_at))
    if not rows:
        return None
    state, point, error_type, error, started_at = rows[0]
    seeds = fetch(connection, "retraining.seed_number", "FROM retraining WHERE trial_id = ?", (trial_id,))
    of_metric = "JOIN metric ON metric.id = metric_id WHERE trial_id = ?"
    metrics = fetch(connection, "metric.name metric_value.value", f"FROM metric_value {of_metric} ORDER BY name", (trial_id,))
    curves = fetch(connection, "curve.epoch metric.name curve.value", f"FROM curve {of_metric} ORDER BY epoch, name", (trial_id,))
    failure = ": ".join(filter(None, (error_type, error)))
    return Finished(state, point, seeds[0][0] if seeds else None, dict(metrics), tuple(curves), failure, started_at)
