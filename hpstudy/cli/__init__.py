"""The command line: parse, call, print; nothing else.

Data goes to stdout, progress and messages to stderr. Each command imports what it needs when it runs, so that `--help`,
`validate`, `plan` and `status` start fast.
"""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from hpstudy.cli import data, power, results, studies
from hpstudy.cli.output import fail
from hpstudy.errors import HpstudyError

app = typer.Typer(
    name="hpstudy",
    help="Hyperparameter-tuning studies: how hard is A to tune compared with B, at the same trial budget?",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
studies.add_to(app)
results.add_to(app)
power.add_to(app)
app.add_typer(data.app, name="data")


def _print_version(asked: bool) -> None:
    if asked:
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
    """Run the command line; every user error becomes one message on stderr and its exit code."""
    try:
        app()
    except HpstudyError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone (`hpstudy trials ... | head`): nothing is wrong, and nothing more can be said.
        sys.stderr.close()
        sys.exit(0)
    sys.exit(0)
