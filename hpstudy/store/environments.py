"""The environments of a study: one for each session, and one for each other host that ran its steps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hpstudy.store.decoding import fetch
from hpstudy.store.seals import changing, seal_new
from hpstudy.store.values import encode_detail, utc_now


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


def read_environments(connection: sqlite3.Connection) -> list[Environment]:
    """Return the environments of all sessions and hosts, in order."""
    columns = "environment.id environment.started_at environment.ended_at environment.detail"
    counted = "SELECT environment_id, count(*) FROM trial WHERE state <> 'running' GROUP BY environment_id"
    trials = dict(connection.execute(counted).fetchall())
    return [
        Environment(environment_id, started_at, ended_at, detail, trials.get(environment_id, 0))
        for environment_id, started_at, ended_at, detail in fetch(connection, columns, "FROM environment ORDER BY id")
    ]


def write_environment(connection: sqlite3.Connection, detail: Mapping[str, str]) -> int:
    """Store an environment that starts now, and return its ID."""
    row = utc_now(), encode_detail(detail)
    environment_id = connection.execute("INSERT INTO environment (started_at, detail) VALUES (?, ?)", row).lastrowid
    assert environment_id is not None
    seal_new(connection, "environment", environment_id)
    return environment_id


def end_environments(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Store the current time as the end of environments."""
    ended_at = utc_now()
    with changing(connection, "environment"):
        rows = [(ended_at, environment_id) for environment_id in ids]
        connection.executemany("UPDATE environment SET ended_at = ? WHERE id = ?", rows)
