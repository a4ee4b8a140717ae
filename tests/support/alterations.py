"""Alterations of databases that SQLite itself would refuse: values of other types, and rows that break constraints."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path


def alter(path: Path, *statements: str | tuple[str, tuple[object, ...]]) -> None:
    """Run statements, SQL or (SQL, arguments), on the database at `path` while its columns hold NULL and values of any type."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        schema = connection.execute("SELECT sql, name FROM sqlite_schema WHERE sql LIKE '%STRICT%'").fetchall()
        _write_schema(connection, [(_untyped(sql), name) for sql, name in schema])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(*((statement, ()) if isinstance(statement, str) else statement))
        _write_schema(connection, schema)


def _untyped(sql: str) -> str:
    sql = sql.replace("STRICT, WITHOUT", "WITHOUT").replace("STRICT", "")
    return re.sub(r"(?<! IS) NOT NULL| (TEXT|REAL|BLOB|INTEGER(?! PRIMARY))\b", "", sql)


def _write_schema(connection: sqlite3.Connection, definitions: list[tuple[str, str]]) -> None:
    connection.execute("PRAGMA writable_schema = ON")
    connection.executemany("UPDATE sqlite_schema SET sql = ? WHERE name = ?", definitions)
    connection.execute("PRAGMA writable_schema = OFF")
