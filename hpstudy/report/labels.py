"""How figures and tables name a view."""

from __future__ import annotations

from hpstudy.analysis.results import Results

LONGEST = 28
"""Letters of a label in a figure; a longer one would take the room of the data."""

SHORTEST = 14
"""Letters of a name where several stand side by side, or at the edge of a figure."""


def cut(text: str, longest: int) -> str:
    """`text`, or as much of it as `longest` letters hold."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def long_name(results: Results, view: str) -> str:
    """The view's name, with its label where it has one."""
    text = results.study.views[view].label
    return f"{view} ({text})" if text and text != view else view
