"""Notes that a study asks for more trials than its database, because the study has grown since the last run."""

from __future__ import annotations

from pathlib import Path

from hpstudy.api.databases import StudyDefinition, run_command
from hpstudy.store import Counts, planned_counts
from hpstudy.study.changes import changes, grown
from hpstudy.study.schema import Study


def growth_note(
    stored: Study, requested: Study, database: Path, study: StudyDefinition, storage: str | Path | None, scale: str | None
) -> str:
    """Return one line with the command that runs the additional trials; "" if there are none, or the study has changed otherwise.

    Args:
        stored: the study of the database.
        requested: the requested study.
        database: the database.
        study: the argument that named the requested study.
        storage: the argument that named the database.
        scale: the requested scale.
    """
    requested = grown(stored, requested)
    present, planned = (Counts.total(planned_counts(each).values()) for each in (stored, requested))
    if planned.planned <= present.planned or changes(stored, requested):
        return ""
    note = f"the study has grown to {planned.planned_text} trials, and {database} is of {present.planned_text}"
    return f"{note}; to add the others: {run_command(study, storage, scale)}"
