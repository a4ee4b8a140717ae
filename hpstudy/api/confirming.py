"""Confirmation of the searches of a study on fresh seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.api.databases import AnyStudy, check_has_run, is_stored
from hpstudy.api.sessions import run_options, study_and_database
from hpstudy.arguments import checked
from hpstudy.errors import UsageError
from hpstudy.store import Reader
from hpstudy.study.schema import MOST_SEEDS, Confirm

if TYPE_CHECKING:
    from hpstudy.engine.progress import Observer
    from hpstudy.engine.run import RunSummary


@checked
def confirm(
    study: AnyStudy,
    storage: str | Path | None = None,
    *,
    scale: str | None = None,
    seeds: int | None = None,
    incumbents: bool = False,
    workers: int | None = None,
    executor: str = "processes",
    address: str | None = None,
    scheduler_file: str | Path | None = None,
    allow_changed_code: bool = False,
    allow_mixed: bool = False,
    progress: Observer | None = None,
    observers: Sequence[str] = (),
) -> RunSummary:
    """Train the best point of each complete search, and each view's default point, again on fresh seeds.

    The request is stored in the database: `run` and `resume` then also confirm the searches that end later.

    Args:
        study: see `locate`.
        storage: see `locate`.
        scale: see `locate`.
        seeds: number of fresh seeds of each point. When None, that of the study, or 5. It may be increased later.
        incumbents: train every incumbent of a search, each trial that is better than all before it. Always true if the study
            declares it.
        workers: as in `run`.
        executor: as in `run`.
        address: as in `run`.
        scheduler_file: as in `run`.
        allow_changed_code: as in `run`.
        allow_mixed: as in `run`.
        progress: as in `run`.
        observers: as in `run`.

    Returns:
        The outcome of the confirmations of complete searches. The values are in `open(study).confirmations()`.

    Raises:
        UsageError: the study is a sweep, or has no complete search.
        StudyChanged: the study has confirmations of its best trials, and `incumbents` requests those of all incumbents.
        HpstudyError: see `hpstudy.errors`; nothing that was stored is lost.
    """
    from hpstudy.engine.confirm import confirm_study
    from hpstudy.loading.bind import matched

    if seeds is not None and not 1 <= seeds <= MOST_SEEDS:
        raise UsageError(f"--seeds is {seeds}, not between 1 and {MOST_SEEDS:,}", "5 is usual")
    loaded, database = study_and_database(study, storage, scale, allow_changed_code=allow_changed_code)
    check_has_run(study, database, storage, scale)
    declared = loaded.study.confirm
    if not is_stored(study):
        with Reader.open(database) as reader:
            loaded = replace(loaded, study=matched(reader.study, loaded.study, database, loaded.module_path))
    block = declared or loaded.study.confirm or Confirm()
    requested = Confirm(seeds=seeds or block.seeds, incumbents=incumbents or block.incumbents)
    options = run_options(workers, executor, address, scheduler_file, allow_changed_code, allow_mixed, progress, observers)
    return confirm_study(loaded, database, options, requested)
