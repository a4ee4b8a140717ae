"""New databases: whole or not at all, and never over something that exists."""

from __future__ import annotations

import glob
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from hpstudy.drafts import drafted
from hpstudy.errors import StoreError
from hpstudy.store import paths
from hpstudy.store.connection import create_file
from hpstudy.store.events import write_event
from hpstudy.store.faults import translated
from hpstudy.store.migrations import migrate
from hpstudy.store.owner import Owner, write_owner
from hpstudy.store.seals import changing
from hpstudy.store.stored_study import SHARD
from hpstudy.store.values import utc_now
from hpstudy.study.controls import arms
from hpstudy.study.schema import Study
from hpstudy.study.shard import Shard

STALE_DRAFT_S = 60.0
"""Age from which a draft is what a killed process left; one is written in milliseconds. Shorter: the draft of a live process on a slow
disk is removed. Longer: more runs leave it where it is."""


def create_database(
    path: Path,
    study: Study,
    *,
    identity: Mapping[str, str],
    module_path: str | None,
    owner: Owner,
    shard: Shard | None = None,
) -> None:
    """Put a new database at `path` that belongs to `owner` from its first moment; of all of the study, or of a shard.

    Raises:
        StoreError: when something stands at `path`, or the folder is missing or cannot be written.
    """
    with new_database(path) as connection:
        write_owner(connection, owner)
        write_study(connection, study, paths.to_stored(module_path, path))
        with changing(connection, "identity"):
            connection.executemany("INSERT INTO identity VALUES (?, ?)", identity.items())
        write_event(connection, "created", {"fingerprint": study.fingerprint(), "declaration": study.declaration()})
        if shard is not None:
            write_event(connection, SHARD, {"shard": str(shard)})


@contextmanager
def new_database(path: Path) -> Iterator[sqlite3.Connection]:
    """An empty database in one transaction; what the body writes appears at `path` when it ends.

    It is built under a temporary name in the same folder and appears at `path` complete: a crash before that leaves
    nothing at `path`.

    Raises:
        StoreError: when something stands at `path`, or the folder is missing or cannot be written.
    """
    _check_place(path)
    try:
        with drafted(path) as draft:
            with translated(path):
                connection = create_file(draft)
                try:
                    migrate(connection)
                    connection.execute("BEGIN IMMEDIATE")
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    connection.close()
            _publish(draft, path)
    except OSError as error:
        raise StoreError(f"{path} cannot be created: {error.strerror or error}", "check the folder's permissions") from error


def write_study(connection: sqlite3.Connection, study: Study, module_path: str | None = None) -> None:
    """Record a study with its arms and searches; those that are there already stay as they are.

    Args:
        connection: to the database.
        study: takes the place of one that is there.
        module_path: as `paths.to_stored` gives it; that of a study which is there stays.
    """
    with changing(connection, "study", "view", "search"):
        _write_study(connection, study, module_path)


def _write_study(connection: sqlite3.Connection, study: Study, module_path: str | None) -> None:
    connection.execute(
        """
        INSERT INTO study VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
            name = excluded.name, question = excluded.question, trials = excluded.trials,
            replicates = excluded.replicates, definition = excluded.definition, fingerprint = excluded.fingerprint
        """,
        (
            study.name,
            study.question,
            study.metric.name,
            study.metric.goal,
            study.search.trials,
            study.replicates,
            study.to_json(),
            study.fingerprint(),
            module_path,
            utc_now(),
        ),
    )
    labels = {name: view.label for name, view in study.views.items()}
    for name in arms(study):
        connection.execute(
            "INSERT INTO view (name, label) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET label = excluded.label",
            (name, labels.get(name) or name),
        )
        view_id = connection.execute("SELECT id FROM view WHERE name = ?", (name,)).fetchone()[0]
        connection.executemany(
            "INSERT INTO search (view_id, replicate) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(view_id, replicate) for replicate in range(study.replicates)],
        )


def _check_place(path: Path) -> None:
    if path.is_symlink() or path.exists():
        raise StoreError(f"{path} exists already", "open it to continue its study, or choose another --storage")
    if not path.parent.is_dir():
        raise StoreError(f"{path} cannot be created: there is no folder {path.parent}", f"mkdir -p {path.parent}")
    log = path.with_name(path.name + "-wal")
    # SQLite would replay the log of a deleted database into the new one.
    if log.exists() and log.stat().st_size > 0:
        raise StoreError(f"{log} is left of a database that is gone, and would damage a new one", f"move {log.name} away")
    log.unlink(missing_ok=True)
    # The index of a log holds no data; a process that still has it open must not share it with the new database.
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    for draft in path.parent.glob(f".{glob.escape(path.name)}.*.new*"):
        # Left by a process that was killed while it created this database.
        with suppress(FileNotFoundError):
            if time.time() - draft.stat().st_mtime > STALE_DRAFT_S:
                draft.unlink()


def _publish(draft: Path, path: Path) -> None:
    """Give the finished file its name, unless that name was taken meanwhile."""
    try:
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            raise
        except OSError:
            # A file system without hard links: reserve the name, then replace the reservation.
            path.touch(exist_ok=False)
            draft.replace(path)
    except FileExistsError as error:
        raise StoreError(f"{path} was created by another process meanwhile", "open it instead") from error
    if os.name == "posix":
        # The name itself must survive a power cut.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
