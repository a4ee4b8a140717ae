"""Commands on studies: validate, plan, run, resume, confirm, schema, list, init."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpstudy.cli.output import Format, print_rows, say
from hpstudy.errors import HpstudyError, UsageError, nearest

if TYPE_CHECKING:
    from hpstudy.engine.run import RunSummary
    from hpstudy.study.schema import Study

Scale = Annotated[
    str | None, typer.Option("--scale", help="Apply one of the study's `scales`, such as small; the study is then NAME-SCALE.")
]
StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="A study file (YAML).")]
Storage = Annotated[
    Path | None,
    typer.Option(
        "--storage",
        envvar="HPSTUDY_STORAGE",
        help="The study's database, or a folder for databases. Default: runs/NAME.sqlite",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("-j", "--workers", min=1, help="Worker processes, each with one thread. Default: the physical cores."),
]
Executor = Annotated[str, typer.Option("--executor", help="Where steps run (`hpstudy list executors`).")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", min=0.001, help="Seconds per trial; stands for limits.timeout_s of the study.")
]
AllowCode = Annotated[
    bool,
    typer.Option(
        "--allow-changed-code", help="Go on although your function's source file changed. Recorded, and shown in the report."
    ),
]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Print a line for every trial.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")]


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the command line."""
    for command in (run, resume, confirm, validate, plan, init, schema, list_):
        app.command(name=command.__name__.rstrip("_"))(command)


def validate(study: Annotated[list[Path], typer.Argument(metavar="STUDY...", help="Study files (YAML).")]) -> None:
    """Check study files without running them, at all their scales; all mistakes at once, each with file and line."""
    from hpstudy.loading.load import read_study

    failed: HpstudyError | None = None
    for path in study:
        try:
            loaded = read_study(path)
        except HpstudyError as error:
            say(str(error))
            failed = error
            continue
        say(f"{path}: valid. {_size(loaded.study)}")
        for scale in loaded.scales:
            try:
                say(f"{path} --scale {scale}: valid. {_size(read_study(path, scale).study)}")
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
        bool, typer.Option("--pilot", help="Time one trial of every view: at its default point, in a sweep at its first one.")
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
) -> None:
    """Show what a run would do: searches, trials, work left, and the time it takes (from finished trials, or from a pilot)."""
    from hpstudy import api

    planned = api.plan(study, storage, scale=scale, workers=workers, pilot=pilot)
    print_rows(planned.rows(), form)
    if form is Format.table:
        say(_size(planned.study))
        say(f"database: {planned.storage}{'' if planned.storage.exists() else ' (not there yet)'}")
        say(planned.sentence())
        if confirmation := planned.confirmation_sentence():
            say(confirmation)


def run(
    study: StudyFile,
    storage: Storage = None,
    scale: Scale = None,
    workers: Workers = None,
    executor: Executor = "processes",
    timeout: Timeout = None,
    allow_changed_code: AllowCode = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Run a study, or what is left of it. Safe to interrupt and to repeat: finished trials are never run again."""
    from hpstudy import api
    from hpstudy.engine.progress import progress_for

    summary = api.run(
        study,
        storage=storage,
        scale=scale,
        workers=workers,
        executor=executor,
        timeout_s=timeout,
        allow_changed_code=allow_changed_code,
        progress=progress_for(verbose=verbose, quiet=quiet),
    )
    _finish(summary, quiet)


def resume(
    storage: Annotated[Path, typer.Argument(metavar="DATABASE", help="The database of a study, for instance runs/audio.sqlite.")],
    workers: Workers = None,
    executor: Executor = "processes",
    allow_changed_code: AllowCode = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Continue a study from its database alone, with no study file at hand."""
    from hpstudy import api
    from hpstudy.engine.progress import progress_for

    summary = api.resume(
        storage,
        workers=workers,
        executor=executor,
        allow_changed_code=allow_changed_code,
        progress=progress_for(verbose=verbose, quiet=quiet),
    )
    _finish(summary, quiet)


def confirm(
    study: Annotated[
        Path, typer.Argument(metavar="STUDY", help="A study's database, its study file, or its name (then runs/NAME.sqlite).")
    ],
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds", min=1, help="Fresh seeds of every point; a larger number adds. Default: those of the study, or 5."
        ),
    ] = None,
    storage: Storage = None,
    scale: Scale = None,
    workers: Workers = None,
    executor: Executor = "processes",
    allow_changed_code: AllowCode = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Train what every search chose, and the default points, again on fresh seeds. Safe to interrupt and to repeat."""
    from hpstudy import api
    from hpstudy.engine.progress import progress_for

    summary = api.confirm(
        study,
        storage,
        scale=scale,
        seeds=seeds,
        workers=workers,
        executor=executor,
        allow_changed_code=allow_changed_code,
        progress=progress_for(verbose=verbose, quiet=quiet),
    )
    _finish(summary, quiet, again=f"hpstudy confirm {summary.storage}")


def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put them; made if it is not there.")]) -> None:
    """Copy the shipped studies and configs into a folder, to run and to change."""
    from hpstudy.study.shipped import copy_shipped

    copied = copy_shipped(folder)
    say(f"{len(copied)} files in {folder}. Next: cd {folder} && hpstudy run studies/quick.yaml")


def schema(
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")] = None,
) -> None:
    """Print the JSON Schema of study files, for editors that complete and check YAML."""
    import json

    from hpstudy.loading.jsonschema import study_schema

    text = json.dumps(study_schema(), indent=2, ensure_ascii=False)
    if output is None:
        print(text)
    else:
        try:
            output.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{output} cannot be written: {error.strerror}", "choose another --output") from None


KINDS = ("tasks", "methods", "networks", "searchers", "executors", "data", "studies")


def list_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of: {', '.join(KINDS)}.")],
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
) -> None:
    """List what a study file can name."""
    from hpstudy.bnn.methods import METHODS
    from hpstudy.bnn.networks import NETWORKS
    from hpstudy.data import DATASETS
    from hpstudy.engine.executors import EXECUTORS
    from hpstudy.search import SEARCHERS
    from hpstudy.study.shipped import shipped_studies
    from hpstudy.tasks import TASKS

    tables = {
        "tasks": TASKS,
        "methods": METHODS,
        "networks": NETWORKS,
        "searchers": SEARCHERS,
        "executors": EXECUTORS,
        "data": DATASETS,
    }
    if kind == "studies":
        print_rows([{"study": str(path), "question": question} for path, question in shipped_studies()], form)
    elif kind in tables:
        table = tables[kind]
        print_rows([{table.kind: name, "description": table[name].description} for name in table], form)
        if form is Format.table:
            say(f"\nto add one: {table.extend}")
    else:
        raise UsageError(f"nothing is listed as '{kind}': {nearest(kind, KINDS)}")


def _size(study: Study) -> str:
    from hpstudy.study.controls import arms
    from hpstudy.study.plan import Plan

    sizes = {"view": len(study.views), "replicate": study.replicates, "trial": study.search.trials}
    factors = " x ".join(f"{size} {name}{'s' if size != 1 else ''}" for name, size in sizes.items())
    trials = {key: count for key, count in Plan(study).planned().items() if key.view not in study.views}
    added = {
        f"the controls ({', '.join(study.controls)})": sum(n for key, n in trials.items() if not arms(study)[key.view].listed),
        "confirmations": sum(n for key, n in trials.items() if arms(study)[key.view].listed),
    }
    more = "".join(f" + {count:,} of {what}" for what, count in added.items() if count)
    return f"{factors}{more} = {Plan(study).trials:,} trials"


def _finish(summary: RunSummary, quiet: bool, again: str = "") -> None:
    if not quiet:
        say(summary.sentence())
        if summary.complete:
            say(f"next: hpstudy report {summary.storage}")
        else:
            say(f"to continue: {again or f'hpstudy resume {summary.storage}'}")
    if summary.interrupted:
        raise typer.Exit(130)
    if not summary.complete:
        raise typer.Exit(3)
