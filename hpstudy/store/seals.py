"""Seals: SHA-256 digests of all stored values. They detect altered values and deleted or added rows.

| seal | covers |
|---|---|
| `trial.seal` | the trial's columns with the name of its view and its replicate, its final metrics, curves and row of `retraining` |
| `search.seal` | the sum modulo 2**256 of the seals of its trials |
| `seal`, one row per table | the sum modulo 2**256 of the digests of the table's rows |

Every seal is written in the transaction of the values that it covers. Because of the sums, the cost of a write does not depend on the
number of rows. The row of `owner` has no seal. Seals are not signatures: a person who alters a value on purpose can also recompute
the seals.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from hpstudy.store.decoding import TABLES, Undecodable, raw_text

SEALED_TABLES = ("study", "identity", "view", "search", "environment", "metric", "event")
"""Tables with a row in `seal`."""

BYTES = 32
"""Length of a SHA-256 digest, and of a sum of digests."""

_KINDS = "CASE kind WHEN 'finite' THEN 0 WHEN '-0' THEN 1 WHEN 'nan' THEN 2 WHEN 'inf' THEN 3 WHEN '-inf' THEN 4 END"

_TRIAL = [part for name, column in TABLES["trial"].columns.items() for part in column.sql(name) if part != "search_id"]


@dataclass(frozen=True)
class BrokenSeals:
    """Trials, searches and tables that do not match their seals.

    Attributes:
        trials: names of trials.
        searches: names of searches from which a trial was removed, or to which one was added.
        tables: names of other tables.
    """

    trials: tuple[str, ...]
    searches: tuple[str, ...]
    tables: tuple[str, ...]

    def __str__(self) -> str:
        """Return a one-line message; "" if every seal matches."""
        counts = ((len(self.trials), "trial", "trials"), (len(self.searches), "search", "searches"))
        parts = [f"{n:,} {one if n == 1 else many}" for n, one, many in counts if n] + [f"table {name}" for name in self.tables]
        alone = len(parts) == 1 and len(self.trials) + len(self.searches) <= 1
        verb = "does not match its seal" if alone else "do not match their seals"
        return f"{', '.join(parts)} {verb}: see `hpstudy db check`" if parts else ""


def seal_trial(connection: sqlite3.Connection, trial_id: int | None) -> None:
    """Update the seals of a trial and its search, within the caller's transaction."""
    ((_, search_id, _, before, digest),) = _trials(connection, "WHERE {} = ?", (trial_id,))
    connection.execute("UPDATE trial SET seal = ? WHERE id = ?", (_bytes(digest), trial_id))
    (total,) = connection.execute("SELECT seal FROM search WHERE id = ?", (search_id,)).fetchone()
    connection.execute("UPDATE search SET seal = ? WHERE id = ?", (_bytes(_number(total) - _number(before) + digest), search_id))


@contextmanager
def changing(connection: sqlite3.Connection, *tables: str) -> Iterator[None]:
    """Update the seals of tables whose rows change in the block, within the caller's transaction."""
    before = {table: _sum(connection, table) for table in tables}
    yield
    for table in tables:
        _add(connection, table, _sum(connection, table) - before[table])


def seal_new(connection: sqlite3.Connection, table: str, row_id: int | None) -> None:
    """Update the seal of a table for a row that was just added."""
    _add(connection, table, _sum(connection, table, "WHERE id = ?", (row_id,)))


def seal_all(connection: sqlite3.Connection) -> None:
    """Recompute all seals, within the caller's transaction."""
    totals: dict[int, int] = {}
    seals = []
    for trial_id, search_id, _, _, digest in _trials(connection):
        seals.append((_bytes(digest), trial_id))
        totals[search_id] = totals.get(search_id, 0) + digest
    connection.executemany("UPDATE trial SET seal = ? WHERE id = ?", seals)
    searches = connection.execute("SELECT id FROM search").fetchall()
    connection.executemany(
        "UPDATE search SET seal = ? WHERE id = ?", [(_bytes(totals.get(number, 0)), number) for (number,) in searches]
    )
    sums = [(table, _bytes(_sum(connection, table))) for table in SEALED_TABLES]
    connection.executemany("INSERT OR REPLACE INTO seal VALUES (?, ?)", sums)


def broken_seals(connection: sqlite3.Connection) -> BrokenSeals:
    """Recompute all digests and compare them with the seals."""
    trials, totals = [], dict[int, int]()
    for _, search_id, name, seal, digest in _trials(connection):
        totals[search_id] = totals.get(search_id, 0) + _number(seal)
        if seal != _bytes(digest):
            trials.append(name)
    query = "SELECT search.id, view.name, replicate, seal FROM search LEFT JOIN view ON view.id = view_id ORDER BY search.id"
    with raw_text(connection):
        searches = connection.execute(query).fetchall()
        stored = dict(connection.execute("SELECT name, digest FROM seal").fetchall())
    computed = {table: _bytes(_sum(connection, table)) for table in SEALED_TABLES}
    return BrokenSeals(
        tuple(trials),
        tuple(f"{view}/{replicate}" for number, view, replicate, seal in searches if seal != _bytes(totals.get(number, 0))),
        tuple(table for table in {**computed, **stored} if stored.get(table) != computed.get(table)),
    )


def content_digest(connection: sqlite3.Connection) -> str:
    """Return the SHA-256 digest (hex) of the seals of all searches and tables. It does not depend on the layout of the file."""
    searches = connection.execute("SELECT id, seal FROM search ORDER BY id").fetchall()
    tables = connection.execute("SELECT name, digest FROM seal ORDER BY name").fetchall()
    return hashlib.sha256(_json(searches, tables)).hexdigest()


def _trials(
    connection: sqlite3.Connection, where: str = "", arguments: tuple[int | None, ...] = ()
) -> Iterator[tuple[int, int, str, Any, int]]:
    """Yield ID, search ID, name, stored seal and computed digest of trials, in the order of their IDs.

    Args:
        connection: connection to the database.
        where: SQL condition that selects trials; {} is replaced by the name of the trial ID in each table.
        arguments: parameters of `where`.
    """
    with raw_text(connection):
        names = dict(connection.execute("SELECT id, name FROM metric").fetchall())
        metrics = _grouped(
            connection.execute(
                f"SELECT trial_id, metric_id, value, kind FROM metric_value {where.format('trial_id')} ORDER BY trial_id, metric_id",
                arguments,
            )
        )
        curves = _grouped(
            connection.execute(
                f"""
                SELECT trial_id, metric_id, epoch, value, {_KINDS} FROM curve {where.format("trial_id")}
                ORDER BY trial_id, metric_id, epoch
                """,
                arguments,
            )
        )
        retrainings = _grouped(
            connection.execute(
                f"SELECT trial_id, of_trial_id, seed_number FROM retraining {where.format('trial_id')} ORDER BY trial_id",
                arguments,
            )
        )
        trials = connection.execute(
            f"""
            SELECT trial.seal, search_id, view.name, search.replicate, {", ".join(f"trial.{name}" for name in _TRIAL)}
            FROM trial LEFT JOIN search ON search.id = search_id LEFT JOIN view ON view.id = view_id
            {where.format("trial.id")} ORDER BY trial.id
            """,
            arguments,
        )
        # The digest covers the trial's columns, final metrics and retraining as JSON, then each curve: a header and packed values.
        for seal, search_id, view, replicate, trial_id, *columns in trials:
            finals = [(names.get(metric), value, kind) for _, metric, value, kind in metrics(trial_id)]
            digest = hashlib.sha256(_json(view, replicate, trial_id, columns, finals, retrainings(trial_id)))
            for metric, rows in groupby(curves(trial_id), key=itemgetter(1)):
                _, _, epochs, values, kinds = zip(*rows, strict=True)
                digest.update(_head(names.get(metric), len(epochs)) + _packed(epochs, values, kinds))
            yield trial_id, search_id, f"{view}/{replicate} trial {columns[0]}", seal, int.from_bytes(digest.digest(), "big")


def _grouped(cursor: Iterable[tuple[Any, ...]]) -> Callable[[int], list[tuple[Any, ...]]]:
    """Return a function that returns the rows of one trial. It must be called with trial IDs in ascending order."""
    groups = ((number, rows) for number, rows in groupby(cursor, key=itemgetter(0)) if type(number) is int)
    current: list[tuple[Any, list[tuple[Any, ...]]]] = []

    def of(trial_id: int) -> list[tuple[Any, ...]]:
        while not current or current[0][0] < trial_id:
            group = next(groups, None)
            if group is None:
                return []
            current[:] = [(group[0], list(group[1]))]
        return current[0][1] if current[0][0] == trial_id else []

    return of


@lru_cache(maxsize=1_000)
def _head(metric: str | None, epochs: int) -> bytes:
    """Return the header of a curve for the digest. It is cached, because most trials have the same one."""
    return _json(metric, epochs)


def _packed(epochs: tuple[Any, ...], values: tuple[Any, ...], kinds: tuple[Any, ...]) -> bytes:
    """Pack a curve as 64-bit integers, 64-bit floats (0 for NULL) and bytes. This is several times faster than JSON."""
    n = len(epochs)
    try:
        return struct.pack(f"<{n}q{n}d{n}b", *epochs, *(0.0 if value is None else value for value in values), *kinds)
    except (struct.error, TypeError):
        return _json(epochs, values, kinds)


def _sum(connection: sqlite3.Connection, table: str, where: str = "", arguments: tuple[int | None, ...] = ()) -> int:
    """Return the sum of the digests of a table's rows."""
    columns = ", ".join(part for name, column in TABLES[table].columns.items() for part in column.sql(name))
    with raw_text(connection):
        rows = connection.execute(f"SELECT {columns} FROM {table} {where}", arguments).fetchall()
    return sum(int.from_bytes(hashlib.sha256(_json(table, *row)).digest(), "big") for row in rows)


def _add(connection: sqlite3.Connection, table: str, difference: int) -> None:
    """Add to the seal of a table. A database that is not migrated yet has no seals; its migration creates them."""
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'seal'").fetchone():
        (digest,) = connection.execute("SELECT digest FROM seal WHERE name = ?", (table,)).fetchone()
        connection.execute("UPDATE seal SET digest = ? WHERE name = ?", (_bytes(_number(digest) + difference), table))


def refuse_broken(connection: sqlite3.Connection) -> None:
    """Raise Undecodable unless all values match their seals."""
    if sentence := str(broken_seals(connection)):
        raise Undecodable(sentence)


_ENCODER = json.JSONEncoder(default=lambda blob: {"blob": blob.hex()})


def _json(*parts: Any) -> bytes:
    return _ENCODER.encode(parts).encode()


def _bytes(number: int) -> bytes:
    return (number & (1 << 8 * BYTES) - 1).to_bytes(BYTES, "big")


def _number(seal: Any) -> int:
    """Return the number in a seal; 0 if it is not a byte string."""
    return int.from_bytes(seal, "big") if isinstance(seal, bytes) else 0
