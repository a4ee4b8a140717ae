"""Short answers about a database: how far it is, and which trials are best. They need no DataFrame."""

from __future__ import annotations

import sqlite3

from hpstudy.store.rows import STATES, BestTrial
from hpstudy.store.values import decode, decode_point
from hpstudy.study.controls import arms
from hpstudy.study.schema import Study


def count_trials(connection: sqlite3.Connection, study: Study) -> dict[str, dict[str, int]]:
    """For every view and control of the study: trials in each state, and `planned`, how many there are to be."""
    counts = {name: {"planned": study.replicates * arm.trials, **dict.fromkeys(STATES, 0)} for name, arm in arms(study).items()}
    rows = connection.execute(
        """
        SELECT view.name, counted.state, sum(counted.trials)
        FROM (SELECT search_id, state, count(*) AS trials FROM trial GROUP BY search_id, state) AS counted
        JOIN search ON search.id = counted.search_id JOIN view ON view.id = search.view_id
        GROUP BY view.id, counted.state
        """
    )
    for view, state, trials in rows:
        counts[view][state] = trials
    return counts


def count_search_trials(connection: sqlite3.Connection, study: Study) -> dict[tuple[str, int], dict[str, int]]:
    """For every search (view, replicate), in run order: trials in each state, and `planned`."""
    counts = {
        (name, replicate): {"planned": arm.trials, **dict.fromkeys(STATES, 0)}
        for replicate in range(study.replicates)
        for name, arm in arms(study).items()
    }
    rows = connection.execute(
        """
        SELECT view.name, search.replicate, trial.state, count(*)
        FROM trial JOIN search ON search.id = trial.search_id JOIN view ON view.id = search.view_id
        GROUP BY search.id, trial.state
        """
    )
    for view, replicate, state, trials in rows:
        counts[view, replicate][state] = trials
    return counts


def mean_trial_s(connection: sqlite3.Connection) -> dict[str, float]:
    """For every view and control with finished trials: mean wall seconds of asking and evaluating one."""
    return _mean_s(connection, "ask_s + evaluate_s")


def mean_train_s(connection: sqlite3.Connection) -> dict[str, float]:
    """For every view and control with finished trials: mean wall seconds of evaluating one."""
    return _mean_s(connection, "evaluate_s")


def _mean_s(connection: sqlite3.Connection, seconds: str) -> dict[str, float]:
    rows = connection.execute(
        f"""
        SELECT view.name, avg({seconds})
        FROM trial JOIN search ON search.id = trial.search_id JOIN view ON view.id = search.view_id
        WHERE evaluate_s IS NOT NULL GROUP BY view.id
        """
    )
    return dict(rows.fetchall())


def find_best(connection: sqlite3.Connection, study: Study, view: str, replicate: int | None) -> BestTrial | None:
    """The completed trial of `view` with the best finite objective; the earliest of equals; None before the first one.

    Args:
        connection: to the database.
        study: its study, for the goal.
        view: the name of a view, or of a control of one.
        replicate: only this replicate's search; all of them when None.
    """
    order = "DESC" if study.metric.goal == "maximize" else "ASC"
    row = connection.execute(
        f"""
        SELECT trial.id, search.replicate, trial.number, objective, objective_kind, point
        FROM trial JOIN search ON search.id = trial.search_id JOIN view ON view.id = search.view_id
        WHERE view.name = ? AND search.replicate = coalesce(?, search.replicate)
            AND trial.state = 'completed' AND objective IS NOT NULL
        ORDER BY objective {order}, search.replicate, trial.number LIMIT 1
        """,
        (view, replicate),
    ).fetchone()
    if row is None:
        return None
    trial_id, replicate, number, objective, kind, point = row
    metrics = connection.execute(
        "SELECT name, value, kind FROM metric_value JOIN metric ON metric.id = metric_id WHERE trial_id = ? ORDER BY name",
        (trial_id,),
    )
    values = {name: decode(value, value_kind) for name, value, value_kind in metrics}
    return BestTrial(view, replicate, number, decode(objective, kind), decode_point(point), values)
