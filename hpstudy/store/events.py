"""Events: the history of a study apart from its trials."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpstudy.store.decoding import Undecodable, fetch
from hpstudy.store.seals import seal_new
from hpstudy.store.values import encode_detail, utc_now
from hpstudy.study.imported import KIND as IMPORTED
from hpstudy.study.imported import imported
from hpstudy.study.plan import SearchKey

CODE_CHANGED = "code_changed"
"""Kind of the event that records changed code with which the study was allowed to continue."""


@dataclass(frozen=True)
class Event:
    """An event of the study: its time (UTC), kind and detail."""

    at: str
    kind: str
    detail: dict[str, Any]


def read_events(connection: sqlite3.Connection, condition: str = "TRUE") -> list[Event]:
    """Return the events that fulfill an SQL condition, in order."""
    return [
        Event(*row) for row in fetch(connection, "event.at event.kind event.detail", f"FROM event WHERE {condition} ORDER BY id")
    ]


def read_imported(connection: sqlite3.Connection) -> dict[SearchKey, int]:
    """Return how many trials of each search, the first ones, are imported results."""
    return imported((event.kind, event.detail) for event in read_events(connection, f"kind = '{IMPORTED}'"))


def read_accepted(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the last accepted checksum of each source whose change was accepted, by name; "" for a source that no longer existed."""
    accepted: dict[str, str] = {}
    for event in read_events(connection, f"kind = '{CODE_CHANGED}'"):
        try:
            # Earlier versions stored the new checksum only.
            accepted |= {name: new if isinstance(new, str) else str(new["new"]) for name, new in event.detail["sources"].items()}
        except (KeyError, AttributeError, TypeError):
            raise Undecodable(f"the event '{CODE_CHANGED}' of {event.at} has no checksums") from None
    return accepted


def last_event(connection: sqlite3.Connection) -> int:
    """Return the ID of the last event; 0 if there is none."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0])


def write_event(connection: sqlite3.Connection, kind: str, detail: Mapping[str, object]) -> None:
    """Add an event to the study's history."""
    row = utc_now(), kind, encode_detail(detail)
    cursor = connection.execute("INSERT INTO event (at, kind, detail) VALUES (?, ?, ?)", row)
    seal_new(connection, "event", cursor.lastrowid)
