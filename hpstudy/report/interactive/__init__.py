"""Figures that can be hovered, zoomed and switched: one file for each kind, with the numbers of the static one.

`BUILDERS` names them like the static figures. A figure without a builder stays static.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from hpstudy.analysis.results import Results
from hpstudy.report.interactive.spec import Interactive

Builder: TypeAlias = "Callable[[Results, int], Interactive | None]"
"""Makes part number n (from 0) of a figure; None when there is nothing to draw."""

BUILDERS: Mapping[str, Builder] = {}
"""Builders by the name of the static figure; the static figure NAME_2 is part 1 of NAME."""


def interactive(name: str, results: Results) -> Interactive | None:
    """The interactive form of the figure called `name`; None when it has none."""
    found = re.fullmatch(r"(.*?)(?:_(\d+))?", name)
    assert found is not None
    base, part = found.groups()
    return BUILDERS[base](results, int(part or 1) - 1) if base in BUILDERS else None
