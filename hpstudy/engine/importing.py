"""Imports known results as the first trials of the searches of a view."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hpstudy.engine.run import open_store
from hpstudy.errors import UsageError, nearest
from hpstudy.loading.bind import LoadedStudy
from hpstudy.loading.known_results import read_known_results
from hpstudy.modules import module_path
from hpstudy.study.controls import DEFAULT, arms
from hpstudy.study.shard import Shard


def import_known_results(
    loaded: LoadedStudy, storage: Path, file: Path, view: str, replicate: int | None = None, shard: Shard | None = None
) -> int:
    """Store the results in a file as the first trials of every search of a view, including those of other searchers.

    Args:
        loaded: the study.
        storage: its database, created if it does not exist.
        file: see `read_known_results`.
        view: of the study.
        replicate: only searches of this replicate; None for all.
        shard: the part of the study that the database runs; None for the part that it holds.

    Returns:
        The number of results in each search.

    Raises:
        UsageError: the study has no such view or replicate, is a sweep, enqueues points in this view, or has fewer trials; or a search of
            the view has started.
        StudyError: see `read_known_results`.
        StudyChanged: the study is not that of the database.
    """
    study = loaded.study
    if view not in study.views:
        raise UsageError(f"the study has no view '{view}': {nearest(view, study.views)}")
    if replicate is not None and not 0 <= replicate < study.replicates:
        raise UsageError(f"there is no replicate {replicate}: the study has the replicates 0 to {study.replicates - 1}")
    if replicate is not None and study.search.lockstep > 1:
        raise UsageError("with search.lockstep, results are imported into all replicates", "leave out --replicate")
    if loaded.searcher.lists_points:
        raise UsageError(f"{study.name} is a sweep, and results can be imported only into searches")
    if study.views[view].enqueue:
        raise UsageError(
            f"view '{view}' enqueues points, which are the first trials of its searches", "remove 'enqueue' to import results"
        )
    results = read_known_results(file, study, view)
    if len(results) > study.search.trials:
        raise UsageError(
            f"{file} has {len(results)} results, but a search has {study.search.trials} trials",
            "import fewer results, or increase search.trials",
        )
    searched = [name for name, arm in arms(study).items() if arm.view == view and not arm.listed and arm.searcher != DEFAULT]
    with module_path(loaded.module_path), open_store(loaded, storage, shard) as store:
        numbers = range(study.replicates) if replicate is None else [replicate]
        replicates = [number for number in numbers if store.shard is None or store.shard.holds(study, number)]
        if not replicates:
            raise UsageError(f"shard {store.shard} does not hold replicate {replicate}")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        store.import_trials(searched, replicates, results, file=file.name, sha256=digest)
    return len(results)
