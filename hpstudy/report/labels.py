"""Names of views in figures and tables."""

from __future__ import annotations

from hpstudy.analysis.results import Results

LONGEST = 36
"""Maximum number of characters of a label in a legend; a longer one would reduce the space for the data."""

ROW_LABEL = 24
"""Maximum number of characters in one of the lines of a label at the edge of a figure."""

SHORTEST = 20
"""Maximum number of characters of a name along the vertical axis of a figure."""


def cut(text: str, longest: int) -> str:
    """`text`, shortened to `longest` characters in its middle: names that begin alike often differ at the end."""
    if len(text) <= longest:
        return text
    end = (longest - 1) // 2
    return f"{text[: longest - 1 - end]}…{text[len(text) - end :]}"


def long_name(results: Results, view: str) -> str:
    """The view's name, with its label if it has one."""
    text = results.study.views[view].label
    return f"{view} ({text})" if text and text != view else view
