"""The results of a study."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.api.databases import AnyStudy, check_has_run, default_storage, is_stored, open
from hpstudy.api.growth import growth_note
from hpstudy.api.sessions import loaded_definition
from hpstudy.arguments import checked
from hpstudy.modules import module_path
from hpstudy.store import Reader
from hpstudy.study.declaration import Analysis

if TYPE_CHECKING:
    from hpstudy.analysis.results import Results

log = logging.getLogger(__name__)


@checked
def analyze(study: AnyStudy, storage: str | Path | None = None, *, scale: str | None = None, thorough: bool = True) -> Results:
    """Analyze a study, finished or not. A thorough analysis logs a warning if the study asks for more trials than its database.

    Args:
        study: see `locate`. A study file, a `Study` or a mapping has its own analysis settings, which may differ from those in the
            database.
        storage: see `locate`.
        scale: see `locate`.
        thorough: see `hpstudy.analysis.analyze`.

    Raises:
        StudyChanged: the study is not the one that was run.
    """
    if is_stored(study):
        with open(study, storage, scale=scale) as reader:
            return analyzed(reader, None, thorough)
    from hpstudy.loading.bind import matched

    loaded = loaded_definition(study, scale)
    database = default_storage(loaded.study.name, storage)
    check_has_run(study, database, storage, scale)
    with Reader.open(database) as reader:
        stored = matched(reader.study, loaded.study, reader.path, loaded.module_path)
        if thorough and (note := growth_note(stored, loaded.study, reader.path, study, storage, scale)):
            log.warning(note)
        with module_path(loaded.module_path):
            return analyzed(reader, loaded.study.analysis, thorough)


def analyzed(reader: Reader, settings: Analysis | None, thorough: bool) -> Results:
    """The results of an open database. Arguments as `analyze`; with the analysis settings of the database when `settings` is None."""
    from hpstudy.analysis import analyze as analyze_trials

    with reader.snapshot():
        results = analyze_trials(reader, settings, thorough=thorough)
        if not thorough:
            return results
        broken, digest, note = reader.warn_of_broken_seals(), reader.content_digest(), reader.seal_note()
        return replace(results, broken_seals=broken, database_digest=digest, seal_note=note)
