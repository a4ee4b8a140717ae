"""The file descriptors of SQLite. Code in the same process, such as a task of the inline executor, may close them.

If a file is then opened with the same number, SQLite reads and writes that file instead of the database, without an error.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

FOLDERS = (Path("/proc/self/fd"), Path("/dev/fd"))
"""Folders with an entry for each descriptor of this process: on Linux, and on macOS."""

FileId = tuple[int, int]
"""Device and inode of a file, which change if the file is replaced."""


class Descriptors:
    """The descriptors that this process has for some files; none on a system that cannot list them."""

    def __init__(self, files: Iterable[Path]) -> None:
        """Find the descriptors now."""
        known = {file_id(file) for file in files}
        self._numbers: dict[FileId, list[int]] = {}
        for number in _numbers():
            if (opened := file_id(number)) is not None and opened in known:
                self._numbers.setdefault(opened, []).append(number)

    def are_open(self) -> bool:
        """Return whether each file still has one of its descriptors. Another connection to the file may have closed its own."""
        return all(any(file_id(number) == file for number in numbers) for file, numbers in self._numbers.items())


def file_id(file: Path | int) -> FileId | None:
    """Return the ID of a file, given by path or descriptor; None if it does not exist or is not open."""
    try:
        status = os.stat(file)  # noqa: PTH116  # a path or a descriptor
    except OSError:
        return None
    return status.st_dev, status.st_ino


def never_close(connection: sqlite3.Connection) -> None:
    """Keep a connection until the process has ended. When it is closed, SQLite writes its log to the database and deletes the log."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _numbers() -> list[int]:
    for folder in FOLDERS:
        if folder.is_dir():
            return [int(name) for name in os.listdir(folder) if name.isdecimal()]  # noqa: PTH208  # names, of which some are gone
    return []
