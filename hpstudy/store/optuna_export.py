"""Trials as an Optuna storage, for optuna-dashboard and everything else that reads one. Optuna is imported when it is needed.

Each view becomes one Optuna study with the trials of all its searches. Controls and confirmations are left out: they are not trials of a
search of the view, and Optuna would take the best of them for its own.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpstudy.drafts import drafted
from hpstudy.errors import StoreError, UsageError
from hpstudy.store.paths import check_output
from hpstudy.store.reader import Reader
from hpstudy.study.parameters import ChoiceParameter, FloatParameter, IntParameter, Value
from hpstudy.study.schema import Study

if TYPE_CHECKING:
    import pandas as pd
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

METRIC = "metric."
"""Columns of a table of trials that hold final metrics."""

RUNNING = "running"
"""The state of a trial that has no outcome yet, and is left out."""


def export_optuna(reader: Reader, output: str | Path, *, force: bool = False) -> tuple[str, ...]:
    """Write all finished trials to an Optuna storage, an SQLite file.

    A view's trials keep the order of its searches. A trial's user attributes say which one it is (replicate, number, state) and hold
    its final metrics; a number that is not finite is text there. Diverged, failed and timed-out trials have Optuna's state FAIL, and the
    learning curve of the objective becomes intermediate values. Trials that are still running are left out.

    Args:
        reader: the database.
        output: the file, which appears complete or not at all.
        force: replace a file that exists.

    Returns:
        The names of the Optuna studies.

    Raises:
        UsageError: for a file that exists, or when Optuna is not installed.
        StoreError: when the file cannot be written.
    """
    path = Path(output)
    check_output(path, force=force)
    try:
        import optuna
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError as error:
        raise UsageError("this export needs Optuna, which is not installed", "pip install 'hpstudy[optuna]'") from error
    told = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with reader.snapshot():
            reader.warn_of_broken_seals()
            trials = reader.trials()
            known = reader.metrics()
            curves = reader.curves(reader.study.metric.name) if reader.study.metric.name in known else None
        with drafted(path) as draft:
            names = _write(draft, reader, trials[trials["state"] != RUNNING], curves)
            draft.replace(path)
    except (OSError, SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "orig", None) or error
        raise StoreError(f"{path} cannot be written: {reason}", "choose another file") from error
    finally:
        optuna.logging.set_verbosity(told)
    return names


def distribution(parameter: FloatParameter | IntParameter | ChoiceParameter) -> BaseDistribution:
    """The same range in Optuna's terms."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(parameter, ChoiceParameter):
        return CategoricalDistribution(parameter.values)
    if isinstance(parameter, IntParameter):
        return IntDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step or 1)
    return FloatDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)


def _write(path: Path, reader: Reader, trials: pd.DataFrame, curves: pd.DataFrame | None) -> tuple[str, ...]:
    import optuna

    study, names = reader.study, []
    with _storage(path) as storage:
        for view in study.views:
            made = optuna.create_study(study_name=f"{study.name}/{view}", storage=storage, direction=study.metric.goal.value)
            for key, value in {
                "hpstudy:study": study.name,
                "hpstudy:view": view,
                "hpstudy:metric": study.metric.name,
                "hpstudy:fingerprint": reader.fingerprint,
            }.items():
                made.set_user_attr(key, value)
            made.add_trials(list(_trials(study, view, trials, curves)))
            names.append(made.study_name)
    return tuple(names)


@contextlib.contextmanager
def _storage(path: Path) -> Iterator[Any]:
    """A new Optuna storage whose file is let go at the end."""
    from optuna.storages import RDBStorage
    from sqlalchemy import event

    storage = RDBStorage(f"sqlite:///{path.absolute()}")
    # A draft that a crash leaves behind is thrown away, so that nothing needs to wait for the disk; Optuna commits every trial.
    event.listen(storage.engine, "connect", _without_waiting)
    storage.engine.dispose()
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _without_waiting(connection: Any, record: Any) -> None:
    del record
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA journal_mode = MEMORY")


def _trials(study: Study, view: str, trials: pd.DataFrame, curves: pd.DataFrame | None) -> Iterator[FrozenTrial]:
    import pandas as pd

    space = dict(study.views[view].space.items())
    distributions = {name: distribution(parameter) for name, parameter in space.items()}
    steps: dict[tuple[int, int], dict[int, float]] = {}
    if curves is not None:
        own = curves[curves["view"] == view]
        for replicate, number, epoch, value in zip(own["replicate"], own["number"], own["epoch"], own["value"], strict=True):
            steps.setdefault((int(replicate), int(number)), {})[int(epoch)] = float(value)
    for row in trials[trials["view"] == view].to_dict(orient="records"):
        present = {name: parameter for name, parameter in space.items() if pd.notna(row[f"point.{name}"])}
        params = {name: _plain(row[f"point.{name}"], parameter) for name, parameter in present.items()}
        yield _trial(
            row, params, {name: distributions[name] for name in present}, steps.get((row["replicate"], row["number"]), {})
        )


def _trial(
    row: Mapping[Any, Any], params: dict[str, Value], distributions: dict[str, BaseDistribution], steps: dict[int, float]
) -> FrozenTrial:
    """One finished trial. Optuna's states know no reason: that stands in the user attributes."""
    from optuna.trial import TrialState, create_trial

    completed = row["state"] == "completed" and math.isfinite(row["objective"])
    attributes = {"replicate": int(row["replicate"]), "number": int(row["number"]), "state": row["state"]}
    attributes |= {"enqueued": bool(row["enqueued"])} if "enqueued" in row else {}
    attributes |= {name: row[name] for name in ("error_type", "error") if isinstance(row[name], str)}
    attributes |= {name: _json(row[name]) for name in ("attempts", "ask_s", "evaluate_s")}
    attributes |= {str(name): _json(value) for name, value in row.items() if str(name).startswith(METRIC)}
    trial = create_trial(
        state=TrialState.COMPLETE if completed else TrialState.FAIL,
        value=float(row["objective"]) if completed else None,
        params=params,
        distributions=distributions,
        user_attrs=attributes,
        intermediate_values=steps,
    )
    trial.datetime_start = _time(row["started_at"])
    trial.datetime_complete = _time(row["ended_at"]) or trial.datetime_start
    return trial


def _plain(value: Any, parameter: FloatParameter | IntParameter | ChoiceParameter) -> Value:
    """A value of a table of trials as Python's own type."""
    if isinstance(parameter, ChoiceParameter):
        return parameter.values[parameter.values.index(value)]
    return int(value) if isinstance(parameter, IntParameter) else float(value)


def _json(value: Any) -> float | int | str:
    """A number as strict JSON has it: NaN and infinities become text."""
    number = float(value)
    if not math.isfinite(number):
        return str(number)
    return int(number) if isinstance(value, int) else number


def _time(text: str | None) -> datetime | None:
    """A stored time (ISO 8601, UTC) as Optuna keeps it: local, without a time zone."""
    if not isinstance(text, str):
        return None
    return datetime.fromisoformat(text).astimezone().replace(tzinfo=None)
