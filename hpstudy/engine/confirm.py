"""Confirm an existing study: add or extend its `confirm` block, and run the confirmations of its complete searches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hpstudy.engine.options import RunOptions
from hpstudy.engine.run import RunSummary, run_study
from hpstudy.errors import UsageError, shell_command
from hpstudy.loading.bind import LoadedStudy
from hpstudy.store import Reader, incumbent, is_complete
from hpstudy.study.controls import confirmed
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Confirm


def confirm_study(loaded: LoadedStudy, storage: Path, options: RunOptions, confirm: Confirm | None = None) -> RunSummary:
    """Retrain the incumbents and default points of the study at `storage`. Points that were retrained before are skipped.

    Args:
        loaded: the study of the database, with its parts.
        storage: the database.
        options: run options; the observer is also notified of the searches that are not confirmed.
        confirm: what to retrain; None for the study's own `confirm` block. The study keeps the larger number of seeds.

    Raises:
        UsageError: the study is a sweep, or has no complete search.
        StudyChanged: the study has confirmations of another kind (`confirm.incumbents`).
        HpstudyError: as `run_study`.
    """
    study = loaded.study
    if loaded.searcher.lists_points:
        raise UsageError(
            f"{study.name} is a sweep, which chooses no point, so there is nothing to confirm",
            "its replicates already train every point with fresh seeds; for more, increase `replicates`",
        )
    requested = confirm or study.confirm or Confirm()
    seeds = max(requested.seeds, study.confirm.seeds if study.confirm else 1)
    study = study.model_copy(update={"confirm": requested.model_copy(update={"seeds": seeds})})
    confirmations = confirmed(study)
    ready, left_out = list[SearchKey](), list[str]()
    with Reader.open(storage) as reader:
        searched = [key for key in reader.search_counts() if key.view in confirmations]
        for key in searched:
            rows = reader.history(key)
            if is_complete(study, rows):
                ready.append(SearchKey(confirmations[key.view], key.replicate))
            if not is_complete(study, rows) or incumbent(study, rows) is None:
                left_out.append(f"{key.view}/{key.replicate}")
    if len(left_out) == len(searched):
        raise UsageError(
            f"{study.name} has no complete search yet, so there is nothing to confirm",
            f"`{shell_command('hpstudy', 'resume', storage)}` completes its searches",
        )
    if left_out:
        options.observer.note(f"not confirmed, because incomplete or without a value: {', '.join(left_out)}")
    return run_study(replace(loaded, study=study), storage, options, ready)
