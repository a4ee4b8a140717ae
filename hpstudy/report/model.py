"""The parts of a report, independent of the output format: sections of paragraphs, tables, figures and facts.

A chapter (`hpstudy.report.chapters`) turns results into sections; a printer (`hpstudy.report.pdf`, `hpstudy.report.html`) turns sections
into a file. All text is data: nothing in it is ever read as markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from hpstudy.report.charts.model import Chart


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text.

    Attributes:
        text: its words.
        strong: whether it is an answer, set bold.
    """

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes:
        caption: what it shows.
        head: cells of the first row.
        rows: cells of the others.
        left: how many columns, from the first, are aligned to the left; the others hold numbers.
        note: how to read it; "" for none.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1
    note: str = ""


def grouped(rows: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Rows of a table without the first cell where it is the same as in the row above."""
    groups = groupby(rows, key=itemgetter(0))
    return tuple(("" if position else name, *row[1:]) for name, group in groups for position, row in enumerate(group))


@dataclass(frozen=True)
class Facts:
    """Names and values, for reference.

    Attributes:
        rows: (name, value) pairs.
    """

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Code:
    """Text to copy, set in a fixed width: a citation, a command."""

    text: str


@dataclass(frozen=True)
class References:
    """Where methods come from.

    Attributes:
        items: one publication each.
    """

    items: tuple[str, ...]


Block: TypeAlias = "Paragraph | Table | Chart | Facts | Code | References"


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        title: its heading.
        blocks: what stands in it, in order.
        level: 1, or 2 for a part of the section before it.
    """

    title: str
    blocks: tuple[Block, ...]
    level: int = 1
