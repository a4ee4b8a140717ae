"""The database of a study: where it is, and reading, checking and exporting it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from os.path import isfile
from pathlib import Path
from typing import TypeGuard

from hpstudy.arguments import checked
from hpstudy.errors import StoreError, UsageError, shell_command
from hpstudy.store import Reader
from hpstudy.store.paths import database_exists
from hpstudy.study.schema import Study
from hpstudy.study.shard import Shard

StudyDefinition = Study | Mapping[str, object] | str | Path
"""A study, a mapping with the keys of a study file, or the path of a study file."""

AnyStudy = StudyDefinition
"""A `StudyDefinition`, a database, or the name of a study."""

STUDY_SUFFIXES = (".yaml", ".yml")

STORAGE_VARIABLE = "HPSTUDY_STORAGE"
"""Environment variable: a folder for databases, or the database itself when it ends in .sqlite."""


def default_storage(name: str, storage: str | Path | None = None, shard: Shard | None = None) -> Path:
    """The database of the study called `name`, or of a shard of it.

    Args:
        name: the study's name.
        storage: a database (ends in .sqlite or .db), or a folder for databases; the environment variable HPSTUDY_STORAGE when None, and
            the folder runs/ where that is not set.
        shard: adds itself to the name of the database.
    """
    path = Path(storage or os.environ.get(STORAGE_VARIABLE) or "runs")
    if path.suffix not in (".sqlite", ".db"):
        path /= f"{name}.sqlite"
    return path if shard is None else shard.storage(path)


@checked
def locate(study: AnyStudy, storage: str | Path | None = None, *, scale: str | None = None) -> Path:
    """The database of a study.

    Args:
        study: a database, the name of a study, a study file, a `Study`, or a mapping with the keys of a study file.
        storage: see `default_storage`; not with a database.
        scale: for a study file or a name: the scale at which it was run.

    Raises:
        StudyError: the study file or the mapping has mistakes.
        UsageError: `storage` or `scale` was given with a database, or `scale` with a `Study` or a mapping; or `study` is the current folder
            or its parent.
    """
    if not is_stored(study):
        return default_storage(definition(study, scale).name, storage)
    path = Path(study)
    if path.name in ("", ".."):
        raise UsageError(f"'{path}' is a folder, not a study", "give a study file, a database, or the name of a study")
    if len(path.parts) == 1 and not isfile(path):
        named = default_storage(path.name if scale is None else f"{path.name}-{scale}", storage)
        if not path.suffix or isfile(named):  # "resnet1.5" can be a name or a file
            return named
    refuse_scale(scale)
    if storage is not None:
        raise UsageError(f"{path} is a database itself", "leave out --storage")
    return path


def is_stored(study: AnyStudy) -> TypeGuard[str | Path]:
    """Whether a study is given by its database or its name."""
    return isinstance(study, str | Path) and Path(study).suffix not in STUDY_SUFFIXES


def definition(study: StudyDefinition, scale: str | None = None) -> Study:
    """The study of a file, at a scale, or of a mapping, or itself. Errors as `locate`."""
    from hpstudy.loading.load import load_study, study_from

    if isinstance(study, str | Path):
        return load_study(study, scale)
    refuse_scale(scale)
    if isinstance(study, Study):
        return study
    if not isinstance(study, Mapping):
        hint = "give the path of a study file, a Study, or a mapping with the keys of a study file"
        raise UsageError(f"a study cannot be of type {type(study).__name__}", hint)
    return study_from(study)


def check_has_run(study: AnyStudy, database: Path, storage: str | Path | None, scale: str | None) -> None:
    """Raise StoreError with the next step if a study file, a `Study` or a mapping has no database yet, or a folder was given as a study.

    Args:
        study: as given to `locate`.
        database: what `locate` returned.
        storage: as given to `locate`.
        scale: as given to `locate`.
    """
    if database_exists(database):
        return
    if not is_stored(study):
        hint = f"`{run_command(study, storage, scale)}` runs it"
        raise StoreError(f"{database.absolute()} does not exist: the study has not been run", hint)
    if Path(study).is_dir():
        hint = "give a study file, a database, or the name of a study"
        raise StoreError(f"{study} is a folder, not a study, and {database.absolute()} does not exist", hint)


def run_command(study: StudyDefinition, storage: str | Path | None, scale: str | None) -> str:
    """The command, or the function, that runs a study given with these arguments."""
    if not isinstance(study, str | Path):
        return "hpstudy.run(study)"
    options = [word for option in (("--scale", scale), ("--storage", storage)) if option[1] for word in option]
    return shell_command("hpstudy", "run", study, *options)


def refuse_scale(scale: str | None) -> None:
    """Raise UsageError if a scale was given with something that holds a study at one scale."""
    if scale is not None:
        raise UsageError(
            f"--scale {scale} needs a study file or the name of a study: a database holds a study at one scale",
            "leave out --scale",
        )


@checked
def open(study: AnyStudy, storage: str | Path | None = None, *, scale: str | None = None) -> Reader:
    """Open a study's database for reading: `.trials()` and `.curves()` are pandas DataFrames. Arguments and errors as `locate`.

    Raises:
        StoreError: the file is missing, damaged, or not an hpstudy database.
    """
    return Reader.open(_database(study, storage, scale))


@checked
def check(study: AnyStudy, storage: str | Path | None = None, *, scale: str | None = None) -> list[str]:
    """Check a study's database: the file, its structure, and that its trials fit the study. Arguments and errors as `locate`.

    Returns:
        The problems, one sentence each; empty when there are none.

    Raises:
        StoreError: there is no database.
    """
    from hpstudy.store import check as problems_of

    database = _database(study, storage, scale)
    if not database.exists():
        open(database)  # raises what all functions raise for a missing database
    return problems_of(database)


@checked
def export(
    study: AnyStudy,
    output: str | Path | None = None,
    *,
    storage: str | Path | None = None,
    format: str = "csv",
    curves: bool = False,
    scale: str | None = None,
    force: bool = False,
) -> str | None:
    """Write all trials, or all learning curves, as one table.

    Args:
        study: see `locate`.
        output: the file to write. When None, the text is returned; Parquet needs a file.
        storage: see `locate`.
        format: csv, parquet or json.
        curves: write a row per trial, metric and epoch instead of a row per trial.
        scale: see `locate`.
        force: replace an existing file.

    Raises:
        UsageError: the format is unknown, or the file exists.
        StoreError: the database cannot be read.
        OutputError: the file cannot be written.
    """
    from hpstudy.store import export as write

    with open(study, storage, scale=scale) as reader:
        return write(reader, format, output, curves=curves, force=force)


def _database(study: AnyStudy, storage: str | Path | None, scale: str | None) -> Path:
    """The database of a study that has been run. Arguments and errors as `locate`."""
    database = locate(study, storage, scale=scale)
    check_has_run(study, database, storage, scale)
    return database
