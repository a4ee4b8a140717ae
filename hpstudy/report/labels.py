"""How figures and tables name a view."""

from __future__ import annotations

from hpstudy.analysis.results import Results
from hpstudy.report import style

LONGEST = 28
"""Letters of a label in a figure; a longer one would take the room of the data."""

SHORTEST = 14
"""Letters of a name where several stand side by side, or at the edge of a figure."""


def label(results: Results, view: str, longest: int = LONGEST) -> str:
    """The view's label in legends; its name where it has none, or where the figures' font lacks a letter of it."""
    return style.plain(cut(results.study.views[view].label or view, longest), cut(view, longest))


def name(view: str) -> str:
    """The view's name in a figure where room is scarce."""
    return style.plain(cut(view, SHORTEST))


def cut(text: str, longest: int) -> str:
    """`text`, or as much of it as `longest` letters hold."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def long_name(results: Results, view: str) -> str:
    """The view's name, with its label where it has one."""
    text = results.study.views[view].label
    return f"{view} ({text})" if text and text != view else view
