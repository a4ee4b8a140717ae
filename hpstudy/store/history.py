"""The history of a search: its trials, and what its confirmations retrain."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from hpstudy.store.decoding import Undecodable, fetch, row_name
from hpstudy.store.searches import find_search, refuse_foreign_point, space_of
from hpstudy.store.values import TrialState
from hpstudy.study.confirm import Retraining
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.space import Point


@dataclass(frozen=True)
class TrialRow:
    """One trial of a search.

    Attributes:
        number: its number within the search, from 0.
        point: the evaluated point.
        state: running, or the final state.
        objective: the measured value, which can be NaN or infinite; None if there is none.
        attempts: how often its evaluation was started.
        retrained: the trial that a confirmation retrains, and the seed; None for any other trial.
    """

    number: int
    point: Point
    state: TrialState
    objective: float | None
    attempts: int
    retrained: Retraining | None = None

    @property
    def seed_number(self) -> int | None:
        """Number of the fresh seed of a confirmation; None for any other trial."""
        return None if self.retrained is None else self.retrained.seed_number


def read_history(connection: sqlite3.Connection, study: Study, key: SearchKey) -> list[TrialRow]:
    """Return the trials of one search, in order; an empty list for a search that the database does not have yet."""
    search_id = find_search(connection, key)
    if search_id is None:
        return []
    space, is_listed = space_of(study, key.view), arms(study)[key.view].listed
    rows = fetch(
        connection,
        "trial.id trial.number trial.point trial.state trial.objective trial.attempts",
        "FROM trial WHERE search_id = ? ORDER BY number",
        (search_id,),
    )
    retrained = read_retrainings(connection, search_id) if is_listed else {}
    history = []
    for trial_id, number, point, state, objective, attempts in rows:
        refuse_foreign_point(trial_id, point, space)
        if is_listed and trial_id not in retrained:
            raise Undecodable(f"{row_name('trial', [trial_id])}: it is a confirmation but has no row in table retraining")
        history.append(TrialRow(number, point, state, objective, attempts, retrained.get(trial_id)))
    return history


def read_retrainings(connection: sqlite3.Connection, search_id: int | None = None) -> dict[int, Retraining]:
    """Return what each confirmation of a search retrains, by trial ID; of all searches if `search_id` is None."""
    rows = fetch(
        connection,
        "retraining.trial_id retraining.of_trial_id retraining.seed_number",
        "FROM retraining" if search_id is None else "FROM retraining JOIN trial ON trial.id = trial_id WHERE search_id = ?",
        () if search_id is None else (search_id,),
    )
    originals = {
        of: fetch(connection, "trial.number", "FROM trial WHERE id = ?", (of,))
        for of in {of for _, of, _ in rows if of is not None}
    }
    retrained = {}
    for trial_id, of, seed_number in rows:
        if of is not None and not originals[of]:
            raise Undecodable(f"{row_name('retraining', [trial_id])}, column of_trial_id: there is no trial {of}")
        retrained[trial_id] = Retraining(None if of is None else originals[of][0][0], seed_number)
    return retrained
