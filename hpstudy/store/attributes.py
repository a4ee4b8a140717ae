"""Attributes of trials: results that are no numbers. Each trial that has any has an event of the kind `attributes`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from hpstudy.store.decoding import fetch
from hpstudy.store.events import write_event
from hpstudy.study.plan import SearchKey

KIND = "attributes"
"""Of the events."""


def write_attributes(connection: sqlite3.Connection, search: SearchKey, number: int, attributes: Mapping[str, Any]) -> None:
    """Store the attributes of a trial, which are plain JSON."""
    detail = {"view": search.view, "replicate": search.replicate, "number": number, "attributes": dict(attributes)}
    write_event(connection, KIND, detail)


def remove_attributes(connection: sqlite3.Connection) -> None:
    """Remove the attributes of all trials. The caller seals the table again."""
    connection.execute("DELETE FROM event WHERE kind = ?", (KIND,))


def read_attributes(connection: sqlite3.Connection) -> dict[tuple[SearchKey, int], dict[str, Any]]:
    """The attributes of each trial that has any, by its search and number."""
    found = {}
    for (detail,) in fetch(connection, "event.detail", f"FROM event WHERE kind = '{KIND}' ORDER BY id"):
        match detail:
            case {"view": str(view), "replicate": int(replicate), "number": int(number), "attributes": dict(attributes)}:
                found[SearchKey(view, replicate), number] = attributes
    return found


def attribute_text(value: Any) -> str | None:
    """An attribute in a table: text as it is, None for none, anything else as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
