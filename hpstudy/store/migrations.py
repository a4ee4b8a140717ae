"""The schema as numbered migrations. Each migration, its record (`user_version`) and its event are one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hpstudy.errors import StoreTooNew
from hpstudy.store.events import write_event
from hpstudy.store.schema import (
    CONFIRMATION_TABLES,
    CONFIRMATION_VIEWS,
    RETRAINING_TABLES,
    RETRAINING_VIEWS,
    SEALS,
    SEARCHER_VIEWS,
    TABLES,
    VIEWS,
)
from hpstudy.store.seals import seal_all
from hpstudy.store.version_3 import move_confirmations

Step = str | Callable[[sqlite3.Connection], None]
"""An SQL statement, or a function for a change that SQL alone cannot express."""


@dataclass(frozen=True)
class Migration:
    """A migration: the version that it produces, a description, and its steps in order."""

    version: int
    description: str
    steps: tuple[Step, ...]


SEALED_SINCE = 4
"""The first version with seals (`hpstudy.store.seals`)."""

MIGRATIONS = (
    Migration(1, "studies, trials, metrics and curves", (*TABLES, *VIEWS)),
    Migration(2, "trainings on fresh seeds", (*CONFIRMATION_TABLES, *CONFIRMATION_VIEWS)),
    Migration(
        3,
        "trainings on fresh seeds are trials",
        (
            *RETRAINING_TABLES,
            move_confirmations,
            "DROP VIEW confirmed_metric",
            "DROP VIEW confirmation_result",
            "DROP TABLE confirmation_value",
            "DROP TABLE confirmation",
            *RETRAINING_VIEWS,
        ),
    ),
    Migration(SEALED_SINCE, "seals", (*SEALS, seal_all)),
    Migration(5, "confirmations of several searchers have their own names", SEARCHER_VIEWS),
)
"""All migrations in order. A released migration never changes; a change of the schema is a new migration."""

LATEST = MIGRATIONS[-1].version
"""The version that this program writes. Databases of older versions are migrated to it before they are read."""


def version(connection: sqlite3.Connection) -> int:
    """Return the version of the database; 0 before the first migration."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def refuse_newer(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StoreTooNew if a newer version of hpstudy has migrated the database."""
    if (stored := version(connection)) > LATEST:
        raise StoreTooNew(
            f"{path} was written by a newer hpstudy (database version {stored}; this program reads up to {LATEST})",
            "install a newer version of hpstudy in this environment",
        )


def migrate(
    connection: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS, *, record: bool = True
) -> list[Migration]:
    """Apply the migrations that the database does not have yet.

    After an error, all earlier migrations are complete and the failed one is rolled back.

    Args:
        connection: connection to the database.
        migrations: all migrations.
        record: write an event for each migration of an existing database.

    Returns:
        The applied migrations.
    """
    applied = []
    for migration in migrations:
        if migration.version <= (before := version(connection)):
            continue
        connection.execute("BEGIN IMMEDIATE")
        try:
            for step in migration.steps:
                if isinstance(step, str):
                    connection.execute(step)
                else:
                    step(connection)
            if record and before and connection.execute("SELECT count(*) FROM study").fetchone()[0]:
                write_event(connection, "migrated", {"from": before, "to": migration.version})
            connection.execute(f"PRAGMA user_version = {migration.version:d}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        applied.append(migration)
    return applied
