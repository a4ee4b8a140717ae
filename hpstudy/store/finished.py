"""Finished trials one by one, each with its metrics and curves."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hpstudy.store.decoding import fetch
from hpstudy.study.space import Point


class FinishedKey(NamedTuple):
    """Which trial it is, and when it ended (ISO 8601, UTC): a trial that was removed and run again has another time."""

    view: str
    replicate: int
    number: int
    ended_at: str


@dataclass(frozen=True)
class Finished:
    """What a finished trial is and measured.

    Attributes:
        state: how it ended.
        point: its hyperparameters.
        seed_number: of a confirmation: the number of its fresh seed; None for every other trial.
        metrics: final value by metric.
        curves: (epoch, metric, value), by epoch.
        error: type and message of its failure; "" for none.
        started_at: ISO 8601, UTC.
    """

    state: str
    point: Point
    seed_number: int | None
    metrics: Mapping[str, float]
    curves: tuple[tuple[int, str, float], ...]
    error: str
    started_at: str


def finished_keys(connection: sqlite3.Connection, since: str = "") -> dict[FinishedKey, int]:
    """Return the ids of the trials that ended at `since` or later, in the order in which they ended."""
    rows = fetch(
        connection,
        "view.name search.replicate trial.number trial.ended_at trial.id",
        "FROM trial JOIN search ON search.id = search_id JOIN view ON view.id = view_id "
        "WHERE trial.state <> 'running' AND trial.ended_at >= ? ORDER BY trial.ended_at, trial.id",
        (since,),
    )
    return {FinishedKey(*key): trial_id for *key, trial_id in rows}


def read_finished(connection: sqlite3.Connection, key: FinishedKey, trial_id: int) -> Finished | None:
    """Return a finished trial, None if it has been removed."""
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
