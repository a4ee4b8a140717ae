"""The command `serve`: a live page of studies."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

import hpstudy
from hpstudy.cli import completion
from hpstudy.cli.options import STUDY_HELP, Scale, Storage
from hpstudy.cli.output import say


def serve(
    study: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[STUDY...]",
            help=f"{STUDY_HELP} Default: all databases in the folder for databases.",
            autocompletion=completion.studies,
        ),
    ] = None,
    storage: Storage = None,
    scale: Scale = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on this machine. Default: any free one.")] = 0,
) -> None:
    """Show studies as a live page in a browser on this machine. Reads the databases and writes nothing."""
    with suppress(KeyboardInterrupt):
        hpstudy.serve(study or (), storage, scale=scale, port=port, announce=_announce)


def _announce(address: str) -> None:
    print(address, flush=True)
    say("Open this address in a browser on this machine. Ctrl-C ends the server.")
