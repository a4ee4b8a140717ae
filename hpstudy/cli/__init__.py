"""The command line: parse, call, print.

Data goes to stdout, progress and messages to stderr. Each command imports what it needs when it runs, so that `--help`,
`validate`, `plan` and `status` start fast.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from hpstudy.cli import data, importing, live, power, results, setup, studies
from hpstudy.cli.output import fail, say
from hpstudy.cli.quoting import quoting_hint
from hpstudy.cli.streams import guarded_streams
from hpstudy.errors import HpstudyError, UsageError


class GroupedCommands(TyperGroup):
    """A command list in sections (`rich_help_panel`), with the full first sentence of each command."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the sections."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            sections.setdefault(command.rich_help_panel, []).append((name, command.get_short_help_str(formatter.width)))
        for title, commands in sections.items():
            with formatter.section(title):
                formatter.write_dl(commands)


WRONG_ARGUMENTS = 2
"""Exit code of typer for arguments and options that it does not accept."""

Command = Callable[..., None] | typer.Typer
"""A command, or a group of commands."""

app = typer.Typer(
    name="hpstudy",
    cls=GroupedCommands,
    help="Hyperparameter-tuning studies: how hard is A to tune compared with B, at the same trial budget?",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
SECTIONS: dict[str, list[Command]] = {
    "Run a study": [
        *(studies.validate, studies.plan, studies.run, studies.resume, studies.merge, studies.slurm, studies.confirm),
        importing.app,
    ],
    "Results": [
        *(results.status, results.trials, results.best, results.report, results.plot, results.export, results.bundle),
        *(results.open_bundle, live.serve, power.power),
    ],
    "Set up": [setup.init, setup.list_, setup.schema, setup.db, data.app],
}
"""All commands, by section of the help text."""

NAMES: dict[Command, str] = {
    results.open_bundle: "open",
    setup.list_: "list",
    importing.app: "import",
    setup.db: "db",
    data.app: "data",
}
"""Names of groups, and of commands that are not those of their functions."""

for section, commands in SECTIONS.items():
    for command in commands:
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=NAMES[command], rich_help_panel=section)
        else:
            app.command(NAMES.get(command), rich_help_panel=section)(command)


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        print(f"hpstudy {version('hpstudy')}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


def main() -> NoReturn:
    """Run the command line. A user error becomes one message on stderr and its exit code."""
    ends = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    with guarded_streams():
        for number in ends:
            # By default these signals end the process at once, and temporary files of unfinished writes would remain.
            signal.signal(number, _end)
        _run(ends)
        sys.exit(0)


def _check_current_folder() -> None:
    try:
        Path.cwd()
    except OSError:
        raise UsageError("the current folder does not exist", "enter another folder: cd FOLDER") from None


def _run(ends: Sequence[int]) -> None:
    """Run the command, then restore the default handlers of SIGINT and the signals `ends`."""
    try:
        try:
            _check_current_folder()
            app()
        finally:
            # Nothing is being written now, and Python would print the traceback of an exception raised by a handler during shutdown.
            for number in (signal.SIGINT, *ends):
                signal.signal(number, signal.SIG_DFL)
            sys.stdout.flush()
    except HpstudyError as error:
        if _signals:  # its SystemExit was caught like one of a user's module that was being imported
            sys.exit(128 + _signals[-1])
        error.hint = quoting_hint(sys.argv[1:], str(error)) or error.hint
        fail(error)
    except SystemExit as end:
        if end.code == WRONG_ARGUMENTS and (hint := quoting_hint(sys.argv[1:], None)):
            say(f"  hint: {hint}")
        raise
    except KeyboardInterrupt:
        sys.exit(130)


_signals: list[int] = []
"""Signals that ended the command."""


def _end(number: int, _: FrameType | None) -> NoReturn:
    _signals.append(number)
    sys.exit(128 + number)
