"""Commands for setup and checks: init, list, schema, db check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import hpstudy
from hpstudy.catalog import KINDS, parts, registry
from hpstudy.cli.options import AnyStudy, Form, Scale, Storage
from hpstudy.cli.output import Format, print_rows, say
from hpstudy.errors import UsageError, nearest, shell_command
from hpstudy.study.templates import TEMPLATES, write_template

db = typer.Typer(help="Check a study's database.", no_args_is_help=True, rich_markup_mode=None)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; created if it does not exist.")],
    template: Annotated[
        str | None,
        typer.Option(
            "--template",
            metavar="NAME",
            help="Instead: a small study to edit, of a function, a script, an Optuna objective or a binary network: "
            "function, script, optuna or bnn.",
            autocompletion=lambda: list(TEMPLATES),
        ),
    ] = None,
) -> None:
    """Copy the shipped studies and configs into a folder. With --template: write a study to edit."""
    if template is not None:
        written = write_template(template, folder)
        for path in written:
            say(f"written: {path}")
        if not written:
            say(f"{folder} has these files already")
        say(f"Next: {_enter(folder)}hpstudy validate my_study.yaml && hpstudy run my_study.yaml")
        return
    from hpstudy.study.shipped import copy_shipped

    copied = copy_shipped(folder)
    say(f"Copied {len(copied)} files to {folder}. Next: {_enter(folder)}hpstudy run studies/quick.yaml")


def _enter(folder: Path) -> str:
    """The beginning of a shell command that enters a folder; "" for the current folder."""
    return "" if folder == Path() else f"{shell_command('cd', folder)} && "


def schema(
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")] = None,
) -> None:
    """Print the JSON Schema of study files. Editors use it to complete and check YAML."""
    import json

    from hpstudy.drafts import write_file
    from hpstudy.loading.jsonschema import study_schema

    text = json.dumps(study_schema(), indent=2, ensure_ascii=False)
    if output is None:
        print(text)
    else:
        write_file(output, text + "\n")


def list_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of: {', '.join((*KINDS, 'studies'))}.")] = "",
    form: Form = Format.table,
) -> None:
    """List the names that a study file or a command can use."""
    if kind == "studies":
        from hpstudy.study.shipped import shipped_studies

        print_rows([{"study": str(path), "question": question} for path, question in shipped_studies()], form)
        return
    if kind not in KINDS:
        said = f"unknown kind '{kind}'" if kind else "no kind is given"
        raise UsageError(f"{said}: {nearest(kind, (*KINDS, 'studies'))}", "for instance `hpstudy list searchers`")
    table = registry(kind)
    print_rows([{table.kind: name, "description": text} for name, text in parts(kind).items()], form)
    if form is Format.table:
        say(f"\nTo add your own: {table.extend}.")


@db.command("check")
def check(study: AnyStudy, storage: Storage = None, scale: Scale = None) -> None:
    """Check the file, its structure, and that its trials fit the study."""
    from hpstudy.api.databases import locate

    problems = hpstudy.check(study, storage, scale=scale)
    for problem in problems:
        print(problem)
    path = locate(study, storage, scale=scale)
    if problems:
        say(f"{path}: {len(problems)} problem{'s' if len(problems) > 1 else ''}")
        raise typer.Exit(1)
    say(f"{path}: no problems")
    with hpstudy.open(path) as reader:
        say(f"digest of the contents: {reader.content_digest()}")
        if note := reader.seal_note():
            say(note)
