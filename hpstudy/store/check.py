"""Consistency check of a database: the file itself, its values, and the relations between them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hpstudy.errors import StoreBusy, StoreError, StoreTooNew
from hpstudy.store.decoders import InvalidValue, point
from hpstudy.store.decoding import TABLES, Undecodable, fetch, invalid_values
from hpstudy.store.history import read_history
from hpstudy.store.listing import incumbents
from hpstudy.store.reader import Reader
from hpstudy.store.searches import TRIALS, read_searches
from hpstudy.store.values import encode_point
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study

_LISTED = 20
"""Problems of one kind that are listed individually; the remaining ones are only counted."""

_NAME = "view.name || '/' || search.replicate || ' trial ' || trial.number"
_RETRAINED = f"{TRIALS} JOIN retraining ON retraining.trial_id = trial.id"

_QUERIES = {
    "{0}: trial numbers have gaps ({1} trials, the last is number {2})": f"""
        SELECT view.name || '/' || search.replicate, count(*), max(trial.number) FROM {TRIALS}
        GROUP BY search.id HAVING count(*) <> max(trial.number) + 1
        """,
    "{0}: its number is not below the study's {1} trials": f"""
        SELECT {_NAME}, study.trials FROM {TRIALS} JOIN study
        WHERE trial.number >= study.trials AND trial.id NOT IN (SELECT trial_id FROM retraining)
        """,
    "{0}: is running although a later trial of its search exists": f"""
        SELECT {_NAME} FROM {TRIALS} WHERE trial.state = 'running'
        AND trial.id NOT IN (SELECT trial_id FROM retraining)
        AND EXISTS (SELECT 1 FROM trial AS later WHERE later.search_id = trial.search_id AND later.number > trial.number)
        """,
    "{0}: is completed but has no objective": f"""
        SELECT {_NAME} FROM {TRIALS} WHERE trial.state = 'completed' AND objective_kind IS NULL
        """,
    "{0}: its objective differs from its metric {1}": f"""
        SELECT {_NAME}, study.metric FROM {TRIALS} JOIN study
        LEFT JOIN metric ON metric.name = study.metric
        LEFT JOIN metric_value ON metric_value.trial_id = trial.id AND metric_value.metric_id = metric.id
        WHERE trial.state = 'completed' AND (metric_value.value IS NOT objective OR metric_value.kind IS NOT objective_kind)
        """,
    "{0}: failed without an error": f"SELECT {_NAME} FROM {TRIALS} WHERE trial.state = 'failed' AND error_type IS NULL",
    "{0}: has ended but has no end time": f"SELECT {_NAME} FROM {TRIALS} WHERE trial.state <> 'running' AND ended_at IS NULL",
    "{0}: is running but has results": f"""
        SELECT {_NAME} FROM {TRIALS} WHERE trial.state = 'running' AND (
            ended_at IS NOT NULL OR EXISTS (SELECT 1 FROM metric_value WHERE trial_id = trial.id)
            OR EXISTS (SELECT 1 FROM curve WHERE trial_id = trial.id))
        """,
    "{0}: is a confirmation but has no row in table retraining": f"""
        SELECT {_NAME} FROM {TRIALS} WHERE view.name LIKE '%/confirm' AND trial.id NOT IN (SELECT trial_id FROM retraining)
        """,
    "{0}: has a row in table retraining but is not a confirmation": f"""
        SELECT {_NAME} FROM {_RETRAINED} WHERE view.name NOT LIKE '%/confirm'
        """,
    "{0}: retrains a trial of another search": f"""
        SELECT {_NAME} FROM {_RETRAINED} JOIN trial AS original ON original.id = retraining.of_trial_id
        JOIN search AS other ON other.id = original.search_id JOIN view AS of ON of.id = other.view_id
        WHERE other.replicate <> search.replicate OR view.name <> of.name || '/confirm'
        """,
    "{0}: the trial that it retrains has no value": f"""
        SELECT {_NAME} FROM {_RETRAINED} JOIN trial AS original ON original.id = retraining.of_trial_id
        WHERE original.state <> 'completed'
        """,
    "{0}: its point differs from that of the trial it retrains": f"""
        SELECT {_NAME} FROM {_RETRAINED} JOIN trial AS original ON original.id = retraining.of_trial_id
        WHERE original.point <> trial.point
        """,
    "{0}: retrains the default point on fresh seed {1}, as an earlier trial does": f"""
        SELECT {_NAME}, retraining.seed_number FROM {_RETRAINED} WHERE of_trial_id IS NULL AND EXISTS (
            SELECT 1 FROM retraining AS first JOIN trial AS earlier ON earlier.id = first.trial_id
            WHERE earlier.search_id = trial.search_id AND earlier.number < trial.number
            AND first.of_trial_id IS NULL AND first.seed_number = retraining.seed_number)
        """,
    "{0} values of metrics belong to no trial": """
        SELECT count(*) FROM metric_value WHERE trial_id NOT IN (SELECT id FROM trial) HAVING count(*) > 0
        """,
    "{0} values of curves belong to no trial": """
        SELECT count(*) FROM curve WHERE trial_id NOT IN (SELECT id FROM trial) HAVING count(*) > 0
        """,
}
"""Queries by the message for each row that they return."""


def check(path: str | Path) -> list[str]:
    """Check the database at `path`.

    Checks the file (SQLite's integrity check, foreign keys, versions), the study (fingerprint, views, searches) and the trials
    (numbers, states, objectives, points within their search spaces). The database is opened read-only.

    Returns:
        One message per problem; an empty list when the database is sound.

    Raises:
        StoreTooNew: a newer version of hpstudy wrote the database; it cannot be checked.
        StoreBusy: another program has locked the database.
    """
    try:
        with Reader.open(path) as reader, reader.snapshot() as connection:
            damage = list(_limited(_damage(connection)))
            if not damage:
                return _problems(connection, reader)
            # On a damaged file any further query may fail or mislead. Only values that SQLite can still read are checked.
            with suppress(sqlite3.Error):
                damage += _invalid_values(connection)
            return damage
    except (StoreTooNew, StoreBusy):
        raise
    except StoreError as error:
        return [error.message]


def _problems(connection: sqlite3.Connection, reader: Reader) -> list[str]:
    """Return the problems of a file that SQLite can read."""
    parts = (
        _invalid_values(connection),
        _broken_seals(reader),
        _limited(_dangling(connection)),
        _limited(_study_problems(connection, reader)),
        _inconsistencies(connection),
        _limited(_point_problems(connection, reader.study)),
        _limited(_listing_problems(connection, reader.study)),
    )
    problems: list[str] = []
    for part in parts:
        try:
            problems += part
        except (Undecodable, sqlite3.Error):
            # A value that an earlier part reported can make a later part fail.
            if not problems:
                raise
    return problems


def _invalid_values(connection: sqlite3.Connection) -> Iterator[str]:
    for table in TABLES:
        problems = invalid_values(connection, table, _LISTED + 1)
        yield from problems[:_LISTED]
        if len(problems) > _LISTED:
            yield f"... and more in table {table}"


def _broken_seals(reader: Reader) -> Iterator[str]:
    if broken := reader.broken_seals():
        yield from _limited(f"{name}: does not match its seal" for name in broken.trials)
        yield from _limited(f"{name}: a trial was deleted or added, or a seal was altered" for name in broken.searches)
        yield from (f"table {name}: does not match its seal" for name in broken.tables)


def _damage(connection: sqlite3.Connection) -> Iterator[str]:
    for (finding,) in connection.execute("PRAGMA integrity_check"):
        if finding != "ok":
            yield f"the file is damaged: {finding}"


def _dangling(connection: sqlite3.Connection) -> Iterator[str]:
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield f"table {table}{f', row {row},' if row is not None else ''} refers to a missing row of table {parent}"


def _study_problems(connection: sqlite3.Connection, reader: Reader) -> Iterator[str]:
    study = reader.study
    if study.fingerprint() != reader.fingerprint:
        yield "the study in the database was altered: its fingerprint differs from the recorded one"
    recorded = connection.execute("SELECT name, metric, goal, trials, replicates FROM study").fetchone()
    if recorded != (study.name, study.metric.name, study.metric.goal, study.search.trials, study.replicates):
        yield "the columns of table study differ from its definition"
    names = arms(study)
    stored = set(fetch(connection, "view.name search.replicate", "FROM search JOIN view ON view.id = view_id"))
    foreign = {(view, replicate) for view, replicate in stored if view not in names or not 0 <= replicate < study.replicates}
    for view, replicate in sorted(foreign):
        yield f"{view}/{replicate}: the search is not part of the study"
    if (missing := len(names) * study.replicates - len(stored - foreign)) > _LISTED:
        yield f"{missing:,} searches of the study are missing"
    elif missing:
        planned = {(view, replicate) for view in names for replicate in range(study.replicates)}
        for view, replicate in sorted(planned - stored):
            yield f"{view}/{replicate}: the search is missing"


def _inconsistencies(connection: sqlite3.Connection) -> Iterator[str]:
    for sentence, query in _QUERIES.items():
        yield from _limited(sentence.format(*row) for row in connection.execute(query))


def _point_problems(connection: sqlite3.Connection, study: Study) -> Iterator[str]:
    spaces = {name: study.views[arm.view].space for name, arm in arms(study).items()}
    query = f"""
        SELECT {_NAME}, view.name, point, retraining.trial_id IS NOT NULL AND of_trial_id IS NULL
        FROM {TRIALS} LEFT JOIN retraining ON retraining.trial_id = trial.id
        """
    for name, view, text, is_default in connection.execute(query):
        if view not in spaces:
            continue
        try:
            admitted = spaces[view].admits(point(text))
        except InvalidValue:
            yield f"{name}: its point is not JSON"
            continue
        if not admitted:
            yield f"{name}: its point {text} is outside the view's search space"
        if is_default and text != encode_point(spaces[view].default()):
            yield f"{name}: its point {text} is not the view's default point"


def _listing_problems(connection: sqlite3.Connection, study: Study) -> Iterator[str]:
    """Yield the confirmations that the study does not ask for."""
    read_searches(connection, study)
    for name, arm in arms(study).items():
        for replicate in range(study.replicates if arm.confirms is not None else 0):
            searched = read_history(connection, study, SearchKey(arm.confirms or "", replicate))
            chosen = {None, *(row.number for row in incumbents(study, searched))}
            for row in read_history(connection, study, SearchKey(name, replicate)):
                if row.retrained is None:
                    continue
                if row.retrained.number not in chosen:
                    yield f"{name}/{replicate} trial {row.number}: the trial that it retrains is not better than all earlier trials"
                if row.retrained.seed_number >= arm.trials:
                    yield (
                        f"{name}/{replicate} trial {row.number}: its fresh seed {row.retrained.seed_number} is not below the study's "
                        f"{arm.trials}"
                    )


def _limited(problems: Iterator[str]) -> Iterator[str]:
    """Yield the first problems, then the number of the remaining ones."""
    more = 0
    for index, problem in enumerate(problems):
        if index < _LISTED:
            yield problem
        else:
            more += 1
    if more:
        yield f"... and {more} more of this kind"
