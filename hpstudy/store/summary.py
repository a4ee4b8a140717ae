"""Short answers about a database: how far it is, and which trials are best. They need no DataFrame."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from dataclasses import dataclass, replace
from statistics import fmean

from hpstudy.goal import Goal
from hpstudy.store.counts import Counts, by_arm, planned_counts
from hpstudy.store.decoding import Undecodable, fetch
from hpstudy.store.listing import planned
from hpstudy.store.rows import BestTrial, read_history
from hpstudy.store.searches import key_of, read_searches, refuse_foreign_point, space_of
from hpstudy.store.stored_study import StoredStudy
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study


def count_trials(connection: sqlite3.Connection, stored: StoredStudy) -> dict[str, Counts]:
    """For every arm of the study: its trials by state."""
    return by_arm(count_search_trials(connection, stored))


def count_search_trials(
    connection: sqlite3.Connection, stored: StoredStudy, study: Study | None = None
) -> dict[SearchKey, Counts]:
    """For every search that the database runs (of a shard, those of its replicates), in run order: its trials by state.

    Of a confirmation, `planned` counts the trials that are stored and those that are listed by now; while its search is incomplete,
    those that would be listed if it found nothing better. With `confirm.incumbents` it also counts, as `estimated`, those of the
    incumbents that the search is expected to find.

    Args:
        connection: to the database.
        stored: its study, and the shard.
        study: the study to which it grows, if it does.
    """
    study = study or stored.study
    searches = read_searches(connection, stored.study)
    counts = planned_counts(study)
    states = Counter(fetch(connection, "trial.search_id trial.state", "FROM trial"))
    for (search_id, state), trials in states.items():
        if search_id not in searches:
            raise Undecodable(f"table trial: {trials} rows belong to search {search_id}, which does not exist")
        key = searches[search_id]
        counts[key] = replace(counts[key], **{state: trials})
    for name, arm in arms(study).items():
        if arm.confirms is not None:
            search, confirmed = (
                [read_history(connection, study, of, replicate) for replicate in range(study.replicates)]
                for of in (arm.confirms, name)
            )
            for replicate, (known, expected) in enumerate(planned(study, arm.confirms, search, confirmed)):
                key = SearchKey(name, replicate)
                counts[key] = replace(counts[key], planned=known + expected, estimated=expected)
    return {key: count for key, count in counts.items() if stored.shard is None or stored.shard.holds(study, key.replicate)}


@dataclass(frozen=True)
class CommonFailure:
    """The most common failure of a study.

    Attributes:
        text: the type of the error and the first line of its message, of the first such trial.
        trials: how many trials ended with it; messages that differ in numbers only are the same.
        of: how many trials ended with an error.
    """

    text: str
    trials: int
    of: int

    def sentence(self) -> str:
        """In words."""
        share = f"{self.trials:,} of {self.of:,} failures" if self.trials < self.of else f"{self.of:,} times"
        return f"most common failure ({share}): {self.text}"


def common_failure(connection: sqlite3.Connection) -> CommonFailure | None:
    """The most common failure of all trials; None when none failed."""
    rows = fetch(connection, "trial.error_type trial.error", "FROM trial WHERE error_type IS NOT NULL ORDER BY id")
    texts = [f"{kind}: {lines[0]}" if (lines := (message or "").strip().splitlines()) else kind for kind, message in rows]
    kinds = [re.sub(r"[0-9]+", "0", text) for text in texts]
    if not kinds:
        return None
    ((kind, trials),) = Counter(kinds).most_common(1)
    return CommonFailure(texts[kinds.index(kind)], trials, len(texts))


def mean_trial_s(connection: sqlite3.Connection, study: Study) -> dict[str, float]:
    """For every arm with finished trials: mean wall seconds of asking and evaluating one."""
    return _mean_s(connection, study, asking=True)


def mean_train_s(connection: sqlite3.Connection, study: Study) -> dict[str, float]:
    """For every arm with finished trials: mean wall seconds of evaluating one."""
    return _mean_s(connection, study, asking=False)


def _mean_s(connection: sqlite3.Connection, study: Study, *, asking: bool) -> dict[str, float]:
    searches = read_searches(connection, study)
    durations: dict[str, list[float]] = {}
    rows = fetch(connection, "trial.id trial.search_id trial.ask_s trial.evaluate_s", "FROM trial WHERE evaluate_s IS NOT NULL")
    for trial_id, search_id, ask_s, evaluate_s in rows:
        view = key_of(searches, trial_id, search_id).view
        durations.setdefault(view, []).append(evaluate_s + ask_s if asking else evaluate_s)
    return {view: fmean(seconds) for view, seconds in durations.items()}


def find_best(connection: sqlite3.Connection, study: Study, view: str, replicate: int | None) -> BestTrial | None:
    """The completed trial of `view` with the best finite objective; the earliest of equals; None before the first one.

    Args:
        connection: to the database.
        study: its study, for the goal.
        view: the name of an arm.
        replicate: only this replicate's search; all of them when None.
    """
    order = "DESC" if study.metric.goal is Goal.MAXIMIZE else "ASC"
    rows = fetch(
        connection,
        "trial.id search.replicate trial.number trial.objective trial.point",
        f"""
        FROM trial JOIN search ON search.id = trial.search_id JOIN view ON view.id = search.view_id
        WHERE view.name = ? AND search.replicate = coalesce(?, search.replicate)
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
