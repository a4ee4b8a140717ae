"""Generates the page about the command line from its parser and the table of exit codes."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from hpstudy import errors
from hpstudy.cli import app


def page() -> str:
    """The page in Markdown: the commands by section, each with its arguments and options, and the exit codes."""
    group: Any = get_command(app)
    parts: list[str] = []
    section = None
    for name, command in group.commands.items():
        if command.rich_help_panel != section:
            section = command.rich_help_panel
            parts.append(f"## {section}\n")
        parts += [described(call, each) for call, each in commands(f"hpstudy {name}", command)]
    exit_codes = (errors.__doc__ or "").partition("\n\n")[2]
    return "\n".join([*parts, "## Exit codes\n", exit_codes])


def commands(call: str, command: Any) -> Iterator[tuple[str, Any]]:
    """A command, or the commands of a group, each with its call, such as "hpstudy data fetch"."""
    if hasattr(command, "commands"):
        for name, each in command.commands.items():
            yield from commands(f"{call} {name}", each)
    else:
        yield call, command


def described(call: str, command: Any) -> str:
    """The section of one command: usage, what it does, arguments and options."""
    context = command.make_context(call, [], resilient_parsing=True)
    parameters = command.get_params(context)
    arguments = [each.metavar or each.name.upper() for each in parameters if each.param_type_name == "argument"]
    records = filter(None, (each.get_help_record(context) for each in parameters))
    lines = [f"`{declaration}`\n: {text}\n" for declaration, text in records if "--help" not in declaration]
    return "\n".join([f"### {call}\n", f"```\n{' '.join([call, '[OPTIONS]', *arguments])}\n```\n", f"{command.help}\n", *lines])
