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
        connection: connection to the database.
        after: read only events with a larger ID.
    """
    return _read(connection, "id > ?", after)


def read_trial_attributes(connection: sqlite3.Connection, search: SearchKey, number: int) -> dict[str, Any]:
    """Return the attributes of one trial; empty if it has none."""
    condition = " AND ".join(f"json_extract(detail, '$.{name}') = ?" for name in ("view", "replicate", "number"))
    return _read(connection, condition, search.view, search.replicate, number).get((search, number), {})


def _read(connection: sqlite3.Connection, condition: str, *arguments: str | int) -> dict[tuple[SearchKey, int], dict[str, Any]]:
    attributes_by_trial = {}
    where = f"FROM event WHERE kind = '{KIND}' AND {condition} ORDER BY id"
    for (detail,) in fetch(connection, "event.detail", where, arguments):
        match detail:
            case {"view": str(view), "replicate": int(replicate), "number": int(number), "attributes": dict(attributes)}:
                attributes_by_trial[SearchKey(view, replicate), number] = attributes
    return attributes_by_trial


def attribute_text(value: Any) -> str | None:
    """Return the table cell of an attribute: text unchanged, None for a missing attribute, any other value as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
