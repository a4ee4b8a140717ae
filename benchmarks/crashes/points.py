"""The named points of a command: its transactions, and files that it opens for writing, renames, links or removes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hpstudy.store.owned import OwnedDatabase

EVENTS = ("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "shutil.copyfile", "shutil.move")


class Points:
    """Watches this process, and kills it at one of its points.

    Args:
        names: the file that takes the name of every point, a line each.
        fatal: the number of the point, from 1; 0 for none.
    """

    def __init__(self, names: Path, fatal: int = 0) -> None:
        self._file = names.open("a", buffering=1)
        self._fatal = fatal
        self._reached = 0
        transaction = OwnedDatabase.transaction

        @contextmanager
        def watched(database: OwnedDatabase) -> Iterator[Any]:
            self._reach("transaction: before")
            with transaction(database) as connection:
                yield connection
                self._reach("transaction: not committed")
            self._reach("transaction: committed")

        OwnedDatabase.transaction = watched  # type: ignore[method-assign, assignment]
        sys.addaudithook(self._audit)

    def _reach(self, name: str) -> None:
        self._reached += 1
        self._file.write(f"{name}\n")
        if self._reached == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = any(letter in mode for letter in "wxa+") if isinstance(mode, str) else flags & (os.O_WRONLY | os.O_RDWR)
            if writes and str(path) != os.devnull:
                self._reach("file: opened for writing")
        elif event in EVENTS:
            self._reach(f"file: {event}")
