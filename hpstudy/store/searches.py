"""The searches of a database, and the assignment of rows to searches of the study."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from hpstudy.store.decoding import Undecodable, fetch, row_name
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.space import Point, Space

TRIALS = "trial JOIN search ON search.id = trial.search_id JOIN view ON view.id = search.view_id"
"""SQL of the trials with their searches and views."""


def read_searches(connection: sqlite3.Connection, study: Study) -> dict[int, SearchKey]:
    """Return the searches by ID, ordered by the rows of their views and by replicate.

    Raises:
        Undecodable: the searches differ from those of the study, or the columns of the study's row differ from its definition. After
            this check the sizes in the study are the stored ones, so that a reader can safely enumerate its searches.
    """
    refuse_other_sizes(connection, study)
    rows = fetch(connection, "search.id search.view_id search.replicate", "FROM search ORDER BY view_id, replicate")
    names = dict(fetch(connection, "view.id view.name", "FROM view"))
    named = arms(study)
    searches = {}
    for number, view_id, replicate in rows:
        key = SearchKey(names.get(view_id, ""), replicate)
        if key.view not in named or replicate >= study.replicates:
            raise Undecodable(
                f"{row_name('search', [number])}: the study has no search {key.view or f'of view {view_id}'}/{replicate}"
            )
        searches[number] = key
    if len(searches) != (planned := len(named) * study.replicates):
        raise Undecodable(f"table search has {len(searches)} rows; the study has {planned} searches")
    return searches


def find_search(connection: sqlite3.Connection, key: SearchKey) -> int | None:
    """Return the ID of a search; None if the database does not have it."""
    search = "FROM search JOIN view ON view.id = view_id WHERE view.name = ? AND replicate = ?"
    rows = fetch(connection, "search.id", search, (key.view, key.replicate))
    return rows[0][0] if rows else None


def refuse_other_sizes(connection: sqlite3.Connection, study: Study) -> None:
    """Raise Undecodable unless the columns of the study's row agree with its definition."""
    (recorded,) = fetch(connection, "study.name study.metric study.goal study.trials study.replicates", "FROM study")
    if recorded != (study.name, study.metric.name, study.metric.goal, study.search.trials, study.replicates):
        raise Undecodable("the columns of table study differ from its definition")


def key_of(searches: Mapping[int, SearchKey], trial_id: int, search_id: int) -> SearchKey:
    """Return the search of a trial. Raises Undecodable if there is no such search."""
    if search_id not in searches:
        raise Undecodable(f"{row_name('trial', [trial_id])}, column search_id: there is no search {search_id}")
    return searches[search_id]


def space_of(study: Study, view: str) -> Space:
    """Return the search space of the arm named `view`."""
    return study.views[arms(study)[view].view].space


def refuse_foreign_point(trial_id: int, point: Point, space: Space) -> None:
    """Raise Undecodable if a trial's point is outside its search space."""
    if not space.admits(point):
        raise Undecodable(f"{row_name('trial', [trial_id])}, column point: it is outside the view's search space")
