"""Representations of objects: text that a terminal only shows, a line of text in Python, plain HTML tables in a notebook.

The HTML has no style and no script, so that the notebook's own style applies, dark or light.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TextIO
from unicodedata import category

MISSING = "–"
"""Shown in place of a missing number."""

MOST_DECIMALS = 6
"""A number that needs more decimals is written with significant digits."""

KEPT = "\n\t\u200b"
"""Line ends, tabs, and places where a word may break: shown although Python calls them not printable, as all spaces except " "."""


def visible(text: str) -> str:
    r"""Return a text with escapes in place of characters that cannot be shown, as texts of user code and databases can contain any.

    A terminal would obey control characters, and other marks change the direction of the text after them.

    >>> print(visible("\x1b[2Jlost"))
    \x1b[2Jlost
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in KEPT or category(letter) == "Zs" else repr(letter)[1:-1] for letter in text
    )


def obeys_escapes(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that can move its cursor. A dumb one, such as a shell in Emacs, prints lines only."""
    is_terminal = getattr(stream, "isatty", None)  # an object that replaces a stream may have nothing but `write`
    return is_terminal is not None and is_terminal() and os.environ.get("TERM") not in ("dumb", "unknown")


@dataclass(frozen=True)
class Listing:
    """A table.

    Attributes:
        caption: title of the table.
        head: title of each column.
        rows: a text for each column.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def as_html(title: str, *listings: Listing) -> str:
    """Return a title and tables as HTML. Tables without rows are omitted."""
    return f"<p>{escape(title)}</p>{''.join(_table(listing) for listing in listings if listing.rows)}"


def number(value: float) -> str:
    """Return a number with 4 significant digits."""
    return f"{value:.4g}" if math.isfinite(value) else MISSING if math.isnan(value) else str(value)


def estimate(value: float, low: float, high: float) -> str:
    """Return a value with its interval, such as "0.912 (0.904 to 0.920)", or the value alone if the interval is not finite.

    The decimals show two digits of the interval's width.
    """
    width = high - low
    if not (math.isfinite(value) and math.isfinite(width)):
        return number(value)
    decimals = 1 - math.floor(math.log10(width)) if width > 0 else MOST_DECIMALS + 1
    if decimals > MOST_DECIMALS:
        return f"{number(value)} ({number(low)} to {number(high)})"
    value, low, high = (round(each, decimals) + 0.0 for each in (value, low, high))
    return " ".join((f"{value:.{max(0, decimals)}f}", f"({low:.{max(0, decimals)}f} to {high:.{max(0, decimals)}f})"))


def _table(listing: Listing) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in listing.head)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in listing.rows)
    return f"<table><caption>{escape(listing.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def in_words(value: object) -> str:
    """A value of JSON as text, without the brackets and quotes of lists and mappings."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {in_words(item)}" for name, item in value.items())
    return ", ".join(map(in_words, value)) if isinstance(value, list | tuple) else str(value)
