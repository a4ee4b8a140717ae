"""Decoding of stored values: the values that each column of each table allows.

All values that are read from a database pass through `fetch` or are checked here. A value that its column does not allow raises
`Undecodable`, which names the table, the row and the column. `faults.translated` turns it into a StoreError.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from hpstudy.store.decoders import (
    InvalidValue,
    event_detail,
    integer,
    json_object,
    number,
    one_of,
    optional,
    optional_number,
    path_text,
    point,
    seconds,
    text,
    text_object,
    timestamp,
)
from hpstudy.store.values import STATES

_LONGEST = 60
"""Maximum number of characters of a value in a message."""


class Undecodable(Exception):
    """A value or row that its table does not allow. The message names both."""


@dataclass(frozen=True)
class Column:
    """The decoder of a column. A measured number occupies two columns of the table; `kind` is the name of the second one."""

    decode: Callable[..., Any]
    kind: str | None = None

    def sql(self, name: str) -> tuple[str, ...]:
        """Return the names of the columns that `decode` takes as arguments."""
        return (name,) if self.kind is None else (name, self.kind)


@dataclass(frozen=True)
class Table:
    """The columns of a table by name. The first `keys` columns identify a row."""

    keys: int
    columns: Mapping[str, Column]


def _table(keys: int = 1, /, **columns: Callable[..., Any] | Column) -> Table:
    return Table(keys, {name: column if isinstance(column, Column) else Column(column) for name, column in columns.items()})


_ID = integer()
_COUNT = integer(range(2**63))
_NUMBER = Column(number, "kind")

TABLES: Mapping[str, Table] = {
    "study": _table(
        id=integer(range(1, 2)),
        name=text,
        question=text,
        metric=text,
        goal=one_of("maximize", "minimize"),
        trials=_COUNT,
        replicates=_COUNT,
        definition=json_object,
        fingerprint=text,
        module_path=optional(path_text),
        created_at=timestamp,
    ),
    "identity": _table(name=text, value=text),
    "owner": _table(
        id=integer(range(1, 2)),
        host=text,
        namespace=text,
        pid=integer(range(1, 2**31)),
        process_started=seconds,
        token=text,
        since=timestamp,
        heartbeat_at=timestamp,
    ),
    "view": _table(id=_ID, name=text, label=text),
    "search": _table(id=_ID, view_id=_ID, replicate=_COUNT),
    "environment": _table(id=_ID, started_at=timestamp, ended_at=optional(timestamp), detail=text_object),
    "trial": _table(
        id=_ID,
        search_id=_ID,
        number=_COUNT,
        state=one_of(*STATES),
        point=point,
        objective=Column(optional_number, "objective_kind"),
        attempts=integer(range(1, 2**63)),
        started_at=timestamp,
        ended_at=optional(timestamp),
        ask_s=seconds,
        evaluate_s=optional(seconds),
        peak_rss_mib=optional(seconds),
        error_type=optional(text),
        error=optional(text),
        traceback=optional(text),
        log_path=optional(path_text),
        environment_id=optional(_ID),
    ),
    "metric": _table(id=_ID, name=text),
    "metric_value": _table(2, trial_id=_ID, metric_id=_ID, value=_NUMBER),
    "curve": _table(3, trial_id=_ID, metric_id=_ID, epoch=_ID, value=_NUMBER),
    "retraining": _table(trial_id=_ID, of_trial_id=optional(_ID), seed_number=_COUNT),
    "event": _table(id=_ID, at=timestamp, kind=text, detail=event_detail),
}
"""All tables."""


def fetch(connection: sqlite3.Connection, columns: str, tail: str, arguments: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a query and decode all rows.

    Args:
        connection: connection to the database.
        columns: the columns to select, as "table.column table.column"; a measured number counts as one column.
        tail: the query, starting with FROM.
        arguments: parameters of the query.

    Raises:
        Undecodable: a value is not allowed in its column.
    """
    names = [name.split(".") for name in columns.split()]
    selected = [TABLES[table].columns[name] for table, name in names]
    parts = [f"{table}.{part}" for (table, name), column in zip(names, selected, strict=True) for part in column.sql(name)]
    try:
        rows = connection.execute(f"SELECT {', '.join(parts)} {tail}", tuple(arguments)).fetchall()
        values = iter(zip(*rows, strict=True))
        decoded = [list(map(column.decode, *islice(values, len(column.sql(""))))) for column in selected] if rows else []
        return list(zip(*decoded, strict=True))
    except (InvalidValue, sqlite3.OperationalError) as error:
        refuse_invalid_values(connection, dict.fromkeys(table for table, _ in names))
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise Undecodable(f"a value of table {' or '.join(dict(names))} {error}") from error


def refuse_invalid_values(connection: sqlite3.Connection, tables: Iterable[str]) -> None:
    """Raise Undecodable for the first value in `tables` that its column does not allow."""
    for table in tables:
        for sentence in invalid_values(connection, table, 1):
            raise Undecodable(sentence)


def invalid_values(connection: sqlite3.Connection, table: str, limit: int) -> list[str]:
    """Return a message for each value of `table` that its column does not allow, at most `limit`."""
    keys, columns = TABLES[table].keys, TABLES[table].columns
    selected = [part for name, column in columns.items() for part in column.sql(name)]
    messages: list[str] = []
    with raw_text(connection):
        for row in connection.execute(f"SELECT {', '.join(selected)} FROM {table}"):
            values = iter(row)
            for name, column in columns.items():
                parts = tuple(islice(values, len(column.sql(name))))
                try:
                    column.decode(*parts)
                except InvalidValue as error:
                    pair = " and ".join(map(_quoted, parts))
                    messages.append(f"{row_name(table, row[:keys])}, column {name}: {pair} {error}")
                    if len(messages) == limit:
                        return messages
    return messages


def row_name(table: str, key: Iterable[Any]) -> str:
    """Return the name of a row for messages."""
    return f"table {table}, row {', '.join(map(_quoted, key))}"


@contextmanager
def raw_text(connection: sqlite3.Connection) -> Iterator[None]:
    """Read text without decoding errors: bytes that are not UTF-8 become surrogates, which `text` refuses."""
    strict, connection.text_factory = connection.text_factory, lambda content: content.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        connection.text_factory = strict


def _quoted(value: Any) -> str:
    """Return a value for a message, shortened to `_LONGEST` characters."""
    if value is None:
        return "NULL"
    text = ascii(value) if isinstance(value, bytes) or not str(value).isprintable() else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
