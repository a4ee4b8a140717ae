"""Attributes of trials: results that are not numbers. They are stored as one event of the kind `attributes` per trial."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from hpstudy.store.decoding import fetch
from hpstudy.store.events import write_event
from hpstudy.study.plan import SearchKey

KIND = "attributes"
"""Kind of the events that hold attributes."""


def write_attributes(connection: sqlite3.Connection, search: SearchKey, number: int, attributes: Mapping[str, Any]) -> None:
    """Store the attributes of a trial. Their values must be JSON-serializable."""
    detail = {"view": search.view, "replicate": search.replicate, "number": number, "attributes": dict(attributes)}
    write_event(connection, KIND, detail)


def remove_attributes(connection: sqlite3.Connection) -> None:
    """Remove the attributes of all trials. The caller must update the seal of the table."""
    connection.execute("DELETE FROM event WHERE kind = ?", (KIND,))


def read_attributes(connection: sqlite3.Connection, after: int = 0) -> dict[tuple[SearchKey, int], dict[str, Any]]:
    """Return the attributes by search and trial number. Trials without attributes are absent.

    Args:
        connection: to the database.
        after: only of events with a larger id.
    """
    attributes_by_trial = {}
    for (detail,) in fetch(connection, "event.detail", f"FROM event WHERE kind = '{KIND}' AND id > ? ORDER BY id", (after,)):
        match detail:
            case {"view": str(view), "replicate": int(replicate), "number": int(number), "attributes": dict(attributes)}:
                attributes_by_trial[SearchKey(view, replicate), number] = attributes
    return attributes_by_trial


def attribute_text(value: Any) -> str | None:
    """Return the table cell of an attribute: text unchanged, None for a missing attribute, any other value as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
