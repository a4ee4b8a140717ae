"""What a reader and the writer of a study's database have in common."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from hpstudy.store import summary
from hpstudy.store.counts import Counts
from hpstudy.store.environments import Environment, read_environments
from hpstudy.store.events import read_accepted, read_imported
from hpstudy.store.faults import translated
from hpstudy.store.history import TrialRow, read_history
from hpstudy.store.stored_study import read_study
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.shard import Shard


class StudyDatabase(ABC):
    """An open database with its stored study; a context manager.

    Attributes:
        path: absolute path of the database.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Read the stored study."""
        self.path = path
        self._connection = connection
        with translated(path):
            self._stored = read_study(connection, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close the file. Closing twice has no effect."""

    @property
    def study(self) -> Study:
        """The resolved study."""
        return self._stored.study

    @property
    def identity(self) -> dict[str, str]:
        """What determines the results besides the study, by name: checksums of data, versions of code."""
        return dict(self._stored.identity)

    def accepted_identity(self) -> dict[str, str]:
        """Return the identity with which the study may continue: that of its start, with the changes of code that were accepted since."""
        with self.snapshot() as connection:
            return self.identity | read_accepted(connection)

    @property
    def module_path(self) -> str | None:
        """The folder that is put first on the import path, for user code."""
        return self._stored.module_path

    @property
    def shard(self) -> Shard | None:
        """The part of the study that this database runs; None for all of it."""
        return self._stored.shard

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Read from one state of the database within the block, even if another process writes meanwhile. May be nested."""
        with translated(self.path):
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def search_counts(self, study: Study | None = None) -> dict[SearchKey, Counts]:
        """Return the number of trials by state for every search of this database, in run order.

        Args:
            study: the study to which the stored one is extended; default: the stored study.
        """
        with self.snapshot() as connection:
            return summary.count_search_trials(connection, self._stored, study)

    def history(self, key: SearchKey) -> list[TrialRow]:
        """Return the trials of a search, in order. The last one may be running; several may be running in a confirmation."""
        with self.snapshot() as connection:
            return read_history(connection, self.study, key)

    def imported(self) -> dict[SearchKey, int]:
        """Return how many trials of each search, the first ones, are imported results."""
        with self.snapshot() as connection:
            return read_imported(connection)

    def environments(self) -> list[Environment]:
        """Return the environments in which the study's sessions and steps ran, in order."""
        with self.snapshot() as connection:
            return read_environments(connection)
