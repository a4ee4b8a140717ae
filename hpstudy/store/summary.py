"""Summaries of a database without DataFrames: progress, the best trials, the most common failure, mean durations."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from dataclasses import dataclass, replace
from statistics import fmean

from hpstudy.goal import Goal
from hpstudy.store.counts import Counts
from hpstudy.store.decoding import Undecodable, fetch
from hpstudy.store.history import read_history
from hpstudy.store.listing import planned_counts
from hpstudy.store.searches import TRIALS, key_of, read_searches, refuse_foreign_point, space_of
from hpstudy.store.stored_study import StoredStudy
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.space import Point


def count_search_trials(
    connection: sqlite3.Connection, stored: StoredStudy, study: Study | None = None
) -> dict[SearchKey, Counts]:
    """Return the number of trials by state for every search of the database, in run order. A shard has those of its replicates.

    Args:
        connection: connection to the database.
        stored: the stored study and the shard.
        study: the study to which the stored one is extended; default: the stored study.
    """
    study = study or stored.study
    searches = read_searches(connection, stored.study)
    states = Counter(fetch(connection, "trial.search_id trial.state", "FROM trial"))
    for (search_id, _), trials in states.items():
        if search_id not in searches:
            raise Undecodable(f"table trial: {trials} rows belong to search {search_id}, which does not exist")
    counts = planned_counts(study, lambda key: read_history(connection, study, key))
    for (search_id, state), trials in states.items():
        key = searches[search_id]
        counts[key] = replace(counts[key], **{state: trials})
    return {key: count for key, count in counts.items() if stored.shard is None or stored.shard.holds(study, key.replicate)}


@dataclass(frozen=True)
class BestTrial:
    """The best completed trial of a view."""

    view: str
    replicate: int
    number: int
    objective: float
    point: Point
    metrics: dict[str, float]


@dataclass(frozen=True)
class CommonFailure:
    """The most common failure of a study.

    Attributes:
        text: the error type and the first line of the message of the first such trial.
        trials: number of trials that ended with it. Messages that differ only in numbers count as the same.
        of: number of trials that ended with any error.
    """

    text: str
    trials: int
    of: int

    def sentence(self) -> str:
        """Return a one-line message."""
        share = f"{self.trials:,} of {self.of:,} failures" if self.trials < self.of else f"{self.of:,} times"
        return f"most common failure ({share}): {self.text}"


def common_failure(connection: sqlite3.Connection) -> CommonFailure | None:
    """Return the most common failure of all trials; None if no trial failed."""
    rows = fetch(connection, "trial.error_type trial.error", "FROM trial WHERE error_type IS NOT NULL ORDER BY id")
    texts = [f"{kind}: {lines[0]}" if (lines := (message or "").strip().splitlines()) else kind for kind, message in rows]
    kinds = [re.sub(r"[0-9]+", "0", text) for text in texts]
    if not kinds:
        return None
    ((kind, trials),) = Counter(kinds).most_common(1)
    return CommonFailure(texts[kinds.index(kind)], trials, len(texts))


def mean_trial_s(connection: sqlite3.Connection, study: Study, *, training_only: bool) -> dict[str, float]:
    """Return the mean wall time of a trial in seconds, with or without the choice of its point, by arm; only arms with finished trials."""
    searches = read_searches(connection, study)
    durations: dict[str, list[float]] = {}
    rows = fetch(connection, "trial.id trial.search_id trial.ask_s trial.evaluate_s", "FROM trial WHERE evaluate_s IS NOT NULL")
    for trial_id, search_id, ask_s, evaluate_s in rows:
        view = key_of(searches, trial_id, search_id).view
        durations.setdefault(view, []).append(evaluate_s if training_only else evaluate_s + ask_s)
    return {view: fmean(seconds) for view, seconds in durations.items()}


def time_limit_use(connection: sqlite3.Connection, study: Study) -> tuple[int, float]:
    """Return the number of trials that timed out, and the longest duration of a step in seconds, or an upper bound of it."""
    query = (
        "SELECT count(*) FILTER (WHERE state = 'timed_out'), coalesce(max(evaluate_s), 0.0) FROM trial WHERE state <> 'running'"
    )
    timed_out, longest_s = connection.execute(query).fetchone()
    together = 1 if study.search.lockstep == 1 else max(study.search.lockstep, study.confirm.seeds if study.confirm else 1)
    return timed_out, longest_s * together


def find_best(connection: sqlite3.Connection, study: Study, view: str, replicate: int | None) -> BestTrial | None:
    """Return the completed trial of `view` with the best finite objective, the earliest one in case of a tie; None if there is none.

    Args:
        connection: connection to the database.
        study: the stored study, for the goal.
        view: the name of an arm.
        replicate: search only this replicate; None searches all.
    """
    order = "DESC" if study.metric.goal is Goal.MAXIMIZE else "ASC"
    rows = fetch(
        connection,
        "trial.id search.replicate trial.number trial.objective trial.point",
        f"""
        FROM {TRIALS} WHERE view.name = ? AND search.replicate = coalesce(?, search.replicate)
            AND trial.state = 'completed' AND objective IS NOT NULL
        ORDER BY objective {order}, search.replicate, trial.number LIMIT 1
        """,
        (view, replicate),
    )
    if not rows:
        return None
    trial_id, replicate, number, objective, point = rows[0]
    refuse_foreign_point(trial_id, point, space_of(study, view))
    metrics = fetch(
        connection,
        "metric.name metric_value.value",
        "FROM metric_value JOIN metric ON metric.id = metric_id WHERE trial_id = ? ORDER BY name",
        (trial_id,),
    )
    return BestTrial(view, replicate, number, objective, point, dict(metrics))
