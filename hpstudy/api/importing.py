"""Known results as the beginning of the searches of a study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hpstudy.api.databases import STUDY_SUFFIXES, default_storage, locate
from hpstudy.api.sessions import given, stored
from hpstudy.study.schema import Study
from hpstudy.study.shard import Shard


def import_trials(
    study: Study | Mapping[str, object] | str | Path,
    file: str | Path,
    view: str,
    storage: str | Path | None = None,
    *,
    scale: str | None = None,
    replicate: int | None = None,
    shard: str | None = None,
) -> int:
    """Import known results from a CSV file as the first trials of the searches of a view, before they begin.

    They count as trials and are never trained. Searchers see them as their history.

    Args:
        study: a study as in `run`, a database, or the name of a study.
        file: a CSV file with a column for each hyperparameter of the view and one for the study's metric.
        view: the view of the points.
        storage: see `default_storage`; the database is created if it does not exist.
        scale: one of the study file's `scales`, to apply.
        replicate: import only into this replicate; all when None.
        shard: the part of the study that the database runs, as in `run`; a study that runs in shards imports into each.

    Returns:
        The number of results in each search.

    Raises:
        StudyError: with file and line of every mistake in the CSV file.
        UsageError: a search of the view has begun, or cannot begin with known results.
        StudyChanged: the study is not that of the database.
    """
    from hpstudy.engine.importing import import_known_results

    part = None if shard is None else Shard.parse(shard)
    if isinstance(study, Study | Mapping) or Path(study).suffix in STUDY_SUFFIXES:
        loaded = given(study, storage, scale, part)
        where = default_storage(loaded.study.name, storage, part)
    else:
        where = locate(study, storage, scale=scale)
        loaded = stored(where, allow_changed_code=False)
    return import_known_results(loaded, where.absolute(), Path(file), view, replicate, part)
