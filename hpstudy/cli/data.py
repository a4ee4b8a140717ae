"""Commands on data sets: list, fetch, import, verify, path."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpstudy.cli.output import Format, print_rows, say

app = typer.Typer(help="Data sets: list, fetch, import, verify.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A data set of `hpstudy data list`.")]


@app.command("list")
def list_(form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table) -> None:
    """Which data sets there are, and which of them are on this machine."""
    from hpstudy.data import library

    statuses = library.list_sets()
    if form is not Format.table:
        print_rows([status.as_dict() for status in statuses], form)
        return
    print_rows([{key: value for key, value in status.as_dict().items() if key != "notes"} for status in statuses])
    for status in statuses:
        if status.notes:
            say(f"\n{status.name}: {'; '.join(status.notes)}")


@app.command()
def fetch(name: Name) -> None:
    """Get a data set from its public address, or build it where it is made here."""
    from hpstudy.data import library

    say(f"{name}: {library.fetch(name)}")


@app.command("import")
def import_(
    name: Name,
    source: Annotated[Path, typer.Option("--from", help="The folder or archive that holds the original files.")],
) -> None:
    """Take a data set from a folder or an archive that you have."""
    from hpstudy.data import library

    say(f"{name}: {library.import_set(name, source)}")


@app.command()
def verify(name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this set.")] = None) -> None:
    """Check every file of the data sets on this machine against its checksum."""
    from hpstudy.data import library

    names = [name] if name else [status.name for status in library.list_sets() if status.present]
    problems = [f"{each}: {problem}" for each in names for problem in library.verify(each)]
    for problem in problems:
        print(problem)
    if problems:
        raise typer.Exit(1)
    say(f"{', '.join(names) or 'no data set'}: every checksum matches")


@app.command()
def path(name: Name) -> None:
    """Print where a data set lies."""
    from hpstudy.data import library

    print(library.path(name))
