"""Trials and curves as pandas DataFrames. pandas is imported when the first one is made.

Non-finite numbers keep their values here; a value that is missing is NaN as well.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.study.schema import Study

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = "CASE {kind} WHEN 'finite' THEN {value} WHEN 'inf' THEN 9e999 WHEN '-inf' THEN -9e999 WHEN '-0' THEN -0.0 END"
"""A stored number as SQL; NaN comes as NULL. 9e999 is SQLite's spelling of infinity."""

_CHUNK_ROWS = 200_000
"""Rows fetched at a time: enough to be fast, and few enough that 10 million rows of Python tuples never exist at once."""

_TRIAL_COLUMNS = (
    "view",
    "replicate",
    "number",
    "state",
    "objective",
    "attempts",
    "ask_s",
    "evaluate_s",
    "started_at",
    "ended_at",
    "error_type",
    "error",
    "environment_id",
)


def trials_frame(connection: sqlite3.Connection, study: Study) -> pd.DataFrame:
    """One row per trial, ordered by view (as in the study), replicate and number.

    Columns: view, replicate, number, state, objective, attempts, ask_s, evaluate_s (seconds), started_at, ended_at (ISO text,
    UTC), error_type, error, environment_id; then `point.<name>` for each hyperparameter that any view tunes (missing where the
    trial's view does not tune it), and `metric.<name>` for each final metric. In a study with confirmations also, before these,
    seed_number and retrains: the fresh seed and the number of the trial that is trained again (in the same replicate, of the view before
    the slash); retrains is missing for its default point, both for every other trial.
    """
    import pandas as pd

    rows = connection.execute(
        f"""
        SELECT trial.id, point, view.name, search.replicate, trial.number, state,
            {_NUMBER.format(kind="objective_kind", value="objective")}, attempts, ask_s, evaluate_s, started_at, ended_at,
            error_type, error, environment_id
        FROM search JOIN view ON view.id = search.view_id JOIN trial ON trial.search_id = search.id
        ORDER BY view.id, search.replicate, trial.number
        """
    ).fetchall()
    ids, points, *fields = zip(*rows, strict=True) if rows else ((),) * (len(_TRIAL_COLUMNS) + 2)
    columns: dict[str, Any] = dict(zip(_TRIAL_COLUMNS, fields, strict=True))
    for name in ("replicate", "number", "attempts"):
        columns[name] = np.array(columns[name], dtype=np.int64)
    for name in ("objective", "ask_s", "evaluate_s"):
        columns[name] = np.array(columns[name], dtype=np.float64)
    columns["environment_id"] = pd.array(columns["environment_id"], dtype="Int64")
    for name in ("view", "state", "started_at", "ended_at", "error_type", "error"):
        columns[name] = pd.Series(columns[name], dtype=object)
    if study.confirm is not None:
        columns.update(_retraining_columns(connection, ids))
    columns.update(_point_columns(points, study))
    columns.update(_metric_columns(connection, np.array(ids, dtype=np.int64)))
    return pd.DataFrame(columns)


def curves_frame(connection: sqlite3.Connection, metric: str | None = None) -> pd.DataFrame:
    """One row per reported value, ordered by trial (as in `trials_frame`), metric and epoch.

    Columns: view, replicate, number, metric, epoch, value. Only the metric called `metric`, when given.
    """
    import pandas as pd

    trial_rows = connection.execute(
        """
        SELECT trial.id, view.id, search.replicate, trial.number
        FROM search JOIN view ON view.id = search.view_id JOIN trial ON trial.search_id = search.id
        ORDER BY view.id, search.replicate, trial.number
        """
    ).fetchall()
    trials = np.array(trial_rows, dtype=np.int64).reshape(-1, 4)
    views = dict(connection.execute("SELECT id, name FROM view").fetchall())
    metrics = dict(connection.execute("SELECT id, name FROM metric").fetchall())
    where, arguments = ("", ()) if metric is None else ("WHERE metric_id = (SELECT id FROM metric WHERE name = ?)", (metric,))
    trial_id, metric_id, epoch, value = _numeric_columns(
        connection.execute(
            f"SELECT trial_id, metric_id, epoch, {_NUMBER.format(kind='kind', value='value')} FROM curve {where}", arguments
        ),
        [np.int64, np.int64, np.int64, np.float64],
    )
    trial_row = _positions(trials[:, 0], trial_id)
    metric_rank = _positions(np.array(sorted(metrics, key=lambda number: metrics[number]), dtype=np.int64), metric_id)
    order = np.lexsort((epoch, metric_rank, trial_row))
    trial = trials[trial_row[order]]
    return pd.DataFrame(
        {
            "view": _names(views, trial[:, 1]),
            "replicate": trial[:, 2],
            "number": trial[:, 3],
            "metric": _names(metrics, metric_id[order]),
            "epoch": epoch[order],
            "value": value[order],
        }
    )


def confirmations_frame(connection: sqlite3.Connection) -> pd.DataFrame:
    """One row per training on a fresh seed, ordered by view (as in the study; default point first), replicate, number and seed.

    Columns: view, replicate and number of the trial that is trained again (NaN for the view's default point), seed_number, state,
    objective; then `metric.<name>` for each final metric.
    """
    import pandas as pd

    rows = connection.execute(
        f"""
        SELECT result.confirmation_id, result.view, result.replicate, result.number, result.seed_number, result.state,
            {_NUMBER.format(kind="trial.objective_kind", value="trial.objective")}
        FROM confirmation_result AS result JOIN trial ON trial.id = result.confirmation_id JOIN view ON view.name = result.view
        ORDER BY view.id, result.replicate, result.number, result.seed_number
        """
    ).fetchall()
    ids, views, replicates, numbers, seeds, states, objectives = zip(*rows, strict=True) if rows else ((),) * 7
    columns: dict[str, Any] = {
        "view": pd.Series(views, dtype=object),
        "replicate": np.array(replicates, dtype=np.float64),
        "number": np.array(numbers, dtype=np.float64),
        "seed_number": np.array(seeds, dtype=np.int64),
        "state": pd.Series(states, dtype=object),
        "objective": np.array(objectives, dtype=np.float64),
    }
    if rows:
        query = "SELECT trial_id, metric_id, {} FROM metric_value JOIN retraining USING (trial_id)"
        columns.update(_metric_columns(connection, np.array(ids, dtype=np.int64), query))
    return pd.DataFrame(columns)


def _retraining_columns(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[str, Any]:
    """Columns that say what each trial with one of `ids` trains again, and on which seed."""
    import pandas as pd

    rows = connection.execute(
        "SELECT trial_id, seed_number, trial.number FROM retraining LEFT JOIN trial ON trial.id = of_trial_id"
    ).fetchall()
    known = {trial: (seed, number) for trial, seed, number in rows}
    retrainings = [known.get(trial, (None, None)) for trial in ids]
    return {
        name: pd.array([pair[index] for pair in retrainings], dtype="Int64")
        for index, name in enumerate(("seed_number", "retrains"))
    }


def _point_columns(texts: Sequence[str], study: Study) -> dict[str, Any]:
    """A column per hyperparameter: float64, Int64 (whole numbers, with gaps), or objects for choices and mixed types."""
    import pandas as pd

    # One JSON document is parsed several times faster than 100,000.
    points = json.loads("[" + ",".join(texts) + "]")
    types: dict[str, set[str]] = {}
    for view in study.views.values():
        for name, parameter in view.space.items():
            types.setdefault(name, set()).add(parameter.type)
    columns: dict[str, Any] = {}
    for name, kinds in types.items():
        values = [point.get(name) for point in points]
        if kinds == {"float"}:
            columns[f"point.{name}"] = np.array(values, dtype=np.float64)
        elif kinds == {"int"}:
            columns[f"point.{name}"] = pd.array(values, dtype="Int64")
        else:
            columns[f"point.{name}"] = pd.Series(values, dtype=object)
    return columns


def _metric_columns(
    connection: sqlite3.Connection, ids: NDArray[np.int64], query: str = "SELECT trial_id, metric_id, {} FROM metric_value"
) -> dict[str, NDArray[np.float64]]:
    """A column per final metric, NaN where a row has none.

    Args:
        connection: to the database.
        ids: of the trials, in the order of the rows.
        query: selects id, metric_id and the value, written as {}.
    """
    owner_id, metric_id, value = _numeric_columns(
        connection.execute(query.format(_NUMBER.format(kind="kind", value="value"))), [np.int64, np.int64, np.float64]
    )
    row = _positions(ids, owner_id)
    columns = {}
    for number, name in connection.execute("SELECT id, name FROM metric ORDER BY name").fetchall():
        of_metric = metric_id == number
        if of_metric.any():
            column = np.full(len(ids), np.nan)
            column[row[of_metric]] = value[of_metric]
            columns[f"metric.{name}"] = column
    return columns


def _numeric_columns(cursor: sqlite3.Cursor, dtypes: Sequence[type[np.generic]]) -> list[NDArray[Any]]:
    """All rows of a query as one array per column; NULL is NaN."""
    chunks: list[list[NDArray[Any]]] = [[np.array([], dtype=dtype)] for dtype in dtypes]
    while rows := cursor.fetchmany(_CHUNK_ROWS):
        for chunk, dtype, column in zip(chunks, dtypes, zip(*rows, strict=True), strict=True):
            try:
                chunk.append(np.array(column, dtype=dtype))
            except (TypeError, ValueError) as error:
                raise sqlite3.DatabaseError("a column of numbers holds something else") from error
    return [np.concatenate(chunk) for chunk in chunks]


def _positions(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where in `ids` each of `wanted` stands."""
    if not np.isin(wanted, ids).all():
        raise sqlite3.DatabaseError("a row refers to a trial or metric that does not exist")
    order = np.argsort(ids)
    return order[np.searchsorted(ids[order], wanted)]


def _names(names: dict[int, str], ids: NDArray[np.int64]) -> NDArray[np.object_]:
    table = np.array([names.get(number) for number in range(max(names, default=0) + 1)], dtype=object)
    return table[ids]
