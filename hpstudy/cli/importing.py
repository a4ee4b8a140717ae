"""Commands that import known results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import hpstudy
from hpstudy.cli import completion
from hpstudy.cli.options import AnyStudy, Scale, Storage
from hpstudy.cli.output import say

app = typer.Typer(help="Import known results.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _top() -> None: ...


@app.command()
def trials(
    study: AnyStudy,
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="A column for each hyperparameter of the view, and the metric.")
    ],
    view: Annotated[str, typer.Option("--view", help="The view of the points.", autocompletion=completion.views)],
    storage: Storage = None,
    scale: Scale = None,
    replicate: Annotated[
        int | None, typer.Option("--replicate", min=0, help="Only this replicate, from 0. Default: all.")
    ] = None,
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="I/N", help="Into the database of this shard, as in `run`.")
    ] = None,
) -> None:
    """Import known results from a CSV file. They are the first trials of a view's searches; they count, and are never trained."""
    count = hpstudy.import_trials(study, file, view, storage=storage, scale=scale, replicate=replicate, shard=shard)
    searches = "every search" if replicate is None else f"the searches of replicate {replicate}"
    say(f"{view}: {count:,} {'result' if count == 1 else 'results'} imported into {searches}")
