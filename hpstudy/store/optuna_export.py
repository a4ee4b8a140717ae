"""Export of trials to an Optuna storage, for optuna-dashboard and other programs that read one. Optuna is imported when it is needed.

Each view becomes one Optuna study with the trials of all its searches. Controls and confirmations are not exported: they are not trials of
a search, and Optuna would report the best of them as the best trial.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpstudy.drafts import drafted
from hpstudy.errors import OutputError, UsageError
from hpstudy.store.paths import check_output
from hpstudy.store.reader import Reader
from hpstudy.study.parameters import ChoiceParameter, FloatParameter, IntParameter, Value
from hpstudy.study.schema import Study

if TYPE_CHECKING:
    import pandas as pd
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


def export_optuna(reader: Reader, output: str | Path, *, force: bool = False) -> tuple[str, ...]:
    """Export all finished trials to an Optuna storage, an SQLite file.

    The trials of a view are ordered by search. The user attributes of a trial hold its replicate, number, state and final metrics;
    non-finite numbers are text there. Diverged, failed and timed-out trials get Optuna's state FAIL. The learning curve of the
    objective becomes intermediate values. Running trials are not exported.

    Args:
        reader: the database.
        output: the file, written atomically.
        force: replace an existing file.

    Returns:
        The names of the Optuna studies.

    Raises:
        UsageError: the file exists, or Optuna is not installed.
        OutputError: the file cannot be written.
    """
    path = Path(output)
    check_output(path, force=force)
    try:
        import optuna
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError as error:
        raise UsageError("this export needs Optuna, which is not installed", "pip install 'hpstudy[optuna]'") from error
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with reader.snapshot():
            reader.warn_of_broken_seals()
            trials = reader.trials()
            metric = reader.study.metric.name
            curves = reader.curves(metric) if metric in reader.metrics() else None
        with drafted(path) as draft:
            names = _write(draft, reader, trials[trials["state"] != "running"], curves)
            draft.replace(path)
    except (OSError, SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "orig", None) or error
        raise OutputError(f"{path} cannot be written: {reason}", "choose another file") from error
    finally:
        optuna.logging.set_verbosity(verbosity)
    return names


def distribution(parameter: FloatParameter | IntParameter | ChoiceParameter) -> BaseDistribution:
    """Return the Optuna distribution with the same range."""
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
            export = optuna.create_study(study_name=f"{study.name}/{view}", storage=storage, direction=study.metric.goal.value)
            for key, value in {
                "hpstudy:study": study.name,
                "hpstudy:view": view,
                "hpstudy:metric": study.metric.name,
                "hpstudy:fingerprint": reader.fingerprint,
            }.items():
                export.set_user_attr(key, value)
            export.add_trials(list(_trials(study, view, trials, curves)))
            names.append(export.study_name)
    return tuple(names)


@contextlib.contextmanager
def _storage(path: Path) -> Iterator[Any]:
    """Create an Optuna storage at `path`, and close its file at the end of the block."""
    from optuna.storages import RDBStorage
    from sqlalchemy import event

    storage = RDBStorage(f"sqlite:///{path.absolute()}")
    # Optuna commits every trial. The file is a draft, which is discarded after a crash, so that no commit needs to reach the disk.
    event.listen(storage.engine, "connect", _disable_sync)
    storage.engine.dispose()
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _disable_sync(connection: Any, record: Any) -> None:
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
    """Return one finished trial. The user attributes hold the state: Optuna's states do not distinguish reasons for a failure."""
    from optuna.trial import TrialState, create_trial

    completed = row["state"] == "completed" and math.isfinite(row["objective"])
    attributes = {"replicate": int(row["replicate"]), "number": int(row["number"]), "state": row["state"]}
    attributes |= {"enqueued": bool(row["enqueued"])} if "enqueued" in row else {}
    attributes |= {name: row[name] for name in ("error_type", "error") if isinstance(row[name], str)}
    attributes |= {name: _json(row[name]) for name in ("attempts", "ask_s", "evaluate_s")}
    attributes |= {str(name): _json(value) for name, value in row.items() if str(name).startswith("metric.")}
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
    """Convert a value of a trials frame to the Python type of its parameter."""
    if isinstance(parameter, ChoiceParameter):
        return parameter.values[parameter.values.index(value)]
    return int(value) if isinstance(parameter, IntParameter) else float(value)


def _json(value: Any) -> float | int | str:
    """Convert a number to a strict JSON value: NaN and infinities become text."""
    number = float(value)
    if not math.isfinite(number):
        return str(number)
    return int(number) if isinstance(value, int) else number


def _time(text: str | None) -> datetime | None:
    """Convert a stored time (ISO 8601, UTC) to Optuna's form: local time without a time zone."""
    if not isinstance(text, str):
        return None
    return datetime.fromisoformat(text).astimezone().replace(tzinfo=None)
