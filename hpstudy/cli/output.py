"""Output of commands: tables, CSV or JSON on stdout; messages and errors on stderr."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NoReturn

from hpstudy.digits import distinguishing_digits
from hpstudy.display import visible
from hpstudy.errors import HpstudyError, StudyError

DIGITS = 6
"""Significant digits of a float, unless two values of its column need more."""


class Format(StrEnum):
    """Output format of rows."""

    table = "table"
    csv = "csv"
    json = "json"


def say(message: str) -> None:
    """Print a message on stderr."""
    print(visible(message), file=sys.stderr)


def fail(error: HpstudyError) -> NoReturn:
    """Print an error and its hint, and exit with its code."""
    if isinstance(error, StudyError):
        count = len(error.problems)
        say(error.message)
        say(f"error: {count} mistake{'s' if count > 1 else ''} found")
    else:
        say(f"error: {error.message}")
    if error.hint:
        say(f"  hint: {error.hint}")
    sys.exit(error.exit_code)


def print_rows(rows: Sequence[Mapping[str, Any]], form: Format = Format.table) -> None:
    """Print rows with the same keys, in the order of the first row's keys."""
    if form is Format.json:
        # A user's module may have replaced the stream by an object that has nothing but `write`.
        escape = not (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
        print(json.dumps(list(rows), indent=2, default=str, ensure_ascii=escape))
        return
    columns = list(rows[0]) if rows else []
    if form is Format.csv:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        print(buffer.getvalue(), end="")
        return
    by_column = [column_cells([row[column] for row in rows]) for column in columns]
    cells = list(zip(*by_column, strict=True))
    widths = [max(len(column), *(len(line[i]) for line in cells)) for i, column in enumerate(columns)]
    numeric = [all(isinstance(row[column], int | float) or row[column] is None for row in rows) for column in columns]
    for line in [columns, ["-" * width for width in widths], *cells] if rows else []:
        padded = [text.rjust(w) if right else text.ljust(w) for text, w, right in zip(line, widths, numeric, strict=True)]
        print("  ".join(padded).rstrip())


def print_wrapped(label: str, text: str = "") -> None:
    """Print `label` and `text`, wrapped to the width of the terminal; further lines are indented to the end of the label."""
    indent = " " * (len(label) if text else 2)
    width, text = max(shutil.get_terminal_size().columns, 40), visible(text)
    print(textwrap.fill(text, width, initial_indent=label, subsequent_indent=indent) if text else label.rstrip())


def column_cells(values: Sequence[Any]) -> list[str]:
    """The cells of a column. Floats have enough digits to distinguish them, also inside dictionaries such as points."""
    floats: dict[str | None, list[float]] = {}
    for value in values:
        for key, item in value.items() if isinstance(value, dict) else [(None, value)]:
            if isinstance(item, float):
                floats.setdefault(key, []).append(item)
    digits = {key: distinguishing_digits(known, DIGITS) for key, known in floats.items()}
    return [
        "  ".join(f"{key}={cell(item, digits.get(key, DIGITS))}" for key, item in value.items())
        if isinstance(value, dict)
        else cell(value, digits.get(None, DIGITS))
        for value in values
    ]


def cell(value: Any, digits: int = DIGITS) -> str:
    """A value as text, on one line; floats with `digits` significant digits."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, dict):
        return "  ".join(f"{key}={cell(item, digits)}" for key, item in value.items())
    return visible(" ".join(str(value).split()))
