"""A study in parts, on several machines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hpstudy.api.databases import default_storage
from hpstudy.arguments import checked
from hpstudy.errors import UsageError
from hpstudy.store import Reader


@checked
def merge(
    shards: str | Path | Sequence[str | Path],
    storage: str | Path | None = None,
    *,
    partial: bool = False,
    allow_mixed: bool = False,
) -> Path:
    """Merge the shards of a study into one database, which holds the numbers of a run without shards.

    Args:
        shards: the databases of `run(study, shard="I/N")`.
        storage: the new database, or a folder for it: see `default_storage`.
        partial: merge although replicates or trials are missing; `resume` completes the new database.
        allow_mixed: merge although the shards were run with different library versions; the report says so.

    Returns:
        The new database.

    Raises:
        UsageError: shards overlap, or are missing or incomplete.
        StudyChanged: they are of different studies, or were run with different data, code or libraries.
        StoreError: a shard cannot be read, or the new database cannot be written.
    """
    from hpstudy.engine.merge import merge_shards

    databases = [Path(shard) for shard in ([shards] if isinstance(shards, str | Path) else shards)]
    if not databases:
        raise UsageError("there are no shards to merge", "name the databases of all shards")
    with Reader.open(databases[0]) as reader:
        output = default_storage(reader.study.name, storage).absolute()
    merge_shards(databases, output, partial=partial, allow_mixed=allow_mixed)
    return output


@checked
def slurm(
    study: str | Path,
    storage: str | Path | None = None,
    *,
    shards: int,
    scale: str | None = None,
    options: Sequence[str] = (),
    submit: bool = False,
) -> str:
    """A Slurm array script that runs the shards of a study, each on its node's own disk, and queues them again at their time limit.

    Args:
        study: the path of a study file.
        storage: the database of the whole study, or its folder: see `default_storage`. Shards are stored in folders next to it.
        shards: number of shards.
        scale: one of the study file's `scales`, to apply.
        options: options of sbatch, such as "--time=8:00:00".
        submit: send it with sbatch.

    Returns:
        The script, or the output of sbatch.

    Raises:
        StudyError: the study file has mistakes.
        UsageError: there are more shards than replicates, or sbatch is not installed.
        HpstudyError: sbatch refused the script.
    """
    from hpstudy.engine import slurm as scripts
    from hpstudy.loading.load import load_study

    whole = load_study(study, scale)
    where = default_storage(whole.name, storage)
    script = scripts.array_script(whole, Path(study), where, shards, scale=scale, options=options)
    return scripts.submit(script) if submit else script
