"""Short answers about a database: how far it is, and which trials are best. They need no DataFrame."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from hpstudy.goal import Goal
from hpstudy.store.counts import Counts, by_arm, planned_counts
from hpstudy.store.listing import planned
from hpstudy.store.rows import BestTrial, read_history
from hpstudy.store.values import decode, decode_point
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study


def count_trials(connection: sqlite3.Connection, study: Study) -> dict[str, Counts]:
    """For every arm of the study: its trials by state."""
    return by_arm(count_search_trials(connection, study))


def count_search_trials(connection: sqlite3.Connection, study: Study) -> dict[SearchKey, Counts]:
    """For every search, in run order: its trials by state.

    Of a confirmation, `planned` counts the trials that are stored and those that are listed by now; while its search is incomplete,
    those that would be listed if it found nothing better. With `confirm.incumbents` it also counts, as `estimated`, those of the
    incumbents that the search is expected to find.
    """
    counts = planned_counts(study)
    rows = connection.execute(
        """
        SELECT view.name, search.replicate, trial.state, count(*)
        FROM trial JOIN search ON search.id = trial.search_id JOIN view ON view.id = search.view_id
        GROUP BY search.id, trial.state
        """
    )
    for view, replicate, state, trials in rows:
        key = SearchKey(view, replicate)
        counts[key] = replace(counts[key], **{state: trials})
    for name, arm in arms(study).items():
        if arm.listed:
            search, stored = (
                [read_history(connection, of, replicate) for replicate in range(study.replicates)] for of in (arm.view, name)
            )
            for replicate, (known, expected) in enumerate(planned(study, arm.view, search, stored)):
                key = SearchKey(name, replicate)
                counts[key] = replace(counts[key], planned=known + expected, estimated=expected)
    return counts


def mean_trial_s(connection: sqlite3.Connection) -> dict[str, float]:
    """For every arm with finished trials: mean wall seconds of asking and evaluating one."""
    return _mean_s(connection, "ask_s + evaluate_s")


def mean_train_s(connection: sqlite3.Connection) -> dict[str, float]:
    """For every arm with finished trials: mean wall seconds of evaluating one."""
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
        view: the name of an arm.
        replicate: only this replicate's search; all of them when None.
    """
    order = "DESC" if study.metric.goal is Goal.MAXIMIZE else "ASC"
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
