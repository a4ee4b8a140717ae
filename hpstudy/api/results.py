"""The results of a study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.api.databases import STUDY_SUFFIXES, default_storage, open
from hpstudy.modules import module_path
from hpstudy.store import Reader
from hpstudy.study.declaration import Analysis

if TYPE_CHECKING:
    from hpstudy.analysis.results import Results


def analyze(study: str | Path, storage: str | Path | None = None, *, scale: str | None = None, thorough: bool = True) -> Results:
    """Analyze a study, finished or not.

    Args:
        study: a database, a study file, or a study's name. With a study file, the analysis settings are read from the file, so they
            can be edited after the run.
        storage: for a study file or a name: see `default_storage`.
        scale: for a study file: the scale at which it was run.
        thorough: see `hpstudy.analysis.analyse`.

    Raises:
        StudyChanged: the study file is not the one that was run.
    """
    if Path(study).suffix not in STUDY_SUFFIXES:
        with open(study, storage, scale=scale) as reader:
            return analyzed(reader, None, thorough)
    from hpstudy.loading.bind import matched
    from hpstudy.loading.load import read_study

    loaded = read_study(study, scale)
    with Reader.open(default_storage(loaded.study.name, storage)) as reader:
        matched(reader.study, loaded.study, reader.path, loaded.module_path)
        with module_path(loaded.module_path):
            return analyzed(reader, loaded.study.analysis, thorough)


def analyzed(reader: Reader, settings: Analysis | None, thorough: bool) -> Results:
    """The results of an open database. Arguments as `analyze`; with the analysis settings of the database when `settings` is None."""
    from hpstudy.analysis import analyse as analyse_trials

    with reader.snapshot():
        results = analyse_trials(reader, settings, thorough=thorough)
        if not thorough:
            return results
        broken, digest, note = reader.warn_of_broken_seals(), reader.content_digest(), reader.seal_note()
        return replace(results, broken_seals=broken, database_digest=digest, seal_note=note)
