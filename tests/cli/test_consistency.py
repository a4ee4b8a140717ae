"""The commands agree with each other, and what the program says about commands and options is true."""

import ast
import re
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from hpstudy.cli import app

PACKAGE = Path(__file__).parents[2] / "hpstudy"


def commands(group, prefix=()):
    """Every command of a group and of its groups, by its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*prefix, name))
        else:
            yield " ".join((*prefix, name)), command


COMMANDS = dict(commands(get_command(app)))
OPTIONS = {name: {option for parameter in command.params for option in parameter.opts} for name, command in COMMANDS.items()}
ALL_OPTIONS = {"--help", "--version"}.union(*OPTIONS.values())


def texts():
    """Every string of the package, with {} for what an f-string fills in; of docstrings only those of the command line."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        bodies = [node.body for node in ast.walk(tree) if isinstance(getattr(node, "body", None), list)]
        alone = {id(each.value) for body in bodies for each in body if isinstance(each, ast.Expr)}
        inside = {
            id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node) if part != node
        }
        for node in ast.walk(tree):
            if id(node) in inside or (id(node) in alone and path.parent.name != "cli"):
                continue
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path, node.value
            elif isinstance(node, ast.JoinedStr):
                yield path, "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)


def mentions(text):
    """(command or "", option) of every option that a text mentions: "`hpstudy run --scale x`" is ("run", "--scale")."""
    for part in re.split(r"[`;.:,(]\s|`|\(", text):
        command = re.search(rf"hpstudy ({'|'.join(sorted(COMMANDS, key=len, reverse=True))})\b", part)
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", part):
            yield command[1] if command else "", option


TEXTS = list(texts())


def test_every_option_that_a_text_mentions_is_one():
    wrong = []
    for path, text in TEXTS:
        if (path.parent.name != "cli" and text.startswith("-")) or "pip install" in text or "sbatch" in text.lower():
            continue  # an argument of another program
        for command, option in mentions(text):
            if option not in (OPTIONS[command] if command else ALL_OPTIONS):
                wrong.append((path.relative_to(PACKAGE).as_posix(), command, option, text))
    assert wrong == []


def test_the_search_for_options_finds_those_of_the_hints():
    assert {"--storage", "--output", "--force", "--timeout", "--allow-changed-code"} <= {
        option for _, text in TEXTS for _, option in mentions(text)
    }
    assert list(mentions("`hpstudy run STUDY --scale NAME` or give --force")) == [("run", "--scale"), ("", "--force")]


def test_every_command_that_a_text_mentions_is_one():
    known = {*COMMANDS, "data", "db"}
    for path, text in TEXTS:
        for words in re.findall(r"`hpstudy ([a-z]+)", text):
            assert words in known, (path, text)


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if any(p.name == "study" for p in command.params)])
def test_a_command_that_takes_a_study_takes_its_storage_and_scale(name):
    assert {"--storage", "--scale"} <= OPTIONS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_mentions_only_its_own_options(name):
    command = COMMANDS[name]
    for text in [command.help, *(getattr(parameter, "help", None) or "" for parameter in command.params)]:
        for other, option in mentions(text):
            assert option in OPTIONS[other or name], text


@pytest.mark.parametrize(
    "arguments", [(), ("data",), ("db",), ("import",), *(tuple(name.split()) for name in COMMANDS)], ids=" ".join
)
def test_help_fits_80_columns_and_no_sentence_is_cut(arguments, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = CliRunner().invoke(app, [*arguments, "--help"], terminal_width=80)
    assert done.exit_code == 0
    assert all(len(line) <= 80 for line in done.output.splitlines())
    assert not [line for line in done.output.splitlines() if line.endswith("...") and "Usage:" not in line]


def test_the_commands_are_listed_in_groups_with_one_line_each(monkeypatch):
    text = CliRunner().invoke(app, ["--help"], terminal_width=80).output
    assert re.findall(r"^(.+):$", text, flags=re.MULTILINE) == ["Options", "Run a study", "Results", "Set up"]
    for name, command in get_command(app).commands.items():
        sentence = command.help.split(". ")[0].rstrip(".") + "."
        assert re.search(rf"^  {name} +{re.escape(sentence)}$", text, flags=re.MULTILINE), name
