"""Shared parts of the functions that run trials: the study with its code, the comparison with the database, and the options."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.api.databases import AnyStudy, StudyDefinition, default_storage, definition, is_stored, locate
from hpstudy.bundles import code_folder
from hpstudy.errors import UsageError
from hpstudy.modules import module_folder
from hpstudy.plugins import module_name
from hpstudy.store import Reader
from hpstudy.study.schema import COMMAND, Study
from hpstudy.study.shard import Shard

if TYPE_CHECKING:
    from hpstudy.engine.options import RunOptions
    from hpstudy.engine.progress import Observer
    from hpstudy.loading.bind import LoadedStudy


def checked_definition(
    study: StudyDefinition,
    storage: str | Path | None,
    scale: str | None,
    shard: Shard | None = None,
    *,
    allow_changed_code: bool | None = None,
) -> LoadedStudy:
    """A study with its parts, whose code is compared with its database.

    Arguments and errors as `hpstudy.run`. `allow_changed_code` is None for a command without this option.
    """
    from hpstudy.engine.identity import refuse_changed_function

    loaded = loaded_definition(study, scale, comparison(storage, allow_changed_code, shard))
    if not (allow_changed_code or isinstance(study, str | Path)):
        database = default_storage(loaded.study.name, storage, shard)
        refuse_changed_function(database, loaded.task, can_allow=allow_changed_code is not None)
    return loaded


def loaded_definition(
    study: StudyDefinition, scale: str | None, compare: Callable[[str, str], None] | None = None
) -> LoadedStudy:
    """A study with its parts.

    Args:
        study: a study file, a mapping with the keys of a study file, or a study.
        scale: of a study file.
        compare: called with the name and the folder of a study file before its code is imported.
    """
    from hpstudy.loading.bind import bind
    from hpstudy.loading.load import read_study

    if isinstance(study, str | Path):
        return read_study(study, scale, compare)
    defined = definition(study, scale)
    return bind(defined, folder_for(defined))


def study_and_database(
    study: AnyStudy,
    storage: str | Path | None,
    scale: str | None,
    shard: Shard | None = None,
    *,
    allow_changed_code: bool | None = None,
) -> tuple[LoadedStudy, Path]:
    """A study with its parts, and its database. Arguments as `checked_definition`; `study` may also be a database or a name."""
    if is_stored(study):
        path = locate(study, storage, scale=scale)
        return stored(path, allow_changed_code), path
    loaded = checked_definition(study, storage, scale, shard, allow_changed_code=allow_changed_code)
    return loaded, default_storage(loaded.study.name, storage, shard)


def folder_for(study: Study) -> str | None:
    """The folder in which a study finds its modules and runs its command: its own, or that of a study without a file."""
    if study.module_folder is not None and Path(study.module_folder).is_dir():
        return study.module_folder
    if study.task.use == COMMAND or study.task.is_pickled:
        return str(Path.cwd())
    return module_folder(dict.fromkeys(module_name(use) for use in study.user_parts()))


def comparison(
    storage: str | Path | None, allow_changed_code: bool | None, shard: Shard | None = None
) -> Callable[[str, str], None] | None:
    """A function of the name and folder of a study that compares its files with its database; None if they may differ."""
    from hpstudy.engine.identity import refuse_changed_files

    if allow_changed_code:
        return None
    return lambda name, folder: refuse_changed_files(
        default_storage(name, storage, shard), folder, can_allow=allow_changed_code is not None
    )


def stored(path: Path, allow_changed_code: bool | None) -> LoadedStudy:
    """The study of a database, with its parts. Its code is compared with the database before any of it is imported."""
    from hpstudy.engine.identity import refuse_changed_files
    from hpstudy.loading.bind import bind

    with Reader.open(path) as reader:
        study, folder = reader.study, reader.module_path and (code_folder(path) or reader.module_path)
    if not allow_changed_code:
        refuse_changed_files(path, folder, can_allow=allow_changed_code is not None)
    return bind(study, folder)


def run_options(
    workers: int | None,
    executor: str,
    address: str | None,
    scheduler_file: str | Path | None,
    allow_changed_code: bool,
    allow_mixed: bool,
    progress: Observer | None,
    observers: Sequence[str],
    shard: Shard | None = None,
) -> RunOptions:
    """The options of a run. Arguments as `hpstudy.run`."""
    from hpstudy.engine.executors import default_workers
    from hpstudy.engine.options import RunOptions
    from hpstudy.engine.progress import Observer

    check_workers(workers)
    addresses = {"address": address, "scheduler_file": scheduler_file and str(scheduler_file)}
    scheduler = {name: value for name, value in addresses.items() if value}
    workers = workers or (sys.maxsize if scheduler else default_workers())
    return RunOptions(
        workers, executor, allow_changed_code, progress or Observer(), shard, scheduler, allow_mixed, tuple(observers)
    )


def check_workers(workers: int | None) -> None:
    """Raise UsageError unless there is at least one worker; None is the default number."""
    if workers is not None and workers < 1:
        raise UsageError(f"workers is {workers}, not at least 1", "leave it out for one per physical core")
