"""A command line with placeholders. It is split into arguments first and values are inserted afterwards, so values need no quoting."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from string import Formatter

from hpstudy.study.parameters import Value

SEED, CHECKPOINT = "seed", "checkpoint"
SPREADS = {"arguments": "--{}={}", "overrides": "{}={}"}
"""Placeholders that become an argument for each hyperparameter: `--name=value`, and `name=value` as Hydra reads it."""

RESERVED = (SEED, CHECKPOINT, *SPREADS)
"""Placeholders that are not hyperparameters."""

Part = tuple[str, str | None]
"""A literal text and the placeholder after it."""


class Template:
    """The arguments of a command.

    Args:
        command: in the syntax of a POSIX shell: quotes and backslashes, but no variables, pipes or patterns.

    Attributes:
        names: its placeholders, in order.

    Raises:
        ValueError: the command is empty, a quote or brace is not closed, or a placeholder has a format.
    """

    def __init__(self, command: str) -> None:
        self._arguments = [parts_of(argument) for argument in shlex.split(command)]
        if not self._arguments:
            raise ValueError("the command is empty: write a program and its arguments")
        self.names = names_of(part for parts in self._arguments for part in parts)
        for parts in self._arguments:
            for name in names_of(parts):
                if name in SPREADS and parts != [("", name)]:
                    raise ValueError(f"{{{name}}} becomes several arguments: put spaces around it")

    @property
    def constants(self) -> list[str]:
        """The arguments without placeholders, the program included if it has none."""
        return ["".join(text for text, _ in parts) for parts in self._arguments if not names_of(parts)]

    def fill(self, values: Mapping[str, Value], reserved: Mapping[str, str]) -> list[str]:
        """The arguments.

        Args:
            values: values of the hyperparameters.
            reserved: values of the seed and the checkpoint.
        """
        texts = {name: as_argument(value) for name, value in values.items()} | dict(reserved)
        arguments = []
        for parts in self._arguments:
            if (spread := SPREADS.get(parts[0][1] or "")) is not None:
                arguments += [spread.format(name, as_argument(value)) for name, value in values.items()]
            else:
                arguments.append(substituted(parts, texts))
        return arguments


def parts_of(text: str) -> list[Part]:
    """Split a text with placeholders into parts; `{{` and `}}` are literal braces. Raises ValueError."""
    parts: list[Part] = []
    for literal, name, form, conversion in Formatter().parse(text):
        if form or conversion:
            raise ValueError(f"{{{name}}} must be a name alone, without a format; write {{{{ and }}}} for braces")
        if name is not None and not name.strip():
            raise ValueError("{} needs a name, such as {seed}; write {{ and }} for braces")
        parts.append((literal, name))
    return parts or [("", None)]


def names_of(parts: Iterable[Part]) -> list[str]:
    """The distinct placeholders in the parts, in order."""
    return list(dict.fromkeys(name for _, name in parts if name is not None))


def substituted(parts: list[Part], values: Mapping[str, str]) -> str:
    """The text of the parts."""
    return "".join(literal + (values[name] if name is not None else "") for literal, name in parts)


def as_argument(value: Value) -> str:
    """A value as an argument: the shortest text that reads back as the same number; true and false in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)
