"""Names of views in figures and tables."""

from __future__ import annotations

from hpstudy.analysis.results import Results

LONGEST = 36
"""Maximum number of characters of a label in a legend; a longer one would reduce the space for the data."""

ROW_LABEL = 24
"""Maximum number of characters of a label at the edge of a figure, or in one of its lines."""

SHORTEST = 20
"""Maximum number of characters of a name at the edge of a figure."""


def cut(text: str, longest: int) -> str:
    """`text`, truncated to `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def long_name(results: Results, view: str) -> str:
    """The view's name, with its label if it has one."""
    text = results.study.views[view].label
    return f"{view} ({text})" if text and text != view else view
