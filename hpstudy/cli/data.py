"""Commands on data sets: list, fetch, import, verify, path."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated

import typer

from hpstudy.cli.options import Form
from hpstudy.cli.output import Format, print_rows, say
from hpstudy.display import obeys_escapes
from hpstudy.modules import module_path

if TYPE_CHECKING:
    from hpstudy.data.dataset import Progress

app = typer.Typer(help="Manage data sets: list, fetch, import, verify.", no_args_is_help=True, rich_markup_mode=None)

NOTE_CHARACTERS = 160
"""Maximum length of the notes on a data set below the table. A synthesized one can list dozens of voices."""

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A name from `hpstudy data list`, or my_module:MySet in the current folder.")
]


@app.callback()
def _top(context: typer.Context) -> None:
    context.with_resource(module_path(str(Path.cwd())))


@contextmanager
def _bar() -> Iterator[Progress]:
    """A progress bar if stderr is a terminal, otherwise nothing."""
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True, disable=not obeys_escapes(sys.stderr)) as bar:
        task = bar.add_task("")
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=what)


@app.command("list")
def list_(form: Form = Format.table) -> None:
    """List the data sets and whether they are on this machine."""
    from hpstudy.data import library

    statuses = library.list_sets()
    if form is not Format.table:
        print_rows([status.as_dict() for status in statuses], form)
        return
    print_rows([{key: value for key, value in status.as_dict().items() if key != "notes"} for status in statuses])
    for status in statuses:
        if remark := status.problem or shorten("; ".join(status.notes), NOTE_CHARACTERS, placeholder=" ... (all: --format json)"):
            say(f"\n{status.name}: {remark}")


@app.command()
def fetch(name: Name) -> None:
    """Download a data set, or build a synthesized one."""
    from hpstudy.data import library

    with _bar() as progress:
        here = library.fetch(name, progress)
    say(f"{name}: {here}")


@app.command("import")
def import_(
    name: Name,
    source: Annotated[Path, typer.Option("--from", help="The folder or archive with the original files.")],
) -> None:
    """Import a data set from a local folder or archive."""
    from hpstudy.data import library

    with _bar() as progress:
        here = library.import_set(name, source, progress)
    say(f"{name}: {here}")


@app.command()
def verify(name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this data set.")] = None) -> None:
    """Compare the files of data sets with their checksums."""
    from hpstudy.data import library

    names = [name] if name else [status.name for status in library.list_sets() if status.present or status.problem]
    with _bar() as progress:
        problems = [f"{each}: {problem}" for each in names for problem in library.verify(each, progress)]
    for problem in problems:
        print(problem)
    if problems:
        raise typer.Exit(1)
    say(f"{', '.join(names)}: all checksums match" if names else "There are no data sets on this machine.")


@app.command()
def path(name: Name) -> None:
    """Print the folder of a data set."""
    from hpstudy.data import library

    print(library.path(name))
