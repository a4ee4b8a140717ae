"""Running a study, and continuing it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.api.databases import StudyDefinition, default_storage, locate
from hpstudy.api.sessions import checked_definition, run_options, stored
from hpstudy.arguments import checked
from hpstudy.study.shard import Shard

if TYPE_CHECKING:
    from hpstudy.engine.progress import Observer
    from hpstudy.engine.run import RunSummary


@checked
def run(
    study: StudyDefinition,
    storage: str | Path | None = None,
    *,
    scale: str | None = None,
    workers: int | None = None,
    executor: str = "processes",
    address: str | None = None,
    scheduler_file: str | Path | None = None,
    timeout_s: float | None = None,
    allow_changed_code: bool = False,
    allow_mixed: bool = False,
    shard: str | None = None,
    progress: Observer | None = None,
    observers: Sequence[str] = (),
) -> RunSummary:
    """Run a study, resuming it if it was interrupted.

    Args:
        study: the path of a study file, a study, or a mapping with the keys of a study file. In a mapping, `task` or `task.use` may be a
            function itself, also one that is defined in a notebook.
        storage: see `default_storage`.
        scale: one of the study file's `scales`, to apply.
        workers: maximum number of trials at the same time. When None, the number of physical cores; with a scheduler, the number of
            threads of its workers.
        executor: "processes", "inline", "dask" or "my_module:MyExecutor".
        address: address of the scheduler of the executor, such as "tcp://10.0.0.1:8786".
        scheduler_file: instead of `address`, the file in which the scheduler wrote its address.
        timeout_s: time limit per trial in seconds; overrides the study's limits.timeout_s.
        allow_changed_code: continue even if the source file of a user's function has changed since the study began.
        allow_mixed: use workers whose library versions differ from those here; the report says so.
        shard: run only this part of the study, such as "0/3" for the first of three, in a separate database; see `merge`.
        progress: receives events; `progress_for()` draws bars or prints lines. Silent when None.
        observers: names that log finished trials elsewhere: "tensorboard", "mlflow", "wandb" or "my_module:MyObserver".

    Returns:
        The outcome of the run, with `.complete`, `.counts` and `.storage`.

    Raises:
        HpstudyError: see `hpstudy.errors`. Trials already stored are kept.
    """
    from hpstudy.engine.run import run_study

    part = None if shard is None else Shard.parse(shard)
    loaded = checked_definition(study, storage, scale, part, allow_changed_code=allow_changed_code)
    if timeout_s is not None:
        loaded = loaded.with_timeout(timeout_s)
    return run_study(
        loaded,
        default_storage(loaded.study.name, storage, part),
        run_options(workers, executor, address, scheduler_file, allow_changed_code, allow_mixed, progress, observers, part),
    )


@checked
def resume(
    storage: str | Path,
    *,
    workers: int | None = None,
    executor: str = "processes",
    address: str | None = None,
    scheduler_file: str | Path | None = None,
    timeout_s: float | None = None,
    allow_changed_code: bool = False,
    allow_mixed: bool = False,
    progress: Observer | None = None,
    observers: Sequence[str] = (),
) -> RunSummary:
    """Continue a study from its database alone. Arguments and errors as `run`."""
    from hpstudy.engine.run import run_study

    path = locate(storage)
    loaded = stored(path, allow_changed_code)
    if timeout_s is not None:
        loaded = loaded.with_timeout(timeout_s)
    options = run_options(workers, executor, address, scheduler_file, allow_changed_code, allow_mixed, progress, observers)
    return run_study(loaded, path, options)
