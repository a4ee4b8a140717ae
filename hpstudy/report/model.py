"""The elements of a report, independent of the output format: sections of paragraphs, tables, figures and facts.

A chapter (`hpstudy.report.chapters`) converts results to sections. A printer (`hpstudy.report.pdf`, `hpstudy.report.html`) converts
sections to a file. All text is literal: it is never interpreted as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from hpstudy.report.charts.model import Chart


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text.

    Attributes:
        text: the text.
        strong: whether it is bold, as an answer.
    """

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes:
        caption: content of the table.
        head: cells of the head row.
        rows: cells of the other rows.
        left: number of leading columns that are left-aligned; the others hold numbers.
        note: explanation of the table; "" for none.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1
    note: str = ""


def grouped(rows: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Rows of a table with the first cell empty if it equals that of the row above."""
    groups = groupby(rows, key=itemgetter(0))
    return tuple(("" if position else name, *row[1:]) for name, group in groups for position, row in enumerate(group))


@dataclass(frozen=True)
class Facts:
    """A list of names and values.

    Attributes:
        rows: (name, value) pairs.
    """

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Code:
    """Text to copy, in a monospace font: a citation, a command."""

    text: str


@dataclass(frozen=True)
class References:
    """A list of references.

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
        blocks: its content, in order.
        level: 1, or 2 for a subsection of the preceding section.
    """

    title: str
    blocks: tuple[Block, ...]
    level: int = 1


def section(title: str, *blocks: Block, level: int = 1) -> Iterator[Section]:
    """The section of the blocks, without tables that have no rows; nothing if no block remains."""
    shown = tuple(block for block in blocks if not isinstance(block, Table) or block.rows)
    if shown:
        yield Section(title, shown, level)
