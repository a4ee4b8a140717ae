"""Shell completion of studies, views, scales and figures. A study that cannot be read gives no completions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer

import hpstudy
from hpstudy.errors import HpstudyError

SUFFIXES = (".yaml", ".yml", ".sqlite", ".db")

Complete = Callable[[typer.Context, str], list[str]]


def _offered(names: Callable[[typer.Context, str], Iterable[str]]) -> Complete:
    """The names that begin with the typed text."""

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        try:
            return [name for name in names(context, incomplete) if name.startswith(incomplete)]
        except (HpstudyError, OSError):
            return []

    return complete


@_offered
def studies(context: typer.Context, incomplete: str) -> Iterable[str]:
    """Study files, databases and folders, and names of studies with a database."""
    from hpstudy.api.databases import default_storage

    folder, _, _ = incomplete.rpartition("/")
    for entry in sorted(Path(folder or ("/" if incomplete.startswith("/") else ".")).iterdir()):
        path = f"{folder}/{entry.name}" if "/" in incomplete else entry.name
        if entry.is_dir() and not entry.name.startswith("."):
            yield f"{path}/"
        elif entry.suffix in SUFFIXES:
            yield path
    storage = default_storage("name", context.params.get("storage")).parent
    yield from sorted(database.stem for database in storage.glob("*.sqlite"))


@_offered
def views(context: typer.Context, _: str) -> Iterable[str]:
    """The views of the study on the command line."""
    with hpstudy.open(*_study(context)) as reader:
        return list(reader.study.views)


@_offered
def scales(context: typer.Context, _: str) -> Iterable[str]:
    """The scales of the study file on the command line."""
    from hpstudy.study.include import read_source

    return read_source(Path(_study(context)[0])).scales


@_offered
def figures(context: typer.Context, _: str) -> Iterable[str]:
    """The figures of the quick analysis of the study on the command line."""
    return hpstudy.figure_names(*_study(context), thorough=False)


def _study(context: typer.Context) -> tuple[Any, Any]:
    """The study and the storage on the command line."""
    study = context.params.get("study") or context.params.get("file") or ""
    if isinstance(study, list | tuple):
        study = study[-1]
    return os.fspath(study), context.params.get("storage")
