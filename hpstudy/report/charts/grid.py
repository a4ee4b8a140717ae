"""Layout of many panels in a grid and in several figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from hpstudy.report.charts.model import Panel

T = TypeVar("T")

TITLES = 96
"""Number of characters in title size across a figure of full width, with the space between panels."""


def title_length(columns: int) -> int:
    """Maximum number of characters of a panel's title in a figure of that many columns."""
    return TITLES // columns


def in_grid(panels: Sequence[Panel], columns: int, *, shared: bool = False) -> tuple[Panel, ...]:
    """The panels row by row; if `shared`, all have the same vertical axis, which print labels in the first column only."""
    made = []
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        y = replace(panel.y, titled=False, labelled=False) if shared and column else panel.y
        made.append(replace(panel, y=y, row=row, column=column))
    return tuple(made)


def parts(name: str, items: Sequence[T], most: int) -> Iterator[tuple[str, Sequence[T]]]:
    """Split items into figures of at most `most` items, with names; the names of several figures are numbered from 1."""
    for start in range(0, len(items), most):
        yield name + (f"_{start // most + 1}" if len(items) > most else ""), items[start : start + most]
