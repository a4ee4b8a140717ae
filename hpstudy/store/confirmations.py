"""Trainings on fresh seeds: the rows of table `confirmation` and their metrics."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hpstudy.errors import StoreError
from hpstudy.store import places
from hpstudy.store.migrations import CONFIRMATIONS_SINCE, version
from hpstudy.store.rows import TrialState
from hpstudy.store.values import clean_text, decode, decode_point, encode, encode_point, utc_now
from hpstudy.study.space import Point
from hpstudy.tasks.outcome import Outcome


@dataclass(frozen=True)
class Confirmed:
    """What is trained again: a trial of a search, or the default point of a view.

    Attributes:
        view: the view's name.
        replicate: whose search; None for the default point.
        number: of the trial; None for the default point.
    """

    view: str
    replicate: int | None = None
    number: int | None = None

    def __str__(self) -> str:
        if self.replicate is None:
            return f"{self.view}, default point"
        return f"{self.view}, replicate {self.replicate}, trial {self.number}"


@dataclass(frozen=True)
class ConfirmationRow:
    """One training on a fresh seed.

    Attributes:
        of: what is trained again.
        seed_number: number of the fresh seed, from 0.
        point: what it evaluates.
        state: running, or how it ended.
        objective: the measured value; None when there is none.
        attempts: how often its evaluation was begun.
    """

    of: Confirmed
    seed_number: int
    point: Point
    state: TrialState
    objective: float | None
    attempts: int


def are_kept(connection: sqlite3.Connection) -> bool:
    """Whether the database is new enough to hold confirmations."""
    return version(connection) >= CONFIRMATIONS_SINCE


def read_confirmations(connection: sqlite3.Connection) -> list[ConfirmationRow]:
    """All confirmations in the order in which they were begun; none in a database older than them."""
    if not are_kept(connection):
        return []
    rows = connection.execute(
        """
        SELECT result.view, result.replicate, result.number, result.seed_number, result.point, result.state,
            confirmation.objective, confirmation.objective_kind, result.attempts
        FROM confirmation_result AS result JOIN confirmation ON confirmation.id = result.confirmation_id
        ORDER BY confirmation.id
        """
    )
    return [
        ConfirmationRow(
            Confirmed(view, replicate, number),
            seed,
            decode_point(point),
            state,
            None if kind is None else decode(value, kind),
            attempts,
        )
        for view, replicate, number, seed, point, state, value, kind, attempts in rows
    ]


def insert(connection: sqlite3.Connection, of: Confirmed, seed_number: int, point: Point, environment_id: int | None) -> None:
    """Record a training as running, within the caller's transaction."""
    trial_id, view_id = _parent(connection, of)
    connection.execute(
        """
        INSERT INTO confirmation (trial_id, view_id, seed_number, state, point, attempts, started_at, environment_id)
        VALUES (?, ?, ?, 'running', ?, 1, ?, ?)
        """,
        (trial_id, view_id, seed_number, encode_point(point), utc_now(), environment_id),
    )


def count_attempt(connection: sqlite3.Connection, of: Confirmed, seed_number: int, environment_id: int | None) -> None:
    """Another evaluation of a running training begins, within the caller's transaction."""
    connection.execute(
        "UPDATE confirmation SET attempts = attempts + 1, started_at = ?, environment_id = ? WHERE id = ?",
        (utc_now(), environment_id, _running(connection, of, seed_number)),
    )


def finish(
    connection: sqlite3.Connection,
    of: Confirmed,
    seed_number: int,
    outcome: Outcome,
    objective: float | None,
    metric_ids: Mapping[str, int],
    environment_id: int | None,
    database: Path,
) -> None:
    """Record how a running training ended, with its metrics, within the caller's transaction."""
    confirmation_id, failure = _running(connection, of, seed_number), outcome.failure
    connection.execute(
        """
        UPDATE confirmation SET
            state = ?, objective = ?, objective_kind = ?, ended_at = ?, evaluate_s = ?, peak_rss_mib = ?,
            error_type = ?, error = ?, traceback = ?, log_path = ?, environment_id = ?
        WHERE id = ?
        """,
        (
            outcome.state,
            *((None, None) if objective is None else encode(objective)),
            utc_now(),
            outcome.duration_s,
            outcome.peak_rss_mib,
            *((None, None, None) if failure is None else _texts((failure.type, failure.message, failure.traceback))),
            places.kept(outcome.log_path, database),
            environment_id,
            confirmation_id,
        ),
    )
    connection.executemany(
        "INSERT INTO confirmation_value VALUES (?, ?, ?, ?)",
        [(confirmation_id, metric_ids[metric], *encode(value)) for metric, value in outcome.metrics.items()],
    )


def _texts(texts: Iterable[str]) -> list[str]:
    return [clean_text(text) for text in texts]


def _parent(connection: sqlite3.Connection, of: Confirmed) -> tuple[int | None, int | None]:
    """The (trial_id, view_id) of what is trained again, one of them None."""
    if of.replicate is None:
        row = connection.execute("SELECT NULL, id FROM view WHERE name = ?", (of.view,)).fetchone()
    else:
        row = connection.execute(
            """
            SELECT trial.id, NULL FROM trial JOIN search ON search.id = trial.search_id JOIN view ON view.id = search.view_id
            WHERE view.name = ? AND search.replicate = ? AND trial.number = ?
            """,
            (of.view, of.replicate, of.number),
        ).fetchone()
    if row is None:
        raise StoreError(f"the database has nothing called {of} to train again")
    return row[0], row[1]


def _running(connection: sqlite3.Connection, of: Confirmed, seed_number: int) -> int:
    """The id of a running training."""
    trial_id, view_id = _parent(connection, of)
    row = connection.execute(
        "SELECT id FROM confirmation WHERE trial_id IS ? AND view_id IS ? AND seed_number = ? AND state = 'running'",
        (trial_id, view_id, seed_number),
    ).fetchone()
    if row is None:
        raise StoreError(f"the training of {of} on fresh seed {seed_number} is not running")
    return int(row[0])
