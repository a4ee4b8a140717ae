"""Commands on results: status, trials, best, export, report, db."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hpstudy.cli.output import Format, print_rows, say
from hpstudy.errors import UsageError, nearest

Database = Annotated[
    Path, typer.Argument(metavar="STUDY", help="A study's database, its study file, or its name (then runs/NAME.sqlite).")
]
Form = Annotated[Format, typer.Option("--format", help="How to print.")]

db = typer.Typer(help="Look after a study's database.", no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the command line."""
    for command in (status, trials, best, export, report):
        app.command()(command)
    app.add_typer(db, name="db")


def status(study: Database, form: Form = Format.table) -> None:
    """How far a study is: trials by view and state, the best value so far, and who is running it."""
    from hpstudy.api import open_reader

    with open_reader(study) as reader:
        rows = [
            {"view": view, "planned": counts.planned, **counts.by_state(), "best": reader.best_value(view)}
            for view, counts in reader.counts().items()
        ]
        print_rows(rows, form)
        if form is Format.table:
            done = sum(counts.done for counts in reader.counts().values())
            planned = sum(counts.planned for counts in reader.counts().values())
            say(f"\n{reader.study.name}: {done:,} of {planned:,} trials done. {_owner(reader)}")
            say(f"database: {reader.path}")


def _owner(reader: Any) -> str:
    owner = reader.owner()
    if owner is None:
        return "Nobody is running it."
    return f"Running on {owner.host} (process {owner.pid})." if owner.alive else "Its run has died: run or resume continues it."


def trials(
    study: Database,
    view: Annotated[str | None, typer.Option("--view", help="Only this view.")] = None,
    replicate: Annotated[int | None, typer.Option("--replicate", min=0, help="Only this replicate.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="Only trials in this state.")] = None,
    form: Form = Format.table,
) -> None:
    """List trials: point, state and objective of each."""
    from hpstudy.api import open_reader
    from hpstudy.store import STATES

    if state is not None and state not in STATES:
        raise UsageError(f"no trial state is called '{state}': {nearest(state, STATES)}")
    with open_reader(study) as reader:
        _check_view(reader.study.views, view)
        print_rows([row.as_dict() for row in reader.rows(view=view, replicate=replicate, state=state)], form)


def best(
    study: Database,
    view: Annotated[str | None, typer.Option("--view", help="Only this view.")] = None,
    form: Form = Format.table,
) -> None:
    """The best trial of every view: where it stands and its point."""
    from hpstudy.api import open_reader

    with open_reader(study) as reader:
        _check_view(reader.study.views, view)
        found = [(name, reader.best(name)) for name in reader.study.views if view in (None, name)]
        print_rows([{"view": name, **row.as_dict()} if row else {"view": name} for name, row in found], form)


def export(
    study: Database,
    form: Annotated[str, typer.Option("--format", help="csv, parquet or json.")] = "csv",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file; stdout when absent.")] = None,
    curves: Annotated[
        bool, typer.Option("--curves", help="The learning curves (metric by epoch) instead of the trials.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> None:
    """Write all trials, or all learning curves, as one table."""
    from hpstudy.api import open_reader
    from hpstudy.store import export as write

    with open_reader(study) as reader:
        text = write(reader, form, output, curves=curves, force=force)
    if text is not None:
        print(text, end="")
    else:
        say(f"written: {output}")


def report(
    study: Database,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the report, or the name of its PDF.")] = Path(
        "reports"
    ),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the report of another study.")] = False,
) -> None:
    """Write the comparison report: PDF, report.json, and the CSV behind every figure."""
    from hpstudy.api import write_report

    written = write_report(study, output, force=force)
    for path in written.files:
        print(path)
    say(written.headline)


@db.command("check")
def check(study: Database) -> None:
    """Check a database: file, structure, and that the trials in it can be what the study asked for."""
    from hpstudy.api import locate
    from hpstudy.store import check as find_problems

    path = locate(study)
    problems = find_problems(path)
    for problem in problems:
        print(problem)
    if problems:
        say(f"{path}: {len(problems)} problem{'s' if len(problems) > 1 else ''}")
        raise typer.Exit(1)
    say(f"{path}: no problems")


def _check_view(views: Any, view: str | None) -> None:
    if view is not None and view not in views:
        raise UsageError(f"this study has no view '{view}': {nearest(view, views)}")
