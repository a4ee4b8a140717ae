"""A database that this process owns: opened, fenced, and let go."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from hpstudy.errors import StoreError
from hpstudy.store import owner as ownership
from hpstudy.store.connection import close_writer, connect_writer
from hpstudy.store.create import create_database
from hpstudy.store.events import write_event
from hpstudy.store.faults import translated
from hpstudy.store.migrations import SEALED_SINCE, migrate, refuse_newer, version
from hpstudy.store.network import refuse_network_disk
from hpstudy.store.seals import refuse_broken
from hpstudy.study.schema import Study
from hpstudy.study.shard import Shard


class OwnedDatabase:
    """A writing connection together with the claim that protects it.

    Attributes:
        path: the file, absolute.
        connection: for reading; what is written goes through `transaction`.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, owner: ownership.Owner) -> None:
        """Hold an open connection whose database `owner` has claimed already."""
        self.path = path
        self.connection = connection
        self._owner = owner
        self._file = _file_id(path)

    @classmethod
    def create(
        cls, path: Path, study: Study, *, identity: Mapping[str, str], module_path: str | None, shard: Shard | None
    ) -> OwnedDatabase:
        """A new database for `study`, owned by this process from its first moment. Raises StoreError where that cannot be."""
        refuse_network_disk(path)
        owner = ownership.this_process()
        try:
            create_database(path, study, identity=identity, module_path=module_path, owner=owner, shard=shard)
            return cls(path, connect_writer(path), owner)
        except BaseException:
            ownership.forget(owner)
            raise

    @classmethod
    def open(cls, path: Path) -> OwnedDatabase:
        """Claim an existing database and bring its schema up to date.

        Raises:
            StoreError: it cannot be opened, is on a network disk, or values do not match their seals. Nothing is written then.
            StoreTooNew: a newer hpstudy wrote it.
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
        """One write transaction that only the owner of the database, still in its place, can commit."""
        connection = self.connection
        if _file_id(self.path) != self._file:
            raise StoreError(
                f"{self.path} was deleted or replaced while this process was writing to it",
                "nothing was written to the new file; put the old one back, or run again to start from the beginning",
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
        """Close without a word in the database: the next writer finds a dead owner."""
        ownership.forget(self._owner)
        close_writer(self.connection)

    def close(self) -> None:
        """Let the database go. Closing twice does no harm."""
        # An owner that cannot write its farewell is replaced like one that died; the error that matters was raised before.
        with suppress(StoreError), self.transaction() as connection:
            ownership.release(connection, self._owner)
        self.abandon()


def _file_id(path: Path) -> tuple[int, int] | None:
    """What tells one file from another under the same name; None when there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
