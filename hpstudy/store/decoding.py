"""The decoding of stored values: what each column of each table may hold.

Everything that is read from a database passes through `fetch` or is checked here. A value that does not fit its column raises
`Undecodable`, which names the table, the row and the column; `faults.translated` turns it into a StoreError.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from hpstudy.store.decoders import (
    Misfit,
    event_detail,
    json_object,
    moment,
    number,
    one_of,
    optional,
    optional_number,
    path_text,
    point,
    seconds,
    text,
    texts,
    whole,
)
from hpstudy.store.values import STATES

_SHOWN = 60
"""Characters of a value in a message."""


class Undecodable(Exception):
    """A value or a row that does not fit its table; the message names both."""


@dataclass(frozen=True)
class Column:
    """How a column is decoded. A measured number takes two columns of the table: `kind` names the second."""

    decode: Callable[..., Any]
    kind: str | None = None

    def sql(self, name: str) -> tuple[str, ...]:
        """The columns of the table that `decode` takes."""
        return (name,) if self.kind is None else (name, self.kind)


@dataclass(frozen=True)
class Table:
    """The columns of a table by name; the first `keys` of them identify a row."""

    keys: int
    columns: Mapping[str, Column]


def _table(keys: int = 1, /, **columns: Callable[..., Any] | Column) -> Table:
    return Table(keys, {name: it if isinstance(it, Column) else Column(it) for name, it in columns.items()})


_ID = whole()
_COUNT = whole(range(2**63))
_NUMBER = Column(number, "kind")

TABLES: Mapping[str, Table] = {
    "study": _table(
        id=whole(range(1, 2)),
        name=text,
        question=text,
        metric=text,
        goal=one_of("maximize", "minimize"),
        trials=_COUNT,
        replicates=_COUNT,
        definition=json_object,
        fingerprint=text,
        module_path=optional(path_text),
        created_at=moment,
    ),
    "identity": _table(name=text, value=text),
    "owner": _table(
        id=whole(range(1, 2)),
        host=text,
        namespace=text,
        pid=whole(range(1, 2**31)),
        process_started=seconds,
        token=text,
        since=moment,
        heartbeat_at=moment,
    ),
    "view": _table(id=_ID, name=text, label=text),
    "search": _table(id=_ID, view_id=_ID, replicate=_COUNT),
    "environment": _table(id=_ID, started_at=moment, ended_at=optional(moment), detail=texts),
    "trial": _table(
        id=_ID,
        search_id=_ID,
        number=_COUNT,
        state=one_of(*STATES),
        point=point,
        objective=Column(optional_number, "objective_kind"),
        attempts=whole(range(1, 2**63)),
        started_at=moment,
        ended_at=optional(moment),
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
    "event": _table(id=_ID, at=moment, kind=text, detail=event_detail),
}
"""All tables."""


def fetch(connection: sqlite3.Connection, columns: str, tail: str, arguments: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query, decoded.

    Args:
        connection: to the database.
        columns: what to select, as "table.column table.column"; a measured number is one column.
        tail: the query from FROM on.
        arguments: of the query.

    Raises:
        Undecodable: a value does not fit its column.
    """
    names = [name.split(".") for name in columns.split()]
    wanted = [TABLES[table].columns[name] for table, name in names]
    selected = [f"{table}.{part}" for (table, name), column in zip(names, wanted, strict=True) for part in column.sql(name)]
    try:
        rows = connection.execute(f"SELECT {', '.join(selected)} {tail}", tuple(arguments)).fetchall()
        values = iter(zip(*rows, strict=True))
        decoded = [list(map(column.decode, *islice(values, len(column.sql(""))))) for column in wanted] if rows else []
        return list(zip(*decoded, strict=True))
    except (Misfit, sqlite3.OperationalError) as error:
        refuse_misfits(connection, dict.fromkeys(table for table, _ in names))
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise Undecodable(f"a value of table {' or '.join(dict(names))} {error}") from error


def refuse_misfits(connection: sqlite3.Connection, tables: Iterable[str]) -> None:
    """Raises Undecodable for the first value in `tables` that does not fit its column."""
    for table in tables:
        for sentence in misfits(connection, table, 1):
            raise Undecodable(sentence)


def misfits(connection: sqlite3.Connection, table: str, limit: int) -> list[str]:
    """A sentence about each value of `table` that does not fit its column, `limit` at most."""
    keys, columns = TABLES[table].keys, TABLES[table].columns
    selected = [part for name, column in columns.items() for part in column.sql(name)]
    found: list[str] = []
    with raw_text(connection):
        for row in connection.execute(f"SELECT {', '.join(selected)} FROM {table}"):
            values = iter(row)
            for name, column in columns.items():
                parts = tuple(islice(values, len(column.sql(name))))
                try:
                    column.decode(*parts)
                except Misfit as misfit:
                    shown = " and ".join(map(_shown, parts))
                    found.append(f"{row_name(table, row[:keys])}, column {name}: {shown} {misfit}")
                    if len(found) == limit:
                        return found
    return found


def row_name(table: str, key: Iterable[Any]) -> str:
    """A row in words."""
    return f"table {table}, row {', '.join(map(_shown, key))}"


@contextmanager
def raw_text(connection: sqlite3.Connection) -> Iterator[None]:
    """Text comes as it is in the file: what is not UTF-8 becomes surrogates, which `text` refuses."""
    strict, connection.text_factory = connection.text_factory, lambda content: content.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        connection.text_factory = strict


def _shown(value: Any) -> str:
    shown = ascii(value) if isinstance(value, bytes) or not str(value).isprintable() else repr(value)
    return "NULL" if value is None else shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
