"""Database connections and the settings that all of them share.

| setting | reason |
|---|---|
| `application_id` is checked first | files of other programs are never modified |
| write-ahead log (WAL) | readers and the writer never wait for each other |
| `synchronous=FULL` | a committed trial survives a power failure |
| `foreign_keys=ON` | every trial has a search, and every curve has a trial |
| explicit BEGIN | transactions start only where the code starts them |
"""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing, suppress
from pathlib import Path

from hpstudy.errors import StoreError, nearest
from hpstudy.store.faults import translated

APPLICATION_ID = 0x48505354
"""The application ID in the file header: "HPST" in ASCII."""

BUSY_TIMEOUT_S = 10.0
"""How long a statement waits for a lock. Shorter: a slow disk is reported as busy. Longer: a program that hangs with the lock delays the
error."""

LAST_CHECKPOINT_S = 1.0
"""How long a closing writer waits for readers. After that it leaves the last trials in the write-ahead log next to the database."""

OLDEST_SQLITE = (3, 37, 0)
"""The first version of SQLite with STRICT tables."""


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the hpstudy database at `path` for writing. Raises StoreError if there is none."""
    check_header(path)
    with translated(path):
        connection = _connect(path, "mode=rw")
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            _set_rules(connection)
            # SQLite opens a write-protected file without an error. This transaction finds out before the first trial.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except BaseException:
            connection.close()
            raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open the hpstudy database at `path` read-only. A writer may have it open, and its folder may be read-only.

    Raises:
        StoreError: there is no such database, or its last transactions are in a write-ahead log that cannot be read.
    """
    check_header(path)
    with translated(path):
        try:
            return _connect_reader(path, "mode=ro")
        except sqlite3.OperationalError as error:
            # Reading a database with a write-ahead log needs the -shm file, which SQLite cannot create in a read-only folder.
            if (error.sqlite_errorcode & 0xFF) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
        log = log_of(path)
        if log.exists() and log.stat().st_size > 0:
            raise StoreError(
                f"the last trials of {path} are in {log.name}, which SQLite cannot read in a folder without write permission",
                f"copy {path.name} and {log.name} to a folder where you can write, and open the copy",
            )
        # Without a log there is no writer and the file is complete: SQLite may read it without locks.
        return _connect_reader(path, "mode=ro&immutable=1")


def close_reader(connection: sqlite3.Connection, path: Path) -> None:
    """Close a reader's connection and remove the files that it created."""
    with suppress(sqlite3.Error):
        connection.close()
    # A read-only connection creates an empty log but cannot delete it. A last connection with write access deletes it when closed.
    with suppress(sqlite3.Error, OSError, UnicodeDecodeError):
        if log_of(path).stat().st_size == 0:
            with closing(_connect(path, "mode=rw")) as last:
                _read(last)


def close_writer(connection: sqlite3.Connection) -> None:
    """Copy the write-ahead log into the database file and close the connection. Readers may have the database open."""
    with suppress(sqlite3.Error):
        connection.execute(f"PRAGMA busy_timeout = {LAST_CHECKPOINT_S * 1000:.0f}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with suppress(sqlite3.Error):
        connection.close()


def create_file(path: Path) -> sqlite3.Connection:
    """Create an empty database file with our `application_id` and open it.

    It has no write-ahead log yet. All committed data is in this one file, so it can be renamed.

    Raises:
        sqlite3.Error: not translated, because `path` is temporary and the message should name the final path.
    """
    connection = _connect(path, "mode=rwc")
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        _set_rules(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def check_header(path: Path) -> None:
    """Raise StoreError unless there is an hpstudy database at `path`. Changes nothing and leaves no log.

    The header is read through SQLite only. If this process opened and closed the file by other means, the operating system
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
    except (OSError, ValueError) as error:  # a ValueError for a null character
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"{path} cannot be read: {reason}", "check the path and its permissions") from error
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
            # A writer that is killed while it copies its log into the file leaves a file that is sound only together with the log.
            if not log_of(path).exists():
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
    """Read the schema. SQLite opens files lazily, so that errors appear at the first read."""
    connection.execute("SELECT count(*) FROM sqlite_schema")


def log_of(path: Path) -> Path:
    """Return the path of the write-ahead log of a database, which is next to the file itself if `path` is a link."""
    with suppress(OSError):
        path = path.resolve()
    return path.with_name(path.name + "-wal")


def _missing(path: Path) -> StoreError:
    if not path.parent.is_dir():
        return StoreError(f"{path} does not exist: there is no folder {path.parent}", "check the path, or --storage")
    # Another suffix may be that of a misspelled study file.
    patterns = ("*.sqlite",) if path.suffix in (".sqlite", ".db") else ("*.sqlite", "*.yaml", "*.yml")
    kind = "databases" if len(patterns) == 1 else "databases and study files"
    others = sorted(other.name for pattern in patterns for other in path.parent.glob(pattern))
    hint = nearest(path.name, others, f"{kind} in this folder") if others else "`hpstudy run STUDY` creates a database"
    return StoreError(f"{path} does not exist", hint)
