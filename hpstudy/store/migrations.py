"""The schema, as numbered steps. Each step and its record (`user_version`) are one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hpstudy.errors import StoreTooNew
from hpstudy.store.schema import CONFIRMATION_TABLES, CONFIRMATION_VIEWS, TABLES, VIEWS


@dataclass(frozen=True)
class Migration:
    """One step: the version that it leads to, what it does, and its SQL statements."""

    version: int
    description: str
    statements: tuple[str, ...]


CONFIRMATIONS_SINCE = 2
"""The version that brought the tables of trainings on fresh seeds."""

MIGRATIONS = (
    Migration(1, "studies, trials, metrics and curves", (*TABLES, *VIEWS)),
    Migration(CONFIRMATIONS_SINCE, "trainings on fresh seeds", (*CONFIRMATION_TABLES, *CONFIRMATION_VIEWS)),
)
"""All steps in order. A released step never changes; a new schema is a new step."""

LATEST = MIGRATIONS[-1].version
"""The version that this program writes."""

OLDEST = 1
"""The oldest version that this program reads as it is; what later versions added is empty there."""


def version(connection: sqlite3.Connection) -> int:
    """The database's version; 0 before the first step."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def refuse_newer(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StoreTooNew when a newer hpstudy has migrated the database."""
    if (found := version(connection)) > LATEST:
        raise StoreTooNew(
            f"{path} was written by a newer hpstudy (database version {found}; this program reads up to {LATEST})",
            "upgrade hpstudy: pip install --upgrade hpstudy",
        )


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> list[Migration]:
    """Take the steps that the database has not taken yet.

    Returns:
        The steps taken now. After an error all earlier steps are complete and the failed one has left no trace.
    """
    taken = []
    for migration in migrations:
        if migration.version <= version(connection):
            continue
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in migration.statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {migration.version:d}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        taken.append(migration)
    return taken
