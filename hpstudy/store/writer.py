"""Write access to a database: one process at a time, and one transaction for all trials that start or end together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hpstudy.errors import StoreError
from hpstudy.store import summary
from hpstudy.store.attributes import remove_attributes
from hpstudy.store.counts import Counts
from hpstudy.store.database import StudyDatabase
from hpstudy.store.environments import end_environments, write_environment
from hpstudy.store.events import write_event
from hpstudy.store.listing import confirmed_search, listed
from hpstudy.store.owned import OwnedDatabase
from hpstudy.store.seals import seal_all
from hpstudy.store.stored_study import read_study, write_identity, write_study
from hpstudy.store.summary import CommonFailure
from hpstudy.store.trial_writer import EndedTrial, NewTrial, TrialWriter
from hpstudy.store.values import clean_text
from hpstudy.study.changes import changes, growth, refuse_changes, time_limit_changes
from hpstudy.study.confirm import Retraining
from hpstudy.study.controls import arms
from hpstudy.study.imported import KIND as IMPORTED
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import PICKLED, Study, TaskBlock
from hpstudy.study.shard import Shard
from hpstudy.study.space import Point


class Store(StudyDatabase):
    """The single writer of a study's database, from `create` or `open` to `close`; a context manager.

    Every method that writes is one transaction. It is durable when the method returns, and rolled back if the method raises.
    All of them raise StoreError if the database cannot be written, was deleted, or was replaced, and StoreBusy if another
    process has taken it over.
    """

    def __init__(self, database: OwnedDatabase) -> None:
        """Wrap a database that this process already owns. Call `create` or `open` instead."""
        self._database = database
        self._environment_ids: list[int] = []
        try:
            super().__init__(database.path, database.connection)
        except BaseException:
            database.abandon()
            raise

    @classmethod
    def create(
        cls,
        path: str | Path,
        study: Study,
        *,
        identity: Mapping[str, str] | None = None,
        module_path: str | None = None,
        shard: Shard | None = None,
    ) -> Store:
        """Create a database at `path` for `study`, owned by this process.

        Args:
            path: the new file; it must not exist, and its folder must exist.
            study: the resolved study.
            identity: what determines the results besides the study, by name: checksums of data, versions of code.
            module_path: the folder that is put first on the import path, for user code.
            shard: the part of the study that this database runs; None for all of it.
        """
        return cls(
            OwnedDatabase.create(Path(path).absolute(), study, identity=identity or {}, module_path=module_path, shard=shard)
        )

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open the database at `path` and migrate it to the latest schema.

        Raises:
            StoreError: there is no sound hpstudy database at `path`.
            StoreTooNew: a newer version of hpstudy wrote it.
            StoreBusy: another process owns it.
        """
        return cls(OwnedDatabase.open(Path(path).absolute()))

    def begin_session(self, environment: Mapping[str, str]) -> int:
        """Store the environment of this session. All later trials refer to it.

        Returns:
            The ID of the environment.
        """
        self._environment_ids = []
        return self.add_environment(environment)

    def add_environment(self, environment: Mapping[str, str]) -> int:
        """Store the environment of another host that runs steps of this session.

        Returns:
            The ID of the environment.
        """
        with self._database.transaction() as connection:
            environment_id = write_environment(connection, environment)
        self._environment_ids.append(environment_id)
        return environment_id

    def grow(self, study: Study, *, stored: Study | None = None) -> None:
        """Replace the stored study by one that keeps all of its trials, with more trials, another analysis, or other labels or remarks.

        Args:
            study: the new study.
            stored: the stored study, completed by settings that did not exist when it was stored (`hpstudy.loading.bind.matched`).

        Raises:
            StudyChanged: the result of a trial could differ, or the study would become smaller.
        """
        old = stored or self.study
        with self.snapshot() as connection:
            timed_out, longest_s = summary.time_limit_use(connection, self.study)
        refuse_changes(old, study, self.path, time_limit_changes(old, study, timed_out, longest_s))
        if study == self.study:
            return
        with self._study_transaction() as connection:
            counts = Counts.total(summary.count_search_trials(connection, self._stored).values())
            write_study(connection, study)
            detail = {
                "finished_trials": counts.finished,
                "changes": growth(old, study),
                "replicates": [old.replicates, study.replicates],
                "trials": [old.search.trials, study.search.trials],
                **({"controls": [old.controls, study.controls]} if old.controls != study.controls else {}),
                **({"settings": changes(self.study, old)} if old != self.study else {}),
            }
            write_event(connection, "study_changed", detail)

    def take_function(self, task: TaskBlock) -> None:
        """Replace the pickled function of the study if its code has changed. An event keeps the source of the former function.

        Args:
            task: the task block with the current function.
        """
        if not task.is_pickled or task.settings[PICKLED]["digest"] == (old := self.study.task.settings[PICKLED])["digest"]:
            return
        with self._study_transaction() as connection:
            write_study(connection, self.study.model_copy(update={"task": task}))
            write_event(connection, "function_replaced", {key: old[key] for key in ("name", "digest", "source")})

    @contextmanager
    def _study_transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a transaction that changes the stored study or its identity, and read both again."""
        with self._database.transaction() as connection:
            yield connection
            stored = read_study(connection, self.path)
        self._stored = stored

    def listed(self, key: SearchKey) -> dict[Retraining, Point]:
        """Return the trials of a confirmation that are not stored yet, with their points, in run order."""
        arm, search = arms(self.study)[key.view], confirmed_search(self.study, key)
        return listed(self.study, arm, key.replicate, self.history(search), self.history(key))

    @contextmanager
    def _trials(self) -> Iterator[TrialWriter]:
        """Write trials in one transaction."""
        environment_id = self._environment_ids[0] if self._environment_ids else None
        with self._database.transaction() as connection:
            yield TrialWriter(connection, self.study, self.path, environment_id)

    def start_trials(self, trials: Iterable[NewTrial], *, identity: Mapping[str, str] | None = None) -> None:
        """Store new trials with the state "running", in one transaction.

        Args:
            trials: each is the next trial of its search; rows are added in this order.
            identity: as in `add_identity`, written in the same transaction.
        """
        with self._trials() as writer:
            for trial in trials:
                writer.start(trial)
            write_identity(writer.connection, identity or {})

    def record_attempts(self, trials: Iterable[tuple[SearchKey, int]], reason: str) -> None:
        """Record another attempt of running trials whose last evaluation ended without an outcome.

        Args:
            trials: the search and the trial number of each.
            reason: why there was no outcome.
        """
        with self._trials() as writer:
            for key, number in trials:
                writer.record_attempt(key, number, reason)

    def finish_trials(self, trials: Sequence[EndedTrial], *, identity: Mapping[str, str] | None = None) -> None:
        """Store the outcomes of running trials, with their metrics and curves, in one transaction.

        Args:
            trials: each must be running.
            identity: as in `add_identity`, written in the same transaction.
        """
        with self._trials() as writer:
            writer.finish(trials)
            write_identity(writer.connection, identity or {})

    def import_trials(
        self, arms: Sequence[str], replicates: Sequence[int], results: Sequence[tuple[Point, float]], **detail: str
    ) -> None:
        """Record known results as the first trials of searches that have not begun.

        Args:
            arms: names of the arms.
            replicates: replicates of their searches.
            results: points with their objectives.
            detail: further entries of the event `imported`.

        Raises:
            UsageError: a search has begun.
        """
        with self._trials() as writer:
            for key in (SearchKey(arm, replicate) for arm in arms for replicate in replicates):
                writer.import_results(key, results)
            event = {"arms": list(arms), "replicates": list(replicates), "trials": len(results), **detail}
            write_event(writer.connection, IMPORTED, event)

    def start_over(self, changed: Mapping[str, str]) -> int:
        """Remove all trials of a study whose code has changed before any trial completed.

        Args:
            changed: the new checksum of each changed source by name; "" for a source that no longer exists.

        Returns:
            The number of removed trials.

        Raises:
            StoreError: a trial has completed.
        """
        with self._study_transaction() as connection:
            if connection.execute("SELECT 1 FROM trial WHERE state = 'completed'").fetchone():
                raise StoreError(f"{self.path} has completed trials: it cannot start over")
            removed = connection.execute("DELETE FROM trial").rowcount
            remove_attributes(connection)
            connection.executemany("DELETE FROM identity WHERE name = ?", [(clean_text(name),) for name in changed])
            write_identity(connection, {name: new for name, new in changed.items() if new})
            seal_all(connection)
            write_event(connection, "started_over", {"removed_trials": removed, "sources": dict(changed)})
        return removed

    def common_failure(self) -> CommonFailure | None:
        """Return the most common failure of all trials; None if no trial failed."""
        with self.snapshot() as connection:
            return summary.common_failure(connection)

    def add_identity(self, identity: Mapping[str, str]) -> None:
        """Add to the identity of the study: code that is imported only while it runs.

        Args:
            identity: checksums by name. None of these names may be stored yet.
        """
        if identity:
            with self._database.transaction() as connection:
                write_identity(connection, identity)

    def event(self, kind: str, **detail: Any) -> None:
        """Add an event to the study's history."""
        with self._database.transaction() as connection:
            write_event(connection, kind, detail)

    def heartbeat(self) -> None:
        """Update the heartbeat. Call this after `owner.HEARTBEAT_S` seconds without any other write."""
        with self._database.transaction():
            pass

    def close(self) -> None:
        """End the session and close the database. Closing twice has no effect."""
        with suppress(StoreError), self._database.transaction() as connection:
            end_environments(connection, self._environment_ids)
        self._database.close()
