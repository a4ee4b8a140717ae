"""The searches of a database: which rows belong to which search of the study."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from hpstudy.store.decoding import Undecodable, fetch, row_name
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.space import Point, Space


def read_searches(connection: sqlite3.Connection, study: Study) -> dict[int, SearchKey]:
    """The searches by id, in the order of their views' rows and of replicates.

    Raises:
        Undecodable: they are not exactly those of the study, or the columns of the study's row differ from its definition. So the sizes of
            the study are those that were stored, and a reader may enumerate its searches.
    """
    refuse_other_sizes(connection, study)
    rows = fetch(connection, "search.id search.view_id search.replicate", "FROM search ORDER BY view_id, replicate")
    names = dict(fetch(connection, "view.id view.name", "FROM view"))
    known = arms(study)
    searches = {}
    for number, view_id, replicate in rows:
        key = SearchKey(names.get(view_id, ""), replicate)
        if key.view not in known or replicate >= study.replicates:
            raise Undecodable(
                f"{row_name('search', [number])}: the study has no search {key.view or f'of view {view_id}'}/{replicate}"
            )
        searches[number] = key
    if len(searches) != (planned := len(known) * study.replicates):
        raise Undecodable(f"table search has {len(searches)} rows; the study has {planned} searches")
    return searches


def refuse_other_sizes(connection: sqlite3.Connection, study: Study) -> None:
    """Raises Undecodable unless the columns of the study's row are those of its definition."""
    (recorded,) = fetch(connection, "study.name study.metric study.goal study.trials study.replicates", "FROM study")
    if recorded != (study.name, study.metric.name, study.metric.goal, study.search.trials, study.replicates):
        raise Undecodable("the columns of table study differ from its definition")


def key_of(searches: Mapping[int, SearchKey], trial_id: int, search_id: int) -> SearchKey:
    """The search of a trial. Raises Undecodable when there is no such search."""
    if search_id not in searches:
        raise Undecodable(f"{row_name('trial', [trial_id])}, column search_id: there is no search {search_id}")
    return searches[search_id]


def space_of(study: Study, view: str) -> Space:
    """The space that the arm called `view` searches."""
    return study.views[arms(study)[view].view].space


def refuse_foreign_point(trial_id: int, point: Point, space: Space) -> None:
    """Raises Undecodable when a trial's point lies outside its space."""
    if not space.admits(point):
        raise Undecodable(f"{row_name('trial', [trial_id])}, column point: it lies outside the view's space")
