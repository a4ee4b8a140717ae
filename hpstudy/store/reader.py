"""Reading a database, while it is being written or long after."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from hpstudy.errors import StoreError, UsageError, nearest
from hpstudy.store import summary
from hpstudy.store.attributes import read_attributes
from hpstudy.store.connection import close_reader, connect_memory, connect_reader
from hpstudy.store.counts import Counts
from hpstudy.store.decoding import fetch
from hpstudy.store.faults import translated
from hpstudy.store.migrations import LATEST, SEALED_SINCE, migrate, refuse_newer, version
from hpstudy.store.owner import Owner, read_owner
from hpstudy.store.rows import (
    BestTrial,
    Environment,
    Event,
    TrialRow,
    read_environments,
    read_events,
    read_history,
)
from hpstudy.store.seals import BrokenSeals, broken_seals, content_digest
from hpstudy.store.stored_study import StoredStudy, read_study
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.shard import Shard

if TYPE_CHECKING:
    import pandas as pd


log = logging.getLogger(__name__)


class Reader:
    """A read-only look at a study's database; a context manager.

    It never waits for the writer and never makes it wait. Each method sees the database as it is at that moment; within
    `snapshot` all see the same state. Raises StoreError when the file is not a sound hpstudy database.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, stored_version: int) -> None:
        """Take over an open connection; users call `open`."""
        self.path = path
        self._version = stored_version
        self._connection = connection
        self._stored: StoredStudy = read_study(connection, path)

    @classmethod
    def open(cls, path: str | Path) -> Reader:
        """Look into the database at `path`.

        Of a database of an older version, a copy in memory is read, brought up to the newest one: it is the database at this moment.

        Raises:
            StoreError: when there is no sound hpstudy database.
            StoreTooNew: when a newer hpstudy wrote it.
        """
        path = Path(path).absolute()
        connection = connect_reader(path)
        with translated(path):
            try:
                refuse_newer(connection, path)
                if (stored := version(connection)) < 1:
                    raise StoreError(
                        f"{path} has database version {stored}; this program reads versions 1 to {LATEST}",
                        "use a backup, or start a new database",
                    )
                if stored < LATEST:
                    older, connection = connection, connect_memory()
                    older.backup(connection)
                    close_reader(older, path)
                    migrate(connection, record=False)
                return cls(path, connection, stored)
            except BaseException:
                close_reader(connection, path)
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def copy_to(self, path: Path) -> None:
        """Write the database, as it is now, to a new file. A database of an older version is written in the newest one."""
        with self.snapshot() as connection, closing(sqlite3.connect(path)) as copy:
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")

    def close(self) -> None:
        """Let the file go. Closing twice does no harm."""
        close_reader(self._connection, self.path)

    @property
    def study(self) -> Study:
        """The resolved study, as it was when the reader was opened."""
        return self._stored.study

    @property
    def fingerprint(self) -> str:
        """The study's fingerprint, as recorded when the database was created."""
        return self._stored.fingerprint

    @property
    def identity(self) -> dict[str, str]:
        """What determines numbers beside the study: checksums of data, versions of code."""
        return dict(self._stored.identity)

    @property
    def module_path(self) -> str | None:
        """The folder put first on the import path for a user's own callable."""
        return self._stored.module_path

    @property
    def created_at(self) -> str:
        """When the database was created (ISO 8601, UTC)."""
        return self._stored.created_at

    @property
    def shard(self) -> Shard | None:
        """The part of the study that this database runs; None for all of it."""
        return self._stored.shard

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Everything read inside sees one state of the database, even if others write meanwhile; may be nested."""
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

    def broken_seals(self) -> BrokenSeals | None:
        """What does not match its seal; None for a database of a version without seals."""
        if self._version < SEALED_SINCE:
            return None
        with self.snapshot() as connection:
            return broken_seals(connection)

    def warn_of_broken_seals(self) -> str:
        """Log what does not match its seal, in one line, and return it; "" for nothing."""
        sentence = str(self.broken_seals() or "")
        if sentence:
            log.warning("%s: %s", self.path, sentence)
        return sentence

    def content_digest(self) -> str:
        """SHA-256 (hex) over all seals: equal for databases with equal contents. Copies and VACUUM keep it.

        A database of a version without seals is sealed in memory: its digest can change with the version of hpstudy.
        """
        with self.snapshot() as connection:
            return content_digest(connection)

    def seal_note(self) -> str:
        """What the seals cannot tell of this database; "" when it was sealed from its first moment."""
        if self._version < SEALED_SINCE:
            return f"database version {self._version} has no seals: altered values that fit cannot be noticed"
        for event in self.events():
            if event.kind == "migrated" and event.detail.get("to") == SEALED_SINCE:
                return f"sealed on {event.at} by migration from version {event.detail.get('from')}: earlier changes cannot be noticed"
        return ""

    def counts(self) -> dict[str, Counts]:
        """For every arm: its trials by state."""
        with self.snapshot() as connection:
            return summary.count_trials(connection, self._stored)

    def mean_trial_s(self) -> dict[str, float]:
        """For every arm with finished trials: mean wall seconds of one, the choice of its point included."""
        with self.snapshot() as connection:
            return summary.mean_trial_s(connection, self.study)

    def mean_train_s(self) -> dict[str, float]:
        """For every arm with finished trials: mean wall seconds of the training alone."""
        with self.snapshot() as connection:
            return summary.mean_train_s(connection, self.study)

    def search_counts(self, study: Study | None = None) -> dict[SearchKey, Counts]:
        """For every search that this database runs, in run order: its trials by state; `study` is what this one grows to, if it does."""
        with self.snapshot() as connection:
            return summary.count_search_trials(connection, self._stored, study)

    def best(self, view: str, replicate: int | None = None) -> BestTrial | None:
        """The best completed trial of an arm, or of one of its searches; None before the first one.

        Raises:
            UsageError: when the study has no such view.
        """
        if view not in arms(self.study):
            raise UsageError(f"the study has no view '{view}': {nearest(view, self.study.views)}")
        with self.snapshot() as connection:
            return summary.find_best(connection, self.study, view, replicate)

    def attributes(self) -> dict[tuple[SearchKey, int], dict[str, Any]]:
        """Results of trials that are no numbers, by search and number; nothing for a trial that has none."""
        with self.snapshot() as connection:
            return read_attributes(connection)

    def history(self, key: SearchKey) -> list[TrialRow]:
        """The trials of a search, in order."""
        with self.snapshot() as connection:
            return read_history(connection, self.study, key.view, key.replicate)

    def events(self) -> list[Event]:
        """What happened to the study, in order."""
        with self.snapshot() as connection:
            return read_events(connection)

    def environments(self) -> list[Environment]:
        """Where the study's sessions and steps ran, in order."""
        with self.snapshot() as connection:
            return read_environments(connection)

    def owner(self) -> Owner | None:
        """The process that holds the database; None when it was closed. `Owner.is_alive` tells whether it still runs."""
        with self.snapshot() as connection:
            return read_owner(connection)

    def trials(self) -> pd.DataFrame:
        """One row per trial, by view, replicate and number; see `frames.trials_frame` for the columns."""
        from hpstudy.store.frames import trials_frame

        with self.snapshot() as connection:
            return trials_frame(connection, self.study)

    def curves(self, metric: str | None = None) -> pd.DataFrame:
        """One row per trial, metric and epoch (of one metric, when given); see `frames.curves_frame` for the columns.

        Raises:
            UsageError: when no trial has recorded such a metric.
        """
        from hpstudy.store.frames import curves_frame

        with self.snapshot() as connection:
            if metric is not None and metric not in (known := self.metrics()):
                raise UsageError(f"{self.path} has no metric '{metric}': {nearest(metric, known)}")
            return curves_frame(connection, self.study, metric)

    def confirmations(self) -> pd.DataFrame:
        """One row per training on a fresh seed; see `frames.confirmations_frame` for the columns."""
        from hpstudy.store.frames import confirmations_frame

        with self.snapshot() as connection:
            return confirmations_frame(connection, self.study)

    def metrics(self) -> list[str]:
        """The names of all metrics recorded so far, sorted."""
        with self.snapshot() as connection:
            return [name for (name,) in fetch(connection, "metric.name", "FROM metric ORDER BY name")]
