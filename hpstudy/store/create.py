"""Creation of databases: atomic, and never over an existing file."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hpstudy.drafts import drafted, drafts_of
from hpstudy.errors import StoreError, shell_command
from hpstudy.store.connection import create_file
from hpstudy.store.faults import translated
from hpstudy.store.migrations import migrate

STALE_DRAFT_S = 60.0
"""Age at which a draft is removed as the remains of a killed process; a draft is normally written in milliseconds. Shorter: the draft of a
live process on a slow disk is removed. Longer: drafts of killed processes stay longer."""


@contextmanager
def new_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Create a database at `path`. The body of the `with` block fills it in one transaction.

    It is written under a temporary name in the same folder and renamed to `path` when it is complete. A crash before that
    leaves nothing at `path`.

    Raises:
        StoreError: `path` already exists, or its folder is missing or not writable.
    """
    try:
        _refuse_existing(path)
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


def _refuse_existing(path: Path) -> None:
    if path.is_symlink() or path.exists():
        raise StoreError(f"{path} already exists", "open it to continue its study, or choose another --storage")
    if not path.parent.is_dir():
        raise StoreError(f"{path} cannot be created: there is no folder {path.parent}", shell_command("mkdir", "-p", path.parent))
    log = path.with_name(path.name + "-wal")
    # SQLite would replay the log of a deleted database into the new one.
    if log.exists() and log.stat().st_size > 0:
        raise StoreError(
            f"{log} belongs to a database that was deleted, and would damage a new one", f"move {log.name} to another folder"
        )
    log.unlink(missing_ok=True)
    # The index of a log holds no data. A process that still has it open must not share it with the new database.
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    for draft in drafts_of(path):
        # A process that was killed while it created this database left the draft.
        with suppress(FileNotFoundError):
            if time.time() - draft.stat().st_mtime > STALE_DRAFT_S:
                draft.unlink()


def _publish(draft: Path, path: Path) -> None:
    """Rename the finished file to `path`. Raises StoreError if another process has created `path` meanwhile."""
    try:
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            raise
        except OSError:
            # The file system has no hard links: create an empty file to reserve the name, then replace it.
            path.touch(exist_ok=False)
            draft.replace(path)
    except FileExistsError as error:
        raise StoreError(f"another process created {path} meanwhile", "run the same command again") from error
    if os.name == "posix":
        # The directory entry must survive a power failure.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
