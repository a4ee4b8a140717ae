"""The style of figures: readable for color-blind readers, in grayscale, and at the width of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.font_manager import get_font

from hpstudy.report import tex

Dash: TypeAlias = Literal["solid", "dash", "dashdot", "dot"]
Symbol: TypeAlias = Literal[
    "circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "star", "tick-up", "tick-across"
]
"""Shapes of a marker; tick-up is "|", tick-across is "_"."""

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's palette, ordered so that neighbors also differ in grayscale."""

DASHES: tuple[Dash, ...] = ("solid", "dash", "dashdot", "dot")
SYMBOLS: tuple[Symbol, ...] = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x")

INK = "#000000"
"""Color of marks without a view; the page uses its text color instead."""

PAPER = "#ffffff"
"""Color of the background; the page uses its own background color."""

LETTERS = 104
"""Number of characters in legend size across a figure of full width."""

LETTER = 0.068
"""Width in inches of a character of a tick label."""

WIDTH = 6.5
"""Width of a figure in inches: that of the report's text."""

LEGEND_ROW = 0.17
"""Height of a row of a legend in inches."""

_SETTINGS: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],  # included in matplotlib, so figures are the same on every machine
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "svg.fonttype": "path",
    "svg.hashsalt": "hpstudy",
    "path.simplify": False,
}


@contextmanager
def applied(more: dict[Any, Any] | None = None) -> Iterator[None]:
    """Apply matplotlib's defaults with the settings of this module and `more`; the user's matplotlibrc is ignored."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({**_SETTINGS, **(more or {})})
        yield


def color(index: int) -> str:
    """Color of view number `index` of the study."""
    return COLORS[index % len(COLORS)]


def dash(index: int) -> Dash:
    """Line pattern of view number `index` of the study."""
    return DASHES[index % len(DASHES)]


def symbol(index: int) -> Symbol:
    """Marker of view number `index` of the study."""
    return SYMBOLS[index % len(SYMBOLS)]


class Look(NamedTuple):
    """Color, line pattern and marker of a line."""

    color: str
    dash: Dash
    symbol: Symbol


def look(index: int) -> Look:
    """The look of the lines of view number `index` of the study."""
    return Look(color(index), dash(index), symbol(index))


def gray(share: float) -> str:
    """A gray level from 0 (black) to 1 (white), as #rrggbb."""
    return f"#{round(255 * share):02x}" + f"{round(255 * share):02x}" * 2


def shades(count: int) -> list[str]:
    """Colors from dark to light for `count` ordered lines, without the lightest yellow, which is not visible on white paper."""
    colors = mpl.colormaps["viridis"](np.linspace(0, 0.86, max(count, 2)))[:count]
    return [mpl.colors.to_hex(tuple(color)) for color in colors]


def key_columns(names: Sequence[str], inches: float) -> int:
    """The number of columns of a panel's key below it."""
    longest = max(map(len, names), default=1)
    return max(1, min(len(names), int((inches - 0.3) / (0.055 * longest + 0.5))))


def plain(text: str, instead: str = "") -> str:
    """`text`, escaped so that matplotlib draws it literally: without math mode, and without hiding a line that starts with an underscore.

    Args:
        text: user text.
        instead: text to draw if the figures' font lacks a character of `text`.
    """
    with_tex = mpl.rcParams["text.usetex"]
    drawable = tex.is_drawable if with_tex else lambda letter: ord(letter) in _glyphs()
    if not all(letter == "\n" or drawable(letter) for letter in text):
        text = instead or "".join(letter if letter == "\n" or drawable(letter) else "?" for letter in text)
    escape = tex.text if with_tex else lambda line: (" " + line if line.startswith("_") else line).replace("$", r"\$")
    return "\n".join(map(escape, text.split("\n")))


@lru_cache
def _glyphs() -> frozenset[int]:
    """The code points of the characters in the figures' font."""
    return frozenset(get_font(font_path()).get_charmap())


def font_path() -> str:
    """The file of the figures' font, which is included in matplotlib."""
    return str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")


def letters_beside(rows: Sequence[str], room: int = LETTERS) -> int:
    """The number of characters in legend size to the right of row labels; `room` is that across the figure, by default of full width."""
    return room - max((len(line) for row in rows for line in row.split("\n")), default=0)


def legend_columns(names: Sequence[str], room: int = LETTERS) -> int:
    """The largest number of legend columns that fit into `room` characters; entries fill one column after the other."""
    lengths = [len(name) + 8 for name in names]

    def width(columns: int) -> int:
        return sum(int(max(column)) for column in np.array_split(lengths, columns))

    return next((columns for columns in range(len(names), 1, -1) if width(columns) <= room), 1)
