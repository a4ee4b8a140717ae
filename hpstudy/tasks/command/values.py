"""Reads the values that a program prints or writes: final metrics and learning curves."""

from __future__ import annotations

import csv
import io
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

AXES = ("epoch", "step")
"""Names of the axis of a curve; the first one present is used."""


class Values(ABC):
    """Collects the values of one run of a program.

    Attributes:
        final: the last values, by name.
        curves: values by epoch and metric; a later value at the same epoch replaces an earlier one.
        cut: where the values are truncated, in words; "" for complete values. A value before the truncation is not final.
    """

    missing: str
    """The reason if there are no values, as the end of a sentence."""

    def __init__(self) -> None:
        self.final: dict[str, Any] = {}
        self.curves: dict[tuple[int, str], float] = {}
        self.cut = ""

    @abstractmethod
    def take_line(self, line: str, *, is_error: bool) -> bool:
        """Read a line that the program printed. Returns whether it holds values."""

    def finish(self) -> None:
        """The program has ended."""

    def _add_to_curves(self, values: Mapping[str, Any]) -> None:
        """Store values. If one of them is an axis, the others are values of an epoch."""
        axis = next((name for name in AXES if _epoch(values.get(name)) is not None), None)
        if axis is not None:
            epoch = _epoch(values[axis])
            assert epoch is not None
            for name, value in values.items():
                if name not in AXES and isinstance(value, int | float):
                    with suppress(OverflowError):  # an integer larger than any float
                        self.curves[epoch, name] = float(value)


class JsonLines(Values):
    """Lines of standard output that are JSON objects. The last one contains the final metrics; lines with an axis give the curves."""

    missing = "no line of its standard output is a JSON object"

    def take_line(self, line: str, *, is_error: bool) -> bool:
        """Read the line if it is an object."""
        values = None if is_error else _object(line)
        if values is not None:
            self._add_to_curves(values)
            self.final = _without_axis(values)
            self.cut = ""
        elif not is_error and _begins_object(line):
            self.cut = "the last JSON line of its standard output"
        return values is not None


class Matches(Values):
    """The named groups of a regular expression in the output of the program.

    The last match of each group is its final value. Each match is a row of the curves. Its epoch is given by a group named epoch or step;
    without one, several matches are numbered from 1.
    """

    def __init__(self, pattern: re.Pattern[str]) -> None:
        super().__init__()
        self._pattern = pattern
        self._rows: list[dict[str, Any]] = []
        self.missing = f"no line that it printed matches {pattern.pattern!r}"

    def take_line(self, line: str, *, is_error: bool) -> bool:
        """Search the line."""
        before = len(self._rows)
        for match in self._pattern.finditer(line):
            row = {name: _number(text) for name, text in match.groupdict().items() if text is not None}
            self._rows.append(row)
            self.final |= _without_axis(row)
        return len(self._rows) > before

    def finish(self) -> None:
        """Make the curves of all matches."""
        counted = not set(AXES) & self._pattern.groupindex.keys()
        if counted and len(self._rows) == 1:
            return
        for number, row in enumerate(self._rows, 1):
            self._add_to_curves({"epoch": number, **row} if counted else row)


class MetricsFile(Values):
    """A file that the program writes: CSV with a header, a JSON object, or a JSON object in each line.

    The final metrics are those of the JSON object or of the last line; in CSV, the last value of each column. Rows with an axis give the
    curves.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._before = _stamp(path)
        self.missing = f"it wrote no values to {path}"

    def take_line(self, line: str, *, is_error: bool) -> bool:
        """Ignore the output, which contains no values."""
        return False

    def finish(self) -> None:
        """Read the file, unless it existed before the program ran and has not changed."""
        if _stamp(self._path) in (None, self._before):
            return
        with suppress(OSError):
            self.missing = f"{self._path} holds no values"
            text = self._path.read_text(encoding="utf-8", errors="replace")
            if self._path.suffix == ".csv":
                for cells in csv.DictReader(io.StringIO(text)):
                    self.cut = f"the last row of {self._path}" if None in cells.values() else ""
                    row = {name: _number(cell) for name, cell in cells.items() if isinstance(cell, str) and name and cell.strip()}
                    self._add_to_curves(row)
                    self.final |= _without_axis(row)
                return
            whole = _object(text)
            for values in [whole] if whole is not None else map(_object, text.splitlines()):
                if values is not None:
                    self._add_to_curves(values)
                    self.final = _without_axis(values)
            if whole is None and _begins_object(last := (text.splitlines() or [""])[-1]) and _object(last) is None:
                self.cut = f"the last line of {self._path}"


def _object(text: str) -> dict[str, Any] | None:
    """A JSON object; None for other text."""
    if not text.lstrip().startswith("{"):
        return None
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        return value if isinstance(value, dict) else None
    return None


def _begins_object(text: str) -> bool:
    """Whether a text starts like a nonempty JSON object."""
    return text.lstrip().startswith('{"')


def _number(text: str) -> float | str:
    """The number in a text; the text itself if it is not a number."""
    try:
        return float(text)
    except ValueError:
        return text.strip()


def _epoch(value: Any) -> int | None:
    """A 64-bit integer; None for anything else."""
    whole = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**63 and value == int(value)
    return int(value) if whole else None


def _without_axis(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in AXES}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """An identification of a file's current state; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
