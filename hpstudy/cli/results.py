"""Commands on results: status, trials, best, export, report, plot, db."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpstudy.cli.output import Format, print_rows, say
from hpstudy.errors import UsageError, nearest
from hpstudy.metric_names import of_layer

if TYPE_CHECKING:
    from hpstudy.store import Owner

Database = Annotated[
    Path, typer.Argument(metavar="STUDY", help="A study's database, its study file, or its name (then runs/NAME.sqlite).")
]
Form = Annotated[Format, typer.Option("--format", help="How to print.")]
Scale = Annotated[str | None, typer.Option("--scale", help="Of a study file: the scale that was run.")]

db = typer.Typer(help="Look after a study's database.", no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the command line."""
    for command in (status, trials, best, export, report, plot):
        app.command()(command)
    app.add_typer(db, name="db")


def status(study: Database, form: Form = Format.table) -> None:
    """How far a study is: trials by view and state, the best value so far, and who is running it."""
    from hpstudy import api
    from hpstudy.store import finished
    from hpstudy.study.controls import arms

    with api.open(study) as reader, reader.snapshot():
        counts = reader.counts()
        searched = {name for name, arm in arms(reader.study).items() if not arm.listed}  # the best confirmation is a lucky seed
        best = {name: reader.best(name) if name in searched else None for name in counts}
        print_rows(
            [
                {"view": view, **states, "best": found.objective if (found := best[view]) else None}
                for view, states in counts.items()
            ],
            form,
        )
        if form is Format.table:
            planned = sum(states["planned"] for states in counts.values())
            done = sum(map(finished, counts.values()))
            owner = reader.owner()
            say(f"\n{reader.study.name}: {done:,} of {planned:,} trials done. {_owner_sentence(owner, done == planned)}")
            say(f"database: {reader.path}")


def _owner_sentence(owner: Owner | None, complete: bool) -> str:
    if owner is not None and owner.is_alive():
        return f"Process {owner.pid} on {owner.host} is running it."
    if complete:
        return "Complete."
    return (
        "Nobody is running it"
        + ("; its last run died." if owner is not None else ".")
        + " `hpstudy run` or `resume` continues it."
    )


def trials(
    study: Database,
    view: Annotated[str | None, typer.Option("--view", help="Only this view.")] = None,
    replicate: Annotated[int | None, typer.Option("--replicate", min=0, help="Only this replicate.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="Only trials in this state.")] = None,
    form: Form = Format.table,
) -> None:
    """List trials in the order of their searches: point, state and objective of each."""
    from hpstudy import api
    from hpstudy.store import STATES
    from hpstudy.study.controls import arms

    if state is not None and state not in STATES:
        raise UsageError(f"no trial state is called '{state}': {nearest(state, STATES)}")
    with api.open(study) as reader, reader.snapshot():
        _check_view(arms(reader.study), view)
        rows = [
            {
                "view": search.view,
                "replicate": search.replicate,
                "number": row.number,
                "state": row.state,
                "objective": row.objective,
                "attempts": row.attempts,
                "point": row.point,
                **({} if reader.study.confirm is None else {"retrains": row.retrained}),
            }
            for search in reader.search_counts()
            if view in (None, search.view) and replicate in (None, search.replicate)
            for row in reader.history(search)
            if state in (None, row.state)
        ]
        print_rows(rows, form)


def best(
    study: Database,
    view: Annotated[str | None, typer.Option("--view", help="Only this view.")] = None,
    form: Form = Format.table,
) -> None:
    """The best trial of every view: where it stands, its point, and all it measured (in a table without single layers)."""
    from hpstudy import api

    with api.open(study) as reader, reader.snapshot():
        _check_view(reader.study.views, view)
        found = [trial for name in reader.study.views if view in (None, name) and (trial := reader.best(name))]
        rows = [asdict(trial) for trial in found]
        if form is Format.table:
            rows = [
                {**row, "metrics": {name: value for name, value in row["metrics"].items() if of_layer(name) is None}}
                for row in rows
            ]
        print_rows(rows, form)
        if not found:
            say("no trial has completed yet")


def export(
    study: Database,
    form: Annotated[str, typer.Option("--format", help="csv, parquet or json.")] = "csv",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file; stdout when absent.")] = None,
    curves: Annotated[
        bool, typer.Option("--curves", help="The learning curves (metric by epoch) instead of the trials.")
    ] = False,
    optuna: Annotated[
        Path | None,
        typer.Option(
            "--optuna", metavar="FILE", help="An Optuna storage instead, for optuna-dashboard: one Optuna study per view."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> None:
    """Write all trials, or all learning curves, as one table; or all trials as an Optuna storage."""
    from hpstudy import api
    from hpstudy.store import export as write

    if optuna is not None:
        if output is not None or curves:
            raise UsageError("--optuna writes its own file, with the learning curves in it", "leave out --output and --curves")
        from hpstudy.store.optuna_export import export_optuna

        with api.open(study) as reader:
            names = export_optuna(reader, optuna, force=force)
        say(f"written: {optuna} (studies {', '.join(names)}); `optuna-dashboard sqlite:///{optuna}` shows them")
        return
    with api.open(study) as reader:
        text = write(reader, form, output, curves=curves, force=force)
    if text is not None:
        print(text, end="")
    else:
        say(f"written: {output}")


def report(
    study: Annotated[
        list[Path],
        typer.Argument(
            metavar="STUDY...",
            help="A study's database, its study file, or its name (then runs/NAME.sqlite). Several give one report that compares them.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the report, or the name of its PDF or web page (.pdf, .html).")
    ] = Path("reports"),
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", help="pdf (default), or html: one interactive page that works without a network. Give it twice for both."
        ),
    ] = None,
    scale: Scale = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the report of another study.")] = False,
) -> None:
    """Write the comparison report: PDF or interactive page, report.json, and the CSV behind every figure."""
    from hpstudy.api import write_report

    written = write_report(study, output, formats=formats, scale=scale, force=force)
    for path in written.files:
        print(path)
    for path in written.outdated:
        say(f"{path} is of an earlier report: --format {path.suffix.removeprefix('.')} writes it anew")
    say(written.headline)


def plot(
    study: Database,
    figure: Annotated[
        str | None, typer.Argument(metavar="[FIGURE]", help="Name of a figure of the report; the names are listed when absent.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; its ending chooses the form: .pdf, .svg or .png.")
    ] = None,
    scale: Scale = None,
) -> None:
    """Save one figure of the report to a file."""
    from hpstudy.api import figure_names, plot_figure

    if figure is None:
        for name in figure_names(study, scale=scale):
            print(name)
        return
    if output is None:
        raise UsageError("a figure needs a file to be written to", f"add -o {figure}.pdf (or .svg, .png)")
    print(plot_figure(study, figure, output, scale=scale))


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
