"""Commands that run a study: validate, plan, run, resume, merge, slurm, confirm."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import hpstudy
from hpstudy.cli.options import (
    Address,
    AllowCode,
    AllowMixed,
    AnyStudy,
    Executor,
    Form,
    Observers,
    Quiet,
    Scale,
    SchedulerFile,
    Storage,
    StudyFile,
    Timeout,
    Verbose,
    Workers,
)
from hpstudy.cli.output import Format, print_rows, say
from hpstudy.cli.quoting import check_quoted
from hpstudy.errors import HpstudyError, StudyBroken, shell_command

if TYPE_CHECKING:
    from hpstudy.engine.run import RunSummary
    from hpstudy.loading.bind import LoadedStudy
    from hpstudy.study.schema import Study


def validate(file: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Study files (YAML).")]) -> None:
    """Check study files and all their scales without running them. Prints every mistake with its file and line."""
    from hpstudy.loading.load import read_study

    check_quoted(file)
    failed: HpstudyError | None = None
    for path in file:
        try:
            loaded = read_study(path)
        except HpstudyError as error:
            say(str(error))
            failed = error
            continue
        _say_valid(str(path), loaded)
        for scale in loaded.scales:
            try:
                _say_valid(f"{path} --scale {scale}", read_study(path, scale))
            except HpstudyError as error:
                say(f"{path} --scale {scale}: not valid.\n{error}")
                failed = error
    if failed is not None:
        raise typer.Exit(failed.exit_code)


def plan(
    study: StudyFile,
    storage: Storage = None,
    scale: Scale = None,
    workers: Workers = None,
    pilot: Annotated[
        bool, typer.Option("--pilot", help="Time one trial of each view: at its default point, or the first point of a sweep.")
    ] = False,
    form: Form = Format.table,
) -> None:
    """Show what a run would do and how long it would take. Estimated from finished trials, or from a pilot."""
    from hpstudy.study.sample_size import too_few_replicates

    planned = hpstudy.plan(study, storage, scale=scale, workers=workers, pilot=pilot)
    print_rows(planned.rows(), form)
    if form is Format.table:
        say(_size(planned.study))
        if not planned.sweep and (note := too_few_replicates(planned.study)):
            say(note)
        say(f"database: {planned.storage}{'' if planned.storage.exists() else ' (not created yet)'}")
        if lockstep := planned.lockstep_sentence():
            say(lockstep)
        say(planned.sentence())
        if confirmation := planned.confirmation_sentence():
            say(confirmation)


def run(
    study: StudyFile,
    storage: Storage = None,
    scale: Scale = None,
    workers: Workers = None,
    executor: Executor = "processes",
    address: Address = None,
    scheduler_file: SchedulerFile = None,
    timeout: Timeout = None,
    allow_changed_code: AllowCode = False,
    allow_mixed: AllowMixed = False,
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard",
            metavar="I/N",
            help="Run only this part of the replicates, from 0/N to N-1/N, in its own database. `hpstudy merge` joins all parts.",
        ),
    ] = None,
    observer: Observers = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Run a study, resuming it if it was interrupted. Finished trials are never run again."""
    summary = hpstudy.run(
        study,
        storage=storage,
        scale=scale,
        workers=workers,
        executor=executor,
        address=address,
        scheduler_file=scheduler_file,
        timeout_s=timeout,
        allow_changed_code=allow_changed_code,
        allow_mixed=allow_mixed,
        shard=shard,
        progress=hpstudy.progress_for(verbose=verbose, quiet=quiet),
        observers=observer or (),
    )
    _finish(summary, quiet)


def resume(
    storage: Annotated[
        Path, typer.Argument(metavar="DATABASE", help="A study's database, or the name of a study (then runs/NAME.sqlite).")
    ],
    workers: Workers = None,
    executor: Executor = "processes",
    address: Address = None,
    scheduler_file: SchedulerFile = None,
    timeout: Timeout = None,
    allow_changed_code: AllowCode = False,
    allow_mixed: AllowMixed = False,
    observer: Observers = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Continue a study from its database, without its study file."""
    summary = hpstudy.resume(
        storage,
        workers=workers,
        executor=executor,
        address=address,
        scheduler_file=scheduler_file,
        timeout_s=timeout,
        allow_changed_code=allow_changed_code,
        allow_mixed=allow_mixed,
        progress=hpstudy.progress_for(verbose=verbose, quiet=quiet),
        observers=observer or (),
    )
    _finish(summary, quiet)


def merge(
    shards: Annotated[list[Path], typer.Argument(metavar="SHARD...", help="The databases of all shards of a study.")],
    storage: Annotated[
        Path | None,
        typer.Option("-o", "--storage", help="The new database, or a folder for it. Default: the database of the whole study."),
    ] = None,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Merge although shards are missing or incomplete. `hpstudy resume` completes the result."),
    ] = False,
    allow_mixed: Annotated[
        bool,
        typer.Option(
            "--allow-mixed", help="Merge although library versions differ between shards. Recorded, and shown in the report."
        ),
    ] = False,
) -> None:
    """Merge the shards of a study into one database. Its numbers are those of a run without shards."""
    from hpstudy.store import Counts

    check_quoted(shards)
    merged = hpstudy.merge(shards, storage, partial=partial, allow_mixed=allow_mixed)
    say(f"written: {merged}")
    with hpstudy.open(merged) as reader:
        left = Counts.total(reader.counts().values()).left
    remaining = shell_command("hpstudy", "resume", merged)
    say(
        f"{left:,} {'trial remains' if left == 1 else 'trials remain'}: {remaining}"
        if left
        else f"next: {shell_command('hpstudy', 'report', merged)}"
    )


def slurm(
    study: StudyFile,
    shards: Annotated[int, typer.Option("--shards", min=1, help="How many shards: tasks of the array.")],
    options: Annotated[
        list[str] | None, typer.Argument(metavar="[-- OPTIONS OF SBATCH]", help="Options of sbatch, such as its time limit.")
    ] = None,
    storage: Storage = None,
    scale: Scale = None,
    submit: Annotated[bool, typer.Option("--submit", help="Send the script with sbatch instead of printing it.")] = False,
) -> None:
    """Print a Slurm array script that runs a study in shards. Each task stops before its time limit and is queued again."""
    from hpstudy.api.databases import locate

    text = hpstudy.slurm(study, storage, shards=shards, scale=scale, options=options or (), submit=submit)
    if not submit:
        print(text, end="")
        return
    say(text)
    database = locate(study, storage, scale=scale)
    databases = f"{database.with_suffix('')}.shard-*-of-{shards}/*.sqlite"
    say(f"next, when all tasks have ended: {shell_command('hpstudy', 'merge', databases)}")


def confirm(
    study: AnyStudy,
    storage: Storage = None,
    scale: Scale = None,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", min=1, help="Fresh seeds per point; can be raised later. Default: as in the study file, or 5."),
    ] = None,
    incumbents: Annotated[
        bool, typer.Option("--incumbents", help="Train every incumbent of a search: each trial better than all before it.")
    ] = False,
    workers: Workers = None,
    executor: Executor = "processes",
    address: Address = None,
    scheduler_file: SchedulerFile = None,
    allow_changed_code: AllowCode = False,
    allow_mixed: AllowMixed = False,
    observer: Observers = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Train each search's best point again on fresh seeds. Includes each view's default point; finished trainings are kept."""
    summary = hpstudy.confirm(
        study,
        storage,
        scale=scale,
        seeds=seeds,
        incumbents=incumbents,
        workers=workers,
        executor=executor,
        address=address,
        scheduler_file=scheduler_file,
        allow_changed_code=allow_changed_code,
        allow_mixed=allow_mixed,
        progress=hpstudy.progress_for(verbose=verbose, quiet=quiet),
        observers=observer or (),
    )
    _finish(summary, quiet, again="confirm")


def _say_valid(name: str, loaded: LoadedStudy) -> None:
    from hpstudy.study.sample_size import too_few_replicates

    say(f"{name}: valid. {_size(loaded.study)}")
    if not loaded.searcher.lists_points and (note := too_few_replicates(loaded.study)):
        say(f"  {note}")


def _size(study: Study) -> str:
    from hpstudy.store import Counts, planned_counts
    from hpstudy.study.controls import arms

    sizes = {"view": len(study.views), "replicate": study.replicates, "trial": study.search.trials}
    factors = " x ".join(f"{size} {name}{'s' if size != 1 else ''}" for name, size in sizes.items())
    named, others = arms(study), [block.searcher for block in study.search.others]
    counts, added = planned_counts(study), dict[str, int]()
    for key, count in counts.items():
        arm = named[key.view]
        if arm.listed:
            kind = "confirmations"
        elif arm.searcher in others:
            kind = f"the other searchers ({', '.join(others)})"
        else:
            kind = f"the controls ({', '.join(study.controls)})"
        if key.view not in study.views:
            added[kind] = added.get(kind, 0) + count.planned
    more = "".join(f" + {count:,} of {what}" for what, count in added.items() if count)
    return f"{factors}{more} = {Counts.total(counts.values()).planned_text} trials"


def _finish(summary: RunSummary, quiet: bool, again: str = "resume") -> None:
    from hpstudy.engine.slurm import KEPT_IN

    kept = os.environ.get(KEPT_IN)
    no_value, storage = summary.counts.no_value, Path(kept, summary.storage.name) if kept else summary.storage
    if not quiet:
        say(summary.sentence())
        if summary.failure is not None:
            say(summary.failure.sentence())
        if kept:
            pass  # the job says what is next
        elif summary.complete and summary.shard is not None:
            shards = storage.with_name(storage.name.replace(f".shard-{summary.shard.index}-of-", ".shard-*-of-"))
            say(f"next, when all shards are complete: {shell_command('hpstudy', 'merge', shards)}")
        elif summary.complete and not no_value:
            say(f"next: {shell_command('hpstudy', 'report', storage)}")
        elif not summary.complete:
            say(f"to continue: {shell_command('hpstudy', again, storage)}")
    if summary.interrupted:
        raise typer.Exit(130)
    if not summary.complete:
        raise typer.Exit(3)
    if no_value:
        raise StudyBroken(
            no_value,
            f"`{shell_command('hpstudy', 'trials', storage)}` lists them. Check the function's metric and the ranges of the views. "
            "If you change the code, `hpstudy run` starts the study over.",
        )
