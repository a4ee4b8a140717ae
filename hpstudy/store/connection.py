"""Opening databases: the rules that every connection follows.

| rule | why |
|---|---|
| `application_id` is checked before anything else | a foreign file is never touched |
| write-ahead log (WAL) | readers and the writer never wait for each other |
| `synchronous=FULL` | a committed trial survives a power cut |
| `foreign_keys=ON` | no trial without its search, no curve without its trial |
| explicit BEGIN | a transaction starts where the code says so |
"""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing, suppress
from pathlib import Path

from hpstudy.errors import StoreError, nearest
from hpstudy.store.faults import translated

APPLICATION_ID = 0x48505354
"""Stands in the file's header: "HPST" in ASCII."""

BUSY_TIMEOUT_S = 10.0
"""How long a statement waits for another program's write. Shorter: a slow disk looks busy. Longer: a stuck program stops us
longer before an error is raised."""

LAST_CHECKPOINT_S = 1.0
"""How long a closing writer waits for readers before it leaves the last trials in the log beside the database."""

OLDEST_SQLITE = (3, 37, 0)
"""STRICT tables begin here."""


def connect_writer(path: Path) -> sqlite3.Connection:
    """A connection that may write to the hpstudy database at `path`. Raises StoreError when there is none."""
    check_header(path)
    with translated(path):
        connection = _connect(path, "mode=rw")
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            _set_rules(connection)
            # A file that is write-protected opens all the same; better to learn it now than after the first trial.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except BaseException:
            connection.close()
            raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection to the hpstudy database at `path`, live or not, also in folders that cannot be written.

    Raises:
        StoreError: when there is no such database, or its last transactions lie in a log that cannot be read from here.
    """
    check_header(path)
    with translated(path):
        try:
            return _connect_reader(path, "mode=ro")
        except sqlite3.OperationalError as error:
            # Reading beside a writer needs the -shm file, which SQLite cannot create in a read-only folder.
            if (error.sqlite_errorcode & 0xFF) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
        log = _log(path)
        if log.exists() and log.stat().st_size > 0:
            raise StoreError(
                f"the last trials of {path} lie in {log.name}, which cannot be read in a folder without write permission",
                f"copy {path.name} and {log.name} to a folder of your own and open them there",
            )
        # No log: no writer is at work and the file is whole, so SQLite may read it without any locks.
        return _connect_reader(path, "mode=ro&immutable=1")


def connect_memory() -> sqlite3.Connection:
    """A connection to an empty database in memory, for a copy."""
    return sqlite3.connect(":memory:", isolation_level=None)


def close_reader(connection: sqlite3.Connection, path: Path) -> None:
    """Close a reader's connection and leave the folder as it was found."""
    with suppress(sqlite3.Error):
        connection.close()
    # A read-only connection makes an empty log and may not delete it. The last one that may write deletes it on closing.
    with suppress(sqlite3.Error, OSError, UnicodeDecodeError):
        if _log(path).stat().st_size == 0:
            with closing(_connect(path, "mode=rw")) as last:
                _read(last)


def close_writer(connection: sqlite3.Connection) -> None:
    """Close a writer's connection with everything in the one file, also while readers have it open."""
    with suppress(sqlite3.Error):
        connection.execute(f"PRAGMA busy_timeout = {LAST_CHECKPOINT_S * 1000:.0f}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with suppress(sqlite3.Error):
        connection.close()


def create_file(path: Path) -> sqlite3.Connection:
    """A connection to a new, empty database file with our `application_id`.

    It has no write-ahead log yet: what is committed is in the one file, which can then be renamed.
    """
    with translated(path):
        connection = _connect(path, "mode=rwc")
        try:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            _set_rules(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def check_header(path: Path) -> None:
    """Raises StoreError unless an hpstudy database stands at `path`. Changes nothing, and leaves no log behind.

    The file is looked at through SQLite only: were this process to open and close it by other means, the operating system
    would drop the locks of all its SQLite connections to the file.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(
            f"Python's SQLite is {sqlite3.sqlite_version}; hpstudy needs {'.'.join(map(str, OLDEST_SQLITE))} or newer",
            "use a newer Python, for instance from conda-forge or uv",
        )
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise _missing(path) from error
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}", "check the path and its permissions") from error
    if stat.S_ISDIR(status.st_mode):
        raise StoreError(f"{path} is a folder, not a database", "give the path of the .sqlite file in it")
    if not stat.S_ISREG(status.st_mode):
        raise StoreError(f"{path} is not a file", "give the path of an .sqlite file")
    if status.st_size == 0:
        raise StoreError(f"{path} is not an hpstudy database: it is empty", "delete it, or choose another --storage")
    with translated(path):
        try:
            application_id = _application_id(path, "mode=ro&immutable=1")
        except sqlite3.DatabaseError:
            # A writer that ends while it copies its log into the file leaves a file that is sound only with its log.
            if not _log(path).exists():
                raise
            application_id = _application_id(path, "mode=ro")
    if application_id != APPLICATION_ID:
        raise StoreError(f"{path} is not an hpstudy database: another program wrote it", "check the path; nothing was changed")


def _application_id(path: Path, options: str) -> int:
    with closing(_connect(path, options)) as connection:
        return int(connection.execute("PRAGMA application_id").fetchone()[0])


def _set_rules(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _connect(path: Path, options: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{options}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)


def _connect_reader(path: Path, options: str) -> sqlite3.Connection:
    connection = _connect(path, options)
    try:
        _read(connection)
    except BaseException:
        close_reader(connection, path)
        raise
    return connection


def _read(connection: sqlite3.Connection) -> None:
    """SQLite opens lazily: the first read tells whether it can."""
    connection.execute("SELECT count(*) FROM sqlite_schema")


def _log(path: Path) -> Path:
    """The write-ahead log beside a database."""
    return path.with_name(path.name + "-wal")


def _missing(path: Path) -> StoreError:
    if not path.parent.is_dir():
        return StoreError(f"{path} does not exist: there is no folder {path.parent}", "check the path, or --storage")
    others = sorted(other.name for other in path.parent.glob("*.sqlite"))
    known = nearest(path.name, others[:20]) if others else "`hpstudy run STUDY` creates a database"
    return StoreError(f"{path} does not exist", known)
