"""Migration to version 3: confirmations become trials of separate searches."""

from __future__ import annotations

import json
import sqlite3

_NEW_TRIALS = """
    CREATE TEMP TABLE moved AS
    SELECT
        confirmation.id AS confirmation_id,
        (SELECT coalesce(max(id), 0) FROM trial) + row_number() OVER (ORDER BY confirmation.id) AS trial_id,
        own.id AS search_id,
        row_number() OVER (PARTITION BY own.id ORDER BY confirmation.id) - 1 AS number
    FROM confirmation
    LEFT JOIN trial ON trial.id = confirmation.trial_id
    LEFT JOIN search ON search.id = trial.search_id
    JOIN view ON view.id = coalesce(confirmation.view_id, search.view_id)
    JOIN view AS own_view ON own_view.name = view.name || '/confirm'
    JOIN search AS own ON own.view_id = own_view.id AND own.replicate = coalesce(search.replicate, 0)
"""
"""The new trial of each confirmation. Trials are numbered in the order of their start; default points belong to replicate 0."""

_SAME = (
    "state, point, objective, objective_kind, attempts, started_at, ended_at, evaluate_s, peak_rss_mib, error_type, error, "
    "traceback, log_path, environment_id"
)
"""Columns that trials share with the confirmations of version 2."""

_MOVE = (
    _NEW_TRIALS,
    f"""
    INSERT INTO trial (id, search_id, number, ask_s, {_SAME})
    SELECT moved.trial_id, moved.search_id, moved.number, 0.0, {_SAME}
    FROM confirmation JOIN moved ON moved.confirmation_id = confirmation.id
    ORDER BY confirmation.id
    """,
    """
    INSERT INTO retraining (trial_id, of_trial_id, seed_number)
    SELECT moved.trial_id, confirmation.trial_id, seed_number
    FROM confirmation JOIN moved ON moved.confirmation_id = confirmation.id
    """,
    """
    INSERT INTO metric_value (trial_id, metric_id, value, kind)
    SELECT moved.trial_id, metric_id, value, kind
    FROM confirmation_value JOIN moved USING (confirmation_id)
    """,
    "DROP TABLE moved",
)


def move_confirmations(connection: sqlite3.Connection) -> None:
    """Copy the rows of `confirmation` and `confirmation_value` to trials, and set `confirm.seeds` of the study to the stored number.

    Runs within the caller's transaction. Changes nothing if there are no confirmations.
    """
    seeds = connection.execute("SELECT max(seed_number) + 1 FROM confirmation").fetchone()[0]
    if seeds is None:
        return
    (text,) = connection.execute("SELECT definition FROM study").fetchone()
    definition = json.loads(text)
    definition["confirm"] = {"seeds": seeds}
    connection.execute("UPDATE study SET definition = ?", (json.dumps(definition, ensure_ascii=False),))
    for view in definition["views"]:
        name = f"{view}/confirm"
        view_id = connection.execute("INSERT INTO view (name, label) VALUES (?, ?)", (name, name)).lastrowid
        connection.executemany(
            "INSERT INTO search (view_id, replicate) VALUES (?, ?)", [(view_id, r) for r in range(definition["replicates"])]
        )
    for statement in _MOVE:
        connection.execute(statement)
