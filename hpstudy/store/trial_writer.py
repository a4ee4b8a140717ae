"""Writing of trials: rows of `trial`, `retraining`, `metric_value` and `curve`, with their seals, within a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hpstudy.errors import StoreError, UsageError
from hpstudy.store import paths
from hpstudy.store.attributes import write_attributes
from hpstudy.store.events import write_event
from hpstudy.store.listing import confirmed_search
from hpstudy.store.seals import changing, seal_trial
from hpstudy.store.searches import find_search
from hpstudy.store.values import clean_text, encode, encode_point, encode_seconds, utc_now
from hpstudy.study.confirm import Retraining
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
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


@dataclass(frozen=True)
class TrialWriter:
    """Writes trials within a transaction.

    Attributes:
        connection: connection with a write transaction.
        study: the stored study.
        path: path of the database.
        environment_id: the environment of the session; None if no session has started.
    """

    connection: sqlite3.Connection
    study: Study
    path: Path
    environment_id: int | None

    def start(self, trial: NewTrial) -> None:
        """Store a new trial with the state "running". Raises StoreError unless it is the next trial of its search."""
        search_id = self._search_id(trial.key)
        (following,) = self.connection.execute(
            "SELECT coalesce(max(number) + 1, 0) FROM trial WHERE search_id = ?", (search_id,)
        ).fetchone()
        if trial.number != following:
            raise StoreError(
                f"trial {trial.number} of {_name(trial.key)} cannot be started in {self.path}: the next one is {following}"
            )
        trial_id = self.connection.execute(
            """
            INSERT INTO trial (search_id, number, state, point, attempts, started_at, ask_s, environment_id)
            VALUES (?, ?, 'running', ?, 1, ?, ?, ?)
            """,
            (search_id, trial.number, encode_point(trial.point), utc_now(), encode_seconds(trial.ask_s), self.environment_id),
        ).lastrowid
        if trial.retrained is not None:
            self._write_retraining(trial.key, trial_id, trial.retrained)
        seal_trial(self.connection, trial_id)

    def record_attempt(self, key: SearchKey, number: int, reason: str) -> None:
        """Record another attempt of a running trial."""
        trial_id = self._running_id(key, number)
        self.connection.execute(
            "UPDATE trial SET attempts = attempts + 1, started_at = ?, environment_id = ? WHERE id = ?",
            (utc_now(), self.environment_id, trial_id),
        )
        seal_trial(self.connection, trial_id)
        detail = {"view": key.view, "replicate": key.replicate, "number": number, "reason": clean_text(reason)}
        write_event(self.connection, "attempt", detail)

    def finish(self, trials: Sequence[EndedTrial]) -> None:
        """Store the outcomes of running trials with their metrics, curves and attributes."""
        outcomes = [trial.outcome for trial in trials]
        metric_ids = self._metric_ids(
            name for outcome in outcomes for name in (*outcome.metrics, *(metric for _, metric, _ in outcome.curves))
        )
        for trial in trials:
            self._finish(trial, metric_ids)

    def import_results(self, key: SearchKey, results: Sequence[tuple[Point, float]]) -> None:
        """Store known results as the first trials of a search.

        Args:
            key: the search.
            results: points with their objectives.

        Raises:
            UsageError: the search has begun.
        """
        search_id, metric = self._search_id(key), self.study.metric.name
        if self.connection.execute("SELECT 1 FROM trial WHERE search_id = ?", (search_id,)).fetchone():
            raise UsageError(f"the search {_name(key)} has begun: results can be imported only before", "use a new --storage")
        metric_ids = self._metric_ids([metric])
        for number, (point, objective) in enumerate(results):
            now = utc_now()
            trial_id = self.connection.execute(
                """
                INSERT INTO trial (
                    search_id, number, state, point, objective, objective_kind, attempts, started_at, ended_at, ask_s
                ) VALUES (?, ?, 'completed', ?, ?, ?, 1, ?, ?, 0)
                """,
                (search_id, number, encode_point(point), *encode(objective), now, now),
            ).lastrowid
            self._write_metrics(trial_id, {metric: objective}, metric_ids)
            seal_trial(self.connection, trial_id)

    def _write_retraining(self, key: SearchKey, trial_id: int | None, retrained: Retraining) -> None:
        original_id = None
        if retrained.number is not None:
            search = confirmed_search(self.study, key)
            original_id, _ = self._trial(search, retrained.number)
            if original_id is None:
                raise StoreError(f"{_name(search)} has no trial {retrained.number} to retrain in {self.path}")
        same = self.connection.execute(
            """
            SELECT 1 FROM retraining JOIN trial ON trial.id = trial_id
            WHERE of_trial_id IS ? AND seed_number = ? AND search_id = ?
            """,
            (original_id, retrained.seed_number, self._search_id(key)),
        )
        if same.fetchone():
            raise StoreError(f"{_name(key)} already has {retrained} in {self.path}")
        self.connection.execute("INSERT INTO retraining VALUES (?, ?, ?)", (trial_id, original_id, retrained.seed_number))

    def _finish(self, trial: EndedTrial, metric_ids: Mapping[str, int]) -> None:
        outcome, failure = trial.outcome, trial.outcome.failure
        trial_id = self._running_id(trial.key, trial.number)
        self.connection.execute(
            """
            UPDATE trial SET
                state = ?, objective = ?, objective_kind = ?, ended_at = ?, evaluate_s = ?, peak_rss_mib = ?,
                error_type = ?, error = ?, traceback = ?, log_path = ?, environment_id = ?
            WHERE id = ?
            """,
            (
                outcome.state,
                *((None, None) if trial.objective is None else encode(trial.objective)),
                utc_now(),
                encode_seconds(outcome.duration_s),
                outcome.peak_rss_mib,
                *(map(clean_text, (failure.type, failure.message, failure.traceback)) if failure else (None, None, None)),
                paths.to_stored(outcome.log_path, self.path),
                trial.environment_id or self.environment_id,
                trial_id,
            ),
        )
        self._write_metrics(trial_id, outcome.metrics, metric_ids)
        self.connection.executemany(
            "INSERT OR REPLACE INTO curve VALUES (?, ?, ?, ?, ?)",
            [(trial_id, metric_ids[metric], epoch, *encode(value)) for epoch, metric, value in outcome.curves],
        )
        seal_trial(self.connection, trial_id)
        if outcome.attributes:
            write_attributes(self.connection, trial.key, trial.number, outcome.attributes)

    def _write_metrics(self, trial_id: int | None, metrics: Mapping[str, float], metric_ids: Mapping[str, int]) -> None:
        self.connection.executemany(
            "INSERT INTO metric_value VALUES (?, ?, ?, ?)",
            [(trial_id, metric_ids[name], *encode(value)) for name, value in metrics.items()],
        )

    def _metric_ids(self, names: Iterable[str]) -> dict[str, int]:
        """Return the IDs of metrics by name. Adds the metrics that the database does not have."""
        stored = {name: clean_text(name) for name in sorted(set(names))}
        ids = dict(self.connection.execute("SELECT name, id FROM metric").fetchall())
        if new := dict.fromkeys(name for name in stored.values() if name not in ids):
            with changing(self.connection, "metric"):
                for name in new:
                    ids[name] = self.connection.execute("INSERT INTO metric (name) VALUES (?)", (name,)).lastrowid
        return {name: ids[text] for name, text in stored.items()}

    def _running_id(self, key: SearchKey, number: int) -> int:
        """Return the ID of a running trial. Raises StoreError if the trial is not running."""
        trial_id, state = self._trial(key, number)
        if trial_id is None or state != "running":
            raise StoreError(f"trial {number} of {_name(key)} is not running in {self.path}")
        return trial_id

    def _trial(self, key: SearchKey, number: int) -> tuple[int | None, str]:
        """Return the ID and the state of a trial; None and "" if there is no such trial."""
        query = "SELECT id, state FROM trial WHERE search_id = ? AND number = ?"
        trial_id, state = self.connection.execute(query, (self._search_id(key), number)).fetchone() or (None, "")
        return trial_id, state

    def _search_id(self, key: SearchKey) -> int:
        search_id = find_search(self.connection, key)
        if search_id is None:
            raise StoreError(f"{self.path} has no search {_name(key)}", "grow the study first")
        return search_id


def _name(key: SearchKey) -> str:
    return f"{key.view}/{key.replicate}"
