"""Merging the databases of a study's shards into one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from heapq import merge
from pathlib import Path
from typing import Any

from hpstudy.store import paths
from hpstudy.store.create import new_database
from hpstudy.store.events import write_event
from hpstudy.store.reader import Reader
from hpstudy.store.seals import seal_all
from hpstudy.store.stored_study import SHARD, write_identity, write_study
from hpstudy.store.values import encode_detail

Ids = dict[int, int]
"""IDs in the merged database by IDs in the database of a shard."""


def write_merged(shards: Sequence[Reader], path: Path, identity: Mapping[str, str], detail: Mapping[str, Any]) -> None:
    """Copy the contents of the shards to a new database.

    Values are copied exactly, with their sessions, events and attempts. Rows get new IDs. Sessions and events are ordered by time;
    the detail of an event names its shard.

    Args:
        shards: shards of one study that have no replicate in common.
        path: the new database; it must not exist.
        identity: identity of the study.
        detail: detail of the event `merged`.

    Raises:
        StoreError: the database cannot be written, or a shard cannot be read.
    """
    first = shards[0]
    with new_database(path) as connection:
        write_study(connection, first.study, paths.to_stored(first.module_path, path))
        connection.execute("UPDATE study SET created_at = ?", (min(shard.created_at for shard in shards),))
        write_identity(connection, identity)
        environments = _copy_environments(connection, shards)
        for shard, environment_ids in zip(shards, environments, strict=True):
            with shard.snapshot() as source:
                _copy_trials(connection, source, environment_ids, shard.path, path)
        events = [[(event, shard) for event in shard.events() if event.kind != SHARD] for shard in shards]
        # A merge keeps the order of each shard, whose clock may have been set back.
        for event, shard in merge(*events, key=lambda each: each[0].at):
            text = encode_detail({**event.detail, "shard": str(shard.shard)})
            connection.execute("INSERT INTO event (at, kind, detail) VALUES (?, ?, ?)", (event.at, event.kind, text))
        write_event(connection, "merged", detail)
        seal_all(connection)


def _copy_environments(connection: sqlite3.Connection, shards: Sequence[Reader]) -> list[Ids]:
    """Copy the sessions, ordered by start time. Returns their IDs for each shard."""
    sessions = [(session, index) for index, shard in enumerate(shards) for session in shard.environments()]
    ids: list[Ids] = [{} for _ in shards]
    for session, index in sorted(sessions, key=lambda each: each[0].started_at):
        row = session.started_at, session.ended_at, encode_detail(session.detail)
        cursor = connection.execute("INSERT INTO environment (started_at, ended_at, detail) VALUES (?, ?, ?)", row)
        assert cursor.lastrowid is not None
        ids[index][session.id] = cursor.lastrowid
    return ids


def _copy_trials(
    connection: sqlite3.Connection, source: sqlite3.Connection, environment_ids: Ids, shard: Path, path: Path
) -> None:
    """Copy the trials of the shard at `shard` to the database at `path`, with their metrics, curves and rows of `retraining`."""
    # IDs in the merged database by those in the shard's: of searches, metrics and trials.
    keys = "SELECT view.name, search.replicate, search.id FROM search JOIN view ON view.id = view_id"
    searches = {tuple(key): number for *key, number in connection.execute(keys)}
    search_ids: Ids = {number: searches[tuple(key)] for *key, number in source.execute(keys)}
    metric_ids: Ids = {}
    for number, name in source.execute("SELECT id, name FROM metric ORDER BY id"):
        connection.execute("INSERT INTO metric (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
        (metric_ids[number],) = connection.execute("SELECT id FROM metric WHERE name = ?", (name,)).fetchone()
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM trial").fetchone()
    numbers = [number for (number,) in source.execute("SELECT id FROM trial ORDER BY id")]
    trial_ids: Ids = {number: last + 1 + index for index, number in enumerate(numbers)}
    _copy(
        connection,
        source,
        "trial",
        id=trial_ids.get,
        search_id=search_ids.get,
        environment_id=environment_ids.get,
        log_path=lambda log: paths.to_stored(paths.to_absolute(log, shard), path),
    )
    _copy(connection, source, "metric_value", trial_id=trial_ids.get, metric_id=metric_ids.get)
    _copy(connection, source, "curve", trial_id=trial_ids.get, metric_id=metric_ids.get)
    _copy(connection, source, "retraining", trial_id=trial_ids.get, of_trial_id=trial_ids.get)


def _copy(connection: sqlite3.Connection, source: sqlite3.Connection, table: str, **changed: Callable[[Any], Any]) -> None:
    """Copy the rows of a table, ordered by its key. `changed` has functions that map the values of some columns."""
    rows = source.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
    names = [column[0] for column in rows.description]
    connection.executemany(
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
        ([changed[name](value) if name in changed else value for name, value in zip(names, row, strict=True)] for row in rows),
    )
