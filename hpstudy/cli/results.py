"""Commands that show results: status, trials, best, report, plot, export."""

from __future__ import annotations

import gc
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import hpstudy
from hpstudy.cli import completion
from hpstudy.cli.options import STUDY_HELP, AnyStudy, Form, Scale, Storage, View
from hpstudy.cli.output import Format, cell, column_cells, print_rows, print_wrapped, say
from hpstudy.display import obeys_escapes
from hpstudy.errors import UsageError, nearest, shell_command
from hpstudy.metric_names import of_layer

if TYPE_CHECKING:
    from hpstudy.store import Counts, Owner


WATCH_S = 2.0
"""Seconds between two tables of `status --watch` on a terminal."""

SILENT_WATCH_S = 30.0
"""Seconds between two tables if stdout is not a terminal."""

NEW_OBJECTS = 50_000
"""Number of new objects after which Python looks for garbage while it writes a report. With Python's default, 700, a report takes 6 to 11%
more time. Without a limit, a report with many figures takes a third more memory."""


def status(
    study: AnyStudy,
    storage: Storage = None,
    scale: Scale = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every few seconds, until the study is complete.")] = False,
    form: Form = Format.table,
) -> None:
    """Show the progress of a study. For each view: trials by state and the best value so far; also who is running it."""
    if watch and form is not Format.table:
        raise UsageError("--watch prints tables only", "leave out --format or --watch")
    terminal = obeys_escapes(sys.stdout)
    while True:
        complete = _show_status(study, storage, scale, form)
        if not watch or complete:
            return
        time.sleep(WATCH_S if terminal else SILENT_WATCH_S)
        print("\x1b[2J\x1b[H" if terminal else "", flush=True)


def _show_status(study: Path, storage: Path | None, scale: str | None, form: Format) -> bool:
    """Print the status. Returns whether the study is complete."""
    from hpstudy.api.databases import check_has_run, definition, is_stored, locate
    from hpstudy.api.growth import growth_note
    from hpstudy.environments import trials_by_environment
    from hpstudy.store import Counts
    from hpstudy.study.controls import arms
    from hpstudy.study.shard import replicates_in_words

    requested = None if is_stored(study) else definition(study, scale)
    path = locate(study, storage, scale=scale) if requested is None else locate(requested, storage)
    check_has_run(study, path, storage, scale)
    with hpstudy.open(path) as reader, reader.snapshot():
        counts = reader.counts()
        searched = {name for name, arm in arms(reader.study).items() if not arm.listed}  # the best confirmation is noise
        best = {name: reader.best(name) if name in searched else None for name in counts}
        estimated = any(count.estimated for count in counts.values())
        print_rows(
            [
                {"view": view, **_columns(count, estimated), "best": trial.objective if (trial := best[view]) else None}
                for view, count in counts.items()
            ],
            form,
        )
        total = Counts.total(counts.values())
        if form is Format.table:
            progress = f"{total.finished:,} of {total.planned_text} trials done"
            say(f"\n{reader.study.name}: {progress}. {_owner_sentence(reader.owner(), not total.left, reader.path)}")
            if reader.shard is not None:
                say(
                    f"shard {reader.shard}: {replicates_in_words(reader.shard.replicates(reader.study))} of {reader.study.replicates}"
                )
            if ran_in := trials_by_environment((each.detail, each.trials) for each in reader.environments()):
                say(ran_in)
            if total.no_value:
                say(f"warning: {total.no_value}")
            if requested is not None and (note := growth_note(reader.study, requested, reader.path, study, storage, scale)):
                say(note)
            say(f"database: {reader.path}")
    return not total.left


def _columns(count: Counts, estimated: bool) -> dict[str, int]:
    """The counts of an arm, with the number of planned trials that are an estimate, if any."""
    columns = asdict(count)
    if not estimated:
        del columns["estimated"]
    return columns


def _owner_sentence(owner: Owner | None, complete: bool, database: Path) -> str:
    if owner is not None and owner.is_alive():
        return f"Running: process {owner.pid} on {owner.host}."
    if complete:
        return "Complete."
    return (
        "Not running"
        + ("; the last run ended unexpectedly." if owner is not None else ".")
        + f" To continue: {shell_command('hpstudy', 'resume', database)}"
    )


def trials(
    study: AnyStudy,
    storage: Storage = None,
    scale: Scale = None,
    view: View = None,
    replicate: Annotated[int | None, typer.Option("--replicate", min=0, help="Only this replicate.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="Only trials in this state.")] = None,
    form: Form = Format.table,
) -> None:
    """List trials in the order of their searches. Prints the state, objective and point of each."""
    from hpstudy.store import STATES
    from hpstudy.study.controls import arms

    if state is not None and state not in STATES:
        raise UsageError(f"unknown trial state '{state}': {nearest(state, STATES)}")
    with hpstudy.open(study, storage, scale=scale) as reader, reader.snapshot():
        _check_view(arms(reader.study), view)
        if replicate is not None and replicate >= reader.study.replicates:
            raise UsageError(
                f"this study has no replicate {replicate}: the last of its {reader.study.replicates} is {reader.study.replicates - 1}"
            )
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
        if not rows:
            say("No such trial yet.")


def best(study: AnyStudy, storage: Storage = None, scale: Scale = None, view: View = None, form: Form = Format.table) -> None:
    """Show the best trial of each view. Prints its number, hyperparameters and metrics (csv and json: also of single layers)."""
    from hpstudy.store.attributes import attribute_text
    from hpstudy.study.plan import SearchKey

    with hpstudy.open(study, storage, scale=scale) as reader, reader.snapshot():
        _check_view(reader.study.views, view)
        metric, names = reader.study.metric.name, [view] if view else list(reader.study.views)
        trials = [trial for name in names if (trial := reader.best(name))]
        enqueued = {name: len(block.enqueue) for name, block in reader.study.views.items()}
        attributes = [reader.trial_attributes(SearchKey(trial.view, trial.replicate), trial.number) for trial in trials]
        imported = reader.imported()
    if form is not Format.table:
        others = [{"attributes": each} if any(attributes) else {} for each in attributes]
        print_rows([{**asdict(trial), **other} for trial, other in zip(trials, others, strict=True)], form)
    values, points = column_cells([trial.objective for trial in trials]), column_cells([trial.point for trial in trials])
    metrics = column_cells([{n: value for n, value in trial.metrics.items() if of_layer(n) is None} for trial in trials])
    rows = zip(trials, values, points, metrics, attributes, strict=True) if form is Format.table else ()
    for trial, value, point, measured, other in rows:
        is_imported = trial.number < imported.get(SearchKey(trial.view, trial.replicate), 0)
        origin = ", imported" if is_imported else ", enqueued" if trial.number < enqueued[trial.view] else ""
        print_wrapped(f"{trial.view}: {metric} {value} (replicate {trial.replicate}, trial {trial.number}{origin})")
        print_wrapped("  hyperparameters: ", point)
        print_wrapped("  metrics: ", measured)
        if other:
            print_wrapped("  attributes: ", cell({name: attribute_text(value) for name, value in other.items()}))
    if not trials:
        say("No trial has completed yet.")


def export(
    study: AnyStudy,
    storage: Storage = None,
    scale: Scale = None,
    form: Annotated[str | None, typer.Option("--format", help="csv, parquet or json. Default: csv.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The file to write. Default: stdout.")] = None,
    curves: Annotated[
        bool,
        typer.Option("--curves", help="Write the learning curves (a row per trial, metric and epoch) instead of the trials."),
    ] = False,
    optuna: Annotated[
        Path | None,
        typer.Option(
            "--optuna", metavar="FILE", help="Write an Optuna storage instead, for optuna-dashboard: one Optuna study per view."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing output file.")] = False,
) -> None:
    """Write all trials or learning curves as one table. With --optuna: as an Optuna storage."""
    if optuna is not None:
        if output is not None or curves or form is not None:
            raise UsageError(
                "--optuna writes its own file, which includes the learning curves", "leave out --output, --curves and --format"
            )
        from hpstudy.store.optuna_export import export_optuna

        with hpstudy.open(study, storage, scale=scale) as reader:
            names = export_optuna(reader, optuna, force=force)
        view = shell_command("optuna-dashboard", f"sqlite:///{optuna}")
        say(f"written: {optuna} (studies {', '.join(names)}). View it: {view}")
        return
    text = hpstudy.export(
        study, output, storage=storage, format="csv" if form is None else form, curves=curves, scale=scale, force=force
    )
    if text is not None:
        print(text, end="")
    else:
        say(f"written: {output}")


def report(
    study: Annotated[
        list[Path], typer.Argument(metavar="STUDY...", help=f"{STUDY_HELP} Several studies give one report that compares them.")
    ],
    storage: Storage = None,
    scale: Scale = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the report, or the name of the document (.pdf or .html).")
    ] = Path("reports"),
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="pdf (default), html (one interactive page that works offline) or latex (for a paper). Repeat it for several.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the report of another study.")] = False,
) -> None:
    """Write the report of a study. Writes a PDF or an interactive page, a JSON file, and a CSV file for each figure."""
    gc.set_threshold(NEW_OBJECTS)
    written = hpstudy.write_report(study, output, storage=storage, formats=formats, scale=scale, force=force)
    for path in written.files:
        print(path)
    for path in written.outdated:
        say(f"{path} is from an earlier report; `--format {path.suffix.removeprefix('.')}` writes it again")
    say(written.headline)


def plot(
    study: AnyStudy,
    figure: Annotated[
        str | None,
        typer.Argument(
            metavar="[FIGURE]", help="Name of a figure. Without it, the names are listed.", autocompletion=completion.figures
        ),
    ] = None,
    storage: Storage = None,
    scale: Scale = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The file to write; its suffix selects the format (.pdf, .svg, .png, .pgf)."),
    ] = None,
    width: Annotated[
        float | None, typer.Option("--width", help="Width in inches, such as 3.3 for a column of a paper. Default: 6.5.")
    ] = None,
) -> None:
    """Save one figure of the report, or list the figures."""
    from hpstudy.api.figures import check_order

    if figure is None:
        if output is not None:
            raise UsageError(
                "--output needs the name of a figure", f"`{shell_command('hpstudy', 'plot', study)}` lists the figures"
            )
        for name in hpstudy.figure_names(study, storage, scale=scale):
            print(name)
        return
    check_order(str(study), figure, storage)
    if output is None:
        raise UsageError("a figure needs an output file", f"add -o {figure}.pdf (or .svg, .png, .pgf)")
    print(hpstudy.plot_figure(study, figure, output, storage=storage, scale=scale, width=width))


def bundle(
    study: AnyStudy,
    storage: Storage = None,
    scale: Scale = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The zip file to write. Default: NAME.zip.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write database, code and report as one zip file with checksums."""
    written = hpstudy.bundle(study, output, storage=storage, scale=scale, force=force)
    for name in written.missing:
        say(f"not in the bundle, because it is not the file that ran: {name}")
    print(written.path)


def open_bundle(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A zip file of `hpstudy bundle`.")],
    folder: Annotated[Path | None, typer.Argument(help="A new or empty folder. Default: the bundle's name.")] = None,
) -> None:
    """Verify the checksums of a bundle and unpack it."""
    print(hpstudy.open_bundle(bundle, folder))


def _check_view(views: Any, view: str | None) -> None:
    if view is not None and view not in views:
        raise UsageError(f"this study has no view '{view}': {nearest(view, views)}")
