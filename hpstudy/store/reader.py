"""Read access to a database, also while another process writes to it."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpstudy.arguments import checked
from hpstudy.errors import StoreError, UsageError, nearest
from hpstudy.store import single_trials, summary
from hpstudy.store.attributes import KIND as ATTRIBUTES
from hpstudy.store.attributes import read_attributes, read_trial_attributes
from hpstudy.store.connection import close_reader, connect_reader
from hpstudy.store.counts import Counts, by_arm
from hpstudy.store.database import StudyDatabase
from hpstudy.store.decoding import fetch
from hpstudy.store.events import Event, read_events
from hpstudy.store.faults import translated
from hpstudy.store.migrations import LATEST, SEALED_SINCE, migrate, refuse_newer, version
from hpstudy.store.owner import Owner, read_owner
from hpstudy.store.seals import BrokenSeals, broken_seals, content_digest
from hpstudy.store.single_trials import StoredTrial, TrialDetail
from hpstudy.store.summary import BestTrial
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey

if TYPE_CHECKING:
    import pandas as pd


log = logging.getLogger(__name__)


class Reader(StudyDatabase):
    """Read-only access to a study's database; a context manager.

    A reader never blocks the writer, and the writer never blocks a reader. Each method sees the current state of the database;
    within `snapshot` all methods see the same state. Methods raise StoreError if the file is not a sound hpstudy database.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, stored_version: int) -> None:
        """Wrap an open connection. Call `open` instead."""
        super().__init__(path, connection)
        self._version = stored_version

    @classmethod
    @checked
    def open(cls, path: str | Path) -> Reader:
        """Open the database at `path`.

        A database of an older version is copied to memory and migrated there. The reader then sees its state at opening.

        Raises:
            StoreError: there is no sound hpstudy database at `path`.
            StoreTooNew: a newer version of hpstudy wrote it.
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
                    older, connection = connection, sqlite3.connect(":memory:", isolation_level=None)
                    older.backup(connection)
                    close_reader(older, path)
                    migrate(connection, record=False)
                return cls(path, connection, stored)
            except BaseException:
                close_reader(connection, path)
                raise

    def __repr__(self) -> str:
        return f"<Reader of {self.path}: study '{self.study.name}'>"

    def copy_to(self, path: Path) -> None:
        """Copy the current state of the database to a new file. The copy of an older version has the latest version."""
        with self.snapshot() as connection, closing(sqlite3.connect(path)) as copy:
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")

    def close(self) -> None:
        """Close the file. Closing twice has no effect."""
        close_reader(self._connection, self.path)

    @property
    def fingerprint(self) -> str:
        """The study's fingerprint, as recorded when the database was created."""
        return self._stored.fingerprint

    @property
    def created_at(self) -> str:
        """When the database was created (ISO 8601, UTC)."""
        return self._stored.created_at

    def broken_seals(self) -> BrokenSeals | None:
        """Return the values that do not match their seals; None for a database of a version without seals."""
        if self._version < SEALED_SINCE:
            return None
        with self.snapshot() as connection:
            return broken_seals(connection)

    def warn_of_broken_seals(self) -> str:
        """Log a one-line warning if values do not match their seals, and return it; "" if all match."""
        sentence = str(self.broken_seals() or "")
        if sentence:
            log.warning("%s: %s", self.path, sentence)
        return sentence

    def content_digest(self) -> str:
        """Return the SHA-256 digest (hex) of all seals. Databases with equal contents have equal digests; copies and VACUUM keep it.

        A database of a version without seals is sealed in memory, so that its digest can change with the version of hpstudy.
        """
        with self.snapshot() as connection:
            return content_digest(connection)

    def seal_note(self) -> str:
        """Return a note on the changes that the seals cannot detect; "" if the database has had seals since its creation."""
        if self._version < SEALED_SINCE:
            return f"database version {self._version} has no seals: altered values of the right type cannot be detected"
        for event in self.events():
            if event.kind == "migrated" and event.detail.get("to") == SEALED_SINCE:
                return f"sealed on {event.at} by migration from version {event.detail.get('from')}: earlier changes cannot be detected"
        return ""

    def counts(self) -> dict[str, Counts]:
        """Return the number of trials of every arm by state."""
        return by_arm(self.search_counts())

    def mean_trial_s(self) -> dict[str, float]:
        """Return the mean wall time of a trial in seconds, including the choice of its point, for every arm with finished trials."""
        with self.snapshot() as connection:
            return summary.mean_trial_s(connection, self.study, training_only=False)

    def mean_train_s(self) -> dict[str, float]:
        """Return the mean wall time of the training alone in seconds, for every arm with finished trials."""
        with self.snapshot() as connection:
            return summary.mean_trial_s(connection, self.study, training_only=True)

    @checked
    def best(self, view: str, replicate: int | None = None) -> BestTrial | None:
        """Return the best completed trial of an arm, or of one of its searches; None if no trial has completed.

        Raises:
            UsageError: the study has no such view.
        """
        if view not in arms(self.study):
            raise UsageError(f"the study has no view '{view}': {nearest(view, self.study.views)}")
        with self.snapshot() as connection:
            return summary.find_best(connection, self.study, view, replicate)

    def attributes(self) -> dict[tuple[SearchKey, int], dict[str, Any]]:
        """Return results that are not numbers, by search and trial number. Trials without attributes are absent."""
        with self.snapshot() as connection:
            return read_attributes(connection)

    @checked
    def trial_attributes(self, key: SearchKey, number: int) -> dict[str, Any]:
        """Return the results of one trial that are not numbers; empty if there are none."""
        with self.snapshot() as connection:
            return read_trial_attributes(connection, key, number)

    def running(self) -> list[StoredTrial]:
        """Return the running trials, ordered by start time."""
        with self.snapshot() as connection:
            return single_trials.read_running(connection, self.study)

    @checked
    def latest(self, most: int) -> list[StoredTrial]:
        """Return the `most` latest finished trials, the latest first."""
        with self.snapshot() as connection:
            return single_trials.read_latest(connection, self.study, most)

    @checked
    def ended_since(self, moment: str) -> int:
        """Return the number of trials that have ended since `moment` (ISO 8601, UTC)."""
        with self.snapshot() as connection:
            return single_trials.count_ended_since(connection, moment)

    @checked
    def trial_detail(self, key: SearchKey, number: int) -> TrialDetail:
        """Return one trial with its curves, traceback and log.

        Raises:
            UsageError: there is no such trial.
        """
        with self.snapshot() as connection:
            detail = single_trials.read_trial(connection, self.study, key, number, self.path)
        if detail is None:
            raise UsageError(f"there is no trial {number} of view '{key.view}', replicate {key.replicate}")
        return detail

    @checked
    def events(self, *, attributes: bool = True) -> list[Event]:
        """Return the events of the study, in order.

        Args:
            attributes: include the events that hold the attributes of trials. There is one for each trial with attributes.
        """
        with self.snapshot() as connection:
            return read_events(connection, "TRUE" if attributes else f"kind <> '{ATTRIBUTES}'")

    def owner(self) -> Owner | None:
        """Return the process that owns the database; None if it was closed. `Owner.is_alive` tells whether it is still running."""
        with self.snapshot() as connection:
            return read_owner(connection, self.path)

    def trials(self) -> pd.DataFrame:
        """Return one row per trial, ordered by view, replicate and number. `frames.trials_frame` describes the columns."""
        from hpstudy.store.frames import trials_frame

        with self.snapshot() as connection:
            return trials_frame(connection, self.study)

    @checked
    def curves(self, metric: str | None = None) -> pd.DataFrame:
        """Return one row per trial, metric and epoch. `frames.curves_frame` describes the columns.

        Args:
            metric: name of one metric; default: all metrics.

        Raises:
            UsageError: no trial has recorded this metric.
        """
        from hpstudy.store.frames import curves_frame

        with self.snapshot() as connection:
            if metric is not None and metric not in (metrics := self.metrics()):
                raise UsageError(f"{self.path} has no metric '{metric}': {nearest(metric, metrics)}")
            return curves_frame(connection, self.study, metric)

    def confirmations(self) -> pd.DataFrame:
        """Return one row per training on a fresh seed. `frames.confirmations_frame` describes the columns."""
        from hpstudy.store.frames import confirmations_frame

        with self.snapshot() as connection:
            return confirmations_frame(connection, self.study)

    def metrics(self) -> list[str]:
        """Return the names of all metrics recorded so far, sorted."""
        with self.snapshot() as connection:
            return [name for (name,) in fetch(connection, "metric.name", "FROM metric ORDER BY name")]
