"""Events: the history of a study apart from its trials."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from hpstudy.store.seals import seal_new
from hpstudy.store.values import utc_now


def last_event(connection: sqlite3.Connection) -> int:
    """Return the id of the last event, 0 if there is none."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0])


def write_event(connection: sqlite3.Connection, kind: str, detail: Mapping[str, object]) -> None:
    """Add an event to the study's history."""
    text = json.dumps(dict(detail), default=str)
    cursor = connection.execute("INSERT INTO event (at, kind, detail) VALUES (?, ?, ?)", (utc_now(), kind, text))
    seal_new(connection, "event", cursor.lastrowid)
