"""Known results as the beginning of the searches of a study."""

from __future__ import annotations

from pathlib import Path

from hpstudy.api.databases import AnyStudy
from hpstudy.api.sessions import study_and_database
from hpstudy.arguments import checked
from hpstudy.study.shard import Shard


@checked
def import_trials(
    study: AnyStudy,
    file: str | Path,
    view: str,
    *,
    storage: str | Path | None = None,
    scale: str | None = None,
    replicate: int | None = None,
    shard: str | None = None,
) -> int:
    """Import known results from a CSV file as the first trials of the searches of a view, before they begin.

    They count as trials and are never trained. Searchers see them as their history.

    Args:
        study: see `locate`.
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
    loaded, database = study_and_database(study, storage, scale, part)
    return import_known_results(loaded, database.absolute(), Path(file), view, replicate, part)
