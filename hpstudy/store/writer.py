"""Write access to a database: one process at a time, and one transaction for all trials that start or end together."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hpstudy.errors import StoreError, UsageError
from hpstudy.store import paths, summary
from hpstudy.store.attributes import remove_attributes, write_attributes
from hpstudy.store.counts import Counts
from hpstudy.store.create import write_study
from hpstudy.store.events import write_event
from hpstudy.store.faults import translated
from hpstudy.store.listing import listed
from hpstudy.store.owned import OwnedDatabase
from hpstudy.store.history import Environment, TrialRow, read_environments, read_history, read_imported
from hpstudy.store.seals import changing, seal_all, seal_new, seal_trial
from hpstudy.store.stored_study import StoredStudy, read_study
from hpstudy.store.summary import CommonFailure
from hpstudy.store.values import clean_text, encode, encode_point, utc_now
from hpstudy.study.changes import changes, growth, refuse_changes, time_limit_changes
from hpstudy.study.confirm import Retraining
from hpstudy.study.controls import arms
from hpstudy.study.imported import KIND as IMPORTED
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import PICKLED, Study, TaskBlock
from hpstudy.study.shard import Shard
from hpstudy.study.space import Point
from hpstudy.tasks.outcome import Outcome


@dataclass(frozen=True)
class NewTrial:
    """A trial to start.

    Attributes:
        key: its search.
        number: the next trial number of the search.
        point: the point to evaluate, also after an interruption.
        ask_s: wall time of choosing the point in seconds.
        retrained: the trial that a confirmation retrains, and the seed; None for any other trial.
    """

    key: SearchKey
    number: int
    point: Point
    ask_s: float = 0.0
    retrained: Retraining | None = None


@dataclass(frozen=True)
class EndedTrial:
    """A running trial that has ended.

    Attributes:
        key: its search.
        number: its trial number.
        outcome: the outcome of its step. If a metric was reported twice for one epoch, the later report is stored.
        objective: the value of the study's metric; None if there is none.
        environment_id: the environment in which it ran (`Store.add_environment`); None for that of the session.
    """

    key: SearchKey
    number: int
    outcome: Outcome
    objective: float | None
    environment_id: int | None = None


class Store:
    """The single writer of a study's database, from `create` or `open` to `close`; a context manager.

    Every method that writes is one transaction. It is durable when the method returns, and rolled back if the method raises.
    All of them raise StoreError if the database cannot be written, was deleted, or was replaced, and StoreBusy if another
    process has taken it over.
    """

    def __init__(self, database: OwnedDatabase) -> None:
        """Wrap a database that this process already owns. Call `create` or `open` instead."""
        self._database = database
        self._connection = database.connection
        self._search_ids: dict[tuple[str, int], int] = {}
        self._metric_ids: dict[str, int] = {}
        self._environment_ids: list[int] = []
        try:
            with translated(self.path):
                self._stored: StoredStudy = read_study(self._connection, self.path)
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """Absolute path of the database."""
        return self._database.path

    @property
    def study(self) -> Study:
        """The resolved study, including any extension by `grow`."""
        return self._stored.study

    @property
    def identity(self) -> dict[str, str]:
        """What determines the results besides the study, as stored when the database was opened."""
        return dict(self._stored.identity)

    @property
    def module_path(self) -> str | None:
        """The folder that is put first on the import path, for user code."""
        return self._stored.module_path

    @property
    def shard(self) -> Shard | None:
        """The part of the study that this database runs; None for all of it."""
        return self._stored.shard

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
            cursor = connection.execute(
                "INSERT INTO environment (started_at, detail) VALUES (?, ?)", (utc_now(), json.dumps(dict(environment)))
            )
            number = cursor.lastrowid
            seal_new(connection, "environment", number)
        assert number is not None
        self._environment_ids.append(number)
        return number

    @property
    def _environment_id(self) -> int | None:
        """ID of the session's environment; None before the session has started."""
        return self._environment_ids[0] if self._environment_ids else None

    def grow(self, study: Study, *, stored: Study | None = None) -> None:
        """Replace the stored study by one that keeps all of its trials: with more trials, or another analysis, labels or remarks.

        Args:
            study: the new study.
            stored: the stored study, completed by settings that did not exist when it was stored (`hpstudy.loading.bind.matched`).

        Raises:
            StudyChanged: the result of a trial could differ, or the study would become smaller.
        """
        old = stored or self.study
        with translated(self.path):
            timed_out, longest_s = summary.time_limit_use(self._connection, self.study)
        refuse_changes(old, study, self.path, time_limit_changes(old, study, timed_out, longest_s))
        if study == self.study:
            return
        with self._database.transaction() as connection:
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
            grown = read_study(connection, self.path)
        self._stored = grown

    def take_function(self, task: TaskBlock) -> None:
        """Replace the pickled function of the study if its code has changed. An event keeps the source of the former one.

        Args:
            task: with the present function.
        """
        if not task.is_pickled or task.settings[PICKLED]["digest"] == (old := self.study.task.settings[PICKLED])["digest"]:
            return
        with self._database.transaction() as connection:
            write_study(connection, self.study.model_copy(update={"task": task}))
            write_event(connection, "function_replaced", {key: old[key] for key in ("name", "digest", "source")})
            stored = read_study(connection, self.path)
        self._stored = stored

    def search_counts(self) -> dict[SearchKey, Counts]:
        """Return the number of trials by state for every search of this database, in run order."""
        with translated(self.path):
            return summary.count_search_trials(self._connection, self._stored)

    def environments(self) -> list[Environment]:
        """Return the environments in which the study's sessions and steps ran, in order."""
        with translated(self.path):
            return read_environments(self._connection)

    def history(self, key: SearchKey) -> list[TrialRow]:
        """Return the trials of a search, in order. The last one may be running; several may be running in a confirmation."""
        with translated(self.path):
            return read_history(self._connection, self.study, key.view, key.replicate)

    def listed(self, key: SearchKey) -> dict[Retraining, Point]:
        """Return the trials of a confirmation that are not stored yet, in run order. Its search must be complete."""
        of = self._searched(key)
        return listed(self.study, of.view, key.replicate, self.history(of), self.history(key))

    def _searched(self, confirmation: SearchKey) -> SearchKey:
        """Return the search that a confirmation confirms."""
        searched = arms(self.study)[confirmation.view].confirms
        assert searched is not None, "the arm of a confirmation confirms another one"
        return SearchKey(searched, confirmation.replicate)

    def start_trials(self, trials: Iterable[NewTrial], *, identity: Mapping[str, str] | None = None) -> None:
        """Store new trials with the state "running", in one transaction.

        Args:
            trials: each is the next trial of its search; rows are added in this order.
            identity: as in `add_identity`, written in the same transaction.
        """
        with self._database.transaction() as connection:
            for trial in trials:
                self._start(connection, trial)
            _insert_identity(connection, identity or {})

    def _start(self, connection: sqlite3.Connection, trial: NewTrial) -> None:
        search_id = self._search_id(trial.key)
        following = connection.execute(
            "SELECT coalesce(max(number) + 1, 0) FROM trial WHERE search_id = ?", (search_id,)
        ).fetchone()[0]
        if trial.number != following:
            raise StoreError(
                f"trial {trial.number} of {_name(trial.key)} cannot be started in {self.path}: the next one is {following}"
            )
        trial_id = connection.execute(
            """
            INSERT INTO trial (search_id, number, state, point, attempts, started_at, ask_s, environment_id)
            VALUES (?, ?, 'running', ?, 1, ?, ?, ?)
            """,
            (search_id, trial.number, encode_point(trial.point), utc_now(), trial.ask_s, self._environment_id),
        ).lastrowid
        if trial.retrained is not None:
            self._write_retraining(connection, trial.key, trial_id, trial.retrained)
        seal_trial(connection, trial_id)

    def _write_retraining(
        self, connection: sqlite3.Connection, key: SearchKey, trial_id: int | None, retrained: Retraining
    ) -> None:
        of_trial_id = None
        if retrained.number is not None:
            of = self._searched(key)
            row = connection.execute(
                "SELECT id FROM trial WHERE search_id = ? AND number = ?", (self._search_id(of), retrained.number)
            ).fetchone()
            if row is None:
                raise StoreError(f"{_name(of)} has no trial {retrained.number} to retrain in {self.path}")
            of_trial_id = row[0]
        same = connection.execute(
            """
            SELECT 1 FROM retraining JOIN trial ON trial.id = trial_id
            WHERE of_trial_id IS ? AND seed_number = ? AND search_id = ?
            """,
            (of_trial_id, retrained.seed_number, self._search_id(key)),
        )
        if same.fetchone():
            raise StoreError(f"{_name(key)} already has {retrained} in {self.path}")
        connection.execute("INSERT INTO retraining VALUES (?, ?, ?)", (trial_id, of_trial_id, retrained.seed_number))

    def record_attempts(self, trials: Iterable[tuple[SearchKey, int]], reason: str) -> None:
        """Record another attempt of running trials whose last evaluation ended without an outcome.

        Args:
            trials: the search and the trial number of each.
            reason: why there was no outcome.
        """
        with self._database.transaction() as connection:
            for key, number in trials:
                changed = connection.execute(
                    """
                    UPDATE trial SET attempts = attempts + 1, started_at = ?, environment_id = ?
                    WHERE search_id = ? AND number = ? AND state = 'running'
                    """,
                    (utc_now(), self._environment_id, self._search_id(key), number),
                )
                seal_trial(connection, self._running_id(connection, changed, key, number))
                detail = {"view": key.view, "replicate": key.replicate, "number": number, "reason": clean_text(reason)}
                write_event(connection, "attempt", detail)

    def finish_trials(self, trials: Sequence[EndedTrial], *, identity: Mapping[str, str] | None = None) -> None:
        """Store the outcomes of running trials, with their metrics and curves, in one transaction.

        Args:
            trials: each must be running.
            identity: as in `add_identity`, written in the same transaction.
        """
        with self._database.transaction() as connection:
            names = {
                name for trial in trials for name in (*trial.outcome.metrics, *(metric for _, metric, _ in trial.outcome.curves))
            }
            ids = self._metrics(connection, names)
            for trial in trials:
                self._finish(connection, trial, ids)
            _insert_identity(connection, identity or {})
        self._metric_ids = ids

    def _finish(self, connection: sqlite3.Connection, trial: EndedTrial, ids: Mapping[str, int]) -> None:
        outcome, failure = trial.outcome, trial.outcome.failure
        changed = connection.execute(
            """
            UPDATE trial SET
                state = ?, objective = ?, objective_kind = ?, ended_at = ?, evaluate_s = ?, peak_rss_mib = ?,
                error_type = ?, error = ?, traceback = ?, log_path = ?, environment_id = ?
            WHERE search_id = ? AND number = ? AND state = 'running'
            """,
            (
                outcome.state,
                *((None, None) if trial.objective is None else encode(trial.objective)),
                utc_now(),
                outcome.duration_s,
                outcome.peak_rss_mib,
                clean_text(failure.type) if failure else None,
                clean_text(failure.message) if failure else None,
                clean_text(failure.traceback) if failure else None,
                paths.to_stored(outcome.log_path, self.path),
                trial.environment_id or self._environment_id,
                self._search_id(trial.key),
                trial.number,
            ),
        )
        trial_id = self._running_id(connection, changed, trial.key, trial.number)
        connection.executemany(
            "INSERT INTO metric_value VALUES (?, ?, ?, ?)",
            [(trial_id, ids[metric], *encode(value)) for metric, value in outcome.metrics.items()],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO curve VALUES (?, ?, ?, ?, ?)",
            [(trial_id, ids[metric], epoch, *encode(value)) for epoch, metric, value in outcome.curves],
        )
        seal_trial(connection, trial_id)
        if outcome.attributes:
            write_attributes(connection, trial.key, trial.number, outcome.attributes)

    def import_trials(
        self, arms: Sequence[str], replicates: Sequence[int], results: Sequence[tuple[Point, float]], **detail: str
    ) -> None:
        """Record known results as the first trials of searches that have not begun.

        Args:
            arms: names of the arms.
            replicates: of their searches.
            results: points with their objectives.
            detail: of the event.

        Raises:
            UsageError: a search has begun.
        """
        with self._database.transaction() as connection:
            ids = self._metrics(connection, {self.study.metric.name})
            for key in (SearchKey(arm, replicate) for arm in arms for replicate in replicates):
                search_id = self._search_id(key)
                if connection.execute("SELECT 1 FROM trial WHERE search_id = ?", (search_id,)).fetchone():
                    raise UsageError(
                        f"the search {_name(key)} has begun: results can be imported only before", "use a new --storage"
                    )
                for number, (point, objective) in enumerate(results):
                    values, now = encode(objective), utc_now()
                    trial_id = connection.execute(
                        """
                        INSERT INTO trial (
                            search_id, number, state, point, objective, objective_kind, attempts, started_at, ended_at, ask_s
                        ) VALUES (?, ?, 'completed', ?, ?, ?, 1, ?, ?, 0)
                        """,
                        (search_id, number, encode_point(point), *values, now, now),
                    ).lastrowid
                    connection.execute(
                        "INSERT INTO metric_value VALUES (?, ?, ?, ?)", (trial_id, ids[self.study.metric.name], *values)
                    )
                    seal_trial(connection, trial_id)
            write_event(
                connection, IMPORTED, {"arms": list(arms), "replicates": list(replicates), "trials": len(results), **detail}
            )
        self._metric_ids = ids

    def imported(self) -> dict[SearchKey, int]:
        """How many trials of each search, the first ones, are imported results."""
        with translated(self.path):
            return read_imported(self._connection)

    def start_over(self, changed: Mapping[str, str]) -> int:
        """Remove all trials of a study whose code has changed before any trial completed.

        Args:
            changed: the new checksum of each changed source by name; "" for a source that no longer exists.

        Returns:
            The number of removed trials.

        Raises:
            StoreError: a trial has completed.
        """
        with self._database.transaction() as connection:
            if connection.execute("SELECT 1 FROM trial WHERE state = 'completed'").fetchone():
                raise StoreError(f"{self.path} has completed trials: it cannot start over")
            removed = connection.execute("DELETE FROM trial").rowcount
            remove_attributes(connection)
            connection.executemany("DELETE FROM identity WHERE name = ?", [(clean_text(name),) for name in changed])
            connection.executemany(
                "INSERT INTO identity VALUES (?, ?)", [(clean_text(name), new) for name, new in changed.items() if new]
            )
            seal_all(connection)
            write_event(connection, "started_over", {"removed_trials": removed, "sources": dict(changed)})
            stored = read_study(connection, self.path)
        self._stored = stored
        return removed

    def common_failure(self) -> CommonFailure | None:
        """Return the most common failure of all trials; None if no trial failed."""
        with translated(self.path):
            return summary.common_failure(self._connection)

    def add_identity(self, identity: Mapping[str, str]) -> None:
        """Add to the identity of the study: code that is imported only while it runs.

        Args:
            identity: checksums by name. None of these names may be stored yet.
        """
        if identity:
            with self._database.transaction() as connection:
                _insert_identity(connection, identity)

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
        with suppress(StoreError), self._database.transaction() as connection, changing(connection, "environment"):
            ended_at = utc_now()
            connection.executemany(
                "UPDATE environment SET ended_at = ? WHERE id = ?", [(ended_at, number) for number in self._environment_ids]
            )
        self._database.close()

    def _search_id(self, key: SearchKey) -> int:
        pair = (key.view, key.replicate)
        if pair not in self._search_ids:
            with translated(self.path):
                row = self._connection.execute(
                    "SELECT search.id FROM search JOIN view ON view.id = view_id WHERE view.name = ? AND replicate = ?", pair
                ).fetchone()
            if row is None:
                raise StoreError(f"{self.path} has no search {_name(key)}", "grow the study first")
            self._search_ids[pair] = row[0]
        return self._search_ids[pair]

    def _metrics(self, connection: sqlite3.Connection, names: Iterable[str]) -> dict[str, int]:
        """Return the IDs of `names` and of all metrics known before. They are valid once the transaction is committed."""
        known, new = dict(self._metric_ids), sorted(set(names) - set(self._metric_ids))
        if new:
            with changing(connection, "metric"):
                clean = [(clean_text(name),) for name in new]
                connection.executemany("INSERT INTO metric (name) VALUES (?) ON CONFLICT DO NOTHING", clean)
            known |= {
                name: connection.execute("SELECT id FROM metric WHERE name = ?", (clean_text(name),)).fetchone()[0]
                for name in new
            }
        return known

    def _running_id(self, connection: sqlite3.Connection, changed: sqlite3.Cursor, key: SearchKey, number: int) -> int:
        """Return the ID of the trial that `changed` updated. Raises StoreError if no running trial was updated."""
        if changed.rowcount != 1:
            raise StoreError(f"trial {number} of {_name(key)} is not running in {self.path}")
        row = connection.execute(
            "SELECT id FROM trial WHERE search_id = ? AND number = ?", (self._search_id(key), number)
        ).fetchone()
        return int(row[0])


def _name(key: SearchKey) -> str:
    return f"{key.view}/{key.replicate}"


def _insert_identity(connection: sqlite3.Connection, identity: Mapping[str, str]) -> None:
    if identity:
        with changing(connection, "identity"):
            connection.executemany(
                "INSERT INTO identity VALUES (?, ?)", [(clean_text(name), digest) for name, digest in identity.items()]
            )
