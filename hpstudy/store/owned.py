"""A database that this process owns, from opening to release."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from hpstudy.errors import StoreError
from hpstudy.store import owner as ownership
from hpstudy.store import paths
from hpstudy.store.connection import close_writer, connect_writer, log_of
from hpstudy.store.create import new_database
from hpstudy.store.descriptors import Descriptors, file_id, never_close
from hpstudy.store.events import write_event
from hpstudy.store.faults import translated
from hpstudy.store.migrations import SEALED_SINCE, migrate, refuse_newer, version
from hpstudy.store.network import refuse_network_disk
from hpstudy.store.seals import refuse_broken
from hpstudy.store.stored_study import SHARD, write_identity, write_study
from hpstudy.study.schema import Study
from hpstudy.study.shard import Shard


class OwnedDatabase:
    """A connection for writing and the ownership record that protects it.

    Attributes:
        path: absolute path of the file.
        connection: for reading only; all writes use `transaction`.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, owner: ownership.Owner) -> None:
        """Wrap an open connection to a database that `owner` has already claimed."""
        self.path = path
        self.connection = connection
        self._owner = owner
        self._file = file_id(path)
        log = log_of(path)
        index = log.with_name(log.name.removesuffix("-wal") + "-shm")
        self._log_files = {file: file_id(file) for file in (log, index)}
        self._descriptors = Descriptors([path, log, index])

    @classmethod
    def create(
        cls, path: Path, study: Study, *, identity: Mapping[str, str], module_path: str | None, shard: Shard | None
    ) -> OwnedDatabase:
        """Create a database for `study`, or for a shard of it, that this process owns as soon as it exists.

        Raises:
            StoreError: `path` already exists, or its folder is missing or not writable.
        """
        refuse_network_disk(path)
        owner = ownership.this_process(path)
        try:
            with new_database(path) as connection:
                ownership.write_owner(connection, owner)
                write_study(connection, study, paths.to_stored(module_path, path))
                write_identity(connection, identity)
                write_event(connection, "created", {"fingerprint": study.fingerprint(), "declaration": study.declaration()})
                if shard is not None:
                    write_event(connection, SHARD, {"shard": str(shard)})
            return cls(path, connect_writer(path), owner)
        except BaseException:
            ownership.forget(owner)
            raise

    @classmethod
    def open(cls, path: Path) -> OwnedDatabase:
        """Claim an existing database and migrate it to the latest schema.

        Raises:
            StoreError: the database cannot be opened, is on a network disk, or has values that do not match their seals. Nothing is
                written in these cases.
            StoreTooNew: a newer version of hpstudy wrote it.
            StoreBusy: another process owns it.
        """
        refuse_network_disk(path)
        connection = connect_writer(path)
        owner = None
        with translated(path):
            try:
                refuse_newer(connection, path)
                connection.execute("BEGIN IMMEDIATE")
                owner, before = ownership.claim(connection, path)
                if version(connection) >= SEALED_SINCE:
                    refuse_broken(connection)
                if before:
                    detail = {"host": before.host, "pid": before.pid, "since": before.since, "silent_since": before.heartbeat_at}
                    write_event(connection, "taken_over", detail)
                connection.execute("COMMIT")
                migrate(connection)
            except BaseException:
                connection.close()
                if owner:
                    ownership.forget(owner)
                raise
        return cls(path, connection, owner)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a write transaction. It fails if the file or its log was replaced, or another process owns the database."""
        connection = self.connection
        if file_id(self.path) != self._file:
            raise StoreError(
                f"{self.path} was deleted or replaced while this process was writing to it",
                "nothing was written to the new file. Restore the old file, or run again to start from the beginning.",
            )
        if replaced := [file for file, known in self._log_files.items() if file_id(file) != known]:
            # SQLite would continue to write to the deleted log. Besides `rm`, this happens if this process opens and closes the database by
            # other means, which drops SQLite's locks, and another program then closes the database as if it were the last one.
            raise StoreError(
                f"{replaced[0]} was deleted or replaced while this process was writing to it",
                "run the same command again; what was stored before is kept. In a process that runs a study, do not open or copy its "
                "database as a file.",
            )
        if not self._descriptors.are_open():
            raise StoreError(
                f"code in this process has closed the open files of {self.path}; nothing more was written",
                "do not close file descriptors that you did not open. What was stored before is kept: run again, with the executor "
                "'processes', in which a trial cannot affect this process.",
            )
        with translated(self.path):
            try:
                connection.execute("BEGIN IMMEDIATE")
                ownership.renew(connection, self._owner, self.path)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def abandon(self) -> None:
        """Close the connection without releasing the ownership. The next writer finds a dead owner."""
        ownership.forget(self._owner)
        if self._descriptors.are_open():
            close_writer(self.connection)
        else:
            never_close(self.connection)

    def close(self) -> None:
        """Release the ownership and close the connection. Closing twice has no effect."""
        # If the release cannot be written, the next writer replaces the owner like a dead one. The relevant error was raised before.
        with suppress(StoreError), self.transaction() as connection:
            ownership.release(connection, self._owner)
        self.abandon()
