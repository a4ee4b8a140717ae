"""Translation of SQLite's errors to StoreError: no `sqlite3.Error` leaves this package."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpstudy.errors import StoreBusy, StoreError
from hpstudy.store.decoding import Undecodable

DAMAGED_HINT = "nothing was changed; `hpstudy db check` lists the problems. Use a backup, or start a new database."


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translate the errors of a block that uses the database at `path` to StoreError or StoreBusy."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, path) from error
    except Undecodable as error:
        raise StoreError(f"{path} was altered or is damaged: {error}", DAMAGED_HINT) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        # Damaged text can also be in SQLite's own messages, which quote it.
        raise StoreError(f"{path} is damaged (it contains text that cannot be decoded: {error})", DAMAGED_HINT) from error


def translate(error: sqlite3.Error, path: Path) -> StoreError:
    """Return the StoreError for an SQLite error of the database at `path`."""
    if isinstance(error, sqlite3.ProgrammingError):
        return StoreError(f"{path}: {error}", "open the database again, in the thread that reads it")
    # The low byte is the primary result code; the other bits only refine it.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreBusy(
                f"{path} is locked by another program",
                "close the program that is writing to it, then try again. If there is none, the disk has no file locks: choose another "
                "--storage.",
            )
        case sqlite3.SQLITE_FULL:
            return StoreError(f"the disk is full: {path} cannot grow", "free some space, then run the same command again")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreError(f"{path} cannot be written", "make the file and its folder writable, or choose another --storage")
        case sqlite3.SQLITE_CANTOPEN:
            return StoreError(f"{path} cannot be opened or created", "check the permissions of the file and of its folder")
        case sqlite3.SQLITE_CORRUPT:
            return StoreError(f"{path} is damaged ({error})", DAMAGED_HINT)
        case sqlite3.SQLITE_NOTADB:
            return StoreError(f"{path} is not an hpstudy database", "check the path; nothing was changed")
        case sqlite3.SQLITE_IOERR:
            return StoreError(
                f"the disk failed while reading or writing {path} ({error})", "check the disk, its free space and your quota"
            )
        case _:
            return StoreError(f"{path}: {error}", DAMAGED_HINT)
