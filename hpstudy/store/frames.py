"""Trials and curves as pandas DataFrames. This module imports pandas, so it is imported when the first frame is made.

Non-finite numbers keep their values. Missing values are NaN.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpstudy.store.attributes import attribute_text, read_attributes
from hpstudy.store.decoding import Undecodable, fetch, refuse_invalid_values, row_name
from hpstudy.store.events import read_imported
from hpstudy.store.history import read_retrainings
from hpstudy.store.searches import key_of, read_searches, refuse_foreign_point, space_of
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.space import Point

_NUMBER = """CASE kind
    WHEN 'finite' THEN ifnull(value, 'missing') WHEN 'nan' THEN iif(value IS NULL, NULL, 'present')
    WHEN 'inf' THEN iif(value IS NULL, 9e999, 'present') WHEN '-inf' THEN iif(value IS NULL, -9e999, 'present')
    WHEN '-0' THEN iif(value = 0, -0.0, 'not 0') ELSE 'unknown kind' END"""
"""SQL expression of a measured number: NULL for NaN, and text for an invalid pair. SQLite reads 9e999 as infinity."""

_CHUNK_ROWS = 200_000
"""Rows per fetch. Fewer: slower. More: the Python tuples of a curve table with 10 million rows need much memory."""

_TRIAL_COLUMNS = {
    "number": "int64",
    "state": "object",
    "objective": "float64",
    "attempts": "int64",
    "ask_s": "float64",
    "evaluate_s": "float64",
    "started_at": "object",
    "ended_at": "object",
    "error_type": "object",
    "error": "object",
    "environment_id": "Int64",
}
"""Columns of the table `trial` that `trials_frame` returns unchanged, with their pandas types."""


def trials_frame(connection: sqlite3.Connection, study: Study) -> pd.DataFrame:
    """Return one row per trial, ordered by view (as in the study), replicate and number.

    Columns, in this order:
        - view, replicate, number, state, objective, attempts, ask_s and evaluate_s (seconds), started_at and ended_at (ISO 8601
          text, UTC), error_type, error, environment_id.
        - enqueued, in a study with enqueued points: whether the trial's point was enqueued.
        - imported, in a study with imported results: whether the trial is one, which was not trained.
        - seed_number and retrains, in a study with confirmations: the fresh seed, and the number of the retrained trial (same
          replicate, of the view before the slash). retrains is missing for the default point. Both are missing for other trials.
        - `point.<name>` for each hyperparameter of any view; missing if the trial's view does not tune it.
        - `metric.<name>` for each final metric.
        - `attribute.<name>` for each result that is not a number: text, or a list or mapping as JSON text.
    """
    keys, rows = _trials(connection, study, " ".join(f"trial.{name}" for name in ("point", *_TRIAL_COLUMNS)))
    points, *fields = zip(*rows, strict=True) if rows else ((),) * (len(_TRIAL_COLUMNS) + 1)
    searches, numbers, arms_by_name = list(keys.values()), [row[1] for row in rows], arms(study)
    columns: dict[str, Any] = {
        "view": pd.Series([key.view for key in searches], dtype=object),
        "replicate": pd.Series([key.replicate for key in searches], dtype="int64"),
    }
    for (name, dtype), values in zip(_TRIAL_COLUMNS.items(), fields, strict=True):
        columns[name] = pd.Series(values, dtype=dtype)
    spaces = {name: space_of(study, name) for name in arms_by_name}
    for (trial_id, key), point in zip(keys.items(), points, strict=True):
        refuse_foreign_point(trial_id, point, spaces[key.view])
    trials = list(zip(searches, numbers, strict=True))
    if any(view.enqueue for view in study.views.values()):
        columns["enqueued"] = pd.Series([number < arms_by_name[key.view].enqueued for key, number in trials], dtype="bool")
    if imported := read_imported(connection):
        columns["imported"] = pd.Series([number < imported.get(key, 0) for key, number in trials], dtype="bool")
    if study.confirm is not None:
        columns.update(_retraining_columns(connection, keys))
    columns.update(_point_columns(points, study))
    columns.update(_metric_columns(connection, keys))
    columns.update(_attribute_columns(connection, trials))
    return pd.DataFrame(columns)


def curves_frame(connection: sqlite3.Connection, study: Study, metric: str | None = None) -> pd.DataFrame:
    """Return one row per reported value, ordered by trial (as in `trials_frame`), metric and epoch.

    Columns: view, replicate, number, metric, epoch, value. `metric` selects one metric; default: all.
    """
    keys, numbers = _trials(connection, study, "trial.number")
    metrics = dict(fetch(connection, "metric.id metric.name", "FROM metric ORDER BY name"))
    where, arguments = ("", ()) if metric is None else ("WHERE metric_id = (SELECT id FROM metric WHERE name = ?)", (metric,))
    # One array (rows,) per column, then the index of each row's trial and metric, and the final order.
    trial_id, metric_id, epoch, value = _numeric_columns(
        connection, "curve", f"SELECT trial_id, metric_id, epoch, {_NUMBER} FROM curve {where}", arguments
    )
    trial = _positions("curve", "trial_id", list(keys), trial_id)
    rank = _positions("curve", "metric_id", list(metrics), metric_id)
    order = np.lexsort((epoch, rank, trial))
    trial = trial[order]
    return pd.DataFrame(
        {
            "view": np.array([key.view for key in keys.values()], dtype=object)[trial],
            "replicate": np.array([key.replicate for key in keys.values()], dtype=np.int64)[trial],
            "number": np.array(numbers, dtype=np.int64).reshape(-1)[trial],
            "metric": np.array(list(metrics.values()), dtype=object)[rank[order]],
            "epoch": epoch[order],
            "value": value[order],
        }
    )


def confirmations_frame(connection: sqlite3.Connection, study: Study) -> pd.DataFrame:
    """Return one row per training on a fresh seed.

    Rows are ordered by arm (as in the study), replicate, number and seed; the default point comes first in its arm.
    Columns: view (the arm), replicate and number of the retrained trial (replicate and number are NaN for the view's default point),
    seed_number, state, objective; then `metric.<name>` for each final metric.
    """
    retrainings = read_retrainings(connection)
    keys, outcomes = _trials(connection, study, "trial.state trial.objective") if retrainings else ({}, [])
    outcome_of, arms_by_name = dict(zip(keys, outcomes, strict=True)), arms(study)
    order = list(arms_by_name)
    rows = []
    for trial_id, retraining in retrainings.items():
        if trial_id not in keys or not (arm := arms_by_name[keys[trial_id].view]).listed:
            raise Undecodable(f"{row_name('retraining', [trial_id])}, column trial_id: there is no such confirmation")
        if retraining.seed_number >= arm.trials:
            raise Undecodable(
                f"{row_name('retraining', [trial_id])}, column seed_number: {retraining.seed_number} is not below {arm.trials}"
            )
        original = (math.nan, math.nan) if retraining.number is None else (keys[trial_id].replicate, retraining.number)
        rows.append((trial_id, arm.confirms, *original, retraining.seed_number, *outcome_of[trial_id]))
    rows.sort(key=lambda row: (order.index(row[1]), *(-1 if math.isnan(part) else part for part in row[2:5])))
    ids, names, replicates, numbers, seeds, states, objectives = zip(*rows, strict=True) if rows else ((),) * 7
    columns: dict[str, Any] = {
        "view": pd.Series(names, dtype=object),
        "replicate": np.array(replicates, dtype=np.float64),
        "number": np.array(numbers, dtype=np.float64),
        "seed_number": np.array(seeds, dtype=np.int64),
        "state": pd.Series(states, dtype=object),
        "objective": np.array(objectives, dtype=np.float64),
    }
    if rows:
        columns.update(_metric_columns(connection, ids, "JOIN retraining USING (trial_id)"))
    return pd.DataFrame(columns)


def _trials(connection: sqlite3.Connection, study: Study, columns: str) -> tuple[dict[int, SearchKey], list[tuple[Any, ...]]]:
    """Return the search of every trial by the trial's ID, and the requested columns of every trial.

    Both are ordered by view (as in the study), replicate and number.
    """
    searches = read_searches(connection, study)
    rows = fetch(connection, f"trial.id trial.search_id trial.number {columns}", "FROM trial")
    order = {search_id: index for index, search_id in enumerate(searches)}
    rows.sort(key=lambda row: (order.get(row[1], -1), row[2]))
    return {row[0]: key_of(searches, row[0], row[1]) for row in rows}, [row[3:] for row in rows]


def _retraining_columns(connection: sqlite3.Connection, ids: Iterable[int]) -> dict[str, Any]:
    """Return the columns seed_number and retrains for the trials with these IDs."""
    retrainings = read_retrainings(connection)
    rows = [retrainings.get(trial_id) for trial_id in ids]
    return {
        "seed_number": pd.array([row.seed_number if row else None for row in rows], dtype="Int64"),
        "retrains": pd.array([row.number if row else None for row in rows], dtype="Int64"),
    }


def _point_columns(points: Sequence[Point], study: Study) -> dict[str, Any]:
    """Return one column per hyperparameter: float64, Int64 (nullable integers), or object for choices and mixed types."""
    types: dict[str, set[str]] = {}
    for view in study.views.values():
        for name, parameter in view.space.items():
            types.setdefault(name, set()).add(parameter.type)
    columns: dict[str, Any] = {}
    for name, kinds in types.items():
        values: list[Any] = [point.get(name) for point in points]
        if kinds == {"float"}:
            columns[f"point.{name}"] = np.array(values, dtype=np.float64)
        elif kinds == {"int"}:
            columns[f"point.{name}"] = pd.array(values, dtype="Int64")
        else:
            columns[f"point.{name}"] = pd.Series(values, dtype=object)
    return columns


def _metric_columns(connection: sqlite3.Connection, ids: Iterable[int], join: str = "") -> dict[str, NDArray[np.float64]]:
    """Return one column per final metric; NaN where a trial does not have the metric.

    Args:
        connection: connection to the database.
        ids: IDs of the trials, in the order of the rows.
        join: SQL join that excludes the values of other trials.
    """
    trial_ids, metrics = list(ids), dict(fetch(connection, "metric.id metric.name", "FROM metric ORDER BY name"))
    # One array (values,) per column, then the row of the DataFrame to which each value belongs.
    trial_id, metric_id, value = _numeric_columns(
        connection, "metric_value", f"SELECT trial_id, metric_id, {_NUMBER} FROM metric_value {join}"
    )
    row = _positions("metric_value", "trial_id", trial_ids, trial_id)
    _positions("metric_value", "metric_id", list(metrics), metric_id)
    columns = {}
    for number, name in metrics.items():
        of_metric = metric_id == number
        if of_metric.any():
            column = np.full(len(trial_ids), np.nan)
            column[row[of_metric]] = value[of_metric]
            columns[f"metric.{name}"] = column
    return columns


def _attribute_columns(connection: sqlite3.Connection, trials: Sequence[tuple[SearchKey, int]]) -> dict[str, Any]:
    """Return one column per attribute; None where a trial does not have the attribute.

    Args:
        connection: connection to the database.
        trials: the search and the trial number of each row.
    """
    attributes = read_attributes(connection)
    names = sorted({name for values in attributes.values() for name in values})
    return {
        f"attribute.{name}": pd.Series([attribute_text(attributes.get(trial, {}).get(name)) for trial in trials], dtype=object)
        for name in names
    }


def _numeric_columns(
    connection: sqlite3.Connection, table: str, query: str, arguments: tuple[str, ...] = ()
) -> list[NDArray[Any]]:
    """Return the result of a query as one array per column: integers, then one measured number, where NULL is NaN.

    Raises:
        Undecodable: a column holds a value of another type.
    """
    cursor = connection.execute(query, arguments)
    dtypes = [np.dtype(np.int64)] * (len(cursor.description) - 1) + [np.dtype(np.float64)]
    # For each column: arrays of at most _CHUNK_ROWS values. The empty one gives a column without values its type.
    chunks: list[list[NDArray[Any]]] = [[np.array([], dtype=dtype)] for dtype in dtypes]
    while rows := cursor.fetchmany(_CHUNK_ROWS):
        arrays = [np.array(column) for column in zip(*rows, strict=True)]
        if arrays[-1].dtype == object and set(map(type, arrays[-1])) <= {float, type(None)}:
            arrays[-1] = arrays[-1].astype(np.float64)
        if [array.dtype for array in arrays] != dtypes:
            refuse_invalid_values(connection, [table])
            raise Undecodable(f"table {table} holds values that are not numbers")
        for chunk, array in zip(chunks, arrays, strict=True):
            chunk.append(array)
    return [np.concatenate(chunk) for chunk in chunks]


def _positions(table: str, column: str, ids: Sequence[int], references: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the index in `ids` of each of the `references`. Raises Undecodable if one is missing."""
    id_array = np.array(ids, dtype=np.int64)
    if (missing := ~np.isin(references, id_array)).any():
        raise Undecodable(f"table {table}, column {column}: there is no row {references[missing][0]}")
    order = np.argsort(id_array)
    return order[np.searchsorted(id_array[order], references)]
